/** What peers tell when they are asked, as a script needs it. */
import { ProblemError } from '../../src/cli/client.ts'
import type { PeerProcess } from '../e2e/peers.ts'
import * as placed from '../e2e/placed.ts'

const TRIES = 3

/**
 * Asks again what could not be asked: a connection that was kept for the next request may end in the moment in which that
 * one is sent.
 */
export async function asked<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      if (tries === TRIES || error instanceof ProblemError) throw error
    }
  }
}

/** The sum of a metric over all its labels that match. */
export async function metric(peer: PeerProcess, name: string, labels = ''): Promise<number> {
  const text = await asked(async () => (await fetch(`${peer.httpAddress}/metrics`)).text())
  let sum = 0
  for (const [, found = '', value] of text.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'gm'))) {
    if (found.includes(labels)) sum += Number(value)
  }
  return sum
}

export const isPlaced = (peer: PeerProcess, members: number): Promise<boolean> =>
  asked(() => placed.isPlaced(peer, members))

/** Who has brought the most rows to sinks. */
export async function committer(peers: readonly PeerProcess[]): Promise<{ peer: PeerProcess; written: number }> {
  const written = await Promise.all(
    peers.map(async (peer) => ({ peer, written: await metric(peer, 'quorate_rows_out_total') })),
  )
  const [most] = written.sort((a, b) => b.written - a.written)
  if (most === undefined) throw new Error('there are peers')
  return most
}
