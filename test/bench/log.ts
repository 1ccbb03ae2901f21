/**
 * How fast the logs are. Kafka: this reader against bare kafkajs (`eachBatch`, large fetches, nothing parsed), on the same
 * topic of a real broker, in turn, each touching every value; the median and spread of the ratio of CPU per record, which
 * other processes disturb less than time. Embedded: records appended and read a second. Asserts nothing, because machines
 * differ.
 *
 *   npm run bench -- log [-o json] [--records 1000000] [--rounds 5]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import type { Log, LogRecord } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { crc32c } from '../../src/log/records/crc32c.ts'
import { kafka } from '../services/kafka.ts'
import { bids } from './nexmark.ts'

interface LogBenchOptions {
  readonly records: number
  readonly rounds: number
}

interface Spent {
  readonly cpuMicrosPerRecord: number
  readonly recordsPerSecond: number
}

interface KafkaFigures {
  readonly reader: Spent
  readonly kafkajs: Spent
  /** Of CPU per record, reader to kafkajs: below one is less. */
  readonly ratio: { readonly median: number; readonly least: number; readonly most: number }
}

interface LogFigures {
  readonly records: number
  readonly bytesPerRecord: number
  readonly kafka: KafkaFigures | { readonly unavailable: string }
  readonly embedded: { readonly append: Spent; readonly read: Spent }
  readonly crc32cGigabytesPerSecond: number
}

const PARTITIONS = 4
const APPEND = 10_000
const MEGABYTE = 1 << 20

async function run({ records, rounds }: LogBenchOptions): Promise<LogFigures> {
  const made = Array.from(
    bids({ count: APPEND }),
    (bid): LogRecord => ({ key: null, value: Buffer.from(JSON.stringify(bid)) }),
  )
  return {
    records,
    bytesPerRecord: Math.round(made.reduce((sum, { value }) => sum + (value?.length ?? 0), 0) / made.length),
    kafka: await compareReaders(made, records, rounds),
    embedded: await measureEmbedded(made, records, rounds),
    crc32cGigabytesPerSecond: measureChecksum(),
  }
}

async function compareReaders(
  made: readonly LogRecord[],
  records: number,
  rounds: number,
): Promise<LogFigures['kafka']> {
  const broker = await kafka()
  if ('unavailable' in broker) return broker
  const log = await openLog({ kind: 'kafka', brokers: broker.brokers, clientId: 'bench' })
  const topic = `bench-${process.pid}`
  try {
    await log.createTopic(topic, { partitions: PARTITIONS })
    await fill(log, topic, PARTITIONS, made, records)
    const ours: Spent[] = []
    const theirs: Spent[] = []
    // The first of each warms up.
    for (let round = 0; round <= rounds; round++) {
      ours.push(await readLog(log, topic, PARTITIONS, records))
      theirs.push(await readKafkajs(broker.brokers, topic, records, `${topic}-${round}`))
    }
    const ratios = ours.slice(1).map(({ cpuMicrosPerRecord }, i) => {
      const other = theirs[i + 1] as Spent
      return cpuMicrosPerRecord / other.cpuMicrosPerRecord
    })
    return {
      reader: middle(ours.slice(1)),
      kafkajs: middle(theirs.slice(1)),
      ratio: { median: median(ratios), least: round3(Math.min(...ratios)), most: round3(Math.max(...ratios)) },
    }
  } finally {
    await log.deleteTopic(topic)
    await log.close()
    await broker.stop()
  }
}

async function fill(log: Log, topic: string, partitions: number, made: readonly LogRecord[], records: number) {
  for (let done = 0, turn = 0; done < records; done += made.length, turn++) {
    await log.append({ topic, partition: turn % partitions }, made.slice(0, records - done))
  }
}

/** What both sides do with a value: enough to need it, not enough to be measured. */
const touch = (value: Uint8Array | null): number =>
  value === null ? 0 : value.length + (value[0] as number) + (value[value.length - 1] as number)

async function readLog(log: Log, topic: string, partitions: number, records: number): Promise<Spent> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const spending = startSpending()
  let count = 0
  let sum = 0
  const reader = log.reader({
    onBatch(_, batch, start) {
      for (let i = start; i < batch.length; i++) sum += touch(batch.value(i))
      count += batch.length - start
      if (count === records) resolve()
      return batch.length - start
    },
    onEmpty: () => undefined,
    onHalt: (_, error) => reject(error),
    onOutage: (error) => error && reject(error),
  })
  for (let partition = 0; partition < partitions; partition++) reader.add({ topic, partition }, 0)
  await promise
  const spent = spending(records)
  await reader.close()
  if (sum === 0) throw new Error('the values were not looked at')
  return spent
}

async function readKafkajs(brokers: string[], topic: string, records: number, groupId: string): Promise<Spent> {
  const consumer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).consumer({
    groupId,
    maxBytes: 8 * MEGABYTE,
    maxBytesPerPartition: MEGABYTE,
    maxWaitTimeInMs: 250,
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const { promise, resolve } = Promise.withResolvers<void>()
  let spending: ReturnType<typeof startSpending> | undefined
  let count = 0
  let sum = 0
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      // Joining the group is not counted.
      spending ??= startSpending()
      for (const { value } of batch.messages) sum += touch(value)
      count += batch.messages.length
      if (count >= records) resolve()
    },
  })
  await promise
  const spent = (spending as ReturnType<typeof startSpending>)(records)
  await consumer.disconnect()
  if (sum === 0) throw new Error('the values were not looked at')
  return spent
}

async function measureEmbedded(made: readonly LogRecord[], records: number, rounds: number) {
  const appends: Spent[] = []
  const reads: Spent[] = []
  for (let round = 0; round <= rounds; round++) {
    const directory = await mkdtemp(join(tmpdir(), 'quorate-bench-'))
    const log = await openLog({ kind: 'embedded', directory })
    await log.createTopic('bench', { partitions: PARTITIONS })
    const spending = startSpending()
    await fill(log, 'bench', PARTITIONS, made, records)
    appends.push(spending(records))
    reads.push(await readLog(log, 'bench', PARTITIONS, records))
    await log.close()
    await rm(directory, { recursive: true, force: true })
  }
  return { append: middle(appends.slice(1)), read: middle(reads.slice(1)) }
}

function measureChecksum(): number {
  const bytes = Buffer.alloc(MEGABYTE, 'x')
  const rates = Array.from({ length: 9 }, () => {
    const started = process.hrtime.bigint()
    for (let pass = 0; pass < 100; pass++) crc32c(bytes, 1, bytes.length)
    return (bytes.length * 100) / Number(process.hrtime.bigint() - started)
  })
  return median(rates)
}

function startSpending(): (records: number) => Spent {
  const cpu = process.cpuUsage()
  const started = performance.now()
  return (records) => {
    const { user, system } = process.cpuUsage(cpu)
    return {
      cpuMicrosPerRecord: round3((user + system) / records),
      recordsPerSecond: Math.round((records * 1000) / (performance.now() - started)),
    }
  }
}

const middle = (all: readonly Spent[]): Spent => ({
  cpuMicrosPerRecord: median(all.map((each) => each.cpuMicrosPerRecord)),
  recordsPerSecond: median(all.map((each) => each.recordsPerSecond)),
})

const median = (values: readonly number[]): number =>
  round3([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0)

const round3 = (value: number): number => Number(value.toFixed(3))

function describe({ records, bytesPerRecord, kafka: inKafka, embedded, ...rest }: LogFigures): string {
  const line = (name: string, { cpuMicrosPerRecord, recordsPerSecond }: Spent) =>
    `${name.padEnd(16)} ${cpuMicrosPerRecord} µs of CPU a record, ${recordsPerSecond} records a second`
  return [
    `${records} records of ${bytesPerRecord} bytes`,
    ...('unavailable' in inKafka
      ? [inKafka.unavailable]
      : [
          line('Kafka, reader', inKafka.reader),
          line('Kafka, kafkajs', inKafka.kafkajs),
          `ratio ${inKafka.ratio.median} (${inKafka.ratio.least} to ${inKafka.ratio.most})`,
        ]),
    line('embedded, append', embedded.append),
    line('embedded, read', embedded.read),
    `CRC-32C ${rest.crc32cGigabytesPerSecond} GB a second`,
  ].join('\n')
}

export async function main(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      output: { type: 'string', short: 'o', default: 'text' },
      records: { type: 'string', default: '1000000' },
      rounds: { type: 'string', default: '5' },
    },
  })
  const figures = await run({ records: Number(values.records), rounds: Number(values.rounds) })
  console.log(values.output === 'json' ? JSON.stringify(figures) : describe(figures))
}
