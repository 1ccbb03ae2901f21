import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { DirectoryPlace } from '../../src/checkpoint/directory.ts'
import { S3Place } from '../../src/checkpoint/s3.ts'
import { checkpointPlaceContract } from '../contract/checkpoint-place.contract.ts'
import { skipReason } from '../services/availability.ts'
import { s3 } from '../services/s3.ts'

const folder = await mkdtemp(join(tmpdir(), 'quorate-checkpoint-place-'))
const server = await s3()
after(async () => {
  if ('stop' in server) await server.stop()
  await rm(folder, { recursive: true, force: true })
})

const connect = (bucket: string): S3Place => {
  if ('unavailable' in server) throw new Error(server.unavailable)
  const { endpoint, region, accessKeyId, secretAccessKey } = server
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials })
  return new S3Place(bucket, 'kept', client, [secretAccessKey])
}

checkpointPlaceContract('a directory', async () => {
  return { place: new DirectoryPlace(join(folder, 'kept')), dispose: async () => undefined }
})

checkpointPlaceContract(
  'S3',
  async () => {
    const bucket = `kept-${process.pid}`
    if ('unavailable' in server) throw new Error(server.unavailable)
    const { endpoint, region, accessKeyId, secretAccessKey } = server
    const client = new S3Client({
      ...{ endpoint, region, forcePathStyle: true },
      credentials: { accessKeyId, secretAccessKey },
    })
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    client.destroy()
    const place = connect(bucket)
    return { place, dispose: () => place.close() }
  },
  skipReason(server),
)

describe('a place for checkpoints that cannot be reached', () => {
  it('is unreachable when the directory is none', async () => {
    const file = join(folder, 'file')
    await writeFile(file, '')
    const place = new DirectoryPlace(file)
    await assert.rejects(place.create('a/b', new Uint8Array()), { code: 'QRT_CHECKPOINT_UNREACHABLE' })
  })

  it('is unreachable, and not empty, when the bucket is missing', { skip: skipReason(server) }, async () => {
    const place = connect('kept-no-such-bucket')
    await assert.rejects(place.read('a'), { code: 'QRT_CHECKPOINT_UNREACHABLE', message: /NoSuchBucket/ })
    await assert.rejects(place.names('a'), { code: 'QRT_CHECKPOINT_UNREACHABLE' })
    await place.close()
  })
})
