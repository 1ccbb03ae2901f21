/**
 * The rule at an open position (design: succession): a member votes for another digest only beside M − W + 1 seals, from
 * the term that opened it, that hold no vote for the open one. That many seals leave too few members for a certificate,
 * so they are the proof that there is none. One wrong vote thus delays a cut and cannot capture it.
 */
import type { Digest } from '../ids.ts'
import type { Succession } from './succession.ts'
import { type CutContent, comparePositions, type OpenCut, type Term } from './types.ts'

/**
 * The open cut that forbids a vote for `own` in `term`; undefined when none does.
 * @param ended successions of earlier terms, whose seals are the proofs
 */
export function openBlocks(
  own: { readonly content: CutContent; readonly digest: Digest },
  term: Term,
  ended: ReadonlyMap<number, Succession>,
): OpenCut | undefined {
  return term.open.find((open) => {
    if (comparePositions(open, own.content) !== 0 || open.digest === own.digest) return false
    const succession = ended.get(open.term)
    if (succession === undefined) return true
    const { members, write } = succession.term
    let without = 0
    for (const seal of succession.seals.values()) {
      const voted = seal.votes.some((vote) => comparePositions(vote, open) === 0 && vote.digest === open.digest)
      if (!voted) without += 1
    }
    return without < members.length - write + 1
  })
}
