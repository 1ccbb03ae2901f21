/**
 * What each member says is on its disk. A result is acknowledged once W members of the term have stored it while they voted
 * in it, or in an earlier one: from then on a quorum read finds it, whoever fails. What a member stores after its promise
 * does not count in that term: it hands over what it had when it was sealed, so the next term may begin without that result
 * and with other members. What the term begins with counts at once, since nobody answers a read that lacks it.
 */
import type { PeerId } from '../ids.ts'
import { type CutPosition, comparePositions, furthest, isBehind, type Term } from './types.ts'

export class Acknowledgements {
  readonly #storedBy = new Map<PeerId, CutPosition>()
  /** Of that, what a promise hands over that the peer makes in the present term. */
  readonly #handedOver = new Map<PeerId, CutPosition>()
  #term: Term
  #acknowledged: CutPosition | undefined

  constructor(term: Term) {
    this.#term = term
    this.#acknowledged = term.base
  }

  /** The last position that W members were known to hold, with everything before it. */
  get position(): CutPosition | undefined {
    return this.#acknowledged
  }

  storedBy(peer: PeerId): CutPosition | undefined {
    return this.#storedBy.get(peer)
  }

  /**
   * Notes that a peer holds everything up to a position.
   * @param votesIn the term that it votes in; undefined: it is sealed, or no member
   */
  note(peer: PeerId, position: CutPosition, votesIn: number | undefined): void {
    const stored = furthest(this.#storedBy.get(peer), position) ?? position
    this.#storedBy.set(peer, stored)
    // Whoever is further ahead may have been sealed here when it stored that; it repeats it when this peer has followed.
    if (votesIn === undefined || votesIn > this.#term.number) return
    if (!isBehind(this.#handedOver.get(peer), position)) return
    this.#handedOver.set(peer, position)
    this.#count()
  }

  /** Goes on in a later term. What counted before it and is not in its base may be known to none of its members. */
  install(term: Term): void {
    this.#term = term
    // Who is no member may let all go, and says what it has when it is one again.
    for (const peer of this.#handedOver.keys()) if (!term.members.includes(peer)) this.#handedOver.delete(peer)
    this.#acknowledged = term.base
    this.#count()
  }

  #count(): void {
    const { members, write } = this.#term
    const held = members.map((member) => this.#handedOver.get(member)).filter((stored) => stored !== undefined)
    const acknowledged = held.sort(comparePositions)[held.length - write]
    this.#acknowledged = furthest(this.#acknowledged, acknowledged)
  }
}
