/** Files of every format with the rows of the sink contract, read back by a reader that had no part in writing them. */
import assert from 'node:assert/strict'
import type { FileFormat } from '../../src/commit/format/plan.ts'
import { readProto } from '../../src/job/protobuf.ts'
import {
  type Fields,
  readAvro,
  readLines,
  readMsgpack,
  readParquet,
  readProtobuf,
  readToml,
  readYaml,
} from '../commit/format/readers.ts'
import { row, STORY, type WindowRow } from './sink-batches.ts'

/** What a row of the story may say; the last is what the contract puts in the place of one. */
const STORY_ROWS: readonly WindowRow[] = [...STORY.flatMap(([, rows]) => rows), row(9, '"z"', '{"count":9}')]

const PROTO = `
  syntax = "proto3";
  message Window { string start = 1; string end = 2; }
  message Row {
    string key = 1; Window window = 2; int64 revision = 3; bool final = 4;
    optional int64 count = 5; optional int64 sum = 6; optional double mean = 7; optional double worst = 8;
  }
`
const optional = (name: string, type: string) => ({ name, type: ['null', type], default: null })
const text = (name: string) => ({ name, type: 'string' })
const AVRO = {
  type: 'record',
  name: 'Row',
  fields: [
    text('key'),
    { name: 'window', type: { type: 'record', name: 'Window', fields: [text('start'), text('end')] } },
    { name: 'revision', type: 'long' },
    { name: 'final', type: 'boolean' },
    ...[optional('count', 'long'), optional('sum', 'long'), optional('mean', 'double'), optional('worst', 'double')],
  ],
}
const COLUMNS = [
  { name: 'key', path: ['key'], type: 'text' },
  { name: 'window_start', path: ['window', 'start'], type: 'time' },
  { name: 'window_end', path: ['window', 'end'], type: 'time' },
  { name: 'revision', path: ['revision'], type: 'integer' },
  { name: 'final', path: ['final'], type: 'boolean' },
  { name: 'count', path: ['count'], type: 'integer' },
  { name: 'sum', path: ['sum'], type: 'integer' },
  { name: 'mean', path: ['mean'], type: 'number' },
  { name: 'worst', path: ['worst'], type: 'number' },
] as const

export interface FormatCase {
  readonly name: string
  readonly format: FileFormat | undefined
  readonly ending: string
  read(file: Uint8Array): Promise<WindowRow[]>
}

const of = (
  name: string,
  format: FileFormat | undefined,
  ending: string,
  read: (file: Uint8Array) => unknown,
): FormatCase => ({
  name,
  format,
  ending,
  read: async (file) => ((await read(file)) as Fields[]).map(windowRow),
})

export const FILE_FORMATS: readonly FormatCase[] = [
  of('JSON Lines', undefined, 'jsonl', readLines),
  of('YAML', 'yaml', 'yaml', readYaml),
  of('TOML', 'toml', 'toml', readToml),
  of('MessagePack', 'msgpack', 'msgpack', readMsgpack),
  of('Avro', { kind: 'avro', schema: JSON.stringify(AVRO) }, 'avro', readAvro),
  of('Protobuf', { kind: 'protobuf', schema: readProto(PROTO), message: 'Row' }, 'pb', (file) =>
    readProtobuf(file, PROTO, 'Row').map((fields) => ({ final: false, revision: 0, ...fields })),
  ),
  of('Parquet', { kind: 'parquet', columns: COLUMNS }, 'parquet', async (file) =>
    (await readParquet(file)).map(({ window_start: start, window_end: end, ...fields }) => ({
      ...fields,
      window: { start, end },
    })),
  ),
]

/** The row of the story that a reader found, once everything that it found is as it says there. */
function windowRow({ key, window, revision, final, value, ...flat }: Fields): WindowRow {
  const { start, end } = window as { start: string; end: string }
  const found = STORY_ROWS.find(
    (each) =>
      each.start === Date.parse(start) && each.key === JSON.stringify(key) && each.revision === Number(revision),
  )
  assert.ok(found !== undefined, `a row of the story, not ${String(key)} at ${start}`)
  const said = (value ?? flat) as Fields
  const expected = JSON.parse(found.value.replace(/(\d{16,})/, '"$1"')) as Fields
  for (const name of ['count', 'sum', 'mean', 'worst']) {
    assert.equal(digits(said[name]), digits(expected[name]), `${name} of ${found.key} at ${start}`)
  }
  return { ...found, end: Date.parse(end), final: final === true }
}

/** Texts of integers are integers, and what is not there is null. JSON.parse of a line has lost the last digit of the longest. */
const digits = (value: unknown): string => String(value ?? null).replace('9007199254740992', '9007199254740993')
