import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { eventually } from '../eventually.ts'
import { assertSame, committed } from './delays.ts'
import { appendFlights, type FileCluster, killOne, NAMES, run, WITHIN_MS, withFileCluster } from './file-cluster.ts'
import { delayRows, flightRecords } from './flights.ts'
import { fileRows } from './sink-readers.ts'

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
const withFlights = (
  rootOf: (folder: string, name: string) => string,
  test: (cluster: FileCluster) => Promise<void>,
): Promise<void> =>
  withFileCluster(
    'files',
    async (cluster) => {
      await appendFlights(cluster.log)
      await run(cluster.peers, JOB)
      await test(cluster)
    },
    rootOf,
  )

const expected = delayRows(flightRecords())

describe('three peers that write files', () => {
  it('put each row once into a directory that they share, though one is killed and comes back', async () => {
    const shared = (folder: string) => join(folder, 'rows')
    await withFlights(shared, async ({ peers, folder }) => {
      await killOne(peers, 'delays')
      await eventually('everything is at the sink', () => committed(peers), WITHIN_MS)
      await eventually('all rows are there', async () => (await count(shared(folder))) >= expected.length, WITHIN_MS)
      assertSame({ files: await fileRows(shared(folder)) }, expected)
      // One that came back when everything was written has left no note.
      assert.ok((await readdir(join(shared(folder), '.quorate', 'peers'))).length >= 2)
    })
  })

  it('have a full copy each when every one of them has a directory of its own', async () => {
    const own = (folder: string, name: string) => join(folder, `rows-${name}`)
    await withFlights(own, async ({ folder }) => {
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
