/** Waits until the peers of the demo form a cluster. */
import { Client } from '../cli/client.ts'
import { QuorateError } from '../errors.ts'
import type { DemoPeers } from './peers.ts'

const POLL_MS = 25
const REQUEST_TIMEOUT_MS = 5_000

export const clientOf = (httpAddress: string, signal: AbortSignal): Client =>
  new Client({ url: httpAddress, tokenFile: undefined, timeoutMs: REQUEST_TIMEOUT_MS, signal })

/** A client of the first peer, once every peer is ready. */
export async function whenReady(peers: DemoPeers, timeoutMs: number, signal: AbortSignal): Promise<Client> {
  const deadline = performance.now() + timeoutMs
  for (const { name, httpAddress } of peers.all) {
    for (;;) {
      const response = await fetch(`${httpAddress}/readyz`, { signal })
      const { ready, reasons } = (await response.json()) as { readonly ready: boolean; readonly reasons: string[] }
      if (ready) break
      if (performance.now() > deadline) {
        throw new QuorateError('QRT_NO_CLUSTER', `peer ${name} is not ready: ${reasons.join('; ')}`)
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }
  return clientOf(peers.all[0]?.httpAddress ?? '', signal)
}
