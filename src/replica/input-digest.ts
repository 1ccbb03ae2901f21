/**
 * Digest of the records a cut covers: SHA-256 over (key length, value length, key, value) of each, and the headers where a job reads them, so that replicas can
 * tell different input from different computation. Bytes are gathered into a buffer first, because hashing a hundred
 * bytes at a time costs more in calls than in hashing.
 */
import { createHash, type Hash } from 'node:crypto'
import type { Digest } from '../../mesh/index.ts'
import type { RecordBatch, RecordHeaders } from '../../operators/index.ts'

const BUFFER_BYTES = 128 * 1024
const ABSENT = 0xffff_ffff

export class InputDigest {
  readonly #headers: boolean
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  #used = 0
  #hash: Hash = createHash('sha256')

  /** @param headers of records are input as well */
  constructor(headers = false) {
    this.#headers = headers
  }

  add(batch: RecordBatch, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const key = batch.key(i)
      const value = batch.value(i)
      const keyBytes = key === null ? 0 : key.length
      const valueBytes = value === null ? 0 : value.length
      if (this.#used + 8 + keyBytes + valueBytes > BUFFER_BYTES) this.#drain()
      this.#uint32(key === null ? ABSENT : keyBytes)
      this.#uint32(value === null ? ABSENT : valueBytes)
      if (key !== null) this.#bytes(key)
      if (value !== null) this.#bytes(value)
      if (this.#headers) this.#addHeaders(batch.headers?.(i))
    }
  }

  #addHeaders(headers: RecordHeaders | undefined): void {
    if (this.#used + 4 > BUFFER_BYTES) this.#drain()
    this.#uint32(headers?.size ?? ABSENT)
    for (const [name, value] of headers ?? []) {
      if (this.#used + 8 > BUFFER_BYTES) this.#drain()
      const bytes = Buffer.from(name)
      this.#uint32(bytes.length)
      this.#uint32(value.length)
      this.#bytes(bytes)
      this.#bytes(value)
    }
  }

  /** The digest since the last call; starts again. */
  take(): Digest {
    this.#drain()
    const digest = this.#hash.digest('hex') as Digest
    this.#hash = createHash('sha256')
    return digest
  }

  #uint32(value: number): void {
    const buffer = this.#buffer
    const at = this.#used
    buffer[at] = value >>> 24
    buffer[at + 1] = value >>> 16
    buffer[at + 2] = value >>> 8
    buffer[at + 3] = value
    this.#used = at + 4
  }

  #bytes(bytes: Uint8Array): void {
    if (bytes.length > BUFFER_BYTES - this.#used) {
      this.#drain()
      if (bytes.length > BUFFER_BYTES) {
        this.#hash.update(bytes)
        return
      }
    }
    this.#buffer.set(bytes, this.#used)
    this.#used += bytes.length
  }

  #drain(): void {
    if (this.#used > 0) this.#hash.update(this.#buffer.subarray(0, this.#used))
    this.#used = 0
  }
}
