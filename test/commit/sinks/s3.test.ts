import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import type { PeerId } from '../../../mesh/index.ts'
import { createSink } from '../../../src/commit/sinks/index.ts'
import { S3Sink } from '../../../src/commit/sinks/s3.ts'
import { ConnectionLost, type SinkHarness, type Step, sinkContract } from '../../contract/sink.contract.ts'
import { batch, identity, oneBody, row, story } from '../../contract/sink-batches.ts'
import { branchContract } from '../../contract/sink-branches.contract.ts'
import { FILE_FORMATS, type FormatCase } from '../../contract/sink-formats.ts'
import { skipReason } from '../../services/availability.ts'
import { s3 } from '../../services/s3.ts'

const server = await s3()
const skip = skipReason(server)
const BUCKET = `sinks-${process.pid}`
const PEER = 'a'.repeat(64) as PeerId
const [LINES, PARQUET] = [FILE_FORMATS[0], FILE_FORMATS.at(-1)] as [FormatCase, FormatCase]
let prefixes = 0
const connect = (): S3Client => {
  if ('unavailable' in server) throw new Error(server.unavailable)
  const { endpoint, region, accessKeyId, secretAccessKey } = server
  return new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
}
const client = skip === false ? connect() : undefined
await client?.send(new CreateBucketCommand({ Bucket: BUCKET }))
after(async () => {
  client?.destroy()
  if ('stop' in server) await server.stop()
})

/** A client whose every request goes through `step`. */
function stepping(step: Step): S3Client {
  const real = connect()
  return new Proxy(real, {
    get(target, property) {
      const value = Reflect.get(target, property)
      if (typeof value !== 'function') return value
      if (property !== 'send') return value.bind(target)
      return (...args: unknown[]) =>
        step<unknown>(async () => Reflect.apply(value, target, args)).catch((error) => {
          throw error instanceof ConnectionLost
            ? Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
            : error
        })
    },
  })
}

async function keysUnder(prefix: string): Promise<string[]> {
  const { Contents = [] } = await client!.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: prefix }))
  return Contents.map(({ Key = '' }) => Key)
}
async function textOf(key: string): Promise<string> {
  const { Body } = await client!.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }))
  return Body?.transformToString() ?? ''
}

async function bytesOf(key: string): Promise<Uint8Array> {
  const { Body } = await client!.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }))
  return (await Body?.transformToByteArray()) ?? new Uint8Array()
}

async function createHarness({ format, ending, read } = LINES): Promise<SinkHarness & { prefix: string }> {
  prefixes += 1
  const prefix = `job-${prefixes}`
  return {
    prefix,
    sink: (step) => new S3Sink(BUCKET, prefix, stepping(step), [], format),
    async rows() {
      const keys = (await keysUnder(`${prefix}/`)).filter((key) => key.endsWith(`.${ending}`))
      return (await Promise.all(keys.map(async (key) => read(await bytesOf(key))))).flat()
    },
    keeps: 'everyRevision',
    fences: false,
    dispose: async () => undefined,
  }
}

sinkContract('S3', () => createHarness(), skip)
sinkContract('S3 in Parquet', () => createHarness(PARQUET), skip)
for (const each of FILE_FORMATS) branchContract(`S3 in ${each.name}`, () => createHarness(each), skip)

describe('the S3 sink', { skip }, () => {
  const unit = identity()
  const open = (prefix: string, pageKeys?: number) =>
    new S3Sink(BUCKET, prefix, client!, [], undefined, pageKeys).open(unit)

  it('writes JSON Lines under keys that sort by position, and the certificates beside them', async () => {
    const { prefix } = await createHarness()
    const session = await open(prefix)
    for (const each of story(unit, oneBody)) await session.write([each])
    const base = `${prefix}/test/orders-0123456789ab-1/0-0`
    assert.deepEqual(await keysUnder(`${base}/`), [
      `${base}/000000000001-000000000000.jsonl`,
      `${base}/000000000002-000000000000.jsonl`,
      `${base}/000000000002-000000000001.jsonl`,
      `${base}/000000000003-000000000000.jsonl`,
    ])
    assert.equal((await keysUnder(`${base}.certificates/`)).length, 4)
    assert.equal(
      (await textOf(`${base}/000000000001-000000000000.jsonl`)).split('\n')[1],
      '{"key":"b","window":{"start":"2001-01-01T00:00:00.000Z","end":"2001-01-01T01:00:00.000Z"},"revision":0,' +
        '"final":true,"value":{"sum":9007199254740993}}',
    )
  })

  it('finds its progress among many more objects than a listing returns', async () => {
    const { prefix } = await createHarness()
    const session = await open(prefix)
    // Gaps (cuts without rows), runs and a cut of many parts.
    const positions = [1, 2, 3, 4, 5, 9, 40, 41, 42].map((seq) => ({ seq, part: 0 }))
    for (let part = 0; part < 9; part++) positions.push({ seq: 43, part })
    for (const position of positions) {
      await session.write([batch(unit, position, undefined, [row(position.seq, '"a"', '1')], oneBody)])
      for (const pageKeys of [1, 2, 3, 1_000]) {
        assert.deepEqual((await open(prefix, pageKeys)).progress?.position, position, `${pageKeys} keys a page`)
      }
    }
  })

  it('refuses a store that overwrites in spite of the precondition', async () => {
    const { prefix } = await createHarness()
    const forgetful = connect()
    // Such a store acts as if the header had not been sent.
    forgetful.middlewareStack.add(
      (next) => (args) => {
        delete (args.request as { headers: Record<string, string> }).headers['if-none-match']
        return next(args)
      },
      { step: 'build', priority: 'low' },
    )
    await assert.rejects(new S3Sink(BUCKET, prefix, forgetful, []).probe(), {
      code: 'QRT_SINK_UNSUPPORTED',
      message: /conditional writes/,
    })
  })

  it('refuses an object of the right name that Quorate did not write', async () => {
    const { prefix } = await createHarness()
    const Key = `${prefix}/test/orders-0123456789ab-1/0-0/000000000007-000000000000.jsonl`
    await client!.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: '{}' }))
    await client!.send(
      new PutObjectCommand({
        Bucket: BUCKET,
        Key: Key.replace('0-0/', '0-0.certificates/').replace('jsonl', 'json'),
        Body: '{}',
      }),
    )
    await assert.rejects(open(prefix), { code: 'QRT_SINK_REFUSED', message: /did not write it/ })
  })

  it('waits for a bucket that is missing', async () => {
    const sink = new S3Sink('sinks-no-such-bucket', 'p', client!, [])
    await assert.rejects(sink.open(unit), { code: 'QRT_SINK_UNREACHABLE', message: /NoSuchBucket/ })
  })
})

describe('an S3 sink that cannot be reached', () => {
  it('says where and never shows the secret', async () => {
    const connection = {
      region: 'us-east-1',
      endpoint: 'http://127.0.0.1:1',
      accessKeyId: 'id',
      secretAccessKey: 'hunter2',
    }
    const sink = createSink({ kind: 's3', bucket: 'rows', prefix: 'p' }, { s3: connection }, undefined as never, PEER)
    await assert.rejects(sink.probe(), (error: Error & { code: string; indefinite: boolean }) => {
      assert.equal(error.code, 'QRT_SINK_UNREACHABLE')
      assert.equal(error.indefinite, true)
      assert.match(error.message, /^s3:rows\/p: .*ECONNREFUSED/)
      assert.doesNotMatch(error.message, /hunter2/)
      return true
    })
    await sink.close()
  })
})
