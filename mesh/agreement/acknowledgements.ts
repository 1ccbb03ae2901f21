/**
 * What each member says is on its disk. A result is acknowledged once W members of the term have stored it: from then on
 * a quorum read finds it, whoever fails.
 */
import type { PeerId } from '../ids.ts'
import { type CutPosition, comparePositions, type Term } from './types.ts'

export class Acknowledgements {
  readonly #storedBy = new Map<PeerId, CutPosition>()
  #acknowledged: CutPosition | undefined

  /** The last position that W members were known to hold, with everything before it. */
  get position(): CutPosition | undefined {
    return this.#acknowledged
  }

  storedBy(peer: PeerId): CutPosition | undefined {
    return this.#storedBy.get(peer)
  }

  /** Notes that a peer holds everything up to a position; true when that moves `position`. */
  note(peer: PeerId, position: CutPosition, term: Term): boolean {
    const before = this.#storedBy.get(peer)
    if (before !== undefined && comparePositions(before, position) >= 0) return false
    this.#storedBy.set(peer, position)
    const held = term.members.map((member) => this.#storedBy.get(member)).filter((stored) => stored !== undefined)
    const acknowledged = held.sort(comparePositions)[held.length - term.write]
    if (acknowledged === undefined) return false
    if (this.#acknowledged !== undefined && comparePositions(acknowledged, this.#acknowledged) <= 0) return false
    this.#acknowledged = acknowledged
    return true
  }
}
