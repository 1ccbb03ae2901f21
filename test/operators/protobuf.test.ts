/** Protocol Buffers against protobufjs, and against hostile bytes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import type { FormatPlan } from '../../operators/index.ts'
import { QuorateError } from '../../src/errors.ts'
import { readProto } from '../../src/job/protobuf.ts'
import { bytes, read, SEED } from './formats.ts'
import { propertyRuns } from './property-runs.ts'

const plan = (text: string, message?: string): FormatPlan => ({
  kind: 'protobuf',
  framing: 'none',
  ...(message === undefined ? {} : { message }),
  schemas: [{ schema: readProto(text) }],
})

const FLIGHT = `syntax = "proto3";
package travel;
import "google/protobuf/timestamp.proto";
message Flight {
  string origin = 1;
  int64 at = 2;
  optional int32 delay = 3;
  repeated sint32 steps = 4;
  repeated string tags = 5;
  map<string, Leg> legs = 6;
  Kind kind = 7;
  oneof who { string person = 8; uint64 number = 9; }
  bytes raw = 10;
  double ratio = 11;
  float share = 12;
  bool ok = 13;
  fixed64 big = 14;
  sfixed32 small = 15;
  Flight next = 16;
  repeated Leg parts = 17;
  map<int32, uint64> counts = 18;
  google.protobuf.Timestamp time = 19;
  message Leg { string to = 1; uint32 miles = 2; }
}
enum Kind { DOMESTIC = 0; FOREIGN = 1; }
message Other { int32 a = 1; }
`

const twin = protobuf.parse(FLIGHT, new protobuf.Root(), { keepCase: true }).root
twin.addJSON(protobuf.common.get('google/protobuf/timestamp.proto')?.nested ?? {})
const type = twin.lookupType('travel.Flight')

const leg = fc.record({ to: fc.string(), miles: fc.nat(9) })
const flight = (next: fc.Arbitrary<Record<string, unknown>>): fc.Arbitrary<Record<string, unknown>> =>
  fc
    .record(
      {
        origin: fc.string({ unit: 'grapheme' }),
        at: fc.maxSafeInteger(),
        delay: fc.integer(),
        steps: fc.array(fc.integer(), { maxLength: 4 }),
        tags: fc.array(fc.string(), { maxLength: 3 }),
        legs: fc.dictionary(fc.string({ minLength: 1 }), leg, { maxKeys: 3, noNullPrototype: true }),
        kind: fc.constantFrom('DOMESTIC', 'FOREIGN'),
        raw: fc.uint8Array({ maxLength: 9 }).map((raw) => Buffer.from(raw).toString('base64')),
        ratio: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
        share: fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
        ok: fc.boolean(),
        big: fc.maxSafeNat(),
        small: fc.integer(),
        next,
        parts: fc.array(leg, { maxLength: 3 }),
        counts: fc.dictionary(fc.integer().map(String), fc.maxSafeNat(), { maxKeys: 3, noNullPrototype: true }),
      },
      { requiredKeys: [] },
    )
    .chain((value) =>
      fc
        .oneof(fc.constant({}), fc.record({ person: fc.string() }), fc.record({ number: fc.maxSafeNat() }))
        .map((who) => ({ ...value, ...who })),
    )

const EMPTY = {
  origin: '',
  at: 0,
  steps: [],
  tags: [],
  legs: {},
  kind: 'DOMESTIC',
  raw: '',
  ratio: 0,
  share: 0,
  ok: false,
  big: 0,
  small: 0,
  parts: [],
  counts: {},
}

/** With the defaults of fields that are not there. */
const filled = (value: Record<string, unknown>): Record<string, unknown> => ({
  ...EMPTY,
  ...value,
  ...(value.next === undefined ? {} : { next: filled(value.next as Record<string, unknown>) }),
})

describe('a Protobuf record', () => {
  it('is what protobufjs wrote, with the defaults of proto3', () => {
    const value = flight(flight(fc.constant({})))
    fc.assert(
      fc.property(value, (chosen) => {
        const written = JSON.parse(JSON.stringify(chosen)) as Record<string, unknown>
        const record = type.encode(type.fromObject(written)).finish()
        assert.deepEqual(read(plan(FLIGHT), record), filled(written))
        const { next, legs } = filled(written) as { next?: Record<string, unknown>; legs: unknown }
        assert.deepEqual(read(plan(FLIGHT), record, ['next', 'origin'], ['legs'], ['delay']), [
          next?.origin,
          legs,
          written.delay,
        ])
      }),
      { seed: SEED, numRuns: propertyRuns(300) },
    )
  })

  it('keeps 64-bit integers', () => {
    const numbers = plan(
      'syntax = "proto3"; message M { int64 a = 1; uint64 b = 2; sint64 c = 3; fixed64 d = 4; sfixed64 e = 5; int32 f = 6; }',
    )
    const ones = Array<number>(9).fill(0xff)
    const record = bytes(0x08, ...ones.fill(0x80), 0x01, 0x10, ...ones.fill(0xff), 0x01, 0x18, ...ones, 0x01)
    const rest = bytes(0x21, ...Array<number>(8).fill(0xff), 0x29, ...Array<number>(8).fill(0xff), 0x30, ...ones, 0x01)
    assert.deepEqual(read(numbers, Buffer.concat([record, rest])), {
      a: -9223372036854775808n,
      b: 18446744073709551615n,
      c: -9223372036854775808n,
      d: 18446744073709551615n,
      e: -1,
      f: -1,
    })
  })

  it('has times as ISO 8601 and unknown enum values as numbers', () => {
    const record = bytes(0x9a, 1, 4, 0x08, 1, 0x10, 5, 0x38, 7)
    assert.deepEqual(read(plan(FLIGHT), record, ['time'], ['kind']), ['1970-01-01T00:00:01.000000005Z', 7])
  })

  it('takes the last of a value, merges messages, and has one member of a oneof', () => {
    const merged = plan(
      'syntax = "proto3"; message M { N n = 1; int32 a = 2; oneof o { int32 x = 3; int32 y = 4; } } message N { int32 b = 1; int32 c = 2; }',
    )
    const record = bytes(0x0a, 2, 0x08, 1, 0x10, 5, 0x10, 6, 0x0a, 2, 0x10, 2, 0x18, 1, 0x20, 2)
    assert.deepEqual(read(merged, record), { n: { b: 1, c: 2 }, a: 6, y: 2 })
  })

  it('lacks what proto2 left out, and keeps what proto3 calls optional apart from its default', () => {
    const two = plan(
      'syntax = "proto2"; message M { optional int32 a = 1; required string b = 2; repeated int32 c = 3; }',
    )
    assert.deepEqual(read(two, bytes()), { c: [] })
    assert.deepEqual(
      read(plan('syntax = "proto3"; message M { optional int32 a = 1; int32 b = 2; }'), bytes(0x08, 0)),
      { a: 0, b: 0 },
    )
  })

  it('passes over fields that the schema does not know, groups among them', () => {
    const record = bytes(
      0x78,
      1,
      0x7b,
      0x08,
      1,
      0x7c,
      0x7a,
      1,
      0,
      0x7d,
      0,
      0,
      0,
      0,
      0x79,
      ...Array<number>(8).fill(0),
      0x08,
      9,
    )
    assert.deepEqual(read(plan('syntax = "proto3"; message M { int32 a = 1; }'), record), { a: 9 })
  })

  it('names schema and message where a registry frames it', () => {
    const schema = readProto(FLIGHT)
    const framed = (message?: string): FormatPlan => ({
      kind: 'protobuf',
      framing: 'registry',
      ...(message === undefined ? {} : { message }),
      schemas: [{ id: 9, schema }],
    })
    const head = [0, 0, 0, 0, 9]
    assert.deepEqual(read(framed(), bytes(...head, 0, 0x0a, 1, 'x'), ['origin']), ['x'])
    assert.deepEqual(read(framed(), bytes(...head, 2, 2, 0x08, 5)), { a: 5 })
    assert.deepEqual(read(framed(), bytes(...head, 4, 0, 0, 0x10, 5)), { to: '', miles: 5 })
    assert.equal(read(framed('travel.Flight'), bytes(...head, 2, 2, 0x08, 5)), 'QRT_RECORD_SCHEMA')
    assert.equal(read(framed(), bytes(...head, 2, 8)), 'QRT_RECORD_SCHEMA')
    assert.equal(read(framed(), bytes(0, 0, 0, 0, 8, 0)), 'QRT_RECORD_SCHEMA')
  })

  it('is refused with a reason where it is wrong, wanted or not', () => {
    const cases: readonly (readonly [Uint8Array, string])[] = [
      [bytes(0x0a, 5, 'a'), 'QRT_RECORD_SYNTAX'],
      [bytes(0x0a, 1, 0xff), 'QRT_RECORD_ENCODING'],
      [bytes(0x00), 'QRT_RECORD_SYNTAX'],
      [bytes(0x10, ...Array<number>(11).fill(0xff)), 'QRT_RECORD_SYNTAX'],
      [bytes(0x7b), 'QRT_RECORD_SYNTAX'],
      [bytes(0x7b, 0x74), 'QRT_RECORD_SYNTAX'],
      [bytes(0x82, 1, 2, 0x0a, 5), 'QRT_RECORD_SYNTAX'],
      [bytes(0x22, 2, 0xff, 0xff), 'QRT_RECORD_SYNTAX'],
      [bytes(0x59, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f), 'QRT_RECORD_NUMBER'],
      [bytes(0x9a, 1, 6, 0x10, 0x80, 0x94, 0xeb, 0xdc, 0x03), 'QRT_RECORD_SYNTAX'],
      [Buffer.alloc(200_000, 0x7b), 'QRT_RECORD_DEPTH'],
    ]
    for (const [record, code] of cases) {
      assert.equal(read(plan(FLIGHT), record), code)
      assert.equal(read(plan(FLIGHT), record, ['x', 'y']), code)
    }
    let nested = bytes()
    for (let i = 0; i < 70; i++) nested = bytes(0x82, 1, ...varint(nested.length), ...nested)
    assert.equal(read(plan(FLIGHT), nested), 'QRT_RECORD_DEPTH')
  })
})

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}

describe('a .proto file', () => {
  const refused = (text: string): string => {
    try {
      readProto(text)
      return 'taken'
    } catch (error) {
      assert.ok(error instanceof QuorateError)
      return error.message.replace('the Protobuf schema cannot be used: ', '')
    }
  }

  it('is refused with what is wrong in it', () => {
    assert.match(refused('syntax = "proto3"; message M { int32 a = ; }'), /line 1/)
    assert.match(refused('syntax = "proto3"; message M { Nothing a = 1; }'), /Nothing/)
    assert.equal(
      refused('syntax = "proto3"; import "other.proto"; message M { }'),
      'it imports "other.proto", which is not read; put its messages into the same file',
    )
    assert.equal(refused('syntax = "proto3"; enum E { A = 0; }'), 'there is no message in it')
    assert.match(refused('syntax = "proto2"; message M { optional group G = 1 { optional int32 a = 1; } }'), /group/)
    assert.equal(refused('syntax = "proto3"; message __proto__ { int32 a = 1; }'), 'there is no message in it')
  })
})
