/** A join on real peers: two topics, a shuffle of whole records, one of three peers killed on the way. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '../eventually.ts'
import { appendValues, killOne, run, WITHIN_MS, withFileCluster } from './file-cluster.ts'
import { fileRows } from './sink-readers.ts'

const HOUR_MS = 3_600_000
const FLIGHTS = 3_000

const JOB = `
name: flight-times
sources:
  departures: { topic: departures, time: { field: at }, outOfOrderness: 1h, bounded: true }
  landings: { topic: landings, time: { field: at }, outOfOrderness: 1h, bounded: true, pipeline: [ { filter: "!diverted" } ] }
join:
  left: departures
  right: landings
  type: left
  on: flight
  within: { before: 0s, after: 20h }
  select: { flight: departures.flight, from: departures.airport, to: landings.airport }
pipeline:
  - compute: { lost: to == null }
sinks: [ { file: { directory: times } } ]
quorum: { replicas: 3, write: 2, read: 2 }
maxCutAge: 200ms
`

interface Departure {
  readonly at: number
  readonly flight: string
  readonly airport: string
}
type Landing = Departure & { readonly diverted: boolean }

/** Some flights land, some land too late or elsewhere, some never; times are out of order by less than an hour. */
const departures = Array.from({ length: FLIGHTS }, (_, i): Departure => {
  return { at: i * 60_000 + ((i * 7) % 13) * 60_000, flight: `QF${i}`, airport: `A${i % 5}` }
})
const landings = departures.flatMap(({ at, flight }, i): Landing[] => {
  if (i % 7 === 0) return []
  const hours = i % 5 === 0 ? 21 : 1 + (i % 3) / 4
  return [{ at: at + hours * HOUR_MS, flight, airport: `B${i % 3}`, diverted: i % 11 === 0 }]
})
landings.sort((a, b) => a.at - b.at)

/** Nested loops. */
const expected = departures
  .map(({ at, flight, airport }) => {
    const landing = landings.find(
      (other) => other.flight === flight && !other.diverted && other.at <= at + 20 * HOUR_MS,
    )
    return { flight, from: airport, lost: landing === undefined, to: landing?.airport ?? null }
  })
  .map((row) => JSON.stringify(row))
  .sort()

async function rowsIn(directory: string): Promise<string[]> {
  const rows = await fileRows(directory).catch(() => [])
  return rows.map(({ value }) => JSON.stringify(value)).sort()
}

describe('a join on three peers', () => {
  it('gives what nested loops give, each row once, though one peer is killed and comes back', async () => {
    await withFileCluster('join', async ({ peers, log, rows }) => {
      const append = async (topic: string, partitions: number, records: readonly object[]) => {
        await log.createTopic(topic, { partitions })
        for (let partition = 0; partition < partitions; partition++) {
          const own = records.filter((_, i) => i % partitions === partition)
          await appendValues(log, topic, partition, own)
        }
      }
      await append('departures', 2, departures)
      await append('landings', 1, landings)
      await run(peers, JOB)
      await killOne(peers, 'flight-times')
      await eventually('all rows are there', async () => (await rowsIn(rows())).length >= expected.length, WITHIN_MS)
      assert.deepEqual(await rowsIn(rows()), expected)
      const { units } = await peers.client().status('flight-times')
      assert.deepEqual(
        [...new Set(units.filter(({ stage }) => stage === 0).map(({ topic, partition }) => `${topic}[${partition}]`))],
        ['departures[0]', 'departures[1]', 'landings[0]'],
      )
      assert.equal(units.filter(({ deadLetters }) => deadLetters > 0).length, 0)
    })
  })
})
