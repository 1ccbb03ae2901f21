/** Windows over the rows of windows: three stages with a shuffle before each of the last two, on peers as people run them. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { eventually } from '../eventually.ts'
import { committed } from './delays.ts'
import { appendValues, killOne, run, WITHIN_MS, withFileCluster } from './file-cluster.ts'
import { flightRecords } from './flights.ts'
import { fileRows } from './sink-readers.ts'

const PARTITIONS = 3

const JOB = `
name: delays
source:
  topic: flights
  time: { field: date, pattern: "yyyy/MM/dd HH:mm" }
  bounded: true
pipeline:
  - keyBy: origin
  - window: { tumbling: 1d }
  - aggregate: { flights: count(), late: count(delay > 15) }
  - filter: flights > 1
  - keyBy: late > 0
  - window: { tumbling: 1w }
  - aggregate: { days: count(), flights: sum(flights), most: max(flights) }
sinks: [ { file: { directory: weeks } } ]
quorum: { replicas: 3, write: 2, read: 2 }
shuffle: { partitions: 2 }
`

const flights = flightRecords()
const DAY_MS = 86_400_000
const WEEK_MS = 7 * DAY_MS

/** Weeks of days of airports with more than one flight, by whether one of them was late. */
function weeks(): string[] {
  const days = new Map<string, { day: number; flights: number; late: number }>()
  for (const { date, origin, delay } of flights) {
    const day = Math.floor(Date.parse(`${date.replaceAll('/', '-').replace(' ', 'T')}:00Z`) / DAY_MS)
    const group = days.get(`${day} ${origin}`) ?? { day, flights: 0, late: 0 }
    group.flights += 1
    group.late += delay > 15 ? 1 : 0
    days.set(`${day} ${origin}`, group)
  }
  const found = new Map<string, { days: number; flights: number; most: number }>()
  for (const { day, flights, late } of days.values()) {
    if (flights <= 1) continue
    const id = `${Math.floor((day * DAY_MS) / WEEK_MS) * WEEK_MS} ${late > 0}`
    const week = found.get(id) ?? { days: 0, flights: 0, most: 0 }
    found.set(id, { days: week.days + 1, flights: week.flights + flights, most: Math.max(week.most, flights) })
  }
  return [...found].map(([id, { days, flights, most }]) => `${id} ${days} ${flights} ${most}`).sort()
}

it('gives what a plain loop gives, each row once and final, though a peer is killed and comes back', async () => {
  const expected = weeks()
  assert.ok(expected.length > 20, `${expected.length} rows`)
  await withFileCluster('stages', async ({ peers, log, rows: rowsOf }) => {
    await log.createTopic('flights', { partitions: PARTITIONS })
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const own = flights.filter((_, i) => i % PARTITIONS === partition)
      await appendValues(log, 'flights', partition, own)
    }
    await run(peers, JOB)
    // Behind the last shuffle.
    await killOne(peers, 'delays', 2)
    const state = async () => (await peers.client().job('delays')).state
    await eventually('the job is finished', async () => (await state()) === 'finished', WITHIN_MS)
    await eventually('everything is at the sink', () => committed(peers), WITHIN_MS)
    const texts = (await fileRows(rowsOf())).map(({ final, value }) => {
      assert.equal(final, true)
      const { window, key, days, flights, most } = value as unknown as Record<string, never> & {
        readonly window: { readonly start: string }
      }
      return `${Date.parse(window.start)} ${key} ${days} ${flights} ${most}`
    })
    assert.deepEqual(texts.sort(), expected)
    const { units } = await peers.client().status('delays')
    assert.deepEqual(
      [0, 1, 2].map((each) => units.filter(({ stage }) => stage === each).length),
      [PARTITIONS, 2, 2],
    )
    assert.equal(
      units.reduce((dead, { deadLetters }) => dead + deadLetters, 0),
      0,
    )
  })
})
