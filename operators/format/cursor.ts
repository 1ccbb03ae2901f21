/**
 * A cursor over the bytes of one binary record. Whatever is wrong is thrown as one object per code, made once and without a
 * stack: a bad record is ordinary. Counts and depth are bounded, because a few bytes can promise billions of items.
 */
import { isUtf8 } from 'node:buffer'
import { EvaluationError } from '../errors.ts'
import { narrow } from '../json.ts'
import { latin1 } from '../scan-bytes.ts'

export const BROKEN = new EvaluationError('QRT_RECORD_SYNTAX')
export const TOO_DEEP = new EvaluationError('QRT_RECORD_DEPTH')
export const BAD_NUMBER = new EvaluationError('QRT_RECORD_NUMBER')
export const REFUSED = new EvaluationError('QRT_RECORD_REFUSED')
export const TOO_LARGE = new EvaluationError('QRT_RECORD_SIZE')
export const NO_SCHEMA = new EvaluationError('QRT_RECORD_SCHEMA')
export const NOT_UTF8 = new EvaluationError('QRT_RECORD_ENCODING')

/** As in JSON. */
const MAX_DEPTH = 64
/** Items that have no bytes of their own, such as nulls in a list. */
const MAX_EMPTY_ITEMS = 10_000

export class ByteCursor {
  bytes: Uint8Array = new Uint8Array()
  at = 0
  end = 0
  #view = new DataView(this.bytes.buffer)
  #depth = 0
  #items = 0

  start(bytes: Uint8Array, at = 0): void {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = at
    this.end = bytes.length
    this.#depth = 0
    this.#items = bytes.length + MAX_EMPTY_ITEMS
  }

  enter(): void {
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) throw TOO_DEEP
  }

  leave(): void {
    this.#depth -= 1
  }

  /** Before each item of a list or a map. */
  item(): void {
    this.#items -= 1
    if (this.#items < 0) throw TOO_LARGE
  }

  byte(): number {
    if (this.at >= this.end) throw BROKEN
    return this.bytes[this.at++] as number
  }

  /** Where `length` bytes begin; the cursor is behind them. */
  take(length: number): number {
    const start = this.at
    if (length < 0 || length > this.end - start) throw BROKEN
    this.at = start + length
    return start
  }

  float32(littleEndian: boolean): number {
    return finite(this.#view.getFloat32(this.take(4), littleEndian))
  }

  float64(littleEndian: boolean): number {
    return finite(this.#view.getFloat64(this.take(8), littleEndian))
  }

  uint(bytes: 1 | 2 | 4): number {
    const at = this.take(bytes)
    if (bytes === 1) return this.#view.getUint8(at)
    return bytes === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at)
  }

  int(bytes: 1 | 2 | 4): number {
    const at = this.take(bytes)
    if (bytes === 1) return this.#view.getInt8(at)
    return bytes === 2 ? this.#view.getInt16(at) : this.#view.getInt32(at)
  }

  uint32LittleEndian(): number {
    return this.#view.getUint32(this.take(4), true)
  }

  uint64(littleEndian: boolean): number | bigint {
    return narrow(this.#view.getBigUint64(this.take(8), littleEndian))
  }

  int64(littleEndian: boolean): number | bigint {
    return narrow(this.#view.getBigInt64(this.take(8), littleEndian))
  }

  /** UTF-8, checked wanted or not. */
  text(length: number, wanted: boolean): string {
    const start = this.take(length)
    const { bytes, at: end } = this
    let high = 0
    for (let i = start; i < end; i++) high |= bytes[i] as number
    if (high < 0x80) return wanted ? latin1(bytes, start, end) : ''
    const part = bytes.subarray(start, end)
    if (!isUtf8(part)) throw NOT_UTF8
    return wanted ? Buffer.from(part.buffer, part.byteOffset, part.length).toString('utf8') : ''
  }

  /** Bytes have no JSON form of their own: base64, with padding. */
  base64(length: number, wanted: boolean): string {
    const start = this.take(length)
    if (!wanted) return ''
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, length).toString('base64')
  }
}

const finite = (value: number): number => {
  if (!Number.isFinite(value)) throw BAD_NUMBER
  return value + 0
}
