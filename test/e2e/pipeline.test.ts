import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { recordsOf } from '../../src/demo/job.ts'
import { openLog } from '../../src/log/open.ts'
import { eventually } from '../eventually.ts'
import { skipReason } from '../services/availability.ts'
import { kafka } from '../services/kafka.ts'
import { mongodb } from '../services/mongodb.ts'
import { s3 } from '../services/s3.ts'
import { assertSame, committed } from './delays.ts'
import { delayRows, flightRecords } from './flights.ts'
import { Peers } from './peers.ts'
import { kafkaRows, mongodbRows, s3Client, s3Rows } from './sink-readers.ts'

const FINISHED_WITHIN_MS = 180_000
const [broker, database, store] = await Promise.all([kafka(), mongodb(), s3()])
const folder = await mkdtemp(join(tmpdir(), 'quorate-e2e-'))
after(async () => {
  for (const service of [broker, database, store]) if ('stop' in service) await service.stop()
  await rm(folder, { recursive: true, force: true })
})

const skip = skipReason(broker) || skipReason(database) || skipReason(store)

/** A cluster, its topics, its bucket and its job; each test has its own. */
async function start(name: string, programs: Readonly<Record<string, string>> = {}) {
  if ('unavailable' in broker || 'unavailable' in database || 'unavailable' in store) throw new Error('skipped')
  const { brokers } = broker
  const id = `${name}-${process.pid}`
  const log = await openLog({ kind: 'kafka', brokers, clientId: 'e2e' })
  await log.createTopic(`flights-${id}`, { partitions: 3 })
  await log.createTopic(`delays-${id}`, { partitions: 2 })
  await s3Client(store).send(new CreateBucketCommand({ Bucket: id }))
  const peers = new Peers({
    directory: join(folder, id),
    log: { kind: 'kafka', brokers, clientId: 'quorate' },
    connections: {
      mongodb: { url: database.url },
      s3: {
        region: store.region,
        endpoint: store.endpoint,
        forcePathStyle: true,
        accessKeyId: store.accessKeyId,
        secretAccessKey: store.secretAccessKey,
      },
    },
    names: ['ada', 'bo', 'cy'],
    programs,
  })
  await peers.start()
  const flights = flightRecords()
  const append = async (from: number, to: number) => {
    for (const [{ partition }, records] of recordsOf(flights.slice(from, to))) {
      await log.append({ topic: `flights-${id}`, partition }, records)
    }
  }
  const submit = (bounded: boolean) =>
    peers.client().submit({ format: 'yaml', file: 'e2e', text: jobText(id, bounded) })
  return {
    id,
    peers,
    flights,
    append,
    submit,
    async finished() {
      const state = async () => (await peers.client().job('delays')).state
      await eventually('the job is finished', async () => (await state()) === 'finished', FINISHED_WITHIN_MS)
      await eventually('everything is at every sink', () => committed(peers), FINISHED_WITHIN_MS)
    },
    rows: async () => ({
      kafka: await kafkaRows(brokers, `delays-${id}`),
      mongodb: await mongodbRows(database.url, 'e2e', id),
      s3: await s3Rows(store, id),
    }),
    async stop() {
      await peers.stop()
      await log.close()
    },
  }
}

const jobText = (id: string, bounded: boolean) => `
name: delays
source:
  topic: flights-${id}
  format: json
  time: { field: date, pattern: "yyyy/MM/dd HH:mm" }
  partitionedBy: origin
  bounded: ${bounded}
  idleAfter: 10m
pipeline:
  - filter: distance >= 100
  - keyBy: origin
  - window: { tumbling: 1d }
  - aggregate: { flights: count(), delayed: "count(delay > 15)", meanDelay: avg(delay), worst: max(delay) }
sinks:
  - kafka: { topic: delays-${id} }
  - mongodb: { database: e2e, collection: ${id} }
  - s3: { bucket: ${id}, prefix: "" }
quorum: { replicas: 3, write: 2, read: 2 }
`

describe('three peers, Kafka in, Kafka and MongoDB and S3 out', { skip }, () => {
  it('give exactly the rows of an independent computation', async () => {
    const cluster = await start('plain')
    try {
      await cluster.append(0, cluster.flights.length)
      await cluster.submit(true)
      await cluster.finished()
      const expected = delayRows(cluster.flights)
      assert.equal(expected.length, 6_781)
      assertSame(await cluster.rows(), expected)
    } finally {
      await cluster.stop()
    }
  })

  it('give the same rows when a peer is killed in mid-stream and started again', async () => {
    const cluster = await start('killed')
    try {
      const { peers, flights } = cluster
      const third = Math.floor(flights.length / 3)
      await cluster.append(0, third)
      await cluster.submit(false)
      await eventually(
        'something is at a sink',
        async () => (await peers.client().status('delays')).units.some(({ committed }) => (committed?.seq ?? 0) > 3),
        FINISHED_WITHIN_MS,
      )
      await peers.named('ada').kill()
      await cluster.append(third, 2 * third)
      await peers.named('ada').start()
      await cluster.append(2 * third, flights.length)
      // A day after the last flight in every partition: all windows close.
      const after = ['ATL', 'ORD', 'DFW', 'LAX', 'PHX', 'STL', 'DTW', 'MSP', 'SFO', 'LAS'].map((origin) => {
        return { date: '2001/04/02 00:00', delay: 0, distance: 100, origin, destination: 'SEA' }
      })
      flights.push(...after)
      await cluster.append(flights.length - after.length, flights.length)
      const expected = delayRows(flights.slice(0, -after.length))
      await eventually(
        'all rows are at every sink',
        async () => Object.values(await cluster.rows()).every((rows) => rows.length >= expected.length),
        FINISHED_WITHIN_MS,
      )
      assertSame(await cluster.rows(), expected)
      await peers.ready()
    } finally {
      await cluster.stop()
    }
  })

  it('name a peer that computes wrongly, repair it, and write nothing of it', async () => {
    const wrong = fileURLToPath(new URL('./wrong-peer.ts', import.meta.url))
    const cluster = await start('wrong', { bo: wrong })
    try {
      const { peers, flights } = cluster
      await cluster.append(0, flights.length)
      await cluster.submit(true)
      await cluster.finished()
      assertSame(await cluster.rows(), delayRows(flights))
      for (const name of ['ada', 'bo', 'cy']) {
        const known = async () => (await peers.named(name).client().status('delays')).divergences
        // The others finish without it; its repair may take longer.
        await eventually(
          `${name} knows of a divergence and its repair`,
          async () => (await known()).length > 0 && (await known()).every(({ repaired }) => repaired),
          FINISHED_WITHIN_MS,
        )
        for (const divergence of await known()) {
          assert.equal(divergence.peer, peers.named('bo').id)
          assert.equal(divergence.name, 'bo')
          assert.equal(divergence.cause, 'computation')
        }
      }
      const metrics = await (await fetch(`${peers.named('ada').httpAddress}/metrics`)).text()
      assert.match(metrics, /^quorate_divergences_total\{job="delays",cause="computation"\} [1-9]/m)
    } finally {
      await cluster.stop()
    }
  })
})
