/** Records that are none: torn, of another format, or repeated promises of what does not come. */
import type { FormatPlan } from '../../operators/index.ts'
import { readProto } from '../../src/job/protobuf.ts'

const NODE = {
  type: 'record',
  name: 'N',
  fields: [
    { name: 'a', type: { type: 'array', items: ['null', 'N', 'string', 'bytes', 'double'] } },
    { name: 'm', type: { type: 'map', values: ['null', 'N', 'long'] } },
  ],
}
const PROTO =
  'syntax = "proto3"; message N { repeated N a = 1; map<string, N> m = 2; repeated int64 i = 3; string s = 4; double d = 5; }'

export const RECORD_FORMATS: readonly (readonly [string, FormatPlan])[] = [
  ['json', 'json'],
  ['yaml', 'yaml'],
  ['toml', 'toml'],
  ['msgpack', 'msgpack'],
  ['avro', { kind: 'avro', framing: 'none', schemas: [{ schema: JSON.stringify(NODE) }] }],
  ['protobuf', { kind: 'protobuf', framing: 'none', schemas: [{ schema: readProto(PROTO) }] }],
]

/** What is repeated to fill a record: openings, promises of length, numbers without end. */
export const PIECES: readonly (string | readonly number[])[] = [
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

export const SIZES = [100, 4_000, 64_000, 1_000_000]

export const filledWith = (piece: string | readonly number[], size: number): Uint8Array =>
  Buffer.alloc(size, typeof piece === 'string' ? piece : Buffer.from(piece))
