/**
 * The terms of a unit that are known here, in order and without a hole up to the present one. Terms below a snapshot are
 * dropped, except those in which the members changed: a certificate is checked under the members of its own term.
 */
import { assert } from '../errors.ts'
import type { Term } from './types.ts'

export class TermHistory {
  /** In order. */
  #terms: Term[]

  /** @param terms at least one, in order */
  constructor(terms: readonly Term[]) {
    this.#terms = [...terms]
  }

  get all(): readonly Term[] {
    return this.#terms
  }
  /** The present one. */
  get latest(): Term {
    const latest = this.#terms[this.#terms.length - 1]
    assert(latest !== undefined, 'a unit has a first term')
    return latest
  }

  get(number: number): Term | undefined {
    return this.#terms.find((term) => term.number === number)
  }

  /** A term with the members and the quorum of the one with this number; undefined when that is not known yet. */
  votersOf(number: number): Term | undefined {
    if (number > this.latest.number) return undefined
    return this.#terms.findLast((term) => term.number <= number)
  }

  /** The successor of the present term. */
  add(term: Term): void {
    assert(term.number === this.latest.number + 1, `term ${term.number} follows ${this.latest.number}`)
    this.#terms.push(term)
  }

  /**
   * What follows the present term where an operator has given up all its members: they choose no other, so it needs nobody's
   * word and is the same at every peer, whenever it hears of the order. The members before them, who handed the unit over,
   * are its members again, those that are given up as well among them; where that is all of them, it has such a successor too.
   * Undefined: nobody had the unit before.
   */
  get afterLoss(): Term | undefined {
    const { latest } = this
    const began = latest.membersOf ?? latest.number
    const last = this.#terms.findLast((term) => term.number < began && !sameMembers(term, latest))
    if (last === undefined) return undefined
    // The first of them: those after it may be forgotten at some peers.
    const after = this.#terms.findLast((term) => term.number < last.number && !sameMembers(term, last))
    const first = this.#terms.find(({ number }) => number > (after?.number ?? 0)) ?? last
    const { decision: _, dispute: __, ...kept } = latest
    const { number, view, members } = first
    return { ...kept, number: latest.number + 1, view, members, membersOf: number, forced: true }
  }

  /** Forgets terms below a number, whose decisions a snapshot holds; returns their numbers. */
  trim(below: number): number[] {
    const dropped = this.#terms.filter((term, index) => {
      const before = this.#terms[index - 1]
      return term.number < below && before !== undefined && sameVoters(term, before)
    })
    this.#terms = this.#terms.filter((term) => !dropped.includes(term))
    return dropped.map(({ number }) => number)
  }
}

const sameMembers = (a: Term, b: Term): boolean => a.members.join() === b.members.join()

const sameVoters = (a: Term, b: Term): boolean => a.write === b.write && a.forced === b.forced && sameMembers(a, b)

/** Whether terms are in order, and none after `applied` is missing up to the last one. */
export function isComplete(terms: readonly Term[], applied: number): boolean {
  const latest = terms[terms.length - 1]?.number ?? 0
  const inOrder = terms.every(({ number }, index) => index === 0 || number > (terms[index - 1]?.number ?? 0))
  return (
    latest > 0 &&
    inOrder &&
    latest >= applied &&
    terms.filter(({ number }) => number > applied).length === latest - applied
  )
}
