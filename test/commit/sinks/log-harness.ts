/** The contract's harness for sinks that write to a log: a topic of its own for each test, read from its beginning. */
import assert from 'node:assert/strict'
import { leafDigest, rootFromPath } from '../../../mesh/index.ts'
import type { Sink } from '../../../src/commit/sink.ts'
import { decodeSlice } from '../../../src/commit/slice.ts'
import { QuorateError } from '../../../src/errors.ts'
import type { Log, LogPartition, LogRecord } from '../../../src/log/log.ts'
import { MemoryLog, type WritableLog } from '../../contract/memory-log.ts'
import { ConnectionLost, type SinkHarness, type Step } from '../../contract/sink.contract.ts'
import { rowsOf, type WindowRow } from '../../contract/sink-batches.ts'

/** A log, and what a reader of it finds in a partition. */
export interface ReadableLog {
  readonly log: WritableLog
  read(partition: LogPartition): Promise<readonly LogRecord[]>
}

export interface LogSink {
  readonly partitions: number
  readonly layout?: NonNullable<SinkHarness['layout']>
  create(topic: string, log: Log): Sink
  rowsOf(record: LogRecord, partition: number): readonly WindowRow[]
}

let topics = 0

export async function logHarness(sink: LogSink, { log, read }: ReadableLog): Promise<SinkHarness> {
  topics += 1
  const topic = `rows-${process.pid}-${topics}`
  await log.createTopic(topic, { partitions: sink.partitions })
  return {
    sink: (step) => sink.create(topic, stepping(log, step) as Log),
    async rows() {
      const rows: WindowRow[] = []
      for (let partition = 0; partition < sink.partitions; partition++) {
        for (const record of await read({ topic, partition })) rows.push(...sink.rowsOf(record, partition))
      }
      return rows
    },
    keeps: 'everyRevision',
    fences: true,
    ...(sink.layout === undefined ? {} : { layout: sink.layout }),
    dispose: () => log.close(),
  }
}

export async function memoryLog(): Promise<ReadableLog> {
  const log = new MemoryLog()
  return { log, read: async (partition) => log.recordsOf(partition) }
}

/** A real log, read as any reader reads it. The contract's topics are small: a partition is read to its end at once. */
export const realLog = (log: Log): ReadableLog => ({ log, read: (partition) => readAll(log, partition) })

async function readAll(log: Log, partition: LogPartition): Promise<LogRecord[]> {
  const range = (await log.offsets(partition.topic))[partition.partition]
  if (range === undefined || range.start === range.end) return []
  const { promise: atEnd, resolve, reject } = Promise.withResolvers<void>()
  const records: LogRecord[] = []
  const reader = log.reader({
    onBatch(_, batch, start) {
      for (let i = start; i < batch.length; i++) {
        records.push({ key: batch.key(i)?.slice() ?? null, value: batch.value(i)?.slice() ?? null })
      }
      return batch.length - start
    },
    onEmpty(_, position) {
      if (position >= range.end) resolve()
    },
    onHalt: (_, error) => reject(error),
    onOutage: () => undefined,
  })
  try {
    reader.add(partition, range.start)
    await atEnd
    return records
  } finally {
    await reader.close()
  }
}

/** The rows of a shuffle's record, checked as its reader checks them. */
export function rowsOfSlice({ value }: LogRecord, partition: number): WindowRow[] {
  const { destination, leaves, path, body, certificate } = decodeSlice(value ?? new Uint8Array())
  assert.equal(destination, partition)
  assert.equal(rootFromPath(leafDigest(body), destination, leaves, path), certificate.content.outDigest)
  return rowsOf(body)
}

/** Every call to the log goes through `step`; what is lost on the way is the log's own error. */
function stepping(log: WritableLog, step: Step): WritableLog {
  const around = async <T>(call: () => Promise<T>, indefinite: boolean): Promise<T> => {
    try {
      return await step(call)
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error
      throw new QuorateError('QRT_LOG_UNREACHABLE', error.message, { indefinite })
    }
  }
  return {
    describeTopic: (topic) => around(() => log.describeTopic(topic), false),
    createTopic: (topic, settings) => around(() => log.createTopic(topic, settings), false),
    openWriter: async (id, progressTopic) => {
      const writer = await around(() => log.openWriter(id, progressTopic), false)
      return {
        progress: writer.progress,
        commit: (records, progress) => around(() => writer.commit(records, progress), true),
        close: () => writer.close(),
      }
    },
    close: async () => undefined,
  }
}
