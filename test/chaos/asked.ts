/** What peers tell when they are asked, as a script needs it. */
import { ProblemError } from '../../src/cli/client.ts'
import type { PeerProcess } from '../e2e/peers.ts'

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

/** Whether every replica that the view wants has taken its place in the unit's term, and all of them live. */
export async function isPlaced(peer: PeerProcess, members: number): Promise<boolean> {
  const client = peer.client()
  const [ring, { units }] = await asked(() => Promise.all([client.ring(), client.status(undefined)]))
  if (ring.members.length !== members) return false
  return ring.units.every(({ unit, replicas }) => {
    const actual = units.find((status) => status.unit === unit)?.replicas ?? []
    return actual.length === replicas.length && actual.every((each) => each.alive && replicas.includes(each.peer))
  })
}
