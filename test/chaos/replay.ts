/**
 * A backlog is replayed through a shuffle: bids that lie in the topic by bidder are grouped by auction, and one partition
 * holds most of them, so that event time in the partitions runs apart by minutes. No record may be late, and every window
 * must be exactly what a plain loop over the bids gives.
 *
 *   npm run chaos -- replay [--records 1000000] [-o json]
 */
import { join } from 'node:path'
import type { LogRecord } from '../../src/log/log.ts'
import { bids } from '../bench/nexmark.ts'
import { Peers } from '../e2e/peers.ts'
import { kafkaRows, type SinkRow } from '../e2e/sink-readers.ts'
import { eventually } from '../eventually.ts'
import { flagsOf } from './flags.ts'
import { Scene } from './scene.ts'

const PARTITIONS = 4
const WINDOW_MS = 10_000
const APPEND = 10_000
const WITHIN_MS = 300_000

interface Totals {
  readonly bids: number
  readonly total: number
  readonly most: number
}

export async function main(argv: readonly string[]): Promise<void> {
  const flags = flagsOf(argv, { records: '1000000' })
  const records = flags.number('records')
  const scene = await Scene.start()
  const place = await scene.place(PARTITIONS)
  const directory = join(scene.folder, place.name)
  const peers = new Peers({
    directory,
    log: scene.logSettings,
    connections: scene.connections,
    names: ['ada', 'bo', 'cy'],
  })
  try {
    const expected = await fill(scene, place.topic, records)
    await peers.start()
    const started = performance.now()
    await peers.client().submit({ format: 'yaml', file: 'replay', text: jobText(place.name, place.topic) })
    const client = peers.client()
    await eventually(
      'everything is at the sink',
      async () => {
        const { units } = await client.status(place.name)
        return units.every(
          ({ state, certified, committed }) => state === 'finished' && committed?.seq === certified?.seq,
        )
      },
      WITHIN_MS,
    )
    const seconds = (performance.now() - started) / 1000
    const late = await lateRecords(peers)
    const wrong = difference(await kafkaRows(scene.brokers, `${place.name}-out`), expected)
    const figures = {
      records,
      windows: expected.size,
      late,
      wrong: wrong ?? null,
      seconds: Math.round(seconds * 10) / 10,
    }
    if (flags.json) console.log(JSON.stringify(figures))
    else
      console.log(
        `${records} records, ${expected.size} windows, ${late} late; ${wrong ?? 'all exact'}; ${figures.seconds} s`,
      )
    if (late > 0 || wrong !== undefined) process.exitCode = 1
  } finally {
    await peers.stop()
    await scene.stop({ keep: process.exitCode === 1 })
  }
}

async function fill(scene: Scene, topic: string, records: number): Promise<ReadonlyMap<string, Totals>> {
  const expected = new Map<string, Totals>()
  let batches = Array.from({ length: PARTITIONS }, (): LogRecord[] => [])
  let waiting = 0
  const send = async () => {
    await Promise.all(
      batches.map((batch, partition) => (batch.length > 0 ? scene.log.append({ topic, partition }, batch) : undefined)),
    )
    batches = batches.map(() => [])
    waiting = 0
  }
  for (const bid of bids({ count: records })) {
    // Seven of ten bidders are in the first partition.
    const place = bid.bidder % 10
    const partition = place < 7 ? 0 : place - 6
    batches[partition]?.push({ key: Buffer.from(String(bid.bidder)), value: Buffer.from(JSON.stringify(bid)) })
    const name = `${Math.floor(bid.dateTime / WINDOW_MS) * WINDOW_MS}/${bid.auction}`
    const known = expected.get(name)
    expected.set(name, {
      bids: (known?.bids ?? 0) + 1,
      total: (known?.total ?? 0) + bid.price,
      most: Math.max(known?.most ?? 0, bid.price),
    })
    if (++waiting === APPEND) await send()
  }
  await send()
  return expected
}

const jobText = (name: string, topic: string): string => `
name: ${name}
source: { topic: ${topic}, format: json, time: { field: dateTime }, bounded: true }
pipeline:
  - keyBy: auction
  - window: { tumbling: ${WINDOW_MS}ms }
  - aggregate: { bids: count(), total: sum(price), most: max(price) }
sinks: [ { kafka: { topic: ${name}-out } } ]
quorum: { replicas: 3, write: 2, read: 2 }
`

/** As every peer counts them. */
async function lateRecords(peers: Peers): Promise<number> {
  let late = 0
  for (const { httpAddress } of peers.all) {
    const text = await (await fetch(`${httpAddress}/metrics`)).text()
    for (const [, count] of text.matchAll(/^quorate_late_records_total\{[^}]*\} (\d+)/gm)) late += Number(count)
  }
  return late
}

function difference(rows: readonly SinkRow[], expected: ReadonlyMap<string, Totals>): string | undefined {
  const seen = new Set<string>()
  for (const { final, value } of rows) {
    const { start } = value.window as { readonly start: string }
    const name = `${Date.parse(start)}/${value.key}`
    const wanted = expected.get(name)
    if (wanted === undefined || seen.has(name) || !final) return `the row ${name} is extra, there twice, or not final`
    seen.add(name)
    if (value.bids !== wanted.bids || value.total !== wanted.total || value.most !== wanted.most) {
      return `the row ${name} is ${JSON.stringify(value)}, expected ${JSON.stringify(wanted)}`
    }
  }
  return seen.size === expected.size ? undefined : `${expected.size - seen.size} rows are missing`
}
