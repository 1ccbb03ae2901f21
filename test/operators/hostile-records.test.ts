/** Whatever a record's bytes are, they are values or a dead letter, at once: no record may stop a peer that votes. */
import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { FormatPlan } from '../../operators/index.ts'
import { readProto } from '../../src/job/protobuf.ts'
import { readAll, SEED } from './formats.ts'

const MOST_MS = 50

const node = {
  type: 'record',
  name: 'N',
  fields: [
    { name: 'a', type: { type: 'array', items: ['null', 'N', 'string', 'bytes', 'double'] } },
    { name: 'm', type: { type: 'map', values: ['null', 'N', 'long'] } },
  ],
}
const proto =
  'syntax = "proto3"; message N { repeated N a = 1; map<string, N> m = 2; repeated int64 i = 3; string s = 4; double d = 5; }'

const FORMATS: readonly (readonly [string, FormatPlan])[] = [
  ['json', 'json'],
  ['yaml', 'yaml'],
  ['toml', 'toml'],
  ['msgpack', 'msgpack'],
  ['avro', { kind: 'avro', framing: 'none', schemas: [{ schema: JSON.stringify(node) }] }],
  ['protobuf', { kind: 'protobuf', framing: 'none', schemas: [{ schema: readProto(proto) }] }],
]

const spent = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** In processor time, and again where the machine was busy or the code cold. */
function readInTime(format: FormatPlan, record: Uint8Array): void {
  let fastest = Number.POSITIVE_INFINITY
  let verdict: unknown
  for (let attempt = 0; attempt < 5 && fastest >= MOST_MS; attempt++) {
    const before = spent()
    verdict = readAll(format, record, ['a'], ['m', 'x'])
    fastest = Math.min(fastest, spent() - before)
  }
  assert.ok(fastest < MOST_MS, `${fastest} ms for ${record.length} bytes`)
  assert.ok(Array.isArray(verdict) || /^QRT_RECORD_/.test(String(verdict)), String(verdict))
}

/** What is repeated to fill a record: openings, promises of length, numbers without end. */
const PIECES: readonly (string | readonly number[])[] = [
  '[',
  '{"a":',
  '{a: ',
  '- ',
  '? ',
  '[[',
  'a.',
  'a: |\n ',
  'a: &x [*x, *x]\n',
  '[x]\n',
  '[[x]]\n',
  '9',
  '"',
  "'",
  '\n',
  ' ',
  '#',
  '---\n',
  '"\\u0000',
  'a = {',
  'a = "',
  'a = [',
  'é',
  '\u{1f600}',
  [0x91],
  [0x81, 0xa1, 0x61],
  [0xdd, 0xff, 0xff, 0xff, 0xff],
  [0xfe, 0xff, 0xff, 0xff, 0x0f],
  [0x02, 0x02],
  [0x0a, 0x80, 0x80, 0x40],
  [0x1a, 0xff, 0x7f],
  [0x7b],
  [0x00],
  [0xff],
]
const SIZES = [100, 4_000, 64_000, 1_000_000]

const fill = (piece: string | readonly number[], size: number): Uint8Array =>
  Buffer.alloc(size, typeof piece === 'string' ? piece : Buffer.from(piece))

describe('hostile records', () => {
  for (const [name, format] of FORMATS) {
    it(`of ${name}: any bytes are values or a dead letter`, () => {
      const piece = fc.constantFrom(...PIECES).map((each) => Buffer.from(each as string))
      const chunk = fc.oneof(
        piece,
        fc.uint8Array({ maxLength: 8 }).map((random) => Buffer.from(random)),
      )
      fc.assert(
        fc.property(fc.array(chunk, { maxLength: 20 }), (chunks) => {
          readInTime(format, Buffer.concat(chunks))
        }),
        { seed: SEED, numRuns: 2_000 },
      )
    })

    it(`of ${name}: repeated without end, they take no longer than ${MOST_MS} ms`, () => {
      for (const piece of PIECES) for (const size of SIZES) readInTime(format, fill(piece, size))
    })
  }
})
