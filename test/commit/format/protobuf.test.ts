/** Rows as Protocol Buffers: protobufjs and our own reader read what the writer wrote, and what does not fit is told. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { valueEncoder } from '../../../src/commit/format/encode.ts'
import type { ProtobufRows } from '../../../src/commit/format/plan.ts'
import { parseJob } from '../../../src/job/parse.ts'
import { readProto } from '../../../src/job/protobuf.ts'
import { propertyRuns } from '../../operators/property-runs.ts'

const PROTO = `
  syntax = "proto3";
  package travel;
  import "google/protobuf/timestamp.proto";
  message Day {
    message Inner { int32 n = 1; optional string note = 2; }
    enum Grade { NONE = 0; GOOD = 1; BAD = -1; }
    double d = 1; float f = 2;
    int32 i32 = 3; int64 i64 = 4; uint32 u32 = 5; uint64 u64 = 6; sint32 s32 = 7; sint64 s64 = 8;
    fixed32 x32 = 9; fixed64 x64 = 10; sfixed32 y32 = 11; sfixed64 y64 = 12;
    bool b = 13; string s = 14; bytes raw = 15;
    optional int64 maybe = 16;
    Inner inner = 17; repeated Inner inners = 18; repeated sint64 numbers = 19; repeated string words = 20;
    map<string, int64> counts = 21; map<int32, Inner> byNumber = 22; map<bool, string> byFlag = 23;
    Grade grade = 24; repeated Grade grades = 25;
    google.protobuf.Timestamp at = 26;
    oneof either { string left = 27; int32 right = 28; }
  }
  message Second { message Third { string key = 1; } }
`
const schema = readProto(PROTO)
const format = (message = 'travel.Day', id?: number): ProtobufRows => ({
  kind: 'protobuf',
  schema,
  message,
  ...(id === undefined ? {} : { id }),
})
const encode = (value: unknown, rows: ProtobufRows = format()) =>
  Buffer.from(valueEncoder(rows, 'kafka:rows')(Buffer.from(jsonOf(value))))

/** With bigints as their digits. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }
const jsonOf = (value: unknown): string =>
  JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? rawJSON(String(part)) : part))

const root = protobuf.parse(PROTO, new protobuf.Root(), { keepCase: true }).root
root.addJSON(protobuf.common.get('google/protobuf/timestamp.proto')!.nested!)
root.resolveAll()
const Day = root.lookupType('travel.Day')
const read = (bytes: Uint8Array) =>
  Day.toObject(Day.decode(bytes), { longs: String, enums: String, bytes: String, defaults: false }) as Record<
    string,
    unknown
  >

describe('a row in Protocol Buffers', () => {
  it('has the fields that the message has, and is read by another implementation', () => {
    const row = {
      ...{ d: 1.5, f: 0.5, i32: -7, i64: 9007199254740993n, u32: 4294967295, u64: 2n ** 64n - 1n },
      ...{
        s32: -2147483648,
        s64: -(2n ** 63n),
        x32: 7,
        x64: 2n ** 63n,
        y32: -1,
        y64: -2,
        b: true,
        s: 'Zürich',
        raw: 'AAE=',
      },
      ...{ maybe: 0, inner: { n: 1, note: '' }, inners: [{ n: 2 }, {}], numbers: [1, -1, 2n ** 60n], words: ['a', ''] },
      ...{
        counts: { b: 2, a: 1 },
        byNumber: { '-1': { n: 3 } },
        byFlag: { true: 'yes' },
        grade: 'BAD',
        grades: ['GOOD', 0],
      },
      ...{ at: '2001-01-01T10:00:00.250Z', right: 0, window: { start: 'x' }, extra: [1] },
    }
    assert.deepEqual(JSON.parse(JSON.stringify(read(encode(row)))), {
      ...{ d: 1.5, f: 0.5, i32: -7, i64: '9007199254740993', u32: 4294967295, u64: '18446744073709551615' },
      ...{ s32: -2147483648, s64: '-9223372036854775808', x32: 7, x64: '9223372036854775808', y32: -1, y64: '-2' },
      ...{ b: true, s: 'Zürich', raw: 'AAE=', maybe: '0', inner: { n: 1, note: '' }, inners: [{ n: 2 }, {}] },
      ...{ numbers: ['1', '-1', '1152921504606846976'], words: ['a', ''], counts: { a: '1', b: '2' } },
      ...{ byNumber: { '-1': { n: 3 } }, byFlag: { true: 'yes' }, grade: 'BAD', grades: ['GOOD', 'NONE'] },
      ...{ at: { seconds: '978343200', nanos: 250000000 }, right: 0 },
    })
  })

  it('says to another implementation what that one would have written', () => {
    const text = fc.string({ unit: 'grapheme' })
    const rows = fc.record(
      {
        d: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
        ...{ i32: fc.integer(), u32: fc.nat(), s32: fc.integer(), s: text },
        i64: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
        b: fc.boolean(),
        inner: fc.record({ n: fc.integer(), note: text }, { requiredKeys: [] }),
        numbers: fc.array(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
        words: fc.array(text),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(rows, (row) => {
        const theirs = JSON.parse(JSON.stringify(row, (_, part) => (typeof part === 'bigint' ? String(part) : part)))
        // The other one writes what is the default of its type where it is given; that is no other message.
        const expected = Day.decode(Day.encode(Day.fromObject(theirs)).finish())
        assert.deepEqual(Day.toObject(Day.decode(encode(row)), DEFAULTS), Day.toObject(expected, DEFAULTS))
        assert.deepEqual(encode(row), encode(row))
      }),
      { seed: 20_261_126, numRuns: propertyRuns(300) },
    )
  })

  it('leaves out what is the default of its type, and keeps it where a field can be absent', () => {
    assert.deepEqual([...encode({ i32: 0, s: '', b: false, d: 0, grade: 'NONE', numbers: [], counts: {} })], [])
    assert.deepEqual([...encode({ maybe: 0 })], [0x80, 0x01, 0x00])
    assert.deepEqual([...encode({ maybe: null, inner: null, at: null })], [])
  })

  it('has the entries of a map in the order of their names, however a reader keeps them', () => {
    const entry = (key: string, value: number) => [
      0xaa,
      0x01,
      4 + key.length,
      0x0a,
      key.length,
      ...Buffer.from(key),
      0x10,
      value,
    ]
    assert.deepEqual(
      [...encode({ counts: { b: 1, 9: 2, 10: 3 } })],
      [...entry('10', 3), ...entry('9', 2), ...entry('b', 1)],
    )
  })

  it('has the id of its schema before it, and which of its messages it is, as a registry frames it', () => {
    const bare = encode({ i32: 5 })
    assert.deepEqual([...encode({ i32: 5 }, format('travel.Day', 258))], [0, 0, 0, 1, 2, 0, ...bare])
    const nested = encode({ key: 'SFO' }, format('travel.Second.Third', 1))
    // Two indexes, 1 and 0, each as a zigzag number.
    assert.deepEqual([...nested.subarray(0, 8)], [0, 0, 0, 0, 1, 4, 2, 0])
  })

  it('that does not fit is refused with what does not', () => {
    const wrong = (row: unknown, what: RegExp) =>
      assert.throws(() => encode(row), { code: 'QRT_SINK_REFUSED', message: what })
    wrong({ i32: 1.5 }, /kafka:rows: the row .* Protobuf by its schema: i32: expected int32, found 1\.5/)
    wrong({ i32: 2 ** 31 }, /i32: expected int32/)
    wrong({ u32: -1 }, /u32: expected uint32/)
    wrong({ i64: 2n ** 63n }, /i64: expected int64, found 9223372036854775808/)
    wrong({ i32: null }, /i32: expected int32, or a field that is optional, found null/)
    wrong({ d: 2n ** 53n + 1n }, /d: expected double, found 9007199254740993/)
    wrong({ f: 1e300 }, /f: expected float, found 1e\+300/)
    wrong({ s: 1 }, /s: expected a text/)
    wrong({ raw: '?' }, /raw: expected bytes in base64/)
    wrong({ grade: 'FINE' }, /grade: expected a name of travel\.Day\.Grade, found "FINE"/)
    wrong({ inner: { n: 'x' } }, /inner\.n: expected int32/)
    wrong({ numbers: 1 }, /numbers: expected a list of sint64/)
    wrong({ numbers: [1, 'x'] }, /numbers\.1: expected sint64/)
    wrong({ byNumber: { a: {} } }, /byNumber\.a: expected int32/)
    wrong({ at: 'noon' }, /at: expected an instant/)
    wrong({ left: 'x', right: 1 }, /right: expected nothing beside left of one either/)
    wrong([1], /the row: expected a travel\.Day/)
  })

  it('needs what proto2 says is required', () => {
    const rows: ProtobufRows = {
      kind: 'protobuf',
      schema: readProto('syntax = "proto2"; message R { required string key = 1; optional int32 n = 2; }'),
      message: 'R',
    }
    assert.deepEqual([...encode({ key: '' }, rows)], [10, 0])
    assert.throws(() => encode({ n: 1 }, rows), { message: /key: expected a value of a required field, found nothing/ })
  })
})

const DEFAULTS = { longs: String, defaults: true }

describe('a document with a sink in Protocol Buffers', () => {
  const sinkOf = (fields: string) =>
    parseJob(
      `
name: job
source: { topic: flights }
pipeline: [ { keyBy: origin }, { window: { tumbling: 1h } }, { aggregate: { flights: count() } } ]
sinks: [ { kafka: { topic: rows, format: { protobuf: ${fields} } } } ]
quorum: { replicas: 1, write: 1, read: 1 }
`,
      'yaml',
      'job.yaml',
    ).sinks[0]
  const proto = 'syntax = \\"proto3\\"; message A { string key = 1; } message B { int64 flights = 1; }'

  it('has the first message of its schema, or the one that it names', () => {
    const first = sinkOf(`{ schema: "${proto}" }`)
    assert.ok(first?.kind === 'kafka' && typeof first.format === 'object' && first.format.kind === 'protobuf')
    assert.equal(first.format.message, 'A')
    const named = sinkOf(`{ schema: "${proto}", message: B, id: 3 }`)
    assert.ok(named?.kind === 'kafka' && typeof named.format === 'object' && named.format.kind === 'protobuf')
    assert.deepEqual([named.format.message, named.format.id], ['B', 3])
  })

  it('tells a message that there is not, and a schema that is none', () => {
    assert.throws(() => sinkOf(`{ schema: "${proto}", message: C }`), /the schema has no message "C"; it has A, B/)
    assert.throws(() => sinkOf('{ schema: "message {" }'), /the Protobuf schema cannot be used/)
    assert.throws(() => sinkOf('{ id: 3 }'), /expected one of "schema" or "file"/)
  })
})
