/**
 * Digest of the records a cut covers: SHA-256 over (key length, value length, key, value) of each, and the headers where a job reads them, so that replicas can
 * tell different input from different computation. Bytes are gathered into a buffer first, because hashing a hundred
 * bytes at a time costs more in calls than in hashing; the buffer grows with what cuts bring, since a peer has many units.
 */
import { createHash, type Hash, hash } from 'node:crypto'
import type { Digest } from '../../mesh/index.ts'
import type { RecordBatch, RecordHeaders } from '../../operators/index.ts'

const FIRST_BYTES = 1024
const BUFFER_BYTES = 128 * 1024
const ABSENT = 0xffff_ffff

export class InputDigest {
  readonly #headers: boolean
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #used = 0
  /** Of what did not fit into the buffer; most cuts do. */
  #hash: Hash | undefined

  /** @param headers of records are input as well */
  constructor(headers = false) {
    this.#headers = headers
  }

  add(batch: RecordBatch, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const key = batch.key(i)
      const value = batch.value(i)
      this.#reserve(8)
      this.#uint32(key === null ? ABSENT : key.length)
      this.#uint32(value === null ? ABSENT : value.length)
      if (key !== null) this.#bytes(key)
      if (value !== null) this.#bytes(value)
      if (this.#headers) this.#addHeaders(batch.headers?.(i))
    }
  }

  #addHeaders(headers: RecordHeaders | undefined): void {
    this.#reserve(4)
    this.#uint32(headers?.size ?? ABSENT)
    for (const [name, value] of headers ?? []) {
      this.#reserve(8)
      const bytes = Buffer.from(name)
      this.#uint32(bytes.length)
      this.#uint32(value.length)
      this.#bytes(bytes)
      this.#bytes(value)
    }
  }

  /** The digest since the last call; starts again. */
  take(): Digest {
    if (this.#hash !== undefined) this.#drain()
    const digest = this.#hash?.digest('hex') ?? hash('sha256', this.#buffer.subarray(0, this.#used))
    this.#hash = undefined
    this.#used = 0
    return digest as Digest
  }

  /** Room for so many bytes, which are no more than the buffer can ever hold. */
  #reserve(bytes: number): void {
    if (this.#used + bytes > BUFFER_BYTES) this.#drain()
    const needed = this.#used + bytes
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.min(BUFFER_BYTES, Math.max(needed, 2 * this.#buffer.length)))
    grown.set(this.#buffer.subarray(0, this.#used))
    this.#buffer = grown
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
    if (bytes.length > BUFFER_BYTES) {
      this.#drain().update(bytes)
      return
    }
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#used)
    this.#used += bytes.length
  }

  #drain(): Hash {
    this.#hash ??= createHash('sha256')
    if (this.#used > 0) this.#hash.update(this.#buffer.subarray(0, this.#used))
    this.#used = 0
    return this.#hash
  }
}
