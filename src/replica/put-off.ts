/**
 * Peers that gave what does not check: a machine that hands over other bytes than it has is asked again only after a while,
 * longer each time, so that nobody fetches a whole state from it again and again.
 */
import type { PeerId } from '../../mesh/index.ts'
import { HOST_TIMING } from '../limits.ts'

export class PutOff {
  /** One for each peer at most. */
  readonly #of = new Map<PeerId, { readonly times: number; readonly until: number }>()

  /** @param now monotonic */
  add(peer: PeerId, now: number): void {
    const times = (this.#of.get(peer)?.times ?? 0) + 1
    const waitMs = Math.min(HOST_TIMING.unsoundWaitMs * 2 ** (times - 1), HOST_TIMING.unsoundWaitMaxMs)
    this.#of.set(peer, { times, until: now + waitMs })
  }

  /** Those that are not asked now. */
  at(now: number): readonly PeerId[] {
    return [...this.#of].filter(([, { until }]) => now < until).map(([peer]) => peer)
  }
}
