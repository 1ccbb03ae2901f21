/**
 * A cursor over the bytes of one JSON text: skips values while validating them, or reads them. Errors are noted in
 * `failed` and end the work; nothing is thrown, because a bad record is ordinary.
 */
import type { ScanErrorCode } from './errors.ts'
import { integerOf, type Value } from './json.ts'

const MAX_DEPTH = 64
const INTERNED = 8192
const INTERNED_LENGTH = 32
/** Powers of ten that a double holds exactly (Clinger, "How to Read Floating Point Numbers Accurately", 1990). */
export const POWERS = Array.from({ length: 23 }, (_, i) => 10 ** i)

/** 1 for the bytes that stand for themselves in a text: ASCII without controls, quote and backslash. */
export const PLAIN = new Uint8Array(256)
for (let byte = 0x20; byte < 0x80; byte++) PLAIN[byte] = byte === 0x22 || byte === 0x5c ? 0 : 1

/**
 * Where the run of plain bytes that begins at `at` ends, four bytes at a time: a byte is not plain where subtracting
 * borrows from its top bit, or where that bit is set (Warren, "Hacker's Delight", 6-1).
 */
export function skipPlain(bytes: Uint8Array, view: DataView, base: number, at: number): number {
  const { length } = bytes
  let end = at
  while (end + 4 <= length) {
    const word = view.getInt32(base + end, true)
    const quote = word ^ 0x22222222
    const backslash = word ^ 0x5c5c5c5c
    const odd = ((quote - 0x01010101) & ~quote) | ((backslash - 0x01010101) & ~backslash) | (word - 0x20202020) | word
    if ((odd & 0x80808080) !== 0) break
    end += 4
  }
  while (end < length && PLAIN[bytes[end] as number] === 1) end += 1
  return end
}

export class ScanCursor {
  bytes: Uint8Array = new Uint8Array()
  /** Over the whole buffer that the bytes are part of: byte `at` is at `base + at`. */
  view = new DataView(this.bytes.buffer)
  base = 0
  at = 0
  failed: ScanErrorCode | undefined
  nonAscii = false
  /** Whether the last string skipped had escapes, and whether it had bytes beyond ASCII. */
  #escaped = false
  #wide = false
  readonly #interned: string[] = new Array(INTERNED).fill('')

  start(bytes: Uint8Array): void {
    this.bytes = bytes
    if (this.view.buffer !== bytes.buffer) this.view = new DataView(bytes.buffer)
    this.base = bytes.byteOffset
    this.at = 0
    this.failed = undefined
    this.nonAscii = false
  }

  fail(code: ScanErrorCode): void {
    this.failed ??= code
  }

  enter(depth: number): boolean {
    if (depth <= MAX_DEPTH) return true
    this.fail('QRT_RECORD_DEPTH')
    return false
  }

  /** Moves past white space; the byte there, or -1 at the end. */
  skipSpace(): number {
    const { bytes } = this
    let at = this.at
    for (; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
        this.at = at
        return byte
      }
    }
    this.at = at
    return -1
  }

  atEnd(): boolean {
    return this.skipSpace() === -1
  }

  skipValue(depth: number): void {
    const byte = this.skipSpace()
    if (byte === 0x22) this.skipString()
    else if (byte === 0x7b || byte === 0x5b) this.#skipNested(byte, depth)
    else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) this.#skipNumber()
    else if (byte === 0x74) this.#word(0x72, 0x75, 0x65)
    else if (byte === 0x66) this.#false()
    else if (byte === 0x6e) this.#word(0x75, 0x6c, 0x6c)
    else this.fail('QRT_RECORD_SYNTAX')
  }

  value(depth: number): Value {
    const byte = this.skipSpace()
    switch (byte) {
      case 0x22: {
        const start = this.at + 1
        this.skipString()
        return this.failed === undefined ? this.text(start, this.at - 1) : undefined
      }
      case 0x7b:
        return this.#object(depth)
      case 0x5b:
        return this.#array(depth)
      case 0x74:
        this.#word(0x72, 0x75, 0x65)
        return true
      case 0x66:
        this.#false()
        return false
      case 0x6e:
        this.#word(0x75, 0x6c, 0x6c)
        return null
      default:
        return this.#number(byte)
    }
  }

  /** Whether the last string skipped stands for itself byte by byte. */
  get plain(): boolean {
    return !this.#escaped && !this.#wide
  }

  /** The cursor stands on the opening quote; afterwards behind the closing one. */
  skipString(): void {
    const { bytes } = this
    let at = this.at + 1
    let wide = 0
    this.#escaped = false
    for (; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte === 0x22) {
        this.at = at + 1
        this.#wide = wide >= 0x80
        if (this.#wide) this.nonAscii = true
        return
      }
      if (byte === 0x5c) {
        this.#escaped = true
        at += 1
        const kind = bytes[at] ?? 0
        if (kind === 0x75) {
          for (let i = 0; i < 4; i++) {
            at += 1
            if (!isHex(bytes[at] ?? 0)) {
              this.fail('QRT_RECORD_SYNTAX')
              return
            }
          }
        } else if (!isEscape(kind)) {
          this.fail('QRT_RECORD_SYNTAX')
          return
        }
      } else if (byte < 0x20) {
        this.fail('QRT_RECORD_SYNTAX')
        return
      }
      wide |= byte
    }
    this.fail('QRT_RECORD_SYNTAX')
  }

  /** Text between two positions with its escapes resolved. */
  decode(start: number, end: number): string {
    const raw = Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, end - start).toString('utf8')
    return JSON.parse(`"${raw}"`) as string
  }

  text(start: number, end: number): string {
    if (this.#escaped) return this.decode(start, end)
    const { bytes } = this
    if (this.#wide) return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
    const length = end - start
    if (length > INTERNED_LENGTH) return latin1(bytes, start, end)
    let hash = length
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0
    const slot = (hash ^ (hash >>> 13)) & (INTERNED - 1)
    const known = this.#interned[slot] as string
    if (known.length === length) {
      let i = 0
      while (i < length && known.charCodeAt(i) === bytes[start + i]) i++
      if (i === length) return known
    }
    const text = latin1(bytes, start, end)
    this.#interned[slot] = text
    return text
  }

  /** The usual number, an integer of at most 15 digits, is added up in two halves that fit 32 bits. */
  #number(first: number): Value {
    const { bytes } = this
    const { length } = bytes
    const start = this.at
    const negative = first === 0x2d
    const digits = negative ? start + 1 : start
    let at = digits
    let high = 0
    let digit = 0
    for (const end = Math.min(length, digits + 9); at < end; at++) {
      digit = (bytes[at] as number) - 0x30
      if (digit < 0 || digit > 9) break
      high = (high * 10 + digit) | 0
    }
    const middle = at
    let low = 0
    if (at - digits === 9) {
      for (const end = Math.min(length, digits + 15); at < end; at++) {
        digit = (bytes[at] as number) - 0x30
        if (digit < 0 || digit > 9) break
        low = (low * 10 + digit) | 0
      }
    }
    const next = at < length ? (bytes[at] as number) : 0
    const leadingZero = bytes[digits] === 0x30 && at - digits > 1
    if (at === digits || leadingZero || next === 0x2e || next === 0x65 || next === 0x45 || isDigit(next)) {
      return this.#oddNumber()
    }
    this.at = at
    const value = at === middle ? high : high * (POWERS[at - middle] as number) + low
    return negative && value !== 0 ? -value : value
  }

  /** A number with a fraction or an exponent, a long one, or none at all. */
  #oddNumber(): Value {
    const { bytes } = this
    const start = this.at
    this.#skipNumber()
    if (this.failed !== undefined) return undefined
    const from = bytes[start] === 0x2d ? start + 1 : start
    let mantissa = 0
    let fraction = -1
    for (let i = from; i < this.at; i++) {
      const digit = (bytes[i] as number) - 0x30
      if (digit >= 0 && digit <= 9) {
        mantissa = mantissa * 10 + digit
        if (fraction >= 0) fraction += 1
      } else if (digit === 0x2e - 0x30) fraction = 0
      else return this.#longNumber(start, false)
    }
    if (this.at - from > 16) return this.#longNumber(start, fraction < 0)
    if (fraction < 0) return this.#longNumber(start, true)
    // A mantissa below 2^53 and an exact power of ten divide to the correctly rounded double.
    const value = mantissa / (POWERS[fraction] as number)
    return from > start && value !== 0 ? -value : value
  }

  #longNumber(start: number, integer: boolean): Value {
    const text = latin1(this.bytes, start, this.at)
    return integer ? integerOf(text) : Number(text) + 0
  }

  #skipNumber(): void {
    const { bytes } = this
    const start = this.at
    let at = start
    if (bytes[at] === 0x2d) at += 1
    const digits = at
    while (isDigit(bytes[at])) at += 1
    if (at === digits || (bytes[digits] === 0x30 && at - digits > 1)) {
      this.fail('QRT_RECORD_SYNTAX')
      return
    }
    if (bytes[at] === 0x2e) {
      const from = at + 1
      at = from
      while (isDigit(bytes[at])) at += 1
      if (at === from) {
        this.fail('QRT_RECORD_SYNTAX')
        return
      }
    }
    const exponent = bytes[at] === 0x65 || bytes[at] === 0x45
    if (exponent) {
      at += 1
      if (bytes[at] === 0x2b || bytes[at] === 0x2d) at += 1
      const from = at
      while (isDigit(bytes[at])) at += 1
      if (at === from) {
        this.fail('QRT_RECORD_SYNTAX')
        return
      }
    }
    this.at = at
    // What exceeds the doubles is refused, wanted or not. Below 300 digits without an exponent nothing does.
    if ((exponent || at - start > 300) && !Number.isFinite(Number(latin1(bytes, start, at)))) {
      this.fail('QRT_RECORD_NUMBER')
    }
  }

  #object(depth: number): Value {
    const fields = new Map<string, Value>()
    if (!this.enter(depth)) return undefined
    this.at += 1
    if (this.skipSpace() === 0x7d) {
      this.at += 1
      return fields
    }
    for (;;) {
      if (this.skipSpace() !== 0x22) return this.#broken()
      const start = this.at + 1
      this.skipString()
      if (this.failed !== undefined) return undefined
      const name = this.text(start, this.at - 1)
      if (this.skipSpace() !== 0x3a) return this.#broken()
      this.at += 1
      fields.set(name, this.value(depth + 1))
      if (this.failed !== undefined) return undefined
      const next = this.skipSpace()
      this.at += 1
      if (next === 0x7d) return fields
      if (next !== 0x2c) return this.#broken()
    }
  }

  #array(depth: number): Value {
    const items: Value[] = []
    if (!this.enter(depth)) return undefined
    this.at += 1
    if (this.skipSpace() === 0x5d) {
      this.at += 1
      return items
    }
    for (;;) {
      items.push(this.value(depth + 1))
      if (this.failed !== undefined) return undefined
      const next = this.skipSpace()
      this.at += 1
      if (next === 0x5d) return items
      if (next !== 0x2c) return this.#broken()
    }
  }

  #skipNested(open: number, depth: number): void {
    if (!this.enter(depth)) return
    const close = open === 0x7b ? 0x7d : 0x5d
    this.at += 1
    if (this.skipSpace() === close) {
      this.at += 1
      return
    }
    for (;;) {
      if (open === 0x7b) {
        if (this.skipSpace() !== 0x22) {
          this.#broken()
          return
        }
        this.skipString()
        if (this.failed !== undefined) return
        if (this.skipSpace() !== 0x3a) {
          this.#broken()
          return
        }
        this.at += 1
      }
      this.skipValue(depth + 1)
      if (this.failed !== undefined) return
      const next = this.skipSpace()
      this.at += 1
      if (next === close) return
      if (next !== 0x2c) {
        this.#broken()
        return
      }
    }
  }

  #broken(): undefined {
    this.fail('QRT_RECORD_SYNTAX')
    return undefined
  }

  #word(second: number, third: number, fourth: number): void {
    const { bytes, at } = this
    if (bytes[at + 1] !== second || bytes[at + 2] !== third || bytes[at + 3] !== fourth) this.fail('QRT_RECORD_SYNTAX')
    this.at = at + 4
  }

  #false(): void {
    this.at += 1
    this.#word(0x6c, 0x73, 0x65)
    if (this.bytes[this.at - 4] !== 0x61) this.fail('QRT_RECORD_SYNTAX')
  }
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39
const isHex = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66)
const isEscape = (byte: number): boolean =>
  byte === 0x22 ||
  byte === 0x5c ||
  byte === 0x2f ||
  byte === 0x62 ||
  byte === 0x66 ||
  byte === 0x6e ||
  byte === 0x72 ||
  byte === 0x74

const latin1Slice = (
  Buffer.prototype as unknown as { latin1Slice: (this: Uint8Array, start: number, end: number) => string }
).latin1Slice
const latin1 = (bytes: Uint8Array, start: number, end: number): string => latin1Slice.call(bytes, start, end)
