/**
 * Parquet files of three peers that share a directory, with an aggregate of a module in every row: the module reaches the threads that
 * compute, and files that several peers would write are there once.
 */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Fields, readParquet } from '../commit/format/readers.ts'
import { eventually } from '../eventually.ts'
import { committed } from './delays.ts'
import { appendFlights, killOne, run, WITHIN_MS, withFileCluster } from './file-cluster.ts'
import { flightRecords } from './flights.ts'

const STATISTICS = fileURLToPath(new URL('../../configs/functions/statistics.ts', import.meta.url))

const JOB = `
name: delays
source:
  topic: flights
  time: { field: date, pattern: "yyyy/MM/dd HH:mm" }
  bounded: true
pipeline:
  - keyBy: origin
  - window: { calendar: month }
  - aggregate: { flights: count(), minutes: sum(delay), delays: "histogram(delay, 60)", mostTo: mode(destination) }
sinks: [ { file: { directory: delays, format: { parquet: { columns: { key: text, minutes: integer } } } } } ]
quorum: { replicas: 3, write: 2, read: 2 }
`

/** By a loop over all flights, as a line for each month and origin. */
function expectedLines(): string[] {
  const groups = new Map<
    string,
    { flights: number; minutes: number; delays: Map<number, number>; to: Map<string, number> }
  >()
  for (const { date, origin, destination, delay } of flightRecords()) {
    const id = `${date.slice(0, 7).replace('/', '-')} ${origin}`
    const group = groups.get(id) ?? { flights: 0, minutes: 0, delays: new Map(), to: new Map() }
    const stretch = Math.floor(delay / 60) * 60
    group.flights += 1
    group.minutes += delay
    group.delays.set(stretch, (group.delays.get(stretch) ?? 0) + 1)
    group.to.set(destination, (group.to.get(destination) ?? 0) + 1)
    groups.set(id, group)
  }
  const lines = [...groups].map(([id, { flights, minutes, delays, to }]) => {
    const [[most] = ['']] = [...to].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    return lineOf(id, flights, minutes, Object.fromEntries(delays), most)
  })
  return lines.sort()
}

function lineOf(id: string, flights: unknown, minutes: unknown, delays: object, mostTo: unknown): string {
  return JSON.stringify([id, flights, minutes, Object.entries(delays).sort(([a], [b]) => (a < b ? -1 : 1)), mostTo])
}

async function linesBelow(directory: string): Promise<string[]> {
  const paths = (await readdir(directory, { recursive: true }).catch(() => [])).filter((path) =>
    path.endsWith('.parquet'),
  )
  const files = await Promise.all(paths.map(async (path) => readParquet(await readFile(join(directory, path)))))
  const line = ({ window_start, key, flights, minutes, delays, mostTo }: Fields) =>
    lineOf(`${String(window_start).slice(0, 7)} ${key}`, flights, minutes, JSON.parse(String(delays)), mostTo)
  return files.flat().map(line).sort()
}

it('has every row once, with what a loop over all flights says, though a peer is killed and comes back', async () => {
  // Peers take their environment from here.
  process.env.QUORATE_FUNCTIONS = STATISTICS
  try {
    await withFileCluster('parquet', async ({ peers, log, rows }) => {
      await appendFlights(log)
      await run(peers, JOB)
      await killOne(peers, 'delays')
      const expected = expectedLines()
      await eventually('everything is at the sink', () => committed(peers), WITHIN_MS)
      await eventually(
        'all rows are there',
        async () => (await linesBelow(rows())).length >= expected.length,
        WITHIN_MS,
      )
      assert.deepEqual(await linesBelow(rows()), expected)
    })
  } finally {
    delete process.env.QUORATE_FUNCTIONS
  }
})
