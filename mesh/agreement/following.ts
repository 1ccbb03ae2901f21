/**
 * Where peers stand with a unit, and what a peer does that is no member of its term. A learner asks until it has what the members have; a former member
 * answers until its successors hold what it held, and is released then.
 */
import type { Instant } from '../clock.ts'
import type { PeerId } from '../ids.ts'
import { TIMING } from '../limits.ts'
import { planted } from '../planted.ts'
import type { Random } from '../random.ts'
import { type Standing, Standings } from './standing.ts'
import { blockers } from './term.ts'
import { type CutPosition, isBehind, type Term } from './types.ts'

export class Following {
  readonly #self: PeerId
  readonly #random: Random
  readonly #standings = new Standings()
  #askAt: Instant = Number.NEGATIVE_INFINITY
  /** Peers that a term names and that do not have the unit. */
  readonly #tellAt = new Map<PeerId, Instant>()
  #released = false
  #lostSince: Instant | undefined
  /** This replica has computed all that is certified: told to others, who may wait for it. */
  caughtUpHere = false
  /** The offset that this replica cannot pass: told to others, since enough of them decide about it. */
  stuckHere: number | undefined
  /** This replica may have to read from this offset again: told to others, since nothing behind it may go. */
  neededHere: number | undefined

  constructor(self: PeerId, random: Random) {
    this.#self = self
    this.#random = random
  }

  heard(now: Instant, from: PeerId, standing: Standing): void {
    this.#standings.note(now, from, standing)
  }

  /**
   * A peer does not have the unit. The answer, now and then, is the term that names it, of which it is to be told. It may have
   * let the unit go when a view no longer wanted it there, while those who proposed the term still went by the view before.
   */
  gone(now: Instant, peer: PeerId, naming: Term | undefined): Term | undefined {
    this.#standings.forget(peer)
    if (naming === undefined || now < (this.#tellAt.get(peer) ?? now)) return undefined
    this.#tellAt.set(peer, now + TIMING.askMs)
    return naming
  }

  /** What only they spoke of is lost with them. */
  forget(lost: Iterable<PeerId>): void {
    for (const peer of lost) this.#standings.forget(peer)
  }

  standingOf(peer: PeerId): Standing | undefined {
    return this.#standings.get(peer)
  }

  /** The latest term that anybody spoke of. */
  get latestTerm(): number {
    return this.#standings.latestTerm
  }

  /** The last certified place that anybody spoke of. */
  get furthest(): CutPosition | undefined {
    return this.#standings.furthest
  }

  /** What this peer tells of itself. */
  standing(
    term: number,
    frontier: CutPosition | undefined,
    stored: CutPosition | undefined,
    votesIn: number | undefined,
  ): Standing {
    const { caughtUpHere: caughtUp, stuckHere: stuck, neededHere: needed } = this
    return { term, frontier, stored, votesIn, caughtUp, stuck, needed }
  }

  /** So many members that the others cannot certify without them are stuck, at this offset where one is given. */
  isBlocked(now: Instant, term: Term, isLost: (peer: PeerId) => boolean, at?: number): boolean {
    const offsets = [...this.stuck(now, term.members).values()].filter((offset) => at === undefined || offset === at)
    return offsets.length >= blockers(term, isLost)
  }

  /** Peers among these that cannot pass an offset, and which, by what they said lately. */
  stuck(now: Instant, peers: readonly PeerId[]): ReadonlyMap<PeerId, number> {
    const offsets = this.#standings.stuck(now, peers)
    if (this.stuckHere !== undefined && peers.includes(this.#self)) offsets.set(this.#self, this.stuckHere)
    return offsets
  }

  /** Nobody that has the unit, this peer among them, reads before this offset again; undefined: that is not known. */
  needed(now: Instant, { members }: Term): number | undefined {
    const others = this.#standings.needed(
      now,
      members.filter((member) => member !== this.#self),
    )
    const own = this.neededHere
    return others === undefined || own === undefined ? undefined : Math.min(others, own)
  }

  /** Peers among these whose replica could take part at once. */
  caughtUp(now: Instant, peers: readonly PeerId[]): readonly PeerId[] {
    const others = this.#standings.caughtUp(now, peers)
    return this.caughtUpHere && peers.includes(this.#self) ? [this.#self, ...others] : others
  }

  /** Who is no member is told nothing unasked: it asks one of those who are, now and then. */
  whomToAsk(now: Instant, term: Term): PeerId | undefined {
    if (now < this.#askAt) return undefined
    this.#askAt = now + TIMING.askMs
    const others = term.members.filter((member) => member !== this.#self)
    return others[this.#random.below(others.length)]
  }

  /** True once per term: a majority of its members hold the term and its base, and nothing that it left open is in doubt. */
  released(term: Term, own: Standing): boolean {
    const last = term.open[term.open.length - 1]
    if (this.#released || isBehind(own.frontier, last)) return false
    const installed = this.#standings.installed(term, this.#self, own) && this.#standings.settled(term, last)
    this.#released = planted('released-early') || installed
    return this.#released
  }

  /** All members of the term are given up, and for a while nobody spoke of a later one, as heartbeats of whoever has it do. */
  isAbandoned(now: Instant, term: Term, lost: ReadonlySet<PeerId>): boolean {
    const allLost = term.members.every((member) => lost.has(member))
    if (!allLost || lost.has(this.#self) || this.latestTerm > term.number) return false
    this.#lostSince ??= now
    return now - this.#lostSince > TIMING.standingMs
  }

  /** A new term. */
  restart(): void {
    this.#released = false
    this.#lostSince = undefined
    this.#tellAt.clear()
  }
}
