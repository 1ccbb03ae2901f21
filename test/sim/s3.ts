/**
 * An S3 store as far as the production sink and checkpoints speak to it: conditional creation, metadata, ranges, deletion,
 * listings in the order of keys. It takes the SDK's own commands and answers with the SDK's own errors.
 */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { deleteKey, insertKey, placeOf } from './sorted.ts'
import type { Call, StoreErrors } from './store-link.ts'

export interface StoredObject {
  readonly body: Uint8Array
  readonly metadata: Readonly<Record<string, string>>
}

export class SimulatedS3 {
  readonly #objects = new Map<string, StoredObject>()
  /** Of all objects, in order. */
  readonly #keys: string[] = []
  /** An object was there already: for whoever counts. */
  onExists: () => void = () => undefined
  /** An object was put: for checkers. */
  onPut: (key: string) => void = () => undefined

  get objects(): ReadonlyMap<string, StoredObject> {
    return this.#objects
  }

  /** Keys that begin with this, in order; only those behind another one, where it is given. */
  keysOf(prefix: string, after = ''): string[] {
    const first = placeOf(after > prefix ? after : prefix, this.#keys)
    return this.#keys.slice(first, placeOf(`${prefix}\uffff`, this.#keys)).filter((key) => key !== after)
  }

  /** What the SDK's client does with a command. */
  answer(command: unknown): unknown {
    if (command instanceof PutObjectCommand) return this.#put(command.input)
    if (command instanceof ListObjectsV2Command) return this.#list(command.input)
    if (command instanceof HeadObjectCommand) return { Metadata: { ...this.#get(command.input.Key).metadata } }
    if (command instanceof GetObjectCommand) {
      const { body, metadata } = this.#get(command.input.Key)
      const asked = rangeOf(body, command.input.Range)
      return { Metadata: { ...metadata }, Body: { transformToByteArray: async () => asked } }
    }
    if (command instanceof DeleteObjectCommand) {
      const { Key = '' } = command.input
      if (this.#objects.delete(Key)) deleteKey(this.#keys, Key)
      return {}
    }
    throw new Error('the simulated S3 store does not know this command')
  }

  #put({ Key = '', Body, Metadata = {}, IfNoneMatch }: PutObjectCommandInput): object {
    if (!(Body instanceof Uint8Array)) throw new Error('the simulated S3 store takes bytes')
    if (IfNoneMatch === '*' && this.objects.has(Key)) {
      this.onExists()
      throw s3Error(412, 'PreconditionFailed')
    }
    if (!this.#objects.has(Key)) insertKey(this.#keys, Key)
    this.#objects.set(Key, { body: new Uint8Array(Body), metadata: { ...Metadata } })
    this.onPut(Key)
    return {}
  }

  #get(key = ''): StoredObject {
    const found = this.objects.get(key)
    if (found === undefined) throw s3Error(404, 'NotFound')
    return found
  }

  #list({ Prefix = '', StartAfter = '', MaxKeys = 1_000, Delimiter, ContinuationToken }: ListObjectsV2CommandInput) {
    const after = ContinuationToken ?? StartAfter
    const keys = this.keysOf(Prefix, after)
    const page = keys.slice(0, MaxKeys)
    const below = (key: string) => (Delimiter === undefined ? -1 : key.indexOf(Delimiter, Prefix.length))
    const folders = page.flatMap((key) => (below(key) < 0 ? [] : [key.slice(0, below(key) + 1)]))
    const more = keys.length > MaxKeys
    return {
      Contents: page.filter((key) => below(key) < 0).map((Key) => ({ Key })),
      CommonPrefixes: [...new Set(folders)].map((folder) => ({ Prefix: folder })),
      IsTruncated: more,
      ...(more ? { NextContinuationToken: page.at(-1) } : {}),
    }
  }
}

/** `bytes=FROM-TO`, both included. */
function rangeOf(body: Uint8Array, range: string | undefined): Uint8Array {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []
  return range === undefined ? new Uint8Array(body) : body.slice(Number(from), Number(to) + 1)
}

export const s3Error = (httpStatusCode: number, name: string): S3ServiceException =>
  new S3ServiceException({ name, $fault: 'client', $metadata: { httpStatusCode }, message: `simulated ${name}` })

/** A busy store; every second time with the answer to two conditional writes that meet. */
export function s3Errors(onConflict: () => void): StoreErrors {
  let times = 0
  return {
    unreachable: () => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }),
    busy: () => {
      times += 1
      if (times % 2 === 0) return s3Error(503, 'SlowDown')
      onConflict()
      return s3Error(409, 'ConditionalRequestConflict')
    },
  }
}

export const s3Client = (store: SimulatedS3, call: Call): S3Client =>
  ({ send: (command: unknown) => call(() => store.answer(command)), destroy: () => undefined }) as unknown as S3Client
