/**
 * Protocol Buffers' wire format (protobuf.dev/programming-guides/encoding) by a resolved schema, with the values of its JSON
 * mapping where JSON has them: 64-bit integers as exact numbers, bytes as base64, enums by name, timestamps as ISO 8601.
 * Names are those of the .proto file. A later value takes the place of an earlier one; messages are merged.
 */
import type { ProtobufField, ProtobufScalar, ProtobufSchema } from '../format-plan.ts'
import { isoInstant } from '../instant.ts'
import { narrow, type Value } from '../json.ts'
import { BROKEN, type ByteCursor } from './cursor.ts'
import { BYTES, FIXED32, FIXED64, VARINT, wireOfValue } from './protobuf-wire.ts'
import { WANT_ALL, type Want, wantedField } from './want.ts'

const TIMESTAMP = 'google.protobuf.Timestamp'

interface Field extends ProtobufField {
  readonly wire: number
  readonly empty: Value
}

interface Message {
  readonly name: string
  readonly fields: ReadonlyMap<number, Field>
}

/** Reads messages of one schema. */
export class ProtobufReader {
  readonly #messages: ReadonlyMap<string, Message>
  readonly #enums: ProtobufSchema['enums']
  readonly #places: ProtobufSchema['places']

  constructor({ messages, enums, places }: ProtobufSchema) {
    this.#enums = enums
    this.#places = places
    this.#messages = new Map(
      Object.entries(messages).map(([name, fields]) => {
        const numbered = fields.map((field) => [field.number, this.#field(field)] as const)
        return [name, { name, fields: new Map(numbered) }]
      }),
    )
  }

  /** The full name of the message at a place in the file. */
  nameAt(place: readonly number[]): string | undefined {
    return this.#places[place.join('/')]
  }

  has(message: string): boolean {
    return this.#messages.has(message)
  }

  /** The rest of the record as a message; the parts of it that are wanted. */
  read(cursor: ByteCursor, name: string, want: Want): Value {
    return this.#message(cursor, this.#known(name), want, cursor.end, undefined)
  }

  #known(name: string | undefined): Message {
    const message = name === undefined ? undefined : this.#messages.get(name)
    if (message === undefined) throw new RangeError(`the plan has no message "${name}"`)
    return message
  }

  #field(field: ProtobufField): Field {
    return { ...field, wire: wireOf(field), empty: this.#emptyOf(field) }
  }

  #emptyOf({ type, of, shape }: ProtobufField): Value {
    if (shape === 'repeated') return []
    if (shape === 'map') return new Map()
    if (type === 'enum') return this.#enums[of ?? '']?.[0] ?? 0
    if (type === 'string' || type === 'bytes') return ''
    return type === 'bool' ? false : 0
  }

  #message(
    cursor: ByteCursor,
    message: Message,
    want: Want | undefined,
    end: number,
    before: Value,
  ): Map<string, Value> {
    cursor.enter()
    const values = before instanceof Map ? (before as Map<string, Value>) : new Map<string, Value>()
    while (cursor.at < end) {
      const tag = readTag(cursor)
      const field = message.fields.get(tag >>> 3)
      const wanted = field === undefined || want === undefined ? undefined : wantedField(want, field.name)
      if (field === undefined) skip(cursor, tag & 7, tag >>> 3)
      else this.#take(cursor, message, field, tag & 7, wanted, values)
      if (cursor.at > end) throw BROKEN
    }
    if (want !== undefined) fillEmpty(message, want, values)
    cursor.leave()
    return values
  }

  #take(
    cursor: ByteCursor,
    message: Message,
    field: Field,
    wire: number,
    want: Want | undefined,
    values: Map<string, Value>,
  ): void {
    const { name, shape } = field
    const packed = shape === 'repeated' && wire === BYTES && field.wire !== BYTES
    if (wire !== field.wire && !packed) {
      // As other readers do: what has another wire type than the schema says is as good as unknown.
      skip(cursor, wire, field.number)
      return
    }
    if (field.oneof !== undefined) clearOthers(message, field, values)
    if (shape === 'map') {
      this.#entry(cursor, field, want, values)
    } else if (shape === 'repeated') {
      const whole = want?.all === true
      const items = (whole ? (values.get(name) ?? []) : []) as Value[]
      const until = packed ? endOf(cursor) : cursor.at
      do {
        cursor.item()
        if (packed && cursor.at >= until) break
        const item = this.#value(cursor, field, whole ? WANT_ALL : undefined, undefined)
        if (whole) items.push(item)
      } while (packed)
      if (packed && cursor.at !== until) throw BROKEN
      if (want !== undefined) values.set(name, items)
    } else {
      const value = this.#value(cursor, field, want, values.get(name))
      if (want !== undefined) values.set(name, value)
    }
  }

  #entry(cursor: ByteCursor, field: Field, want: Want | undefined, values: Map<string, Value>): void {
    cursor.item()
    cursor.enter()
    const end = endOf(cursor)
    let key: Value = field.key === 'string' ? '' : field.key === 'bool' ? false : 0
    let value: Value
    while (cursor.at < end) {
      const tag = readTag(cursor)
      if (tag >>> 3 === 1 && (tag & 7) === wireOfValue(field.key as ProtobufScalar)) {
        key = readScalar(cursor, field.key as ProtobufScalar, true)
      } else if (tag >>> 3 === 2 && (tag & 7) === wireOfValue(field.type)) {
        value = this.#value(cursor, field, want === undefined ? undefined : WANT_ALL, value)
      } else skip(cursor, tag & 7, tag >>> 3)
      if (cursor.at > end) throw BROKEN
    }
    cursor.leave()
    if (want === undefined) return
    const entries = (values.get(field.name) ?? new Map()) as Map<string, Value>
    entries.set(String(key), value ?? this.#emptyEntry(field))
    values.set(field.name, entries)
  }

  #emptyEntry(field: Field): Value {
    if (field.type !== 'message') return this.#emptyOf({ ...field, shape: 'implicit' })
    if (field.of === TIMESTAMP) return isoInstant(0n, 0)
    const empty = new Map<string, Value>()
    fillEmpty(this.#known(field.of), WANT_ALL, empty)
    return empty
  }

  #value(cursor: ByteCursor, field: Field, want: Want | undefined, before: Value): Value {
    if (field.type === 'message') {
      const end = endOf(cursor)
      if (field.of === TIMESTAMP) return readTimestamp(cursor, end)
      return this.#message(cursor, this.#known(field.of), want, end, before)
    }
    if (field.type === 'enum') {
      const number = Number(BigInt.asIntN(32, readVarint(cursor)))
      return this.#enums[field.of ?? '']?.[number] ?? number
    }
    return readScalar(cursor, field.type, want !== undefined)
  }
}

function fillEmpty({ fields }: Message, want: Want, values: Map<string, Value>): void {
  for (const { name, shape, oneof, empty } of fields.values()) {
    if (shape === 'explicit' || oneof !== undefined || values.has(name)) continue
    if (wantedField(want, name) !== undefined) values.set(name, shape === 'map' ? new Map() : empty)
  }
}

function clearOthers({ fields }: Message, { name, oneof }: Field, values: Map<string, Value>): void {
  for (const other of fields.values()) {
    if (other.oneof === oneof && other.name !== name) values.delete(other.name)
  }
}

function readTag(cursor: ByteCursor): number {
  const tag = readVarint(cursor)
  if (tag < 8n || tag > 0xffff_ffffn) throw BROKEN
  return Number(tag)
}

/** Where the length-delimited value ends whose length comes next. */
function endOf(cursor: ByteCursor): number {
  const length = readVarint(cursor)
  if (length > BigInt(cursor.end - cursor.at)) throw BROKEN
  return cursor.at + Number(length)
}

/** At most ten bytes; bits beyond 64 are no integer. */
function readVarint(cursor: ByteCursor): bigint {
  let low = 0
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = cursor.byte()
    low |= (byte & 0x7f) << shift
    if (byte < 0x80) return BigInt(low)
  }
  let value = BigInt(low)
  for (let shift = 28n; shift < 70n; shift += 7n) {
    const byte = cursor.byte()
    value |= BigInt(byte & 0x7f) << shift
    if (byte >= 0x80) continue
    if (value > 0xffff_ffff_ffff_ffffn) throw BROKEN
    return value
  }
  throw BROKEN
}

function readScalar(cursor: ByteCursor, type: ProtobufScalar, wanted: boolean): Value {
  switch (type) {
    case 'double':
      return cursor.float64(true)
    case 'float':
      return cursor.float32(true)
    case 'int32':
      return Number(BigInt.asIntN(32, readVarint(cursor)))
    case 'int64':
      return narrow(BigInt.asIntN(64, readVarint(cursor)))
    case 'uint32':
      return Number(BigInt.asUintN(32, readVarint(cursor)))
    case 'uint64':
      return narrow(readVarint(cursor))
    case 'sint32':
      return Number(zigzag(BigInt.asUintN(32, readVarint(cursor))))
    case 'sint64':
      return narrow(zigzag(readVarint(cursor)))
    case 'fixed32':
      return cursor.uint32LittleEndian()
    case 'fixed64':
      return cursor.uint64(true)
    case 'sfixed32':
      return cursor.uint32LittleEndian() | 0
    case 'sfixed64':
      return cursor.int64(true)
    case 'bool':
      return readVarint(cursor) !== 0n
    case 'string':
      return cursor.text(endOf(cursor) - cursor.at, wanted)
    case 'bytes':
      return cursor.base64(endOf(cursor) - cursor.at, wanted)
  }
}

const zigzag = (value: bigint): bigint => (value >> 1n) ^ -(value & 1n)

/** Fields 1, seconds, and 2, nanoseconds; always whole, so that its validity does not depend on who wants it. */
function readTimestamp(cursor: ByteCursor, end: number): string {
  let seconds = 0n
  let nanos = 0
  while (cursor.at < end) {
    const tag = readTag(cursor)
    if (tag === 0x08) seconds = BigInt.asIntN(64, readVarint(cursor))
    else if (tag === 0x10) nanos = Number(BigInt.asIntN(32, readVarint(cursor)))
    else skip(cursor, tag & 7, tag >>> 3)
    if (cursor.at > end) throw BROKEN
  }
  if (nanos < 0 || nanos > 999_999_999) throw BROKEN
  return isoInstant(seconds, nanos)
}

/** A field that the schema does not know. A group ends at its own number. */
function skip(cursor: ByteCursor, wire: number, number: number): void {
  switch (wire) {
    case VARINT:
      readVarint(cursor)
      return
    case FIXED64:
      cursor.take(8)
      return
    case BYTES:
      cursor.take(endOf(cursor) - cursor.at)
      return
    case FIXED32:
      cursor.take(4)
      return
    case 3:
      cursor.enter()
      for (;;) {
        const tag = readTag(cursor)
        if ((tag & 7) === 4) {
          if (tag >>> 3 !== number) throw BROKEN
          break
        }
        skip(cursor, tag & 7, tag >>> 3)
      }
      cursor.leave()
      return
    default:
      throw BROKEN
  }
}

const wireOf = (field: ProtobufField): number => (field.shape === 'map' ? BYTES : wireOfValue(field.type))
