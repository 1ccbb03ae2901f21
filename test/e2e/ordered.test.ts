/** Records of one key in three partitions, through a shuffle of whole records and into order, on peers as people run them. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { openLog } from '../../src/log/open.ts'
import { eventually } from '../eventually.ts'
import { committed } from './delays.ts'
import { type FlightRecord, flightRecords } from './flights.ts'
import { Peers } from './peers.ts'
import { fileRows } from './sink-readers.ts'

const WITHIN_MS = 90_000
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
  const folder = await mkdtemp(join(tmpdir(), 'quorate-ordered-'))
  const settings = { kind: 'embedded', directory: join(folder, 'log') } as const
  const log = await openLog(settings)
  const connections = { file: { directory: join(folder, 'rows') } }
  const peers = new Peers({ directory: join(folder, 'peers'), log: settings, connections, names: ['ada', 'bo', 'cy'] })
  const expected = firstFlights()
  assert.ok(expected.length > 5_000, `${expected.length} rows`)
  try {
    await log.createTopic('flights', { partitions: PARTITIONS })
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const records = placed
        .filter((flight) => flight.partition === partition)
        .map(({ partition: _, offset: __, ...flight }) => ({ key: null, value: Buffer.from(JSON.stringify(flight)) }))
      await log.append({ topic: 'flights', partition }, records)
    }
    await peers.start()
    await peers.client().submit({ format: 'yaml', file: 'e2e', text: JOB })
    await eventually(
      'something behind the shuffle is certified',
      async () =>
        (await peers.client().status('delays')).units.some(
          ({ stage, certified }) => stage === 1 && certified !== undefined,
        ),
      WITHIN_MS,
    )
    await peers.named('bo').kill()
    await peers.named('bo').start()
    await eventually('everything is at the sink', () => committed(peers), WITHIN_MS)
    const rows = async () => {
      const found = await fileRows(join(folder, 'rows')).catch(() => [])
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
  } finally {
    await peers.stop()
    await log.close()
    await rm(folder, { recursive: true, force: true })
  }
})
