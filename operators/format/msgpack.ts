/**
 * MessagePack (github.com/msgpack/msgpack, spec.md): values of JSON, 64-bit integers exact, binary as base64, the timestamp
 * extension as ISO 8601. Names must be texts; other extensions mean something to their application only and are refused.
 */
import { isoInstant } from '../instant.ts'
import type { Value } from '../json.ts'
import { BROKEN, type ByteCursor, REFUSED } from './cursor.ts'
import { WANT_ALL, type Want, wantedField } from './want.ts'

/** The next value; undefined where nothing of it is wanted. */
export function readMsgpack(cursor: ByteCursor, want: Want | undefined): Value {
  const byte = cursor.byte()
  if (byte <= 0x7f) return byte
  if (byte >= 0xe0) return byte - 0x100
  if (byte <= 0x8f) return map(cursor, byte & 0x0f, want)
  if (byte <= 0x9f) return list(cursor, byte & 0x0f, want)
  const wanted = want !== undefined
  if (byte <= 0xbf) return cursor.text(byte & 0x1f, wanted)
  switch (byte) {
    case 0xc0:
      return null
    case 0xc2:
      return false
    case 0xc3:
      return true
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return cursor.base64(cursor.uint(WIDTHS[byte - 0xc4] as 1 | 2 | 4), wanted)
    case 0xc7:
    case 0xc8:
    case 0xc9:
      return extension(cursor, cursor.uint(WIDTHS[byte - 0xc7] as 1 | 2 | 4))
    case 0xca:
      return cursor.float32(false)
    case 0xcb:
      return cursor.float64(false)
    case 0xcc:
    case 0xcd:
    case 0xce:
      return cursor.uint(WIDTHS[byte - 0xcc] as 1 | 2 | 4)
    case 0xcf:
      return cursor.uint64(false)
    case 0xd0:
    case 0xd1:
    case 0xd2:
      return cursor.int(WIDTHS[byte - 0xd0] as 1 | 2 | 4)
    case 0xd3:
      return cursor.int64(false)
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return extension(cursor, 1 << (byte - 0xd4))
    case 0xd9:
    case 0xda:
    case 0xdb:
      return cursor.text(cursor.uint(WIDTHS[byte - 0xd9] as 1 | 2 | 4), wanted)
    case 0xdc:
      return list(cursor, cursor.uint(2), want)
    case 0xdd:
      return list(cursor, cursor.uint(4), want)
    case 0xde:
      return map(cursor, cursor.uint(2), want)
    case 0xdf:
      return map(cursor, cursor.uint(4), want)
    default:
      throw BROKEN
  }
}

const WIDTHS = [1, 2, 4] as const

function list(cursor: ByteCursor, count: number, want: Want | undefined): Value {
  cursor.enter()
  const items: Value[] = []
  // An item cannot be wanted by itself: a list is built whole or not at all.
  const inside = want?.all === true ? WANT_ALL : undefined
  for (let i = 0; i < count; i++) {
    cursor.item()
    const item = readMsgpack(cursor, inside)
    if (inside !== undefined) items.push(item)
  }
  cursor.leave()
  return items
}

function map(cursor: ByteCursor, count: number, want: Want | undefined): Value {
  cursor.enter()
  const fields = new Map<string, Value>()
  for (let i = 0; i < count; i++) {
    cursor.item()
    const name = readName(cursor)
    const wanted = want === undefined ? undefined : wantedField(want, name)
    const value = readMsgpack(cursor, wanted)
    if (wanted !== undefined) fields.set(name, value)
  }
  cursor.leave()
  return fields
}

function readName(cursor: ByteCursor): string {
  const byte = cursor.byte()
  if (byte >= 0xa0 && byte <= 0xbf) return cursor.text(byte & 0x1f, true)
  const width = byte === 0xd9 ? 1 : byte === 0xda ? 2 : byte === 0xdb ? 4 : undefined
  if (width === undefined) throw byte === 0xc1 ? BROKEN : REFUSED
  return cursor.text(cursor.uint(width), true)
}

/** The header, then the data. Only type -1, a timestamp of 4, 8 or 12 bytes, is known. */
function extension(cursor: ByteCursor, length: number): Value {
  const type = cursor.int(1)
  if (type !== -1) {
    cursor.take(length)
    throw REFUSED
  }
  if (length === 4) return isoInstant(BigInt(cursor.uint(4)), 0)
  if (length === 8) {
    const packed = BigInt(cursor.uint64(false))
    return isoInstant(packed & 0x3_ffff_ffffn, nanoseconds(Number(packed >> 34n)))
  }
  if (length !== 12) throw BROKEN
  const nanos = nanoseconds(cursor.uint(4))
  return isoInstant(BigInt(cursor.int64(false)), nanos)
}

function nanoseconds(value: number): number {
  if (value > 999_999_999) throw BROKEN
  return value
}
