/** Values of rows in the formats of a sink: what they become, byte for byte the same each time, and what cannot become one. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import avsc from 'avsc'
import fc from 'fast-check'
import { Unpackr } from 'msgpackr'
import { valueEncoder } from '../../../src/commit/format/encode.ts'
import type { RowFormat } from '../../../src/commit/format/plan.ts'
import { KafkaSink } from '../../../src/commit/sinks/kafka.ts'
import { decodeJob, encodeJob } from '../../../src/job/body.ts'
import { compileJob } from '../../../src/job/compile.ts'
import { assumedSources } from '../../../src/job/facts.ts'
import { parseJob } from '../../../src/job/parse.ts'
import { loadBeside } from '../../../src/job/reference.ts'
import type { Log } from '../../../src/log/log.ts'
import { MemoryLog } from '../../contract/memory-log.ts'
import { batch, identity, oneBody, row } from '../../contract/sink-batches.ts'
import { propertyRuns } from '../../operators/property-runs.ts'

const SCHEMA = {
  type: 'record',
  name: 'Delays',
  fields: [
    { name: 'key', type: 'string' },
    { name: 'flights', type: 'long' },
    { name: 'mean', type: ['null', 'double'] },
    { name: 'late', type: 'boolean', default: false },
  ],
} as const

const avro = (id?: number): RowFormat => ({
  kind: 'avro',
  schema: JSON.stringify(SCHEMA),
  ...(id === undefined ? {} : { id }),
})
const encode = (format: RowFormat | undefined, text: string) =>
  Buffer.from(valueEncoder(format, 'kafka:rows')(Buffer.from(text)))
const plain = avsc.Type.forSchema(SCHEMA as unknown as avsc.Schema)

describe('a value of a row', () => {
  it('stays what was certified where no format is asked for', () => {
    assert.equal(encode(undefined, '{"n":1e+21}').toString(), '{"n":1e+21}')
  })

  it('is Avro by the schema, with the fields that this has', () => {
    const bytes = encode(avro(), '{"extra":[1],"flights":3,"key":"SFO","late":true,"mean":1.5}')
    assert.deepEqual({ ...plain.fromBuffer(bytes) }, { key: 'SFO', flights: 3, mean: 1.5, late: true })
    assert.deepEqual(
      { ...plain.fromBuffer(encode(avro(), '{"flights":0,"key":"","mean":null}')) },
      { key: '', flights: 0, mean: null, late: false },
    )
  })

  it('has the id of its schema before it, as a registry frames it', () => {
    const text = '{"flights":3,"key":"SFO","mean":null}'
    const bytes = encode(avro(258), text)
    assert.deepEqual([...bytes.subarray(0, 5)], [0, 0, 0, 1, 2])
    assert.deepEqual(bytes.subarray(5), encode(avro(), text))
  })

  it('has exact integers of 64 bits', () => {
    const schema = JSON.stringify({ type: 'record', name: 'N', fields: [{ name: 'n', type: 'long' }] })
    for (const n of [9007199254740993n, -(2n ** 63n), 2n ** 63n - 1n, 0n, -1n]) {
      // Zigzag, seven bits a byte.
      const expected: number[] = []
      for (let left = BigInt.asUintN(64, (n << 1n) ^ (n >> 63n)); ; left >>= 7n) {
        expected.push(Number(left & 127n) | (left > 127n ? 128 : 0))
        if (left <= 127n) break
      }
      assert.deepEqual([...encode({ kind: 'avro', schema }, `{"n":${n}}`)], expected, String(n))
    }
    const { n } = new Unpackr({ useRecords: false, int64AsType: 'bigint' }).unpack(
      encode('msgpack', '{"n":9007199254740993}'),
    )
    assert.equal(n, 9007199254740993n)
  })

  it('has doubles where the schema says so, however many digits they have', () => {
    const inner = { type: 'record', name: 'In', fields: [{ name: 'd', type: ['null', 'double'] }] }
    const fields = [
      { name: 'd', type: 'double' },
      { name: 'list', type: { type: 'array', items: 'double' } },
      { name: 'by', type: ['null', { type: 'map', values: inner }] },
    ]
    const schema = { type: 'record', name: 'D', fields }
    const text = '{"by":{"a":{"d":100000000000000000000}},"d":100000000000000000,"list":[9007199254740994,1]}'
    const bytes = encode({ kind: 'avro', schema: JSON.stringify(schema) }, text)
    const read = avsc.Type.forSchema(schema as unknown as avsc.Schema, { wrapUnions: false }).fromBuffer(bytes)
    assert.deepEqual(JSON.parse(JSON.stringify(read)), JSON.parse(text))
  })

  it('is no double where that would be another integer', () => {
    const schema = (type: unknown) => JSON.stringify({ type: 'record', name: 'D', fields: [{ name: 'd', type }] })
    for (const type of ['double', ['null', 'double'], 'float']) {
      assert.throws(() => encode({ kind: 'avro', schema: schema(type) }, '{"d":9007199254740993}'), {
        code: 'QRT_SINK_REFUSED',
        message: /Avro by its schema: d: expected .*, found 9007199254740993/,
      })
      encode({ kind: 'avro', schema: schema(type) }, '{"d":9007199254740994}')
    }
  })

  it('is no float that would be infinite', () => {
    const list = { type: 'array', items: ['null', 'float'] }
    const schema = JSON.stringify({ type: 'record', name: 'F', fields: [{ name: 'f', type: list }] })
    assert.throws(() => encode({ kind: 'avro', schema }, '{"f":[1,1e+300]}'), {
      code: 'QRT_SINK_REFUSED',
      message: /f\.1: expected float, found 1e\+300/,
    })
    assert.equal(encode({ kind: 'avro', schema }, '{"f":[1.5]}').length, 7)
  })

  it('is MessagePack, and the same bytes each time', () => {
    const unpackr = new Unpackr({ useRecords: false })
    fc.assert(
      fc.property(fc.json(), (text) => {
        const bytes = encode('msgpack', text)
        const hex = bytes.toString('hex')
        // A reader renames what could change its objects; jobs have no such names.
        fc.pre(!text.includes('__proto__'))
        const shown = (value: unknown) =>
          JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? Number(part) : part))
        assert.equal(shown(unpackr.unpack(bytes)), shown(JSON.parse(text)))
        assert.equal(encode('msgpack', text).toString('hex'), hex)
      }),
      { seed: 20_260_103, numRuns: propertyRuns(300) },
    )
  })

  it('that does not fit is refused with what does not, and never left out', () => {
    const wrong = (text: string, what: RegExp) =>
      assert.throws(() => encode(avro(), text), { code: 'QRT_SINK_REFUSED', message: what })
    wrong(
      '{"flights":1.5,"key":"SFO","mean":null}',
      /kafka:rows: the row .* by its schema: flights: expected .*long.*, found 1\.5/,
    )
    wrong('{"key":"SFO","mean":null}', /flights: expected .*, found nothing/)
    wrong('{"flights":9223372036854775808,"key":"SFO","mean":null}', /found 9223372036854775808/)
    wrong('{"flights":1,"key":null,"mean":null}', /key: expected .*string.*, found null/)
    assert.throws(() => encode('msgpack', `{"n":${2n ** 80n + 1n}}`), {
      code: 'QRT_SINK_REFUSED',
      message: /MessagePack/,
    })
  })

  it('has a double in MessagePack where an integer of 64 bits cannot be, and the double is the same number', () => {
    assert.deepEqual(
      [...encode('msgpack', '-100000000000000000000')],
      [0xcb, 0xc4, 0x15, 0xaf, 0x1d, 0x78, 0xb5, 0x8c, 0x40],
    )
  })
})

describe('a Kafka sink with a format', () => {
  it('writes keys as they are certified, and values in the format', async () => {
    const unit = identity()
    const log = new MemoryLog()
    await log.createTopic('rows', { partitions: 1 })
    const session = await new KafkaSink('rows', log as unknown as Log, avro(7)).open(unit)
    const text = '{"flights":3,"key":"SFO","mean":null}'
    await session.write([batch(unit, { seq: 1, part: 0 }, undefined, [row(0, '"SFO"', text)], oneBody)])
    const [record] = log.recordsOf({ topic: 'rows', partition: 0 })
    assert.equal(Buffer.from(record?.key ?? []).toString(), '"SFO"')
    assert.deepEqual(Buffer.from(record?.value ?? []), encode(avro(7), text))
  })
})

describe('a document with a format of a sink', () => {
  const document = (format: string) => `
name: job
source: { topic: flights }
pipeline: [ { keyBy: origin }, { window: { tumbling: 1h } }, { aggregate: { flights: count() } } ]
sinks: [ { kafka: { topic: rows, format: ${format} } } ]
quorum: { replicas: 1, write: 1, read: 1 }
`
  const file = new URL('../../../configs/jobs/job.yaml', import.meta.url).pathname
  const sinkOf = (format: string) => parseJob(document(format), 'yaml', file, loadBeside(file)).sinks[0]

  it('has the schema in it, or in a file beside it', () => {
    assert.deepEqual(sinkOf('msgpack'), { kind: 'kafka', topic: 'rows', format: 'msgpack' })
    assert.deepEqual(sinkOf('toml'), { kind: 'kafka', topic: 'rows', format: 'toml' })
    assert.deepEqual(sinkOf('json'), { kind: 'kafka', topic: 'rows' })
    const schema = '{"type":"record","name":"R","fields":[]}'
    assert.deepEqual(sinkOf(`{ avro: { schema: '${schema}', id: 3 } }`), {
      kind: 'kafka',
      topic: 'rows',
      format: { kind: 'avro', schema, id: 3 },
    })
    const sink = sinkOf('{ avro: { file: ../schemas/flight.avsc } }')
    const format = sink?.kind === 'kafka' ? sink.format : undefined
    assert.ok(typeof format === 'object' && format.kind === 'avro' && format.schema.includes('"record"'))
  })

  it('is stored with it', () => {
    const parsed = parseJob(document('msgpack'), 'yaml', file)
    const compiled = compileJob(parsed, {
      cluster: 'c',
      submission: 1,
      sources: assumedSources(parsed, 1),
      missingTopics: [],
    })
    const body = encodeJob({
      document: { text: document('msgpack'), format: 'yaml' },
      compiled,
      submittedAt: '2026-01-01T00:00:00.000Z',
    })
    assert.deepEqual(decodeJob(body).compiled.sinks, compiled.sinks)
  })

  it('tells a schema that is none, and a file that was sent', () => {
    assert.throws(
      () => sinkOf('xml'),
      /expected "json", "toml", "msgpack", or avro or protobuf with a schema; found "xml"/,
    )
    assert.throws(() => sinkOf('{ avro: { id: 3 } }'), /expected one of "schema" or "file"/)
    assert.throws(() => sinkOf('{ avro: { schema: "[" } }'), /the Avro schema cannot be used/)
    assert.throws(() => sinkOf(`{ avro: { schema: '"string"' } }`), /expected a record; found string/)
    assert.throws(() => parseJob(document('{ avro: { file: a.avsc } }'), 'yaml', file), /this one was sent/)
  })
})
