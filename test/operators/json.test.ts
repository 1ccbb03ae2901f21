/** One text for each value. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FieldSet } from '../../operators/fields.ts'
import { canonicalJson, integerOf, narrow, type Value } from '../../operators/json.ts'
import { compileScanner } from '../../operators/scan.ts'
import { propertyRuns } from './property-runs.ts'

const anyValue: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<Value>(null, true, false),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.bigInt().map(narrow),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 4 }).map((fields) => new Map(fields)),
  ),
})).value

describe('canonical JSON', () => {
  it('sorts names by code unit, writes no spaces, and has one zero', () => {
    const value = new Map<string, Value>([
      ['b', -0],
      ['a', [1.5, 'ä\n', null, true]],
      ['B', 9_007_199_254_740_993n],
      ['gone', undefined],
      ['__proto__', 1e21],
    ])
    const text = '{"B":9007199254740993,"__proto__":1e+21,"a":[1.5,"ä\\n",null,true],"b":0}'
    assert.equal(canonicalJson(value), text)
  })

  it('has no form for NaN and infinities', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) assert.throws(() => canonicalJson([value]), RangeError)
  })

  it('does not depend on the order of fields', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), anyValue)), (fields) => {
        const unique = [...new Map(fields)]
        assert.equal(canonicalJson(new Map(unique)), canonicalJson(new Map(unique.toReversed())))
      }),
      { seed: 7, numRuns: propertyRuns(300) },
    )
  })

  it('reads back to a value with the same text', () => {
    const fields = new FieldSet()
    const slot = fields.slotOf([])
    const scanner = compileScanner(fields)
    fc.assert(
      fc.property(anyValue, (value) => {
        const text = canonicalJson(value)
        const slots: Value[] = []
        assert.equal(scanner.scan(Buffer.from(text), slots), undefined)
        assert.equal(canonicalJson(slots[slot]), text)
      }),
      { seed: 8, numRuns: propertyRuns(1000) },
    )
  })
})

describe('an integer', () => {
  it('is a number while that is exact, and a bigint beyond', () => {
    assert.equal(integerOf('9007199254740991'), 9_007_199_254_740_991)
    assert.equal(integerOf('-9007199254740992'), -9_007_199_254_740_992n)
    assert.ok(Object.is(integerOf('-0'), 0))
    assert.equal(narrow(-9_007_199_254_740_991n), -9_007_199_254_740_991)
    assert.equal(narrow(9_007_199_254_740_992n), 9_007_199_254_740_992n)
  })
})
