import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { partitionOf, ROW_DEAD_LETTER, RowWriter } from '../../../operators/index.ts'
import { KafkaSink } from '../../../src/commit/sinks/kafka.ts'
import type { Log, LogRecord } from '../../../src/log/log.ts'
import { MemoryLog } from '../../contract/memory-log.ts'
import { sinkContract } from '../../contract/sink.contract.ts'
import { batch, identity, oneBody, row, type WindowRow } from '../../contract/sink-batches.ts'
import { branchContract } from '../../contract/sink-branches.contract.ts'
import { type LogSink, logHarness, memoryLog } from './log-harness.ts'

const PARTITIONS = 3
const sink: LogSink = {
  partitions: PARTITIONS,
  create: (topic, log) => new KafkaSink(topic, log),
  rowsOf(record, partition): WindowRow[] {
    const { key, value, headers = {} } = record
    assert.equal(partitionOf(key ?? new Uint8Array(), PARTITIONS), partition)
    const [start, end] = (headers.window ?? '').split('/').map(Number)
    const text = (bytes: Uint8Array | null) => Buffer.from(bytes ?? []).toString()
    return [
      {
        ...{ start: start ?? Number.NaN, end: end ?? Number.NaN, key: text(key), value: text(value) },
        ...{ revision: Number(headers.revision), final: headers.final === 'true' },
      },
    ]
  },
}

sinkContract('Kafka sink on a log in memory', async () => logHarness(sink, await memoryLog()))
branchContract('Kafka sink on a log in memory', async () => logHarness(sink, await memoryLog()))

describe('the Kafka sink', () => {
  const unit = identity()
  const written = async (body: Uint8Array): Promise<LogRecord[]> => {
    const log = new MemoryLog()
    await log.createTopic('rows', { partitions: 1 })
    const session = await new KafkaSink('rows', log as unknown as Log).open(unit)
    await session.write([{ ...batch(unit, { seq: 1, part: 0 }, undefined, [], oneBody), body }])
    return log.recordsOf({ topic: 'rows', partition: 0 })
  }

  it('writes the certified bytes of key and value as they are', async () => {
    const [record] = await written(oneBody([row(0, '{"ä":1}', '{"n":1e+21}')]).body)
    assert.equal(Buffer.from(record?.key ?? []).toString(), '{"ä":1}')
    assert.equal(Buffer.from(record?.value ?? []).toString(), '{"n":1e+21}')
  })

  it('says of a dead letter which record it was', async () => {
    const writer = new RowWriter()
    writer.append(ROW_DEAD_LETTER, 0, 2, 41, 0, Buffer.from('null'), Buffer.from('{"error":"x"}'))
    const [record] = await written(writer.take())
    assert.deepEqual(record?.headers, { source: '2/41/0' })
  })

  it('waits for a topic that is missing, and its probe says so', async () => {
    const missing = new KafkaSink('nowhere', new MemoryLog() as unknown as Log)
    await assert.rejects(missing.probe(), { code: 'QRT_SINK_UNSUPPORTED', message: /no topic "nowhere"/ })
    await assert.rejects(missing.open(unit), { code: 'QRT_SINK_UNREACHABLE', message: /no topic "nowhere"/ })
  })

  it('must be opened again after a write failed', async () => {
    const log = new MemoryLog()
    await log.createTopic('rows', { partitions: 1 })
    const opened = new KafkaSink('rows', log as unknown as Log)
    const first = await opened.open(unit)
    await opened.open(unit)
    const rows = batch(unit, { seq: 1, part: 0 }, undefined, [row(0, '"a"', '1')], oneBody)
    await assert.rejects(first.write([rows]), { code: 'QRT_SINK_FENCED' })
    await assert.rejects(first.write([rows]), { code: 'QRT_SINK_UNREACHABLE', message: /open the sink again/ })
  })
})
