/**
 * A cursor over the bytes of one JSON text: skips values while validating them, or reads them. Errors are noted in
 * `failed` and end the work; nothing is thrown, because a bad record is ordinary.
 */
import type { ScanErrorCode } from './errors.ts'
import type { Value } from './json.ts'
import { isEscape, isHex, latin1, skipPlain } from './scan-bytes.ts'
import { readNumber, skipNumber } from './scan-numbers.ts'

const MAX_DEPTH = 64
/** Texts that are kept, at first and at most: a table that many texts have come to grows, and is filled anew. */
const FIRST_INTERNED = 128
const INTERNED = 8192
const INTERNED_LENGTH = 32
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
  #interned: string[] = []
  /** Texts that were put into it. */
  #taken = 0

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
    else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) skipNumber(this)
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
        return readNumber(this, byte)
    }
  }

  /** Whether the last string skipped stands for itself byte by byte. */
  get plain(): boolean {
    return !this.#escaped && !this.#wide
  }

  /** The cursor stands on the opening quote; afterwards behind the closing one. */
  skipString(): void {
    const { bytes } = this
    let at = skipPlain(bytes, this.view, this.base, this.at + 1)
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
  #decode(start: number, end: number): string {
    const raw = Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, end - start).toString('utf8')
    return JSON.parse(`"${raw}"`) as string
  }

  text(start: number, end: number): string {
    if (this.#escaped) return this.#decode(start, end)
    const { bytes } = this
    if (this.#wide) return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
    const length = end - start
    if (length > INTERNED_LENGTH) return latin1(bytes, start, end)
    let hash = length
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0
    const interned = this.#interned
    const slot = (hash ^ (hash >>> 13)) & (interned.length - 1)
    const known = interned[slot] ?? ''
    if (known.length === length) {
      let i = 0
      while (i < length && known.charCodeAt(i) === bytes[start + i]) i++
      if (i === length) return known
    }
    const text = latin1(bytes, start, end)
    if (this.#taken++ < interned.length || interned.length === INTERNED) interned[slot] = text
    else this.#grow()
    return text
  }

  #grow(): void {
    const length = Math.min(INTERNED, Math.max(FIRST_INTERNED, this.#interned.length * 8))
    this.#interned = new Array(length).fill('')
    this.#taken = 0
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
