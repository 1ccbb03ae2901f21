/**
 * One object per batch, created only where there is none (`If-None-Match: *`): whoever comes second finds the first's
 * digest and compares. Rows are JSON Lines, or what the format of the sink makes of them. The certificate is an object of its
 * own, written before, under `<unit>.certificates/`. Names are those of object-names.ts.
 */
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { type CutPosition, type Digest, planted } from '../../../mesh/index.ts'
import { QuorateError } from '../../errors.ts'
import { type RowsFile, rowsFile } from '../format/file.ts'
import type { FileFormat } from '../format/plan.ts'
import { decodeRecord } from '../record.ts'
import type { CertifiedBatch, Sink, SinkProgress, UnitIdentity, UnitSink } from '../sink.ts'
import { sinkFailure } from './failure.ts'
import { CERTIFICATE, certificateName, positionIn, rowsName, unitPath } from './object-names.ts'
import { compareDigests, isThere, progressOf } from './progress.ts'
import { lastPosition } from './s3-progress.ts'

const CONFLICT = 409
const PRECONDITION_FAILED = 412
const DIGEST_FIELD = 'quorate-out-digest'

export class S3Sink implements Sink {
  readonly name: string
  readonly #bucket: string
  readonly #prefix: string
  readonly #client: S3Client
  readonly #secrets: readonly string[]
  readonly #file: RowsFile
  readonly #pageKeys: number

  /**
   * @param format of the objects; absent: JSON Lines
   * @param pageKeys keys per listing, 1,000 at most
   */
  constructor(
    bucket: string,
    prefix: string,
    client: S3Client,
    secrets: readonly string[],
    format?: FileFormat,
    pageKeys = 1_000,
  ) {
    this.name = `s3:${bucket}/${prefix}`
    this.#bucket = bucket
    this.#prefix = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
    this.#client = client
    this.#secrets = secrets
    this.#file = rowsFile(format, this.name)
    this.#pageKeys = pageKeys
  }

  /** Creates one object twice: a store that lets the second pass ignores the precondition that all else rests on. */
  async probe(): Promise<void> {
    const key = `${this.#prefix}quorate-probe`
    const create = () => this.#create(key, new Uint8Array(), 'application/octet-stream', {})
    if (!(await create()) || !(await create())) return
    throw new QuorateError(
      'QRT_SINK_UNSUPPORTED',
      `${this.name}: the store overwrote an object in spite of "If-None-Match: *", so results could be lost there; ` +
        'use a store that honours conditional writes',
    )
  }

  async open(unit: UnitIdentity): Promise<UnitSink> {
    const base = `${this.#prefix}${unitPath(unit)}`
    let progress = await this.#progress(base)
    return {
      get progress() {
        return progress
      },
      announced: async () => {
        const position = await this.#last(`${base}.certificates`, CERTIFICATE)
        const found = position && (await this.#certificate(base, position))
        return position && found && { position, ...found }
      },
      write: async (batches) => {
        let written = false
        // One after another: the last object says that all before it are there.
        for (const batch of batches) {
          if (isThere(this.name, progress, batch)) continue
          written = (await this.#write(base, batch)) || written
          progress = progressOf(batch)
        }
        return written ? 'written' : 'already'
      },
      close: async () => undefined,
    }
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }

  async #write(base: string, batch: CertifiedBatch): Promise<boolean> {
    const named = this.#rowsKey(base, batch.position)
    const key = planted('digest-in-key') ? named.replace(/\.\w+$/, `-${batch.outDigest}$&`) : named
    const { contentType } = this.#file
    const rows = this.#file.encode(batch.body, batch.outDigest)
    if (!(await this.#create(certificateKey(base, batch.position), batch.record, 'application/json', {}))) {
      compareDigests(this.name, batch, (await this.#certificate(base, batch.position)).outDigest)
    }
    const metadata = { [DIGEST_FIELD]: batch.outDigest }
    if (await this.#create(key, rows, contentType, metadata)) return true
    compareDigests(this.name, batch, await this.#digestOf(key))
    return false
  }

  async #progress(base: string): Promise<SinkProgress | undefined> {
    const position = await this.#last(base, this.#file.ending)
    if (position === undefined) return undefined
    const [outDigest, record] = await Promise.all([
      this.#digestOf(this.#rowsKey(base, position)),
      this.#read(certificateKey(base, position)),
    ])
    if (outDigest === undefined) {
      throw new QuorateError(
        'QRT_SINK_REFUSED',
        `${this.name}: the object ${this.#rowsKey(base, position)} has no "${DIGEST_FIELD}" metadata; Quorate did not write it`,
      )
    }
    return { position, outDigest, record }
  }

  /** The last position of which there is something in a folder, with names of this ending. */
  #last(folder: string, ending: string): Promise<CutPosition | undefined> {
    return lastPosition(async (after) => {
      const listing = await this.#call('listing objects', () =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: `${folder}/`,
            MaxKeys: this.#pageKeys,
            ...(after === undefined ? {} : { StartAfter: `${folder}/${rowsName(after, ending)}` }),
          }),
        ),
      )
      const positions = (listing.Contents ?? []).flatMap(({ Key = '' }) => positionIn(Key, ending) ?? [])
      return { last: positions.at(-1), count: positions.length, more: listing.IsTruncated === true }
    })
  }

  async #certificate(base: string, position: CutPosition): Promise<Pick<SinkProgress, 'outDigest' | 'record'>> {
    const key = certificateKey(base, position)
    const record = await this.#read(key)
    const outDigest = decodeRecord(record)?.certificate.content.outDigest
    if (outDigest !== undefined) return { outDigest, record }
    throw new QuorateError(
      'QRT_SINK_REFUSED',
      `${this.name}: expected a certificate in the object ${key}, found something else; Quorate did not write it`,
    )
  }

  #rowsKey(base: string, position: CutPosition): string {
    return `${base}/${rowsName(position, this.#file.ending)}`
  }

  /** False when there is an object of this name already; nothing was changed then. */
  #create(key: string, body: Uint8Array, contentType: string, metadata: Record<string, string>): Promise<boolean> {
    return this.#call(`creating ${key}`, async () => {
      const object = { Bucket: this.#bucket, Key: key, Body: body, ContentType: contentType, Metadata: metadata }
      try {
        await this.#client.send(new PutObjectCommand({ ...object, IfNoneMatch: '*' }))
        return true
      } catch (error) {
        if (statusOf(error) === PRECONDITION_FAILED) return false
        throw error
      }
    })
  }

  async #digestOf(key: string): Promise<Digest | undefined> {
    const head = await this.#call(`reading ${key}`, () =>
      this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key })),
    )
    return head.Metadata?.[DIGEST_FIELD] as Digest | undefined
  }

  #read(key: string): Promise<Uint8Array> {
    return this.#call(`reading ${key}`, async () => {
      const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }))
      return Body === undefined ? new Uint8Array() : Body.transformToByteArray()
    })
  }

  async #call<T>(doing: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      const context = { sink: this.name, doing, secrets: this.#secrets }
      const status = statusOf(error)
      if (status === 501) throw sinkFailure('QRT_SINK_UNSUPPORTED', context, error, false)
      if (status !== undefined && REFUSALS.has(status)) throw sinkFailure('QRT_SINK_REFUSED', context, error, false)
      throw sinkFailure('QRT_SINK_UNREACHABLE', context, error, status !== CONFLICT)
    }
  }
}

/** What no repetition changes. A missing bucket or permission (403, 404) can be mended at the store, so it is retried. */
const REFUSALS: ReadonlySet<number> = new Set([400, 405, 411, 413, 414])

const statusOf = (error: unknown): number | undefined =>
  error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined

const certificateKey = (base: string, position: CutPosition): string =>
  `${base}.certificates/${certificateName(position)}`
