import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { canonicalText } from '../../mesh/index.ts'
import { sameData } from './same-data.ts'

/** Few different values, so that equal ones come up. */
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, 0, -0, 1, 'a', 'b'),
    fc.array(tie('any'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('x', 'y'), fc.oneof(tie('any'), fc.constant(undefined)), { maxKeys: 2 }),
  ),
})).any

describe('two values say the same', () => {
  it('where their canonical texts are equal, and nowhere else', () => {
    let equal = 0
    fc.assert(
      fc.property(value, value, (one, other) => {
        const same = canonicalText(one) === canonicalText(other)
        equal += same ? 1 : 0
        assert.equal(sameData(one, other), same)
        assert.ok(sameData(one, structuredClone(one)))
      }),
      { seed: 1, numRuns: 5_000 },
    )
    assert.ok(equal > 100, `only ${equal} equal pairs`)
  })
})
