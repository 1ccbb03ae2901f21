/**
 * What this replica computed beyond the frontier, and what it voted for. The rules of voting are here: once per position
 * and term, along one chain from the frontier, and at an open position for another digest only beside the proof.
 */
import type { Digest } from '../ids.ts'
import { planted } from '../planted.ts'
import { type CutContent, type CutPosition, comparePositions, isBehind } from './types.ts'

export interface Own {
  readonly content: CutContent
  readonly digest: Digest
}

const at = (position: CutPosition): string => `${position.seq}/${position.part}`

export class OwnVotes {
  /** Computed contents beyond the frontier, contiguous, in order. */
  #computed: Own[] = []
  /** Votes in this term beyond the frontier. */
  readonly #voted = new Map<string, Own>()
  /** Votes that were signed by this process, so that it can stop repeating itself. */
  readonly #issued = new Set<string>()
  /** Positions where this replica contradicted its own vote: said once. */
  readonly #contradicted = new Set<string>()

  /** @param votes of this term, from disk */
  constructor(votes: readonly Own[]) {
    for (const own of votes) this.#voted.set(at(own.content), own)
  }

  get last(): Own | undefined {
    return this.#computed[this.#computed.length - 1]
  }
  get next(): Own | undefined {
    return this.#computed[0]
  }
  get uncertified(): number {
    return this.#computed.length
  }
  /** There are votes that others may not have seen. */
  get hasVoted(): boolean {
    return this.#voted.size > 0
  }
  /** In order. */
  get voted(): readonly Own[] {
    return [...this.#voted.values()].sort((a, b) => comparePositions(a.content, b.content))
  }

  /** True, once: it contradicts what this replica voted for before. */
  add(own: Own): boolean {
    this.#computed.push(own)
    const key = at(own.content)
    const voted = this.#voted.get(key)
    if (voted === undefined || voted.digest === own.digest || this.#contradicted.has(key)) return false
    this.#contradicted.add(key)
    return true
  }

  /**
   * Votes that may leave now, in order; `fresh` ones must be durable first.
   * @param parent digest of the frontier
   * @param blocked whether an open cut forbids a vote
   */
  cast(parent: Digest, blocked: (own: Own) => boolean): { readonly own: Own; readonly fresh: boolean }[] {
    const votes: { own: Own; fresh: boolean }[] = []
    let before = parent
    for (const own of this.#computed) {
      if (own.content.parent !== before) break
      const key = at(own.content)
      const voted = this.#voted.get(key)
      if (voted !== undefined && voted.digest !== own.digest) break
      if (voted === undefined && blocked(own)) break
      before = own.digest
      if (this.#issued.has(key)) continue
      this.#issued.add(key)
      this.#voted.set(key, own)
      votes.push({ own, fresh: voted === undefined })
    }
    return votes
  }

  /** A position is certified: what this replica computed there, if it was next. Votes up to it are done with. */
  certified(position: CutPosition): Own | undefined {
    this.#contradicted.delete(at(position))
    for (const [key, { content }] of this.#voted) {
      if (comparePositions(content, position) > 0) continue
      this.#voted.delete(key)
      this.#issued.delete(key)
    }
    const own = this.#computed[0]
    if (own === undefined || comparePositions(own.content, position) !== 0) return undefined
    this.#computed.shift()
    return own
  }

  /** What was computed after a position is void. */
  rewind(position: CutPosition | undefined): void {
    if (planted('votes-forgotten')) this.term(undefined)
    this.#computed = this.#computed.filter(({ content }) => position !== undefined && !isBehind(position, content))
  }

  /** A new term: votes count from anew, and what lies beyond its decision is void. */
  term(decisionOffset: number | undefined): void {
    this.#voted.clear()
    this.#issued.clear()
    this.#contradicted.clear()
    const kept =
      decisionOffset === undefined ? -1 : this.#computed.findIndex(({ content }) => content.offset > decisionOffset)
    if (kept >= 0) this.#computed.length = kept
  }

  clear(): void {
    this.#computed = []
  }
}
