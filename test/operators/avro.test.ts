/** Avro against avsc, and against hostile bytes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import avsc from 'avsc'
import fc from 'fast-check'
import { type FormatPlan, OperatorError } from '../../operators/index.ts'
import { bytes, read, SEED } from './formats.ts'
import { propertyRuns } from './property-runs.ts'

const avro = (schema: unknown): FormatPlan => ({
  kind: 'avro',
  framing: 'none',
  schemas: [{ schema: JSON.stringify(schema) }],
})

/** avsc with longs as bigint, as its documentation shows. */
const long = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8)
    buffer.writeBigInt64LE(value)
    return buffer
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
})

const typeOf = (schema: unknown) =>
  avsc.Type.forSchema(schema as avsc.Schema, { registry: { long }, wrapUnions: false, noAnonymousTypes: false })

const FLIGHT = {
  type: 'record',
  name: 'Flight',
  namespace: 'travel',
  fields: [
    { name: 'at', type: 'long' },
    { name: 'origin', type: 'string' },
    { name: 'delay', type: ['null', 'int'] },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'counts', type: { type: 'map', values: 'long' } },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['A', 'B'] } },
    { name: 'id', type: { type: 'fixed', name: 'Id', size: 2 } },
    { name: 'raw', type: 'bytes' },
    { name: 'ratio', type: 'double' },
    { name: 'share', type: 'float' },
    { name: 'ok', type: 'boolean' },
    { name: 'next', type: ['null', 'Flight'] },
  ],
}

const flight = (next: fc.Arbitrary<unknown>) =>
  fc.record({
    at: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    origin: fc.string({ unit: 'grapheme' }),
    delay: fc.option(fc.integer(), { nil: null }),
    tags: fc.array(fc.string(), { maxLength: 3 }),
    counts: fc.dictionary(fc.string({ minLength: 1 }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), {
      maxKeys: 3,
    }),
    kind: fc.constantFrom('A', 'B'),
    id: fc.uint8Array({ minLength: 2, maxLength: 2 }).map((id) => Buffer.from(id)),
    raw: fc.uint8Array({ maxLength: 9 }).map((raw) => Buffer.from(raw)),
    ratio: fc.double({ noNaN: true, noDefaultInfinity: true }),
    share: fc.float({ noNaN: true, noDefaultInfinity: true }),
    ok: fc.boolean(),
    next,
  })

/** A value of avsc as records have it. */
function expected(value: unknown): unknown {
  if (typeof value === 'bigint') return BigInt.asIntN(53, value) === value ? Number(value) : narrowed(value)
  if (typeof value === 'number') return value + 0
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (Array.isArray(value)) return value.map(expected)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, expected(inner)]))
}
const narrowed = (value: bigint) => (Number.isSafeInteger(Number(value)) ? Number(value) : value)

describe('an Avro record', () => {
  it('is what avsc wrote', () => {
    const type = typeOf(FLIGHT)
    const value = flight(fc.oneof(fc.constant(null), flight(fc.constant(null))))
    fc.assert(
      fc.property(value, (written) => {
        const record = type.toBuffer(written)
        assert.deepEqual(read(avro(FLIGHT), record), expected(written))
        const { next, counts } = expected(written) as Record<string, Record<string, unknown>>
        assert.deepEqual(read(avro(FLIGHT), record, ['next', 'origin'], ['counts'], ['at']), [
          next?.origin,
          counts,
          expected(written.at),
        ])
      }),
      { seed: SEED, numRuns: propertyRuns(300) },
    )
  })

  it('has decimals with all their digits', () => {
    const decimal = (scale: number) => avro({ type: 'bytes', logicalType: 'decimal', precision: 30, scale })
    const encoded = (...value: number[]) => bytes(value.length * 2, ...value)
    assert.equal(read(decimal(2), encoded(0x00, 0x96)), '1.50')
    assert.equal(read(decimal(2), encoded(0xff)), '-0.01')
    assert.equal(read(decimal(0), encoded(0x20, 0, 0, 0, 0, 0, 1)), 9007199254740993n)
    assert.equal(read(decimal(4), encoded(0x01, 0, 0, 0, 0, 0, 0, 0, 0)), '1844674407370955.1616')
    assert.equal(read(decimal(2), encoded()), 'QRT_RECORD_SYNTAX')
    assert.equal(read(decimal(2), bytes(0xd2, 0x0f, ...Array<number>(1001).fill(1))), 'QRT_RECORD_SIZE')
  })

  it('has days and instants as ISO 8601, and milliseconds as a number', () => {
    const of = (type: string, logicalType: string) => avro({ type, logicalType })
    assert.equal(read(of('int', 'date'), bytes(0x02)), '1970-01-02')
    assert.equal(read(of('int', 'date'), bytes(0x01)), '1969-12-31')
    assert.equal(read(of('long', 'timestamp-millis'), bytes(0x02)), 1)
    assert.equal(read(of('long', 'timestamp-micros'), bytes(0x02)), '1970-01-01T00:00:00.000001Z')
    assert.equal(read(of('long', 'timestamp-micros'), bytes(0x01)), '1969-12-31T23:59:59.999999Z')
    assert.equal(read(of('long', 'timestamp-nanos'), bytes(0x80, 0xa8, 0xd6, 0xb9, 0x07)), '1970-01-01T00:00:01Z')
    const far = bytes(...Array<number>(9).fill(0xfe), 0x01)
    assert.equal(read(of('long', 'timestamp-micros'), far), 'QRT_RECORD_NUMBER')
  })

  it('has a uuid of a string or of sixteen bytes', () => {
    const uuid = avro({ type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' })
    assert.equal(read(uuid, bytes(...Array.from({ length: 16 }, (_, i) => i))), '00010203-0405-0607-0809-0a0b0c0d0e0f')
  })

  it('names its schema where a registry frames it', () => {
    const framed: FormatPlan = {
      kind: 'avro',
      framing: 'registry',
      schemas: [
        { id: 1, schema: '"int"' },
        { id: 258, schema: '{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}' },
      ],
    }
    assert.equal(read(framed, bytes(0, 0, 0, 0, 1, 0x02)), 1)
    assert.deepEqual(read(framed, bytes(0, 0, 0, 1, 2, 0x02, 'x'), ['a']), ['x'])
    assert.equal(read(framed, bytes(0, 0, 0, 0, 3, 0x02)), 'QRT_RECORD_SCHEMA')
    assert.equal(read(framed, bytes(1, 0, 0, 0, 1, 0x02)), 'QRT_RECORD_SYNTAX')
    assert.equal(read(framed, bytes(0, 0, 0)), 'QRT_RECORD_SYNTAX')
  })

  it('is refused with a reason where it is wrong, wanted or not', () => {
    const nulls = { type: 'array', items: 'null' }
    const many = (...count: number[]) => bytes(...count, 0)
    const cases: readonly (readonly [unknown, Uint8Array, string])[] = [
      ['string', bytes(0x06, 'a'), 'QRT_RECORD_SYNTAX'],
      ['string', bytes(0x02, 0xff), 'QRT_RECORD_ENCODING'],
      ['string', bytes(0x01), 'QRT_RECORD_SYNTAX'],
      ['int', bytes(0x80, 0x80, 0x80, 0x80, 0x20), 'QRT_RECORD_SYNTAX'],
      ['int', bytes(0x02, 0x02), 'QRT_RECORD_SYNTAX'],
      ['long', bytes(...Array<number>(10).fill(0xff)), 'QRT_RECORD_SYNTAX'],
      ['long', bytes(...Array<number>(9).fill(0xff), 0x02), 'QRT_RECORD_SYNTAX'],
      ['boolean', bytes(2), 'QRT_RECORD_SYNTAX'],
      ['double', bytes(0, 0, 0, 0, 0, 0, 0xf8, 0x7f), 'QRT_RECORD_NUMBER'],
      [['null', 'int'], bytes(0x04), 'QRT_RECORD_SYNTAX'],
      [nulls, many(0xfe, 0xff, 0xff, 0xff, 0x0f), 'QRT_RECORD_SIZE'],
      [nulls, many(...Array<number>(9).fill(0xfe), 0x01), 'QRT_RECORD_SIZE'],
      [{ type: 'map', values: 'null' }, bytes(0xfe, 0xff, 0x0f, 0x00), 'QRT_RECORD_SYNTAX'],
      [FLIGHT, bytes(...Array<number>(500).fill(0)), 'QRT_RECORD_SYNTAX'],
    ]
    for (const [schema, record, code] of cases) {
      assert.equal(read(avro(schema), record), code)
      assert.equal(read(avro(schema), record, ['x', 'y']), code)
    }
    const list = { type: 'record', name: 'L', fields: [{ name: 'next', type: ['null', 'L'] }] }
    assert.equal(read(avro(list), bytes(...Array<number>(100_000).fill(0x02), 0)), 'QRT_RECORD_DEPTH')
    const endless = { type: 'record', name: 'E', fields: [{ name: 'e', type: 'E' }] }
    assert.equal(read(avro(endless), bytes(0)), 'QRT_RECORD_DEPTH')
  })
})

describe('an Avro schema', () => {
  const refused = (schema: unknown): string => {
    try {
      read(avro(schema), bytes(0))
    } catch (error) {
      assert.ok(error instanceof OperatorError)
      assert.equal(error.code, 'QRT_SCHEMA')
      return error.message
    }
    return 'taken'
  }

  it('is refused at the place where it is wrong', () => {
    assert.equal(refused('strin'), 'there is no type "strin" before this')
    assert.equal(refused({ type: 'record', name: 'R' }), 'a record needs "fields", a list')
    const field = (type: unknown) => ({ type: 'record', name: 'R', fields: [{ name: 'a', type }] })
    assert.equal(refused(field('X')), 'there is no type "X" before this, at /fields/0/type')
    assert.equal(
      refused(field({ type: 'fixed', name: 'F', size: -1 })),
      'a fixed needs a "size" in bytes, at most 1048576, at /fields/0/type',
    )
    assert.equal(refused(field([['int']])), 'a union cannot hold another at once, at /fields/0/type/0')
    assert.equal(
      refused(field({ type: 'record', name: 'R', fields: [] })),
      'the type "R" is defined twice, at /fields/0/type',
    )
    assert.equal(refused(7), 'expected a type, found 7')
  })

  it('finds types by name in their namespace', () => {
    const inner = { type: 'enum', name: 'b.E', symbols: ['x'] }
    const record = {
      type: 'record',
      name: 'R',
      namespace: 'a',
      fields: [
        { name: 'e', type: inner },
        { name: 'f', type: 'b.E' },
        { name: 'g', type: ['null', 'R', 'a.R'] },
      ],
    }
    assert.deepEqual(read(avro(record), bytes(0, 0, 0), ['f'], ['g']), ['x', null])
  })

  it('has bounds', () => {
    let deep: unknown = 'int'
    for (let i = 0; i < 40; i++) deep = { type: 'array', items: deep }
    assert.match(refused(deep), /^expected types nested at most 32 deep/)
    assert.match(refused(Array.from({ length: 3000 }, () => 'int')), /^expected at most 2000 types/)
  })
})
