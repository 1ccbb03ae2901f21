/** Several outputs of one job: each sink holds what its condition is true of, and in the end nothing else. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '../eventually.ts'
import { committed, delayRow } from './delays.ts'
import { appendFlights, killOne, run, WITHIN_MS, withFileCluster } from './file-cluster.ts'
import { type DelayRow, delayRows, flightRecords, sortRows } from './flights.ts'
import { fileRows, type SinkRow } from './sink-readers.ts'

const JOB = `
name: delays
source:
  topic: flights
  time: { field: date, pattern: "yyyy/MM/dd HH:mm" }
  outOfOrderness: 1h
  bounded: true
pipeline:
  - filter: distance >= 100
  - keyBy: origin
  - window: { tumbling: 1d, emit: { every: 6h } }
  - aggregate: { flights: count(), delayed: "count(delay > 15)", meanDelay: avg(delay), worst: max(delay) }
sinks:
  - file: { directory: all }
  - file: { directory: calm }
    where: meanDelay < 10
  - file: { directory: final }
    where: final
quorum: { replicas: 3, write: 2, read: 2 }
shuffle: { partitions: 2 }
`

describe('sinks with conditions', () => {
  it('hold in the end what is true, though rows changed on the way and a peer was killed', async () => {
    await withFileCluster('branches', async ({ peers, log, rows }) => {
      await appendFlights(log)
      await run(peers, JOB)
      await killOne(peers, 'delays')
      const at = (sink: string) => fileRows(rows(sink)).catch((): SinkRow[] => [])
      const expected = delayRows(flightRecords())
      await eventually(
        'every last row is there',
        async () => (await committed(peers)) && (await at('final')).length >= expected.length,
        WITHIN_MS,
      )
      const all = await at('all')
      assert.ok(all.length > expected.length, 'rows were shown before the close')
      assert.deepEqual(standing(all), expected)
      const calm = await at('calm')
      assert.ok(calm.some(isRemoved), 'some row was taken back')
      assert.deepEqual(
        standing(calm),
        expected.filter(({ meanDelay }) => meanDelay < 10),
      )
      const final = await at('final')
      assert.ok(final.every((row) => row.final && !isRemoved(row)))
      assert.deepEqual(sortRows(final.map(({ value }) => delayRow(value))), expected)
    })
  })
})

const isRemoved = ({ value }: SinkRow): boolean => value.removed === true

/** The newest revision of each window and key, each of which is there once, without those that were taken back. */
function standing(rows: readonly SinkRow[]): DelayRow[] {
  const newest = new Map<string, SinkRow>()
  const seen = new Set<string>()
  for (const row of rows) {
    const name = JSON.stringify([row.value.window, row.value.key])
    assert.ok(!seen.has(`${name} ${row.revision}`), `revision ${row.revision} of ${name} is there once`)
    seen.add(`${name} ${row.revision}`)
    if ((newest.get(name)?.revision ?? -1) < row.revision) newest.set(name, row)
  }
  return sortRows([...newest.values()].filter((row) => !isRemoved(row)).map(({ value }) => delayRow(value)))
}
