/**
 * The bytes of state: what partial aggregates and snapshots are written with. Every value has one encoding, so that equal
 * states give equal bytes.
 *
 *   varint   unsigned LEB128 of a safe integer
 *   signed   zigzag varint of an integer below 2^52 in magnitude
 *   bytes    varint length, then the bytes
 *   text     bytes in UTF-8
 *   bigint   varint sign (1 = negative), bytes of the magnitude, big-endian, no leading zero
 */
import { OperatorError } from './errors.ts'
import { encodeUtf8 } from './json.ts'

/** What `signed` can write; a little less than it could. */
export const isSigned = (value: number): boolean => Number.isInteger(value) && Math.abs(value) < 2 ** 51

export class StateWriter {
  #bytes = new Uint8Array(256)
  #view = new DataView(this.#bytes.buffer)
  #length = 0

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
  }

  varint(value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#length++] = rest
  }

  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value)
  }

  float(value: number): void {
    this.#reserve(8)
    this.#view.setFloat64(this.#length, value)
    this.#length += 8
  }

  bytes(value: Uint8Array): void {
    this.varint(value.length)
    this.#reserve(value.length)
    this.#bytes.set(value, this.#length)
    this.#length += value.length
  }

  text(value: string): void {
    this.bytes(encodeUtf8(value))
  }

  bigint(value: bigint): void {
    this.varint(value < 0n ? 1 : 0)
    const hex = (value < 0n ? -value : value).toString(16)
    this.bytes(Uint8Array.from(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')))
  }

  /** What was written so far; valid until the next write or reset. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  reset(): void {
    this.#length = 0
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#length + more, 2 * this.#bytes.length))
    grown.set(this.#bytes)
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** @throws OperatorError QRT_STATE_CORRUPT when the bytes end early; certified bytes never do. */
export class StateReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Checks that nothing is left over. */
  end(): void {
    if (this.#at === this.#bytes.length) return
    throw new OperatorError(
      'QRT_STATE_CORRUPT',
      `state ends at byte ${this.#at}, and ${this.#bytes.length - this.#at} bytes are left over`,
    )
  }

  byte(): number {
    this.#need(1)
    return this.#bytes[this.#at++] as number
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 0x80
    }
  }

  signed(): number {
    const value = this.varint()
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2
  }

  float(): number {
    this.#need(8)
    this.#at += 8
    return this.#view.getFloat64(this.#at - 8)
  }

  /** A view. */
  bytes(): Uint8Array {
    const length = this.varint()
    this.#need(length)
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  text(): string {
    const bytes = this.bytes()
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  }

  bigint(): bigint {
    const negative = this.varint() === 1
    const magnitude = BigInt(`0x0${Buffer.from(this.bytes()).toString('hex')}`)
    return negative ? -magnitude : magnitude
  }

  #need(bytes: number): void {
    if (this.#at + bytes > this.#bytes.length) {
      throw new OperatorError(
        'QRT_STATE_CORRUPT',
        `state of ${this.#bytes.length} bytes ends at byte ${this.#at} where ${bytes} more were expected`,
      )
    }
  }
}
