/** How votes and certificates that come in any order, or not at all, lead to the next certificate. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contentDigest } from '../../../mesh/agreement/certificate.ts'
import type { Certificate, CutContent } from '../../../mesh/agreement/types.ts'
import { GENESIS } from '../../../mesh/ids.ts'
import type { PeerId, Term, UnitId } from '../../../mesh/index.ts'
import { TIMING } from '../../../mesh/limits.ts'
import { agreementOf, cutOf, hearVote, proofOf, termOf, votedFor } from './agreements.ts'

const UNIT = 'delays-1:0:0' as UnitId
const [ADA, BO, CY] = ['a', 'b', 'c'].map((letter) => letter.repeat(32)) as [PeerId, PeerId, PeerId]
/** Nobody can be done without. */
const term: Term = termOf(UNIT, [ADA, BO, CY], { write: 3 })

const contentOf = (seq: number, parent: CutContent['parent']): CutContent =>
  cutOf(UNIT, { seq, offset: 10 * seq, parent })
const one = contentOf(1, GENESIS)
const two = contentOf(2, contentDigest(one))
const certificate: Certificate = { content: one, term: 1, signers: term.members.map(proofOf) }

/** At ada, whose replica has computed two cuts. */
function scene() {
  const agreement = agreementOf(ADA, [term])
  agreement.computed(0, one)
  agreement.computed(0, two)
  return {
    agreement,
    voted: (peer: PeerId, content: CutContent) => hearVote(agreement, 0, peer, content),
    told: () => agreement.message(0, BO, { t: 'tell', terms: [], certificates: [certificate] }),
  }
}

describe('a cut is certified', () => {
  it('when the last of its votes comes', () => {
    const { agreement, voted } = scene()
    for (const content of [one, two]) for (const peer of term.members) voted(peer, content)
    assert.equal(agreement.frontier?.seq, 2)
  })

  it('when the cut before it is, by votes that came late', () => {
    const { agreement, voted } = scene()
    for (const content of [two, one]) for (const peer of term.members) voted(peer, content)
    assert.equal(agreement.frontier?.seq, 2)
  })

  it('when the cut before it is, by a certificate that another member tells of', () => {
    const { agreement, voted, told } = scene()
    for (const peer of term.members) voted(peer, two)
    assert.equal(agreement.frontier?.seq, undefined)
    told()
    assert.equal(agreement.frontier?.seq, 2)
  })
})

describe('votes that may have been lost', () => {
  it('are said again until the cut is certified', () => {
    const { agreement } = scene()
    assert.deepEqual(votedFor(agreement.tick(TIMING.resendMs - 1)), [])
    assert.deepEqual(votedFor(agreement.tick(TIMING.resendMs)), [1, 2])
  })

  it('are said again as well when only those on an earlier cut have become a certificate', () => {
    const { agreement, told } = scene()
    told()
    assert.deepEqual(votedFor(agreement.tick(TIMING.resendMs - 1)), [])
    assert.deepEqual(votedFor(agreement.tick(TIMING.resendMs)), [2])
  })

  it('are not said again when all that was voted for is certified, and the next vote is as soon as any', () => {
    const { agreement, voted } = scene()
    for (const content of [one, two]) for (const peer of term.members) voted(peer, content)
    const silent = Array.from({ length: 100 }, (_, index) => index * TIMING.resendMs)
    for (const now of silent) assert.deepEqual(votedFor(agreement.tick(now)), [])
    const later = silent.length * TIMING.resendMs
    assert.deepEqual(votedFor(agreement.computed(later, contentOf(3, contentDigest(two)))), [3])
    assert.deepEqual(votedFor(agreement.tick(later + TIMING.resendMs)), [3])
  })
})
