import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { recordsOf } from '../../src/demo/job.ts'
import { openLog } from '../../src/log/open.ts'
import { eventually } from '../eventually.ts'
import { assertSame } from './delays.ts'
import { delayRows, flightRecords } from './flights.ts'
import { Peers } from './peers.ts'
import { fileRows } from './sink-readers.ts'

const WITHIN_MS = 120_000
const NAMES = ['ada', 'bo', 'cy']

/** Nothing says that the topic is partitioned by airport: records are merged behind a shuffle. */
const JOB = `
name: delays
source:
  topic: flights
  time: { field: date, pattern: "yyyy/MM/dd HH:mm" }
  idleAfter: 10m
pipeline:
  - filter: distance >= 100
  - keyBy: origin
  - window: { tumbling: 1d }
  - aggregate: { flights: count(), delayed: "count(delay > 15)", meanDelay: avg(delay), worst: max(delay) }
sinks: [ { file: { directory: delays } } ]
quorum: { replicas: 3, write: 2, read: 2 }
shuffle: { partitions: 2 }
`

const folder = () => mkdtemp(join(tmpdir(), 'quorate-restore-twice-'))

/** A day after the last flight in every partition: all windows close. */
const CLOSING = ['ATL', 'ORD', 'DFW', 'LAX', 'PHX', 'STL', 'DTW', 'MSP', 'SFO', 'LAS'].map((origin) => {
  return { date: '2001/04/02 00:00', delay: 0, distance: 100, origin, destination: 'SEA' }
})

describe('a job of two stages', () => {
  /**
   *   first cluster    a third of the flights      all killed, their disks put aside
   *   second           another third               all killed, all disks deleted
   *   third            the rest                    … then the whole first cluster is started again      … and goes on
   */
  it('survives the loss of its cluster twice, and the first one coming back', async () => {
    const root = await folder()
    const settings = { kind: 'embedded', directory: join(root, 'log') } as const
    const log = await openLog(settings)
    const rows = join(root, 'rows')
    const kept = join(root, 'kept')
    const clusters: Peers[] = []
    const start = async (name: string, args: readonly string[] = []) => {
      const peers = new Peers({
        directory: join(root, name),
        log: settings,
        connections: { file: { directory: rows } },
        checkpoints: { directory: kept },
        names: NAMES,
        args,
      })
      clusters.push(peers)
      await peers.start()
      return peers
    }
    const append = async (flights: readonly ReturnType<typeof flightRecords>[number][]) => {
      for (const [partition, records] of recordsOf(flights)) await log.append(partition, records)
    }
    // Files never change: each is read once.
    const lines = new Map<string, number>()
    const count = async () => {
      const paths = (await readdir(rows, { recursive: true }).catch(() => [])).filter((path) => path.endsWith('.jsonl'))
      for (const path of paths) {
        if (!lines.has(path)) lines.set(path, (await readFile(join(rows, path), 'utf8')).split('\n').length - 1)
      }
      return [...lines.values()].reduce((sum, each) => sum + each, 0)
    }
    const checkpointed = async (cluster: string, units: number) => {
      await eventually(
        'a snapshot of every unit is in a checkpoint',
        async () => {
          const names = await readdir(join(kept, cluster, 'units'), { recursive: true }).catch(() => [])
          const found = names.flatMap((name) => /\/(\d-\d)\/\d+-\d+\.json$/.exec(name)?.[1] ?? [])
          return new Set(found).size >= units
        },
        WITHIN_MS,
      )
    }
    const idOf = async (peers: Peers): Promise<string> => {
      const { cluster } = await peers.client().status(undefined)
      assert.ok(cluster !== undefined)
      return cluster
    }
    try {
      const flights = flightRecords()
      const third = Math.floor(flights.length / 3)
      await log.createTopic('flights', { partitions: 3 })
      await append(flights.slice(0, third))
      const first = await start('first')
      const lost = await idOf(first)
      await first.client().submit({ format: 'yaml', file: 'e2e', text: JOB })
      await checkpointed(lost, 5)
      await eventually('rows are written', async () => (await count()) > 100, WITHIN_MS)
      await Promise.all(first.all.map((peer) => peer.kill()))

      const second = await start('second', ['--restore', lost])
      const lostAgain = await idOf(second)
      await append(flights.slice(third, 2 * third))
      const written = await count()
      await eventually('the second cluster writes', async () => (await count()) > written + 500, WITHIN_MS)
      await Promise.all(second.all.map((peer) => peer.kill()))
      await rm(join(root, 'second'), { recursive: true })

      await start('third', ['--restore', lostAgain])
      await append([...flights.slice(2 * third), ...CLOSING])
      const expected = delayRows(flights)
      await eventually('all rows are there', async () => (await count()) >= expected.length, WITHIN_MS)
      assertSame({ files: await fileRows(rows) }, expected)

      // They are as many as must agree, and compute and sign the same input; only the sinks know better.
      for (const peer of first.all) await peer.start()
      await eventually(
        'the first cluster is told at every sink that it was replaced',
        async () => {
          const { units } = await first.named('ada').client().status('delays')
          return units.every(({ reasons }) => reasons.some((reason) => reason.includes('restored from checkpoints')))
        },
        WITHIN_MS,
      )
      assertSame({ files: await fileRows(rows) }, expected)

      await append(CLOSING.map((flight) => ({ ...flight, date: '2001/04/03 00:00' })))
      const more = delayRows([...flights, ...CLOSING])
      await eventually('the third goes on', async () => (await count()) >= more.length, WITHIN_MS)
      assertSame({ files: await fileRows(rows) }, more)
    } finally {
      for (const peers of clusters) await peers.stop()
      await log.close()
      await rm(root, { recursive: true, force: true })
    }
  })
})
