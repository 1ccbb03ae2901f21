/** JSON at the border: no digit is lost on the way in or out. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { fromJson, toJson } from '../../src/http/json.ts'

describe('toJson', () => {
  it('writes integers as numbers up to 2^53 and as digits beyond', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (value) => {
        const safe = value >= -(2n ** 53n) + 1n && value <= 2n ** 53n - 1n
        assert.equal(toJson({ value }), safe ? `{"value":${value}}` : `{"value":"${value}"}`)
      }),
      { seed: 11 },
    )
  })
})

describe('fromJson', () => {
  it('reads every integer exactly', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (value) => {
        const [read] = fromJson(`[${value}]`) as [number | bigint]
        assert.equal(BigInt(read), value)
      }),
      { seed: 12 },
    )
  })

  it('is JSON.parse for everything else', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value)
        const parsed = JSON.parse(text)
        fc.pre(!/\d{16,}/.test(text))
        assert.deepEqual(fromJson(text), parsed)
      }),
      { seed: 13 },
    )
    assert.deepEqual(fromJson('[1e300, 1.5, -0]'), [1e300, 1.5, -0])
    assert.throws(() => fromJson('{'), SyntaxError)
  })
})
