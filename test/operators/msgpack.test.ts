/** MessagePack against msgpackr, and against hostile bytes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { bytes, read, SEED } from './formats.ts'
import { propertyRuns } from './property-runs.ts'

const packr = new Packr({ useRecords: false, largeBigIntToFloat: false, int64AsType: 'bigint' })
const pack = (value: unknown): Uint8Array => Uint8Array.from(packr.pack(value))

describe('a MessagePack record', () => {
  it('gives the wanted fields, and what msgpackr wrote', () => {
    const record = pack({ a: 1, b: { c: 'größe', d: null }, e: [1, { f: true }], g: 1.5, h: -1 })
    assert.deepEqual(read('msgpack', record, ['a'], ['b', 'c'], ['b', 'd'], ['e'], ['g'], ['h'], ['x']), [
      1,
      'größe',
      null,
      [1, { f: true }],
      1.5,
      -1,
      undefined,
    ])
  })

  it('is what was packed, whatever that was', () => {
    const scalar = fc.oneof(
      fc.integer(),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
      fc.string({ unit: 'grapheme' }),
      fc.boolean(),
      fc.constant(null),
    )
    const value = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        scalar,
        fc.array(tie('node'), { maxLength: 4 }),
        fc.dictionary(fc.string({ minLength: 1 }), tie('node'), { maxKeys: 4, noNullPrototype: true }),
      ),
    })).node
    fc.assert(
      fc.property(value, (packed) => {
        assert.deepEqual(read('msgpack', pack(packed)), packed)
      }),
      { seed: SEED, numRuns: propertyRuns(500) },
    )
  })

  it('keeps 64-bit integers', () => {
    assert.equal(read('msgpack', pack(9007199254740993n)), 9007199254740993n)
    assert.equal(read('msgpack', bytes(0xcf, ...Array<number>(8).fill(0xff))), 18446744073709551615n)
    assert.equal(read('msgpack', bytes(0xd3, 0x80, ...Array<number>(7).fill(0))), -9223372036854775808n)
    assert.equal(read('msgpack', bytes(0xd3, ...Array<number>(8).fill(0xff))), -1)
  })

  it('has binary as base64 and timestamps as ISO 8601', () => {
    assert.equal(read('msgpack', bytes(0xc4, 2, 0xff, 0xfe)), '//4=')
    assert.equal(read('msgpack', bytes(0xd6, 0xff, 0, 0, 0, 1)), '1970-01-01T00:00:01Z')
    assert.equal(read('msgpack', pack(new Date('2001-02-03T04:05:06.789Z'))), '2001-02-03T04:05:06.789Z')
    assert.equal(
      read('msgpack', bytes(0xc7, 12, 0xff, 0, 0, 0, 5, ...Array<number>(8).fill(0xff))),
      '1969-12-31T23:59:59.000000005Z',
    )
  })

  it('is refused with a reason where it is wrong, wanted or not', () => {
    const cases: readonly (readonly [Uint8Array, string])[] = [
      [bytes(), 'QRT_RECORD_SYNTAX'],
      [bytes(0xc1), 'QRT_RECORD_SYNTAX'],
      [bytes(0x01, 0x01), 'QRT_RECORD_SYNTAX'],
      [bytes(0x81, 0xa1, 'a'), 'QRT_RECORD_SYNTAX'],
      [bytes(0xdd, 0xff, 0xff, 0xff, 0xff), 'QRT_RECORD_SYNTAX'],
      [bytes(0xdb, 0xff, 0xff, 0xff, 0xff, 'a'), 'QRT_RECORD_SYNTAX'],
      [bytes(0x81, 0x01, 0x01), 'QRT_RECORD_REFUSED'],
      [bytes(0xd4, 0x07, 0x00), 'QRT_RECORD_REFUSED'],
      [bytes(0xa1, 0xff), 'QRT_RECORD_ENCODING'],
      [bytes(0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0), 'QRT_RECORD_NUMBER'],
      [bytes(...Array<number>(100).fill(0x91), 0xc0), 'QRT_RECORD_DEPTH'],
      [bytes(...Array<number>(100_000).fill(0x91), 0xc0), 'QRT_RECORD_DEPTH'],
    ]
    for (const [record, code] of cases) {
      assert.equal(read('msgpack', record), code)
      assert.equal(read('msgpack', record, ['x', 'y']), code)
    }
  })

  it('has fields that JavaScript means something else by', () => {
    const record = bytes(0x81, 0xa9, '__proto__', 0x81, 0xa1, 'x', 1)
    assert.deepEqual(read('msgpack', record, ['__proto__', 'x'], ['x'], ['toString']), [1, undefined, undefined])
  })
})
