/**
 * The record path, whole: Nexmark bids in a real Kafka topic of 4 partitions by auction; count, sum, avg and max of each
 * auction over 10 s; one peer process, N=1, rows to a Kafka topic in transactions. Beside it, in turn and on the same topic,
 * bare kafkajs reading without parsing. With `--peers 3` the same job with N=3, W=2 in three processes; CPU is the sum.
 *
 *   npm run bench -- path [-o json] [--records 2000000] [--rounds 5] [--peers 1]
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { partitionOf } from '../../operators/index.ts'
import type { LogRecord } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { Peers } from '../e2e/peers.ts'
import { eventually } from '../eventually.ts'
import { kafka } from '../services/kafka.ts'
import { bids } from './nexmark.ts'
import { cpuSeconds, median, peakMiB } from './processes.ts'

const PARTITIONS = 4
const APPEND = 20_000
const WITHIN_MS = 300_000
const RAW = new URL('./raw-reader.ts', import.meta.url).pathname
const runFile = promisify(execFile)

interface Round {
  readonly seconds: number
  readonly cpuSeconds: number
}

export async function main(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      output: { type: 'string', short: 'o', default: 'text' },
      records: { type: 'string', default: '2000000' },
      rounds: { type: 'string', default: '5' },
      peers: { type: 'string', default: '1' },
      workers: { type: 'string', default: '2' },
    },
  })
  const [records, rounds, count] = [values.records, values.rounds, values.peers].map(Number) as [number, number, number]
  const broker = await kafka()
  if ('unavailable' in broker) throw new Error(broker.unavailable)
  const folder = await mkdtemp(join(tmpdir(), 'quorate-bench-'))
  const log = await openLog({ kind: 'kafka', brokers: broker.brokers, clientId: 'bench' })
  const names = Array.from({ length: count }, (_, index) => `p${index}`)
  const settings = { kind: 'kafka', brokers: broker.brokers, clientId: 'quorate' } as const
  const args = ['--workers', values.workers, '--log-level', 'warn']
  const peers = new Peers({ directory: folder, log: settings, names, args })
  try {
    const topic = `bids-${process.pid}`
    await log.createTopic(topic, { partitions: PARTITIONS })
    const bytes = await fill(topic, records, (partition, batch) => log.append({ topic, partition }, batch))
    await peers.start()
    const raw: Round[] = []
    const ours: Round[] = []
    // One of each before, so that both find the broker's cache warm and their own code compiled.
    for (let round = 0; round <= rounds; round++) {
      const bare = await readRaw(broker.brokers, topic, records)
      const job = `path-${round}`
      const sink = `${topic}-${round}`
      await log.createTopic(sink, { partitions: PARTITIONS })
      const done = await runJob(peers, job, topic, sink)
      if (round > 0) {
        raw.push(bare)
        ours.push(done)
      }
      await peers.client().deleteJob(job)
      await log.deleteTopic(sink)
    }
    report(values.output === 'json', {
      records,
      bytes,
      raw,
      ours,
      maxRssMiB: Math.max(...peers.all.map(({ pid }) => peakMiB(pid))),
    })
  } finally {
    await peers.stop()
    await log.close()
    await broker.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Returns the mean size of a value. */
async function fill(
  _topic: string,
  records: number,
  append: (partition: number, batch: readonly LogRecord[]) => Promise<number>,
): Promise<number> {
  let batches: LogRecord[][] = Array.from({ length: PARTITIONS }, () => [])
  let bytes = 0
  let waiting = 0
  const send = async () => {
    await Promise.all(batches.map((batch, partition) => (batch.length > 0 ? append(partition, batch) : undefined)))
    batches = batches.map(() => [])
    waiting = 0
  }
  for (const bid of bids({ count: records })) {
    const key = Buffer.from(String(bid.auction))
    const value = Buffer.from(JSON.stringify(bid))
    bytes += value.length
    batches[partitionOf(key, PARTITIONS)]?.push({ key, value })
    if (++waiting === APPEND) await send()
  }
  await send()
  return Math.round(bytes / records)
}

async function readRaw(brokers: readonly string[], topic: string, records: number): Promise<Round> {
  const { stdout } = await runFile(process.execPath, [RAW, brokers.join(','), topic, String(records)])
  const read = JSON.parse(stdout) as Round & { readonly records: number }
  if (read.records !== records) throw new Error(`kafkajs read ${read.records} of ${records} records`)
  return read
}

async function runJob(peers: Peers, job: string, topic: string, sink: string): Promise<Round> {
  const used = () => peers.all.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0)
  const cpuBefore = used()
  const started = performance.now()
  const replicas = peers.all.length
  const write = Math.floor(replicas / 2) + 1
  await peers.client().submit({
    format: 'yaml',
    file: 'bench',
    text: `
name: ${job}
source: { topic: ${topic}, format: json, time: { field: dateTime }, partitionedBy: auction, bounded: true }
pipeline:
  - keyBy: auction
  - window: { tumbling: 10s }
  - aggregate: { bids: count(), total: sum(price), mean: avg(price), most: max(price) }
sinks: [ { kafka: { topic: ${sink} } } ]
quorum: { replicas: ${replicas}, write: ${write}, read: ${write} }
`,
  })
  const client = peers.client()
  await eventually(
    `${job} is at the sink`,
    async () => {
      const { units } = await client.status(job)
      return units.every(({ state, certified, committed }) => state === 'finished' && committed?.seq === certified?.seq)
    },
    WITHIN_MS,
  )
  return { seconds: (performance.now() - started) / 1000, cpuSeconds: used() - cpuBefore }
}

function report(
  json: boolean,
  figures: {
    readonly records: number
    readonly bytes: number
    readonly raw: readonly Round[]
    readonly ours: readonly Round[]
    readonly maxRssMiB: number
  },
): void {
  const { records, raw, ours, bytes, maxRssMiB } = figures
  const rate = (rounds: readonly Round[]) => Math.round(records / median(rounds.map(({ seconds }) => seconds)))
  const cpu = (rounds: readonly Round[]) =>
    Math.round((median(rounds.map(({ cpuSeconds }) => cpuSeconds)) / records) * 1e8) / 100
  const ratios = ours.map(({ seconds }, index) => (raw[index]?.seconds ?? Number.NaN) / seconds)
  const round3 = (value: number) => Math.round(value * 1000) / 1000
  const result = {
    recordsPerSecond: rate(ours),
    rawRecordsPerSecond: rate(raw),
    ratio: round3(median(ratios)),
    ratioLeast: round3(Math.min(...ratios)),
    ratioMost: round3(Math.max(...ratios)),
    cpuMicrosPerRecord: cpu(ours),
    rawCpuMicrosPerRecord: cpu(raw),
    maxRssMiB,
    records,
    bytesPerRecord: bytes,
    rounds: ours.length,
  }
  if (json) console.log(JSON.stringify(result))
  else for (const [name, value] of Object.entries(result)) console.log(`${name.padEnd(24)} ${value}`)
}
