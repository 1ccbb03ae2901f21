import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { CreateBucketCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { recordsOf } from '../../src/demo/job.ts'
import { openLog } from '../../src/log/open.ts'
import { eventually } from '../eventually.ts'
import { skipReason } from '../services/availability.ts'
import { kafka } from '../services/kafka.ts'
import { s3 } from '../services/s3.ts'
import { assertSame, committed } from './delays.ts'
import { delayRows, flightRecords } from './flights.ts'
import { Peers } from './peers.ts'
import { kafkaRows, type SinkRow, s3Client, s3Rows } from './sink-readers.ts'

const WITHIN_MS = 120_000
const NAMES = ['ada', 'bo', 'cy']
const [broker, store] = await Promise.all([kafka(), s3()])
const folder = await mkdtemp(join(tmpdir(), 'quorate-restore-'))
after(async () => {
  for (const service of [broker, store]) if ('stop' in service) await service.stop()
  await rm(folder, { recursive: true, force: true })
})
const skip = skipReason(broker) || skipReason(store)

/** Topics, a bucket, and clusters one after another that know nothing of each other but where the checkpoints are. */
async function scene(name: string, checkpointsIn: 's3' | 'directory', idleAfter: string) {
  if ('unavailable' in broker || 'unavailable' in store) throw new Error('skipped')
  const { brokers } = broker
  const id = `${name}-${process.pid}`
  const log = await openLog({ kind: 'kafka', brokers, clientId: 'e2e' })
  await log.createTopic(`flights-${id}`, { partitions: 3 })
  await log.createTopic(`delays-${id}`, { partitions: 2 })
  for (const bucket of [id, `${id}-kept`]) await s3Client(store).send(new CreateBucketCommand({ Bucket: bucket }))
  const { region, endpoint, accessKeyId, secretAccessKey } = store
  const directory = join(folder, id, 'checkpoints')
  const cluster = async (directoryName: string, args: readonly string[] = []) => {
    const peers = new Peers({
      directory: join(folder, id, directoryName),
      log: { kind: 'kafka', brokers, clientId: 'quorate' },
      connections: { s3: { region, endpoint, forcePathStyle: true, accessKeyId, secretAccessKey } },
      checkpoints: checkpointsIn === 's3' ? { s3: { bucket: `${id}-kept`, prefix: 'quorate/' } } : { directory },
      names: NAMES,
      args,
    })
    await peers.start()
    return peers
  }
  const names = async (bucket: string) => {
    const { Contents = [] } = await s3Client(store).send(new ListObjectsV2Command({ Bucket: bucket }))
    return Contents.map(({ Key = '' }) => Key)
  }
  const keptNames = async () =>
    checkpointsIn === 's3' ? names(`${id}-kept`) : readdir(directory, { recursive: true }).catch(() => [])
  return {
    id,
    cluster,
    /** The last cut of each unit that a checkpoint has, and that the bucket has, by partition. */
    kept: async () => lastCuts(await keptNames(), /(\d)-(\d)\/(\d+)-\d+\.json$/),
    atSink: async () => lastCuts(await names(id), /(\d)-(\d)\/(\d+)-\d+\.jsonl$/),
    async append(flights: readonly FlightOf[]) {
      for (const [{ partition }, records] of recordsOf(flights)) {
        await log.append({ topic: `flights-${id}`, partition }, records)
      }
    },
    job: `
name: delays
source:
  topic: flights-${id}
  time: { field: date, pattern: "yyyy/MM/dd HH:mm" }
  partitionedBy: origin
  idleAfter: ${idleAfter}
pipeline:
  - filter: distance >= 100
  - keyBy: origin
  - window: { tumbling: 1d }
  - aggregate: { flights: count(), delayed: "count(delay > 15)", meanDelay: avg(delay), worst: max(delay) }
sinks:
  - kafka: { topic: delays-${id} }
  - s3: { bucket: ${id}, prefix: "" }
quorum: { replicas: 3, write: 2, read: 2 }
`,
    rowsInKafka: () => kafkaRows(brokers, `delays-${id}`),
    rowsInS3: () => s3Rows(store, id),
    close: () => log.close(),
  }
}
type FlightOf = ReturnType<typeof flightRecords>[number]

function lastCuts(names: readonly string[], form: RegExp): ReadonlyMap<string, number> {
  const last = new Map<string, number>()
  for (const name of names) {
    const [, stage, partition, seq] = form.exec(name) ?? []
    if (seq !== undefined)
      last.set(`${stage}-${partition}`, Math.max(last.get(`${stage}-${partition}`) ?? 0, Number(seq)))
  }
  return last
}

/** A day after the last flight in every partition: all windows close. */
const CLOSING = ['ATL', 'ORD', 'DFW', 'LAX', 'PHX', 'STL', 'DTW', 'MSP', 'SFO', 'LAS'].map((origin) => {
  return { date: '2001/04/02 00:00', delay: 0, distance: 100, origin, destination: 'SEA' }
})

const finalRows = (rows: readonly SinkRow[]): SinkRow[] => rows.filter(({ final }) => final)

/** Kills all of them at once, and takes their disks away. */
async function lose(peers: Peers, directory: string): Promise<void> {
  await Promise.all(peers.all.map((peer) => peer.kill()))
  await peers.stop()
  await rm(directory, { recursive: true })
}

describe('a cluster that was lost with all its disks', { skip }, () => {
  for (const [place, idleAfter] of [
    ['s3', '10m'],
    ['directory', '500ms'],
  ] as const) {
    /**
     *   first cluster     cuts 1 … k in a checkpoint      … n at the sinks        all killed, all disks deleted
     *   second cluster                k, then k + 1 … n computed again, n + 1 … written
     *
     * With a short idleAfter, what lies between k and n was cut by decisions, which only the sinks can tell.
     */
    it(`goes on exactly where its sinks were, from checkpoints in ${place === 's3' ? 'S3' : 'a directory'}, idle after ${idleAfter}`, async () => {
      const flights = flightRecords()
      const half = Math.floor(flights.length / 2)
      const { cluster, id, job, kept, atSink, append, rowsInKafka, rowsInS3, close } = await scene(
        `lost-${place}`,
        place,
        idleAfter,
      )
      const first = await cluster('first')
      let second: Peers | undefined
      try {
        await append(flights.slice(0, half))
        const { cluster: lost } = await first.client().status(undefined)
        assert.ok(lost !== undefined)
        await first.client().submit({ format: 'yaml', file: 'e2e', text: job })
        await eventually(
          'a snapshot of every unit is in a checkpoint',
          async () => (await kept()).size === 3,
          WITHIN_MS,
        )
        await eventually(
          'the sinks are ahead of the checkpoints',
          async () => {
            const [sink, checkpoint] = [await atSink(), await kept()]
            return [...checkpoint].every(([unit, seq]) => (sink.get(unit) ?? 0) > seq)
          },
          WITHIN_MS,
        )
        await lose(first, join(folder, id, 'first'))

        second = await cluster('second', ['--restore', lost])
        await append([...flights.slice(half), ...CLOSING])
        const expected = delayRows(flights)
        const peers = second
        // One sink is asked until it has them; hundreds of objects are read once.
        await eventually(
          'all rows are in Kafka',
          async () => finalRows(await rowsInKafka()).length >= expected.length,
          WITHIN_MS,
        )
        await eventually('nothing is on its way', () => committed(peers), WITHIN_MS)
        assertSame({ kafka: finalRows(await rowsInKafka()), s3: finalRows(await rowsInS3()) }, expected)
      } finally {
        await first.stop()
        await second?.stop()
        await close()
      }
    })
  }
})
