/** Which columns a Parquet file has: what a document says of its rows, and what it says of the columns. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeJob, encodeJob } from '../../src/job/body.ts'
import { compileJob } from '../../src/job/compile.ts'
import { assumedSources } from '../../src/job/facts.ts'
import { parseJob } from '../../src/job/parse.ts'

const WINDOWED = '[ { keyBy: origin }, { window: { tumbling: 1h } }, { aggregate: AGGREGATES } STEPS ]'

const document = (format: string, pipeline: string, more = '') => `
name: job
source: { topic: flights }
pipeline: ${pipeline}
sinks: [ { s3: { bucket: rows, format: ${format} } } ]
quorum: { replicas: 1, write: 1, read: 1 }
${more}
`
const windowed = (aggregates: string, steps = '') => WINDOWED.replace('AGGREGATES', aggregates).replace('STEPS', steps)
const parse = (format: string, pipeline: string, more?: string) =>
  parseJob(document(format, pipeline, more), 'yaml', 'job.yaml')

function columns(format: string, pipeline: string): string[] {
  const [sink] = parse(format, pipeline).sinks
  assert.ok(sink?.kind === 's3' && typeof sink.format === 'object' && sink.format.kind === 'parquet')
  return sink.format.columns.map(
    ({ name, type, path }) => `${name} ${type}${path[0] === name ? '' : ` ${path.join('.')}`}`,
  )
}

const OF_WINDOWS = [
  'key json',
  ...['window_start time window.start', 'window_end time window.end'],
  ...['revision integer', 'final boolean', 'removed boolean'],
]

describe('the columns of a Parquet file', () => {
  it('are where a row belongs, then its aggregates by name with the types that they have', () => {
    const aggregates = '{ n: count(), total: sum(x), mean: avg(x), most: max(x), latest: last(x), names: collect(x) }'
    assert.deepEqual(columns('parquet', windowed(aggregates)), [
      ...OF_WINDOWS,
      ...['latest json', 'mean number', 'most number', 'n integer', 'names json', 'total number'],
    ])
  })

  it('have other types where the document says so', () => {
    const types = '{ parquet: { columns: { key: text, total: integer, latest: text } } }'
    assert.deepEqual(columns(types, windowed('{ total: sum(x), latest: last(x) }')), [
      'key text',
      ...OF_WINDOWS.slice(1),
      ...['latest text', 'total integer'],
    ])
  })

  it('are those of rows behind all steps', () => {
    const steps =
      ', { compute: { half: n / 2, same: n } }, { rename: { count: n } }, { cast: { half: number } }, { drop: [total] }'
    assert.deepEqual(columns('parquet', windowed('{ n: count(), total: sum(x) }', steps)).slice(OF_WINDOWS.length), [
      ...['count integer', 'half number', 'same integer'],
    ])
  })

  it('are those of the last rows where rows are grouped again', () => {
    const again = ', { keyBy: n }, { window: { tumbling: 1d } }, { aggregate: { shops: count(), days: last(n) } }'
    const found = columns('parquet', windowed('{ n: count() }', again))
    assert.deepEqual(found, [...OF_WINDOWS, 'days json', 'shops integer'])
  })

  it('are a time in place of a window where rows come record by record', () => {
    const rolling = '[ { keyBy: origin }, { rolling: { last: 3 } }, { aggregate: { n: count() } } ]'
    assert.deepEqual(columns('parquet', rolling).slice(0, 2), ['key json', 'time time'])
  })

  it('of records are the fields that have a type, with the place of the record', () => {
    const types = '{ parquet: { columns: { origin: text, delay: integer } } }'
    assert.deepEqual(columns(types, '[ { filter: delay > 15 } ]'), [
      'key json',
      ...['source_partition integer source.partition', 'source_offset integer source.offset'],
      ...['source_index integer source.index', 'delay integer', 'origin text'],
    ])
    assert.throws(
      () => parse('parquet', '[ { filter: delay > 15 } ]'),
      /without aggregates rows have the fields of records/,
    )
  })

  it('of dead letters are what those say', () => {
    const more = 'deadLetters: { file: { directory: dead, format: parquet } }'
    const { deadLetters } = parse('parquet', windowed('{ n: count() }'), more)
    assert.ok(deadLetters?.kind === 'file' && typeof deadLetters.format === 'object')
    assert.ok(deadLetters.format.kind === 'parquet' && deadLetters.format.columns.some(({ name }) => name === 'error'))
  })

  it('that there are not, and types that are none, are told', () => {
    const pipeline = windowed('{ total: sum(x) }')
    const wrong = (columns: string, what: RegExp) =>
      assert.throws(() => parse(`{ parquet: { columns: ${columns} } }`, pipeline), what)
    wrong('{ totla: integer }', /the rows here have no column "totla"; they have key, .*total/)
    wrong('{ total: int64 }', /expected "integer", "number", "text", "boolean", "time" or "json"; found "int64"/)
    assert.throws(
      () => parse('xml', pipeline),
      /"json", "yaml", "toml", "msgpack", "parquet", or avro, protobuf or parquet/,
    )
  })

  it('are stored with the job, as all formats of files are', () => {
    const avro = `{ avro: { schema: '{"type":"record","name":"R","fields":[]}' } }`
    const protobuf = '{ protobuf: { schema: "syntax = \\"proto3\\"; message R { string key = 1; }" } }'
    for (const format of ['json', 'yaml', 'msgpack', 'parquet', avro, protobuf]) {
      const text = document(format, windowed('{ n: count() }'))
      const parsed = parseJob(text, 'yaml', 'job.yaml')
      const facts = { cluster: 'c', submission: 1, sources: assumedSources(parsed, 1), missingTopics: [] }
      const compiled = compileJob(parsed, facts)
      const job = { document: { text, format: 'yaml' }, compiled, submittedAt: '2026-01-01T00:00:00.000Z' } as const
      assert.deepEqual(decodeJob(encodeJob(job)).compiled.sinks, compiled.sinks, format)
    }
    assert.throws(() => parse('{ avro: { schema: "{}", id: 7 } }', windowed('{ n: count() }')), /id/)
  })
})
