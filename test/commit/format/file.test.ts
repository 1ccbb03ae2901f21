/** Rows as files: what other readers find in them, the same bytes each time, and what cannot become one. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parquetMetadata } from 'hyparquet'
import type { Digest } from '../../../mesh/index.ts'
import { ROW_DEAD_LETTER, ROW_RECORD, RowWriter } from '../../../operators/index.ts'
import { rowsFile } from '../../../src/commit/format/file.ts'
import type { ColumnType, FileFormat } from '../../../src/commit/format/plan.ts'
import { readProto } from '../../../src/job/protobuf.ts'
import { bodyOf, row, type WindowRow } from '../../contract/sink-batches.ts'
import { propertyRuns } from '../../operators/property-runs.ts'
import { narrowed, readAvro, readLines, readMsgpack, readParquet, readProtobuf, readToml, readYaml } from './readers.ts'

const DIGEST = '0123456789abcdef'.repeat(4) as Digest

/** Two rows as jobs make them: the second is a revision with an integer that no double holds, and nothing to say of a mean. */
const ROWS: readonly WindowRow[] = [
  row(0, '"SFO"', value({ final: true, flights: 3, key: 'SFO', mean: 1.5, revision: 0, to: ['LAX', 7] })),
  row(
    1,
    '"Zürich\\n"',
    value({ final: false, flights: 0, key: 'Zürich\n', mean: null, revision: 2, to: [] }),
    2,
    false,
  ),
]
function value(fields: Readonly<Record<string, unknown>>): string {
  const hour = fields.revision === 0 ? 0 : 1
  const window = { end: `2001-01-01T0${hour + 1}:00:00.000Z`, start: `2001-01-01T0${hour}:00:00.000Z` }
  return JSON.stringify({ ...fields, window }).replace('"flights":0', '"flights":9007199254740993')
}
const BODY = bodyOf(ROWS)
const FLIGHTS = [3, 9007199254740993n]

const encode = (format: FileFormat | undefined, body = BODY) => rowsFile(format, 'file:rows').encode(body, DIGEST)

const AVRO = JSON.stringify({
  type: 'record',
  name: 'Row',
  fields: [
    { name: 'key', type: 'string' },
    {
      name: 'window',
      type: {
        type: 'record',
        name: 'Window',
        fields: [
          { name: 'start', type: 'string' },
          { name: 'end', type: 'string' },
        ],
      },
    },
    { name: 'flights', type: 'long' },
    { name: 'mean', type: ['null', 'double'] },
    { name: 'removed', type: 'boolean', default: false },
  ],
})
const PROTO = `
  syntax = "proto3";
  message Window { string start = 1; string end = 2; }
  message Row { string key = 1; Window window = 2; int64 flights = 3; optional double mean = 4; }
`
const parquet = (columns: readonly (readonly [string, ColumnType, ...string[]])[]): FileFormat => ({
  kind: 'parquet',
  columns: columns.map(([name, type, ...path]) => ({ name, type, path: path.length === 0 ? [name] : path })),
})
const COLUMNS = parquet([
  ['key', 'text'],
  ['window_start', 'time', 'window', 'start'],
  ['window_end', 'time', 'window', 'end'],
  ['revision', 'integer'],
  ['final', 'boolean'],
  ['removed', 'boolean'],
  ['flights', 'integer'],
  ['mean', 'number'],
  ['to', 'json'],
])
const FORMATS = {
  lines: undefined,
  yaml: 'yaml',
  toml: 'toml',
  msgpack: 'msgpack',
  avro: { kind: 'avro', schema: AVRO },
  protobuf: { kind: 'protobuf', schema: readProto(PROTO), message: 'Row' },
  parquet: COLUMNS,
} as const satisfies Record<string, FileFormat | undefined>

describe('the rows of a batch as a file', () => {
  /** What a line of JSON says, with exact integers. */
  const lines = ROWS.map(({ key, value, revision, final }, i) => {
    const { flights: _, ...fields } = JSON.parse(value)
    return { key: JSON.parse(key), window: fields.window, revision, final, value: { ...fields, flights: FLIGHTS[i] } }
  })
  const windows = lines.map(({ window }) => ({ start: window.start, end: window.end }))

  it('are lines of JSON, the bytes that were certified, where no format is asked for', () => {
    const file = Buffer.from(encode(undefined)).toString()
    const [first = ''] = file.split('\n')
    assert.ok(first.startsWith('{"key":"SFO","window":{'))
    assert.ok(first.endsWith(`,"value":${ROWS[0]?.value}}`))
    assert.equal(readLines(encode(undefined)).length, 2)
  })

  it('are YAML documents that say what the lines say, to readers of 1.2 and of 1.1', () => {
    assert.deepEqual(readYaml(encode('yaml')), lines)
    assert.deepEqual(readYaml(encode('yaml'), '1.1'), lines)
  })

  it('are tables of one TOML array that say what the lines say, save what is null', () => {
    const said = lines.map(({ value: { mean, ...value }, ...line }) => ({
      ...line,
      value: mean === null ? value : { ...value, mean },
    }))
    assert.deepEqual(readToml(encode('toml')), said)
  })

  it('are MessagePack values that say what the lines say', () => {
    assert.deepEqual(narrowed(readMsgpack(encode('msgpack'))), lines)
  })

  it('are an Avro container by the schema, which another reader finds in it', async () => {
    const rows = await readAvro(encode(FORMATS.avro))
    assert.deepEqual(
      rows,
      lines.map(({ key, value: { flights, mean } }, i) => ({ key, window: windows[i], flights, mean, removed: false })),
    )
    assert.deepEqual(await readAvro(encode(FORMATS.avro, new Uint8Array())), [])
  })

  it('are Protobuf messages, each with its length before it', () => {
    assert.deepEqual(
      readProtobuf(encode(FORMATS.protobuf), PROTO, 'Row'),
      lines.map(({ key, value: { flights, mean } }, i) => ({
        ...{ key, window: windows[i], flights: String(flights) },
        ...(mean === null ? {} : { mean }),
      })),
    )
  })

  it('are Parquet with columns of the types asked for, and the digest of their batch', async () => {
    const file = encode(COLUMNS)
    assert.deepEqual(
      await readParquet(file),
      lines.map(({ key, revision, final, value: { flights, mean, to } }, i) => ({
        ...{ key, window_start: windows[i]?.start, window_end: windows[i]?.end, revision, final, removed: null },
        ...{ flights, mean, to: JSON.stringify(to) },
      })),
    )
    const { created_by, key_value_metadata } = parquetMetadata(new Uint8Array(file).buffer)
    assert.equal(created_by, 'quorate')
    assert.deepEqual(key_value_metadata, [{ key: 'quorate.outDigest', value: DIGEST }])
    assert.deepEqual(await readParquet(encode(COLUMNS, new Uint8Array())), [])
  })

  it('have the place of their record where they are not of windows, and dead letters as well', async () => {
    const writer = new RowWriter()
    writer.append(ROW_RECORD, 0, 2, 41, 1, Buffer.from('"a"'), Buffer.from('{"n":1}'))
    writer.append(ROW_DEAD_LETTER, 0, 0, 5, 0, Buffer.from(''), Buffer.from('{"error":"QRT_X","source":"mine"}'))
    const body = writer.take()
    const columns = parquet([
      ...([
        ['key', 'json'],
        ['n', 'integer'],
        ['error', 'text'],
      ] as const),
      ['offset', 'integer', 'source', 'offset'],
    ])
    await assert.rejects(async () => encode(columns, body), { message: /source: expected an object, found "mine"/ })
    const first = body.subarray(0, body.length - bodyLength('{"error":"QRT_X","source":"mine"}', ''))
    assert.deepEqual(await readParquet(encode(columns, first)), [{ key: '"a"', n: 1, error: null, offset: 41 }])
    assert.deepEqual(readYaml(encode('yaml', body))[1], {
      key: null,
      source: { partition: 0, offset: 5, index: 0 },
      value: { error: 'QRT_X', source: 'mine' },
    })
  })

  it('keep whatever JSON can say, as YAML and MessagePack', () => {
    const writer = new RowWriter()
    fc.assert(
      fc.property(fc.json(), fc.json(), (key, text) => {
        // Readers rename, or refuse, what could change their objects; jobs have no such names.
        fc.pre(!`${key}${text}`.includes('__proto__'))
        writer.append(ROW_RECORD, 0, 0, 1, 0, Buffer.from(key), Buffer.from(text))
        const body = writer.take()
        const source = { partition: 0, offset: 1, index: 0 }
        const expected = JSON.stringify({ key: JSON.parse(key), source, value: JSON.parse(text) })
        for (const read of [
          readYaml(encode('yaml', body)),
          readYaml(encode('yaml', body), '1.1'),
          readMsgpack(encode('msgpack', body)),
        ]) {
          assert.deepEqual(jsonOf(read[0]), jsonOf(JSON.parse(expected)))
        }
      }),
      { seed: 20_261_126, numRuns: propertyRuns(300) },
    )
  })

  it('have names in YAML that no reader of 1.1 takes for a number or a word', () => {
    const names = ['e0', 'E12', 'y', 'Off', 'e', 'e1x']
    const fields = Object.fromEntries(names.map((name) => [name, 1]))
    const bytes = encode('yaml', bodyOf([row(0, '"a"', JSON.stringify({ ...fields, of: fields }))]))
    for (const version of ['1.1', '1.2'] as const) {
      assert.deepEqual(readYaml(bytes, version)[0]?.value, { ...fields, of: fields })
    }
  })

  /** A longer name is no key of a block in YAML. */
  it('have names of any length in YAML', () => {
    const name = 'x'.repeat(5_000)
    const [only] = readYaml(
      encode('yaml', bodyOf([row(0, '"a"', JSON.stringify({ [name]: 1, on: [{ [name]: true }] }))])),
    )
    assert.deepEqual(only?.value, { [name]: 1, on: [{ [name]: true }] })
  })

  const HASHES: Readonly<Record<keyof typeof FORMATS, string>> = {
    lines: 'c0ed6bab259df0200e3f621741fd7b4df651cef3751b1aa24aad5268195115b8',
    yaml: 'c45b85da77aaf37ff200d2b4245dab0766393a0e07e5c9f89eab87191a0642fe',
    toml: '23ae9898909177405c81934d4364a0a45640b3da63752aa1c5b05fb5dff1cab8',
    msgpack: '74f8a99d09ffc877f9501487664b27bab455bfa4f1037fd5811293008f39784a',
    avro: '1444b0ac995beb0e7b3317b5d3c8aeb1f409917bec33703ce2a637600648a93f',
    protobuf: 'f7eff91156d469026a01a536eb0332c1417e1edc2149263dc61bc7d3eb08bc52',
    parquet: '083831ae27bcaa070395c458b904a728d9f80c00d2e65b31cf62bc3262769a52',
  }
  for (const [name, format] of Object.entries(FORMATS)) {
    // Other bytes need another determinism version: peers of both releases write to one place while one replaces the other.
    it(`are the bytes in ${name} that they have always been`, () => {
      const hash = createHash('sha256').update(encode(format)).digest('hex')
      assert.equal(hash, HASHES[name as keyof typeof FORMATS])
      assert.equal(createHash('sha256').update(encode(format)).digest('hex'), hash)
    })
  }

  it('that do not fit are refused with what does not, and never left out', () => {
    const wrong = (format: FileFormat, fields: string, what: RegExp) =>
      assert.throws(() => encode(format, bodyOf([...ROWS, row(2, '"x"', fields)])), {
        code: 'QRT_SINK_REFUSED',
        message: what,
      })
    const one = (type: ColumnType) =>
      parquet([
        ['final', 'boolean'],
        ['n', type],
      ])
    wrong(
      one('integer'),
      '{"n":1.5}',
      /file:rows: the row \{"n":1\.5\} cannot be written in its columns: n: expected an integer of 64 bits, found 1\.5/,
    )
    wrong(one('integer'), '{"n":9223372036854775808}', /n: expected an integer of 64 bits/)
    wrong(one('number'), '{"n":9007199254740993}', /n: expected a number that a double holds exactly/)
    wrong(one('text'), '{"n":1}', /n: expected a text/)
    wrong(one('boolean'), '{"n":"true"}', /n: expected true or false/)
    wrong(one('time'), '{"n":"noon"}', /n: expected an instant in milliseconds/)
    wrong(one('time'), '{"n":"2001-01-01T00:00:00.000001Z"}', /n: expected an instant in milliseconds/)
    wrong(FORMATS.avro, '{"flights":1,"mean":"x"}', /Avro by its schema: mean: expected/)
    wrong(FORMATS.protobuf, '{"flights":"x"}', /Protobuf by its schema: flights: expected int64/)
    wrong('msgpack', `{"n":${2n ** 80n + 1n}}`, /MessagePack/)
  })
})

/** A record row without its value and key: what is left are the frame's own bytes. */
function bodyLength(text: string, key: string): number {
  const writer = new RowWriter()
  writer.append(ROW_DEAD_LETTER, 0, 0, 5, 0, Buffer.from(key), Buffer.from(text))
  return writer.take().length
}

const jsonOf = (read: unknown): unknown =>
  JSON.parse(
    JSON.stringify(read, (_, part) => (typeof part === 'bigint' ? Number(part) : Object.is(part, -0) ? 0 : part)),
  )
