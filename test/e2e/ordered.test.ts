/** Records of one key in three partitions, through a shuffle of whole records and into order, on peers as people run them. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { eventually } from '../eventually.ts'
import { committed } from './delays.ts'
import { appendValues, killOne, run, WITHIN_MS, withFileCluster } from './file-cluster.ts'
import { type FlightRecord, flightRecords } from './flights.ts'
import { fileRows } from './sink-readers.ts'

const PARTITIONS = 3

const JOB = `
name: delays
source:
  topic: flights
  time: { field: date, pattern: "yyyy/MM/dd HH:mm" }
  bounded: true
pipeline:
  - dedupe: { by: "[origin, destination]", within: 1d }
sinks: [ { file: { directory: first } } ]
quorum: { replicas: 3, write: 2, read: 2 }
shuffle: { partitions: 2 }
`

interface Placed extends FlightRecord {
  readonly partition: number
  readonly offset: number
}

/** Dealt out as cards are, so that neighbours of one airport are in different partitions. */
const placed: readonly Placed[] = flightRecords().map((flight, i) => ({
  ...flight,
  partition: i % PARTITIONS,
  offset: Math.floor(i / PARTITIONS),
}))

/** The first flight of each route, and the next one a day or more after it, in the order of time, partition and offset. */
function firstFlights(): string[] {
  const passed = new Map<string, number>()
  const order = placed.toSorted(
    (a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0) || a.partition - b.partition || a.offset - b.offset,
  )
  const found = order.filter(({ date, origin, destination }) => {
    const route = `${origin} ${destination}`
    const time = Date.parse(`${date.replaceAll('/', '-').replace(' ', 'T')}:00Z`)
    if (time < (passed.get(route) ?? Number.NEGATIVE_INFINITY) + 86_400_000) return false
    passed.set(route, time)
    return true
  })
  return found
    .map(({ partition, offset, origin, destination }) => `${origin},${destination} ${partition} ${offset}`)
    .sort()
}

it('gives what a plain loop gives, each row once, though a peer is killed and comes back', async () => {
  const expected = firstFlights()
  assert.ok(expected.length > 5_000, `${expected.length} rows`)
  await withFileCluster('ordered', async ({ peers, log, rows: rowsOf }) => {
    await log.createTopic('flights', { partitions: PARTITIONS })
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const own = placed.filter((flight) => flight.partition === partition)
      const flights = own.map(({ partition: _, offset: __, ...flight }) => flight)
      await appendValues(log, 'flights', partition, flights)
    }
    await run(peers, JOB)
    // Behind the shuffle.
    await killOne(peers, 'delays', 1)
    await eventually('everything is at the sink', () => committed(peers), WITHIN_MS)
    const rows = async () => {
      const found = await fileRows(rowsOf()).catch(() => [])
      return found.map((row) => row as unknown as { key: string; source: { partition: number; offset: number } })
    }
    await eventually('all rows are there', async () => (await rows()).length >= expected.length, WITHIN_MS)
    assert.deepEqual(
      (await rows()).map(({ key, source: { partition, offset } }) => `${key} ${partition} ${offset}`).sort(),
      expected,
    )
    const { units } = await peers.client().status('delays')
    assert.equal(units.length, PARTITIONS + 2)
    assert.equal(
      units.reduce((dead, { deadLetters }) => dead + deadLetters, 0),
      0,
    )
  })
})
