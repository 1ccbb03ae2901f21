import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { partitionOf } from '../../../operators/index.ts'
import { KafkaSink } from '../../../src/commit/sinks/kafka.ts'
import { ShuffleSink } from '../../../src/commit/sinks/shuffle.ts'
import type { Log } from '../../../src/log/log.ts'
import { openLog } from '../../../src/log/open.ts'
import { sinkContract } from '../../contract/sink.contract.ts'
import {
  batch,
  bodyPerPartition,
  HOUR,
  identity,
  oneBody,
  row,
  STORY,
  type WindowRow,
} from '../../contract/sink-batches.ts'
import { skipReason } from '../../services/availability.ts'
import { kafka } from '../../services/kafka.ts'
import { type LogSink, logHarness, realLog, rowsOfSlice } from './log-harness.ts'

const PARTITIONS = 3
const broker = await kafka()
const brokers = 'brokers' in broker ? broker.brokers : []
const folder = await mkdtemp(join(tmpdir(), 'quorate-sinks-'))
after(async () => {
  await rm(folder, { recursive: true, force: true })
  if ('stop' in broker) await broker.stop()
})

let directories = 0
const openEmbedded = (): Promise<Log> => {
  directories += 1
  return openLog({ kind: 'embedded', directory: join(folder, String(directories)) })
}
const openKafka = (): Promise<Log> => openLog({ kind: 'kafka', brokers, clientId: 'sinks' })

/** A log's reader sees keys and values; among the rows of the story these are enough to tell which row it is. */
const kafkaSink: LogSink = {
  partitions: PARTITIONS,
  create: (topic, log) => new KafkaSink(topic, log),
  rowsOf({ key, value }, partition): WindowRow[] {
    assert.equal(partitionOf(key ?? new Uint8Array(), PARTITIONS), partition)
    const [its, text] = [key, value].map((bytes) => Buffer.from(bytes ?? []).toString())
    const found = STORY.flatMap(([, rows]) => rows.filter((each) => each.key === its && each.value === text))
    assert.equal(found.length, 1, `expected one row of the story with key ${its} and value ${text}`)
    return found
  },
}
const shuffleSink: LogSink = {
  partitions: PARTITIONS,
  layout: bodyPerPartition(PARTITIONS),
  create: (topic, log) => new ShuffleSink(topic, PARTITIONS, log),
  rowsOf: rowsOfSlice,
}

for (const [name, sink] of [['Kafka', kafkaSink] as const, ['shuffle', shuffleSink] as const]) {
  sinkContract(`${name} sink on the embedded log`, async () => logHarness(sink, realLog(await openEmbedded())))
  sinkContract(`${name} sink on Kafka`, async () => logHarness(sink, realLog(await openKafka())), skipReason(broker))
}

describe('the Kafka sink on Kafka', { skip: skipReason(broker) }, () => {
  it('says in headers, for every Kafka client, which revision of which window a row is', async () => {
    const topic = `headers-${process.pid}`
    const log = await openKafka()
    await log.createTopic(topic, { partitions: 1 })
    const unit = identity()
    const rows = [row(0, '"a"', '{"n":1}', 2, false)]
    const session = await new KafkaSink(topic, log).open(unit)
    await session.write([batch(unit, { seq: 1, part: 0 }, undefined, rows, oneBody)])
    await session.close()
    await log.close()

    const client = new Kafka({ brokers, logLevel: logLevel.NOTHING })
    const consumer = client.consumer({ groupId: topic })
    const { promise: seen, resolve } = Promise.withResolvers<Record<string, string>>()
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message: { key, value, headers } }) =>
        resolve({ ...{ key: String(key), value: String(value) }, ...mapped(headers ?? {}) }),
    })
    const message = await seen
    await consumer.disconnect()
    const start = Date.UTC(2001, 0, 1)
    assert.deepEqual(message, {
      ...{ key: '"a"', value: '{"n":1}', window: `${start}/${start + HOUR}`, revision: '2', final: 'false' },
    })
  })
})

const mapped = (headers: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
