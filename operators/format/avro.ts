/**
 * Avro's binary encoding (Apache Avro 1.12, "Binary Encoding"), read by the schema that it was written with. Integers are
 * exact; a decimal is an integer where its scale is 0 and else a text with all its digits; bytes are base64.
 */
import { isoDate, isoOf } from '../instant.ts'
import { narrow, type Value } from '../json.ts'
import type { AvroRecord, AvroType } from './avro-schema.ts'
import { BROKEN, type ByteCursor, TOO_LARGE } from './cursor.ts'
import { WANT_ALL, type Want, wantedField } from './want.ts'

/** Bytes of a decimal: 2,400 digits. What is beyond takes longer to write out than a record may take. */
const MAX_DECIMAL_BYTES = 1_000

/** The next value; undefined or a part of it where not all is wanted. */
export function readAvro(cursor: ByteCursor, type: AvroType, want: Want | undefined): Value {
  const wanted = want !== undefined
  switch (type.kind) {
    case 'null':
      return null
    case 'boolean': {
      const byte = cursor.byte()
      if (byte > 1) throw BROKEN
      return byte === 1
    }
    case 'int':
      return readInt(cursor)
    case 'long':
      return readLong(cursor)
    case 'float':
      return cursor.float32(true)
    case 'double':
      return cursor.float64(true)
    case 'bytes':
      return cursor.base64(readLength(cursor), wanted)
    case 'string':
      return cursor.text(readLength(cursor), wanted)
    case 'date':
      return isoDate(readInt(cursor))
    case 'instant':
      return isoOf(BigInt(readLong(cursor)), type.perSecond)
    case 'decimal':
      return readDecimal(cursor, type.size ?? readLength(cursor), type.scale)
    case 'fixed':
      return type.uuid ? readUuid(cursor) : cursor.base64(type.size, wanted)
    case 'enum': {
      const symbol = type.symbols[readInt(cursor)]
      if (symbol === undefined) throw BROKEN
      return symbol
    }
    case 'union': {
      const branch = type.branches[readInt(cursor)]
      if (branch === undefined) throw BROKEN
      return nested(cursor, branch, want)
    }
    case 'record':
      return readRecord(cursor, type, want)
    case 'array':
      return readArray(cursor, type.items, want)
    case 'map':
      return readMap(cursor, type.items, want)
  }
}

function nested(cursor: ByteCursor, type: AvroType, want: Want | undefined): Value {
  cursor.enter()
  const value = readAvro(cursor, type, want)
  cursor.leave()
  return value
}

function readRecord(cursor: ByteCursor, { fields }: AvroRecord, want: Want | undefined): Value {
  cursor.enter()
  const record = new Map<string, Value>()
  for (const { name, type } of fields) {
    // Counted as well: records in records can have any number of fields without a byte.
    cursor.item()
    const wanted = want === undefined ? undefined : wantedField(want, name)
    const value = readAvro(cursor, type, wanted)
    if (wanted !== undefined) record.set(name, value)
  }
  cursor.leave()
  return record
}

function readArray(cursor: ByteCursor, items: AvroType, want: Want | undefined): Value {
  cursor.enter()
  const list: Value[] = []
  // An item cannot be wanted by itself: a list is built whole or not at all.
  const inside = want?.all === true ? WANT_ALL : undefined
  for (let count = readCount(cursor); count > 0; count = readCount(cursor)) {
    for (; count > 0; count--) {
      cursor.item()
      const item = readAvro(cursor, items, inside)
      if (inside !== undefined) list.push(item)
    }
  }
  cursor.leave()
  return list
}

function readMap(cursor: ByteCursor, values: AvroType, want: Want | undefined): Value {
  cursor.enter()
  const fields = new Map<string, Value>()
  for (let count = readCount(cursor); count > 0; count = readCount(cursor)) {
    for (; count > 0; count--) {
      cursor.item()
      const name = cursor.text(readLength(cursor), want !== undefined)
      const wanted = want === undefined ? undefined : wantedField(want, name)
      const value = readAvro(cursor, values, wanted)
      if (wanted !== undefined) fields.set(name, value)
    }
  }
  cursor.leave()
  return fields
}

/** Items of a block; a negative count is followed by the bytes of the block, which are not needed. */
function readCount(cursor: ByteCursor): number {
  const count = Number(readLong(cursor))
  if (count >= 0) return count
  readLength(cursor)
  return -count
}

function readLength(cursor: ByteCursor): number {
  const length = readLong(cursor)
  if (typeof length === 'bigint' || length < 0) throw BROKEN
  return length
}

function readInt(cursor: ByteCursor): number {
  const value = readLong(cursor)
  if (typeof value === 'bigint' || value < -0x8000_0000 || value > 0x7fff_ffff) throw BROKEN
  return value
}

/** Zigzag and variable length, at most ten bytes; more than 64 bits are no long. */
function readLong(cursor: ByteCursor): number | bigint {
  let low = 0
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = cursor.byte()
    low |= (byte & 0x7f) << shift
    if (byte < 0x80) return (low >>> 1) ^ -(low & 1)
  }
  let value = BigInt(low)
  for (let shift = 28n; shift < 70n; shift += 7n) {
    const byte = cursor.byte()
    value |= BigInt(byte & 0x7f) << shift
    if (byte >= 0x80) continue
    if (value > 0xffff_ffff_ffff_ffffn) throw BROKEN
    return narrow((value >> 1n) ^ -(value & 1n))
  }
  throw BROKEN
}

/** Two's complement, big-endian. */
function readDecimal(cursor: ByteCursor, length: number, scale: number): Value {
  if (length > MAX_DECIMAL_BYTES) throw TOO_LARGE
  const start = cursor.take(length)
  if (length === 0) throw BROKEN
  const hex = Buffer.from(cursor.bytes.buffer, cursor.bytes.byteOffset + start, length).toString('hex')
  return decimalText(BigInt.asIntN(length * 8, BigInt(`0x${hex}`)), scale)
}

/** All digits of the scale are written: 1.50 is not 1.5 to whoever chose the scale. */
export function decimalText(unscaled: bigint, scale: number): Value {
  if (scale === 0) return narrow(unscaled)
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

function readUuid(cursor: ByteCursor): string {
  const start = cursor.take(16)
  const hex = Buffer.from(cursor.bytes.buffer, cursor.bytes.byteOffset + start, 16).toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
