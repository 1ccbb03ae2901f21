/** Checkpoints in an S3 store. Objects of one name say the same, so a store that overwrites does no harm here. */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { sinkFailure } from '../commit/sinks/failure.ts'
import type { CheckpointPlace } from './place.ts'

const NOT_FOUND = 404
const PRECONDITION_FAILED = 412

export class S3Place implements CheckpointPlace {
  readonly #bucket: string
  readonly #prefix: string
  readonly #client: S3Client
  readonly #secrets: readonly string[]

  constructor(bucket: string, prefix: string, client: S3Client, secrets: readonly string[]) {
    this.#bucket = bucket
    this.#prefix = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
    this.#client = client
    this.#secrets = secrets
  }

  async create(name: string, bytes: Uint8Array): Promise<void> {
    const object = { Bucket: this.#bucket, Key: this.#prefix + name, Body: bytes, IfNoneMatch: '*' }
    await this.#call(`creating ${name}`, () => this.#client.send(new PutObjectCommand(object)), PRECONDITION_FAILED)
  }

  async read(name: string, range?: { readonly from: number; readonly length: number }) {
    const object = {
      Bucket: this.#bucket,
      Key: this.#prefix + name,
      ...(range === undefined ? {} : { Range: `bytes=${range.from}-${range.from + range.length - 1}` }),
    }
    return this.#call(
      `reading ${name}`,
      async () => (await this.#client.send(new GetObjectCommand(object))).Body?.transformToByteArray(),
      NOT_FOUND,
    )
  }

  async names(folder: string): Promise<readonly string[]> {
    const prefix = folder === '' ? this.#prefix : `${this.#prefix}${folder}/`
    const names: string[] = []
    for (let token: string | undefined; ; ) {
      const listing = { Bucket: this.#bucket, Prefix: prefix, Delimiter: '/', ContinuationToken: token }
      const page = await this.#call(`listing ${prefix}`, () => this.#client.send(new ListObjectsV2Command(listing)))
      for (const { Key = '' } of page?.Contents ?? []) names.push(Key.slice(prefix.length))
      for (const { Prefix = '' } of page?.CommonPrefixes ?? []) names.push(Prefix.slice(prefix.length, -1))
      token = page?.NextContinuationToken
      if (token === undefined) return names.sort()
    }
  }

  async remove(name: string): Promise<void> {
    const object = { Bucket: this.#bucket, Key: this.#prefix + name }
    await this.#call(`removing ${name}`, () => this.#client.send(new DeleteObjectCommand(object)))
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }

  /** Undefined for an answer of status `expected`. */
  async #call<T>(doing: string, call: () => Promise<T>, expected?: number): Promise<T | undefined> {
    try {
      return await call()
    } catch (error) {
      const service = error instanceof S3ServiceException ? error : undefined
      // A bucket that is missing has the same status as an object that is.
      const bucket = service?.name === 'NoSuchBucket'
      if (expected !== undefined && service?.$metadata.httpStatusCode === expected && !bucket) return undefined
      const context = { sink: `checkpoints in s3:${this.#bucket}/${this.#prefix}`, doing, secrets: this.#secrets }
      throw sinkFailure('QRT_CHECKPOINT_UNREACHABLE', context, error, true)
    }
  }
}
