/**
 * Terms that ended and left a cut open, and the rule at an open position (design: succession): a member votes for another
 * digest only beside M − W + 1 seals, from the term that opened it, that hold no vote for the open one. That many seals
 * leave too few members for a certificate, so they are the proof that there is none. One wrong vote thus delays a cut and
 * cannot capture it.
 */
import type { Instant } from '../clock.ts'
import type { Digest, PeerId } from '../ids.ts'
import { TIMING } from '../limits.ts'
import { planted } from '../planted.ts'
import type { Succession } from './succession.ts'
import { type CutContent, comparePositions, isBehind, type OpenCut, type Term } from './types.ts'

/** What a member would vote for. */
interface Candidate {
  readonly content: CutContent
  readonly digest: Digest
}

export class EndedTerms {
  #askAt: Instant = Number.NEGATIVE_INFINITY
  readonly #successions = new Map<number, Succession>()

  add(succession: Succession): void {
    this.#successions.set(succession.term.number, succession)
  }

  /** Keeps what the present term's open cuts name. */
  keep({ open }: Term): void {
    for (const number of this.#successions.keys()) {
      if (!open.some((cut) => cut.term === number)) this.#successions.delete(number)
    }
  }

  get(number: number): Succession | undefined {
    return this.#successions.get(number)
  }

  ofScope(scope: string): Succession | undefined {
    for (const succession of this.#successions.values()) if (succession.scope === scope) return succession
    return undefined
  }

  /** The open cut that forbids a vote for `own` in `term`; undefined when none does. */
  blocks(own: Candidate, term: Term): OpenCut | undefined {
    if (planted('open-outvoted')) return undefined
    return term.open.find((open) => {
      return comparePositions(open, own.content) === 0 && open.digest !== own.digest && !this.isDisproved(open)
    })
  }

  /** Enough seals of its term are known here that hold no vote for it. */
  isDisproved(open: OpenCut): boolean {
    const succession = this.#successions.get(open.term)
    if (succession === undefined) return false
    const { members, write } = succession.term
    let without = 0
    for (const seal of succession.seals.values()) {
      const voted = seal.votes.some((vote) => comparePositions(vote, open) === 0 && vote.digest === open.digest)
      // What a member has certified is no longer among its votes: its certificate tells which digest it was.
      const certified = !isBehind(seal.frontier, open)
      if (!voted && !certified) without += 1
    }
    return without >= members.length - write + 1
  }

  /** Voters of an open cut's term whose seals are not known here. */
  unheard(open: OpenCut, present: Term): readonly PeerId[] {
    const succession = this.#successions.get(open.term)
    if (succession === undefined) return present.members
    return succession.term.members.filter((member) => !succession.seals.has(member))
  }

  /** Whose seals could lift what forbids a vote, now and then. */
  whomToAsk(
    now: Instant,
    next: Candidate | undefined,
    term: Term,
  ): { readonly witnesses: readonly PeerId[]; readonly term: number } | undefined {
    const open = now < this.#askAt || next === undefined ? undefined : this.blocks(next, term)
    if (open === undefined) return undefined
    this.#askAt = now + TIMING.askMs
    return { witnesses: this.#successions.get(open.term)?.term.members ?? term.members, term: open.term }
  }

  /**
   * The term that a peer which does not have the unit has to hear of: the present one, or one that left a cut open which keeps
   * the next one back until that peer says what it voted for. It can say so only when it has the unit.
   */
  naming(peer: PeerId, next: Candidate | undefined, term: Term): Term | undefined {
    if (term.members.includes(peer)) return term
    const open = next === undefined ? undefined : this.blocks(next, term)
    const ended = open === undefined ? undefined : this.#successions.get(open.term)
    return ended?.term.members.includes(peer) === true && !ended.seals.has(peer) ? ended.term : undefined
  }

  /** Who could still say whether an open cut was certified that forbids a vote; empty: none does. */
  keptBackBy(next: Candidate | undefined, term: Term): readonly PeerId[] {
    const open = next === undefined ? undefined : this.blocks(next, term)
    return open === undefined ? [] : this.unheard(open, term)
  }
}
