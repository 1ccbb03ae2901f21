/** The form of what is hashed and signed: two peers that mean the same sign the same bytes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { canonicalText } from '../../../mesh/agreement/encoding.ts'

/** What it should be, in the fewest words. */
function twin(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(twin).join()}]`
  const fields = value as Record<string, unknown>
  const names = Object.keys(fields).filter((name) => fields[name] !== undefined)
  return `{${names
    .sort()
    .map((name) => `${JSON.stringify(name)}:${twin(fields[name])}`)
    .join()}}`
}

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false, 0, -0, 1e21, 5e-324, 0.1),
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie('value'), { maxLength: 5 }),
    // More names than are sorted by insertion, among them such that sort by code unit and not by code point.
    fc.dictionary(fc.string({ unit: 'binary', maxLength: 3 }), fc.option(tie('value'), { nil: undefined }), {
      maxKeys: 40,
    }),
  ),
})).value

describe('the canonical text of a value', () => {
  it('has its names in order and its undefined fields left out', () => {
    fc.assert(
      fc.property(plain, (value) => assert.equal(canonicalText(value), twin(value))),
      { seed: 11, numRuns: 500 },
    )
  })

  it('does not depend on the order in which names were given', () => {
    assert.equal(canonicalText({ term: 3, seq: 1, part: -0 }), canonicalText({ part: 0, seq: 1, term: 3 }))
    assert.equal(canonicalText({ b: undefined, a: [null, 'x'] }), '{"a":[null,"x"]}')
  })

  it('is none for what has no one form', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, undefined, [undefined], { a: () => 1 }]) {
      assert.throws(() => canonicalText(value), /assertion failed: a signed/)
    }
  })
})
