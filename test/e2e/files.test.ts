import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { recordsOf } from '../../src/demo/job.ts'
import { openLog } from '../../src/log/open.ts'
import { eventually } from '../eventually.ts'
import { assertSame, committed } from './delays.ts'
import { delayRows, flightRecords } from './flights.ts'
import { Peers } from './peers.ts'
import { fileRows } from './sink-readers.ts'

const WITHIN_MS = 90_000
const NAMES = ['ada', 'bo', 'cy']

const JOB = `
name: delays
source:
  topic: flights
  time: { field: date, pattern: "yyyy/MM/dd HH:mm" }
  partitionedBy: origin
  bounded: true
pipeline:
  - filter: distance >= 100
  - keyBy: origin
  - window: { tumbling: 1d }
  - aggregate: { flights: count(), delayed: "count(delay > 15)", meanDelay: avg(delay), worst: max(delay) }
sinks: [ { file: { directory: delays } } ]
quorum: { replicas: 3, write: 2, read: 2 }
`

/** @param rootOf what each peer is told to write files to */
async function withCluster(
  rootOf: (folder: string, name: string) => string,
  test: (peers: Peers, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'quorate-files-'))
  const settings = { kind: 'embedded', directory: join(folder, 'log') } as const
  const log = await openLog(settings)
  const connections = (name: string) => ({ file: { directory: rootOf(folder, name) } })
  const peers = new Peers({ directory: join(folder, 'peers'), log: settings, connections, names: NAMES })
  try {
    await log.createTopic('flights', { partitions: 3 })
    for (const [partition, records] of recordsOf(flightRecords())) await log.append(partition, records)
    await peers.start()
    await peers.client().submit({ format: 'yaml', file: 'e2e', text: JOB })
    await test(peers, folder)
  } finally {
    await peers.stop()
    await log.close()
    await rm(folder, { recursive: true, force: true })
  }
}

const expected = delayRows(flightRecords())

describe('three peers that write files', () => {
  it('put each row once into a directory that they share, though one is killed and comes back', async () => {
    const shared = (folder: string) => join(folder, 'rows')
    await withCluster(shared, async (peers, folder) => {
      await eventually(
        'something is certified',
        async () => (await peers.client().status('delays')).units.some(({ certified }) => certified !== undefined),
        WITHIN_MS,
      )
      await peers.named('bo').kill()
      await peers.named('bo').start()
      await eventually('everything is at the sink', () => committed(peers), WITHIN_MS)
      await eventually('all rows are there', async () => (await count(shared(folder))) >= expected.length, WITHIN_MS)
      assertSame({ files: await fileRows(shared(folder)) }, expected)
      // One that came back when everything was written has left no note.
      assert.ok((await readdir(join(shared(folder), '.quorate', 'peers'))).length >= 2)
    })
  })

  it('have a full copy each when every one of them has a directory of its own', async () => {
    const own = (folder: string, name: string) => join(folder, `rows-${name}`)
    await withCluster(own, async (_, folder) => {
      for (const name of NAMES) {
        const directory = own(folder, name)
        await eventually(`${name} has all rows`, async () => (await count(directory)) >= expected.length, WITHIN_MS)
        assertSame({ [name]: await fileRows(directory) }, expected)
      }
    })
  })
})

/** None while there is no directory yet. */
const count = async (directory: string): Promise<number> => (await fileRows(directory).catch(() => [])).length
