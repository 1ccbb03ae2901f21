/** What doctor says of real services: a broker, an S3 store and a database, as they are and as they cannot be used. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { Kafka, logLevel } from 'kafkajs'
import type { SinkConnections } from '../../src/commit/sink.ts'
import { createS3Client } from '../../src/commit/sinks/index.ts'
import { type Check, type Finding, findings } from '../../src/doctor/check.ts'
import { logCheck } from '../../src/doctor/log.ts'
import { checkpointCheck, sinkChecks, topicCheck } from '../../src/doctor/places.ts'
import { parseJob } from '../../src/job/parse.ts'
import { loadBeside } from '../../src/job/reference.ts'
import { openLog } from '../../src/log/open.ts'
import { skipReason } from '../services/availability.ts'
import { kafka } from '../services/kafka.ts'
import { mongodb } from '../services/mongodb.ts'
import { s3 } from '../services/s3.ts'

const [broker, store, database] = await Promise.all([kafka(), s3(), mongodb()])
const directory = mkdtempSync(join(tmpdir(), 'quorate-doctor-'))
const embedded = { kind: 'embedded', directory: join(directory, 'log') } as const
after(async () => {
  for (const service of [broker, store, database]) if ('stop' in service) await service.stop()
  rmSync(directory, { recursive: true })
})

const WITHIN_MS = 30_000

async function said(...checks: readonly Check[]): Promise<readonly Finding[]> {
  return within(WITHIN_MS, checks)
}

async function within(boundMs: number, checks: readonly Check[]): Promise<readonly Finding[]> {
  const found: Finding[] = []
  for await (const finding of findings(checks, boundMs)) found.push(finding)
  return found
}

const job = (sinks: string) =>
  parseJob(
    `name: delays\nsource: { topic: flights }\npipeline: []\nsinks: ${sinks}\nquorum: { replicas: 1, write: 1, read: 1 }\n`,
    'yaml',
    'delays.yaml',
    loadBeside('delays.yaml'),
  )

describe('the embedded log', () => {
  it('is not made by whoever only looks', async () => {
    const [finding] = await said(logCheck(embedded, 'embedded:x'))
    assert.equal(finding?.verdict, 'ok')
    assert.match(finding?.detail ?? '', /^not there yet/)
    const [topics] = await said(topicCheck(job('[]'), embedded))
    assert.equal(topics?.verdict, 'failed')
    assert.deepEqual(readdirSync(directory), [])
  })

  it('is used as peers use it, once it is there; the topics of a job are looked for', async () => {
    const log = await openLog(embedded)
    await log.createTopic('flights', { partitions: 3 })
    await log.close()
    const [used, topics, missing] = await said(
      logCheck(embedded, 'embedded:x'),
      topicCheck(job('[]'), embedded),
      topicCheck(job('[ { kafka: { topic: results } } ]'), embedded),
    )
    assert.match(used?.detail ?? '', /^id \S+; topics, transactions and reads work/)
    assert.equal(topics?.detail, 'partitions of its sources: flights 3')
    assert.equal(missing?.verdict, 'failed')
    assert.match(missing?.detail ?? '', /no topic "results".*QRT_TOPIC_UNKNOWN/)
  })
})

describe('Kafka', { skip: skipReason(broker) }, () => {
  it('is used as peers use it, and no topic stays', async () => {
    const settings = { kind: 'kafka', brokers: 'brokers' in broker ? broker.brokers : [], clientId: 'doctor' } as const
    const [finding] = await said(logCheck(settings, 'kafka'))
    assert.equal(finding?.verdict, 'ok', finding?.detail)
    const admin = new Kafka({ brokers: settings.brokers, logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const topics = await admin.listTopics()
    await admin.disconnect()
    assert.deepEqual(
      topics.filter((topic) => topic.startsWith('quorate-doctor')),
      [],
    )
  })
})

it('a broker that is not there is a failure within the bound', async () => {
  const settings = { kind: 'kafka', brokers: ['127.0.0.1:1'], clientId: 'doctor' } as const
  const from = performance.now()
  const [finding] = await within(1_000, [logCheck(settings, 'kafka')])
  assert.equal(finding?.verdict, 'failed')
  assert.ok(performance.now() - from < WITHIN_MS)
})

describe('an S3 store', { skip: skipReason(store) }, () => {
  let connections: SinkConnections
  before(async () => {
    if ('unavailable' in store) return
    const { endpoint, region, accessKeyId, secretAccessKey } = store
    connections = { s3: { endpoint, region, accessKeyId, secretAccessKey, forcePathStyle: true } }
    const client = createS3Client(connections.s3)
    await client.send(new CreateBucketCommand({ Bucket: 'doctor' }))
    client.destroy()
  })

  it('takes results and checkpoints', async () => {
    const found = await said(
      ...sinkChecks(job('[ { s3: { bucket: doctor, prefix: days/ } } ]'), connections, embedded),
      checkpointCheck({ kind: 's3', bucket: 'doctor', prefix: 'kept/' }, connections),
    )
    for (const { verdict, detail } of found) assert.equal(verdict, 'ok', detail)
  })

  it('without the bucket, or with another key, takes neither', async () => {
    const wrong = { s3: { region: 'us-east-1', ...connections.s3, secretAccessKey: 'not-the-secret' } }
    const found = await said(
      ...sinkChecks(job('[ { s3: { bucket: nowhere } } ]'), connections, embedded),
      checkpointCheck({ kind: 's3', bucket: 'doctor', prefix: '' }, wrong),
      ...sinkChecks(job('[ { s3: { bucket: doctor } } ]'), {}, embedded),
    )
    assert.deepEqual(
      found.map(({ verdict }) => verdict),
      ['failed', 'failed', 'failed'],
    )
    assert.ok(found.every(({ detail }) => !detail.includes('not-the-secret')))
  })
})

describe('MongoDB', { skip: skipReason(database) }, () => {
  it('takes results; where nothing listens it does not', async () => {
    const sinks = '[ { mongodb: { database: travel, collection: delays } } ]'
    const url = 'url' in database ? database.url : ''
    const [there] = await said(...sinkChecks(job(sinks), { mongodb: { url } }, embedded))
    assert.equal(there?.verdict, 'ok', there?.detail)
    const [gone] = await said(...sinkChecks(job(sinks), { mongodb: { url: 'mongodb://127.0.0.1:1' } }, embedded))
    assert.equal(gone?.verdict, 'failed')
  })
})
