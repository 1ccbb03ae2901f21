/**
 * Records in other formats than JSON, through real peers on the embedded log: Avro as a schema registry frames it, its schemas
 * looked up when the job is submitted; bare Protocol Buffers; and CloudEvents whose attributes are headers. Integers beyond
 * 2^53 come out as they went in, and what is broken is a dead letter on every replica alike.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import avsc from 'avsc'
import protobuf from 'protobufjs'
import { withSubject } from '../../src/job/registry.ts'
import type { Log, LogRecord } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { eventually } from '../eventually.ts'
import { SchemaRegistry } from '../job/schema-registry.ts'
import { Peers } from './peers.ts'

const BIG = 9007199254740993n
const PROTO = 'syntax = "proto3"; message Sale { string shop = 1; int64 cents = 2; }'
const AVRO = {
  type: 'record',
  name: 'Sale',
  fields: [
    { name: 'shop', type: 'string' },
    { name: 'cents', type: { type: 'bytes', logicalType: 'decimal', precision: 30, scale: 0 } },
  ],
} as const

let directory: string
let log: Log
let peers: Peers
let registry: SchemaRegistry
let address: string

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'quorate-formats-'))
  const settings = { kind: 'embedded', directory: join(directory, 'log') } as const
  log = await openLog(settings)
  registry = new SchemaRegistry()
  address = await registry.start()
  peers = new Peers({ directory, log: settings, names: ['ada', 'bo'] })
  await peers.start()
})
after(async () => {
  await peers?.stop()
  await log?.close()
  await registry?.stop()
  rmSync(directory, { recursive: true, force: true })
})

const jobText = (name: string, source: string, cents = 'cents', shop = 'shop'): string => `name: ${name}
source: { topic: ${name}, bounded: true, ${source} }
pipeline:
  - keyBy: ${shop}
  - window: { tumbling: 1d }
  - aggregate: { sales: count(), cents: sum(${cents}), most: max(${cents}) }
quorum: { replicas: 2, write: 2, read: 2 }
`

/** Appends the records, runs the job to its end, and gives what its windows say. */
async function run(name: string, records: readonly LogRecord[], text: string) {
  await log.createTopic(name, { partitions: 1 })
  await log.append({ topic: name, partition: 0 }, records)
  const client = peers.client()
  await client.submit({ text, format: 'yaml', file: name })
  await eventually(`${name} is finished`, async () => (await client.job(name)).state === 'finished', 120_000)
  const { rows } = await client.windows(name, { limit: 100 })
  const letters = await fetch(`${peers.all[1]!.httpAddress}/v1/jobs/${name}/dead-letters?limit=100`)
  const { rows: dead } = (await letters.json()) as { rows: readonly { error: string }[] }
  return {
    rows: rows.map(({ key, certified, values }) => ({ key, certified, ...values })),
    dead: dead.map(({ error }) => error),
  }
}

/** The API writes integers that a double does not hold as texts. */
const EXPECTED = [{ key: 'ada', certified: true, sales: 2, cents: String(BIG + 1n), most: String(BIG) }]

describe('records of real peers', { concurrency: false }, () => {
  it('may be Avro in the framing of a registry', async () => {
    const id = registry.register('sales-avro-value', JSON.stringify(AVRO))
    const type = avsc.Type.forSchema({ ...AVRO, fields: [AVRO.fields[0], { name: 'cents', type: 'bytes' }] })
    const framed = (schema: number, cents: bigint): LogRecord => {
      const digits = cents.toString(16)
      const raw = Buffer.from(`00${digits.length % 2 === 0 ? '' : '0'}${digits}`, 'hex')
      const head = Buffer.alloc(5)
      head.writeUInt32BE(schema, 1)
      return { key: null, value: Buffer.concat([head, type.toBuffer({ shop: 'ada', cents: raw })]) }
    }
    const text = jobText('sales-avro', 'format: { avro: { subject: sales-avro-value } }')
    const sent = await withSubject(text, 'yaml', address)
    const records = [framed(id, BIG), framed(id + 1, 5n), framed(id, 1n), { key: null, value: Buffer.from('{}') }]
    assert.deepEqual(await run('sales-avro', records, sent), {
      rows: EXPECTED,
      dead: ['QRT_RECORD_SCHEMA', 'QRT_RECORD_SYNTAX'],
    })
  })

  it('may be Protocol Buffers', async () => {
    const type = protobuf.parse(PROTO, new protobuf.Root(), { keepCase: true }).root.lookupType('Sale')
    const record = (cents: string): LogRecord => ({
      key: null,
      value: type.encode(type.fromObject({ shop: 'ada', cents })).finish(),
    })
    const text = jobText('sales-proto', `format: { protobuf: { schema: '${PROTO}', message: Sale } }`)
    const records = [record(String(BIG)), { key: null, value: Buffer.of(0x0a, 0x7f) }, record('1')]
    assert.deepEqual(await run('sales-proto', records, text), { rows: EXPECTED, dead: ['QRT_RECORD_SYNTAX'] })
  })

  it('may be CloudEvents whose attributes are headers', async () => {
    const headers = { ce_specversion: '1.0', ce_id: '1', ce_source: '/till', ce_type: 'sold', ce_subject: 'ada' }
    const record = (cents: bigint): LogRecord => ({ key: null, value: Buffer.from(`{"cents":${cents}}`), headers })
    const text = jobText('sales-events', 'envelope: cloudevents', 'data.cents', 'subject')
    const records = [record(BIG), { key: null, value: Buffer.from('{"cents":5}') }, record(1n)]
    assert.deepEqual(await run('sales-events', records, text), { rows: EXPECTED, dead: ['QRT_RECORD_ENVELOPE'] })
  })
})
