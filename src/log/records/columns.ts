/**
 * Records of one partition as columns: where each one's parts lie in the bytes that were fetched. A column is filled once
 * per batch and used again for the next one, so a record costs no object until somebody asks for its key or value.
 */
import { assert } from '../../../mesh/index.ts'
import type { RecordBatch, RecordHeaders } from '../../../operators/index.ts'
import type { BatchHeader } from './batch-header.ts'
import { readHeaders } from './headers.ts'
import { RecordsUnreadable } from './unreadable.ts'
import { VarintReader } from './varint.ts'

/** Length, attributes, two deltas, two lengths, number of headers: no record is smaller. */
const LEAST_RECORD_BYTES = 7

export class RecordColumns implements RecordBatch {
  length = 0
  #capacity = 0
  #offset = new Float64Array(0)
  #timestamp = new Float64Array(0)
  /** Length −1: null. */
  #keyAt = new Int32Array(0)
  #keyLength = new Int32Array(0)
  #valueAt = new Int32Array(0)
  #valueLength = new Int32Array(0)
  /** Which of the sources a record lies in: compressed batches have one of their own each. */
  #source = new Uint16Array(0)
  readonly #sources: Uint8Array[] = []

  offset(i: number): number {
    return this.#offset[i] as number
  }

  timestamp(i: number): number {
    return this.#timestamp[i] as number
  }

  key(i: number): Uint8Array | null {
    return this.#bytes(i, this.#keyAt[i] as number, this.#keyLength[i] as number)
  }

  value(i: number): Uint8Array | null {
    return this.#bytes(i, this.#valueAt[i] as number, this.#valueLength[i] as number)
  }

  #bytes(i: number, at: number, length: number): Uint8Array | null {
    if (length < 0) return null
    const source = this.#sources[this.#source[i] as number] as Uint8Array
    return new Uint8Array(source.buffer, source.byteOffset + at, length)
  }

  headers(i: number): RecordHeaders | undefined {
    const source = this.#sources[this.#source[i] as number] as Uint8Array
    return readHeaders(source, (this.#valueAt[i] as number) + Math.max(0, this.#valueLength[i] as number))
  }

  /** Empties it; there is room for `records` then. */
  reset(records: number): void {
    this.length = 0
    this.#sources.length = 0
    if (records <= this.#capacity) return
    this.#capacity = records
    this.#offset = new Float64Array(records)
    this.#timestamp = new Float64Array(records)
    this.#keyAt = new Int32Array(records)
    this.#keyLength = new Int32Array(records)
    this.#valueAt = new Int32Array(records)
    this.#valueLength = new Int32Array(records)
    this.#source = new Uint16Array(records)
  }

  /** Keeps its own bytes only: the answer that they came in may be much larger. */
  detach(): void {
    for (const [i, source] of this.#sources.entries()) this.#sources[i] = ownBytes(source)
  }

  get room(): number {
    return this.#capacity - this.length
  }

  /**
   * Adds the records of a batch that are at `position` or above. `from` is where they begin in the bytes. Grammar:
   *
   *   record = varint length of what follows | i8 attributes | varlong timestampDelta | varint offsetDelta
   *          | varint keyLength | key | varint valueLength | value | varint headers | headers
   *
   * @throws RecordsUnreadable when they are not what the header says; nothing was added then
   */
  add(header: BatchHeader, bytes: Uint8Array, from: number, to: number, position: number): void {
    const { records } = header
    if (records < 0 || records * LEAST_RECORD_BYTES > to - from) {
      throw new RecordsUnreadable('corrupt', `a batch of ${to - from} bytes says that it has ${records} records`)
    }
    if (this.length === 0 && records > this.room) this.reset(records)
    assert(records <= this.room, 'a piece ends before a batch that it has no room for')
    const before = this.length
    if (this.#sources.at(-1) !== bytes) this.#sources.push(bytes)
    try {
      this.#fill(header, new VarintReader(bytes, from), to, position)
    } catch (error) {
      this.length = before
      if (!(error instanceof RangeError)) throw error
      throw new RecordsUnreadable('corrupt', `a record does not end where its batch says: ${error.message}`)
    }
  }

  #fill({ records, baseOffset, ...header }: BatchHeader, reader: VarintReader, to: number, position: number): void {
    const source = this.#sources.length - 1
    let last = -1
    for (let left = records; left > 0; left--) {
      const length = reader.signed()
      const end = reader.at + length
      if (length < 0 || end > to) throw new RangeError(`${length} bytes where ${to - reader.at} are left`)
      reader.at += 1
      const timestamp = header.baseTimestamp + reader.signed()
      const delta = reader.signed()
      if (delta <= last || baseOffset + delta >= header.nextOffset) throw new RangeError('its offset is out of order')
      last = delta
      const keyLength = reader.signed()
      const keyAt = reader.at
      if (keyLength > 0) reader.at += keyLength
      const valueLength = reader.signed()
      const valueAt = reader.at
      if (valueAt + Math.max(0, valueLength) > end) throw new RangeError('its value is longer than itself')
      reader.at = end
      if (baseOffset + delta < position) continue
      const i = this.length++
      this.#offset[i] = baseOffset + delta
      this.#timestamp[i] = header.logAppendTime ? header.maxTimestamp : timestamp
      this.#keyAt[i] = keyAt
      this.#keyLength[i] = keyLength
      this.#valueAt[i] = valueAt
      this.#valueLength[i] = valueLength
      this.#source[i] = source
    }
    if (reader.at !== to) throw new RangeError(`${to - reader.at} bytes are left over`)
  }
}

/** Type of the control record at `from`: 0 aborts its producer's transaction, 1 commits it, others are of no concern. */
export function controlType(bytes: Uint8Array, from: number): number {
  // length, attributes, timestampDelta, offsetDelta, keyLength; then key = i16 version | i16 type.
  const reader = new VarintReader(bytes, from)
  reader.signed()
  reader.at += 1
  reader.signed()
  reader.signed()
  const keyLength = reader.signed()
  const { at } = reader
  if (keyLength < 4) throw new RecordsUnreadable('corrupt', `a control record has a key of ${keyLength} bytes`)
  return ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
}

/** The same bytes; copied when they are a small part of what they keep in memory. */
export const ownBytes = (bytes: Uint8Array): Uint8Array =>
  bytes.buffer.byteLength > bytes.length * 2 ? new Uint8Array(bytes) : bytes
