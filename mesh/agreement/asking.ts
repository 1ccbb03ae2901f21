/**
 * Whom a unit has asked for what lies beyond its place. Everything that shows that another peer is further on leads to the
 * question, each vote and each heartbeat, and an answer holds up to a page of terms and certificates: the same question
 * goes to the same peer again only after a while, and less and less often while the answers lead no further.
 */
import type { Instant } from '../clock.ts'
import type { PeerId } from '../ids.ts'
import { TIMING } from '../limits.ts'
import type { Frontier } from './chain.ts'
import type { UnitMessage } from './messages.ts'
import { type CutPosition, comparePlaces, isBehind, nextPosition } from './types.ts'

/** Where the asking unit stands. */
export interface Place {
  readonly term: number
  readonly after: CutPosition | null
}

interface Asked {
  readonly place: Place
  readonly at: Instant
  readonly waitMs: number
}

export class Asking {
  /** The last question to each peer; peers are those of a cluster. */
  readonly #asked = new Map<PeerId, Asked>()

  /** True: the question goes out now. */
  isDue(now: Instant, to: PeerId, place: Place): boolean {
    const last = this.#asked.get(to)
    const again =
      last?.place.term === place.term && comparePlaces(last.place.after ?? undefined, place.after ?? undefined) === 0
    if (last !== undefined && again && now < last.at + last.waitMs) return false
    const waitMs = last !== undefined && again ? Math.min(2 * last.waitMs, TIMING.resendMaxMs) : TIMING.resendMs
    this.#asked.set(to, { place, at: now, waitMs })
    return true
  }

  /** A peer has the unit no more. */
  forget(peer: PeerId): void {
    this.#asked.delete(peer)
  }
}

/** An answer for exactly where this peer is that goes on later: its sender has forgotten what lies between. */
export function leavesGap(
  { asked, terms: [next], certificates: [first] }: UnitMessage & { t: 'tell' },
  term: number,
  frontier: Frontier | undefined,
): boolean {
  if (asked?.term !== term || comparePlaces(asked.after ?? undefined, frontier) !== 0) return false
  const laterTerm = next !== undefined && next.number > term + 1
  return laterTerm || (first !== undefined && isBehind(nextPosition(frontier), first.content))
}
