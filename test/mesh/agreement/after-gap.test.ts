/** A replica goes on after a gap at once, from the base of the term, though the certificate of the base comes later. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { contentDigest } from '../../../mesh/agreement/certificate.ts'
import type { Certificate, CutContent } from '../../../mesh/agreement/types.ts'
import type { PeerId, UnitId } from '../../../mesh/index.ts'
import { agreementOf, cutOf, termOf, votedFor } from './agreements.ts'

const UNIT = 'delays-1:0:0' as UnitId
const [ADA, BO, CY] = ['a', 'b', 'c'].map((letter) => letter.repeat(32)) as [PeerId, PeerId, PeerId]

const first = cutOf(UNIT)
const second = cutOf(UNIT, { seq: 2, offset: 93, parent: contentDigest(first) })
const certificateOf = (content: CutContent): Certificate => ({ content, term: 1, signers: [] })

//   term 2: what the log had from 10 to 90 is given up, from the state after cut 1 │ ada has not seen the certificate of cut 1 yet
it('what it computes is kept, and voted for once the base is certified here too', () => {
  const base = { seq: 1, part: 0, last: true, offset: 10, digest: contentDigest(first) }
  const decision = { kind: 'gap', offset: 10, value: 90, snapshot: { seq: 1, part: 0 }, floor: null } as const
  const terms = [termOf(UNIT, [ADA, BO, CY]), termOf(UNIT, [ADA, BO, CY], { number: 2, base, decision })]
  const agreement = agreementOf(ADA, terms)
  agreement.rewound({ seq: 1, part: 0 })
  assert.deepEqual(votedFor(agreement.computed(0, second)), [])
  const told = agreement.message(1, BO, { t: 'tell', terms: [], certificates: [certificateOf(first)] })
  assert.deepEqual(votedFor(told), [2])
})

it('a cut that leaves one out is a fault all the same', () => {
  const agreement = agreementOf(ADA, [termOf(UNIT, [ADA, BO, CY])])
  assert.throws(() => agreement.computed(0, second), /cut 2\/0 of .* follows 1\/0/)
})
