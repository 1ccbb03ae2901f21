import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { BSON } from 'mongodb'
import { jsonToBson } from '../../../src/commit/sinks/json-to-bson.ts'

const SEED = { seed: 20010102 }
/** Through the bytes that a server stores, and back without the driver's convenience of rounding. */
const stored = (json: string): unknown => {
  const document = BSON.serialize({ value: jsonToBson(Buffer.from(json)) })
  return BSON.deserialize(document, { promoteLongs: true, useBigInt64: true }).value
}

describe('JSON to BSON', () => {
  it('keeps every digit of every integer', () => {
    const integer = fc.tuple(fc.constantFrom('', '-'), fc.bigInt({ min: 1n, max: 10n ** 50n }))
    fc.assert(
      fc.property(integer, ([sign, magnitude]) => {
        const text = `${sign}${magnitude}`
        assert.equal(String(stored(text)), text)
      }),
      SEED,
    )
  })

  it('keeps every finite double as a number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, noInteger: true }), (value) => {
        assert.equal(stored(JSON.stringify(value)), value)
      }),
      SEED,
    )
  })

  it('keeps everything else as JSON has it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value)
        assert.deepEqual(
          jsonToBson(Buffer.from(text)),
          JSON.parse(text, (_, each) =>
            Number.isInteger(each) && !Number.isSafeInteger(each)
              ? jsonToBson(Buffer.from(JSON.stringify(each)))
              : each,
          ),
        )
      }),
      SEED,
    )
  })

  it('keeps as text what no number of BSON holds', () => {
    assert.equal(stored('1e999'), '1e999')
    assert.equal(stored('9'.repeat(35)), '9'.repeat(35))
  })
})
