/**
 * Rows as Protocol Buffers by the schema of the sink (protobuf.dev/programming-guides/encoding): the counterpart of the reader in
 * operators/format/protobuf.ts, with the same names and values. Fields are written in the order of their numbers, entries of maps in
 * that of their keys, numbers in lists packed, and what equals the default of an implicit field is left out: so a row has one encoding.
 */
import {
  BYTES,
  type ProtobufField,
  type ProtobufScalar,
  type ProtobufSchema,
  VARINT,
  wireOfValue,
} from '../../../operators/index.ts'
import { ByteList } from './byte-list.ts'
import { timestampParts } from './instant-parts.ts'
import { misfit } from './misfit.ts'
import { doubleOf } from './row.ts'

const TIMESTAMP = 'google.protobuf.Timestamp'

type Fields = Readonly<Record<string, unknown>>

export class ProtobufRowWriter {
  readonly #schema: ProtobufSchema
  /** Numbers of each enum by name. */
  readonly #enums: ReadonlyMap<string, ReadonlyMap<string, number>>

  constructor(schema: ProtobufSchema) {
    this.#schema = schema
    this.#enums = new Map(
      Object.entries(schema.enums).map(([name, names]) => {
        const numbers = Object.entries(names).map(([number, each]) => [each, Number(number)] as const)
        return [name, new Map(numbers)]
      }),
    )
  }

  /**
   * @param row as JSON has it, with bigints for integers that no double holds; fields that the message does not have are left out
   * @throws Misfit
   */
  write(message: string, row: unknown): Uint8Array {
    const bytes = new ByteList()
    this.#message(bytes, message, row, [])
    return bytes.written()
  }

  #message(bytes: ByteList, name: string, value: unknown, path: readonly string[]): void {
    const fields = this.#schema.messages[name]
    if (fields === undefined) throw new RangeError(`the schema has no message "${name}"`)
    if (!isObject(value)) throw misfit(path, `a ${name}`, value)
    const chosen = new Map<string, string>()
    for (const field of fields) {
      const given = Object.hasOwn(value, field.name) ? value[field.name] : undefined
      if (given === undefined || (given === null && field.shape === 'explicit')) {
        if (field.required === true) throw misfit([...path, field.name], 'a value of a required field', given)
        continue
      }
      if (field.oneof !== undefined) {
        const other = chosen.get(field.oneof)
        if (other !== undefined)
          throw misfit([...path, field.name], `nothing beside ${other} of one ${field.oneof}`, given)
        chosen.set(field.oneof, field.name)
      }
      this.#field(bytes, field, given, [...path, field.name])
    }
  }

  #field(bytes: ByteList, field: ProtobufField, value: unknown, path: readonly string[]): void {
    switch (field.shape) {
      case 'map':
        this.#map(bytes, field, value, path)
        break
      case 'repeated':
        this.#list(bytes, field, value, path)
        break
      case 'implicit':
        if (value === null) throw misfit(path, `${describe(field)}, or a field that is optional`, value)
        if (!this.#isDefault(field, value)) this.#tagged(bytes, field, field.number, value, path)
        break
      case 'explicit':
        this.#tagged(bytes, field, field.number, value, path)
    }
  }

  #isDefault({ type, of = '' }: ProtobufField, value: unknown): boolean {
    if (type === 'enum') return value === 0 || (typeof value === 'string' && this.#enums.get(of)?.get(value) === 0)
    return type !== 'message' && (value === 0 || value === '' || value === false)
  }

  #list(bytes: ByteList, field: ProtobufField, value: unknown, path: readonly string[]): void {
    if (!Array.isArray(value)) throw misfit(path, `a list of ${describe(field)}`, value)
    if (value.length === 0) return
    const at = (i: number): readonly string[] => [...path, String(i)]
    if (wireOfValue(field.type) === BYTES) {
      value.forEach((item, i) => {
        this.#tagged(bytes, field, field.number, item, at(i))
      })
      return
    }
    bytes.varint(tagOf(field.number, BYTES))
    bytes.nested((inner) => {
      value.forEach((item, i) => {
        this.#value(inner, field, item, at(i))
      })
    })
  }

  #map(bytes: ByteList, field: ProtobufField, value: unknown, path: readonly string[]): void {
    if (!isObject(value) || field.key === undefined) throw misfit(path, 'an object', value)
    const key: ProtobufField = { number: 1, name: 'key', type: field.key, shape: 'explicit' }
    for (const name of Object.keys(value).sort()) {
      bytes.varint(tagOf(field.number, BYTES))
      bytes.nested((entry) => {
        this.#tagged(entry, key, 1, keyOf(field.key as ProtobufScalar, name), [...path, name])
        this.#tagged(entry, field, 2, value[name], [...path, name])
      })
    }
  }

  #tagged(bytes: ByteList, field: ProtobufField, number: number, value: unknown, path: readonly string[]): void {
    bytes.varint(tagOf(number, wireOfValue(field.type)))
    this.#value(bytes, field, value, path)
  }

  #value(bytes: ByteList, field: ProtobufField, value: unknown, path: readonly string[]): void {
    const { type, of = '' } = field
    if (type === 'message') {
      bytes.nested((inner) => {
        if (of === TIMESTAMP) writeTimestamp(inner, value, path)
        else this.#message(inner, of, value, path)
      })
    } else if (type === 'enum') {
      const number = typeof value === 'string' ? this.#enums.get(of)?.get(value) : value
      bytes.varint(BigInt.asUintN(64, integer(number, 32, true) ?? fail(path, `a name of ${of}`, value)))
    } else writeScalar(bytes, type, value, path)
  }
}

/**
 * What stands between the id of a schema and a message of it: its place in the file, as registries write it. The first message,
 * which is the usual one, is a single zero.
 */
export function placeBytes({ places }: ProtobufSchema, message: string): Uint8Array {
  const [place] = Object.entries(places).find(([, name]) => name === message) ?? []
  if (place === undefined) throw new RangeError(`the message "${message}" has no place in its file`)
  const bytes = new ByteList()
  const indexes = place.split('/').map(BigInt)
  if (place === '0') bytes.varint(0n)
  else for (const each of [BigInt(indexes.length), ...indexes]) bytes.varint(each << 1n)
  return bytes.written()
}

function writeTimestamp(bytes: ByteList, value: unknown, path: readonly string[]): void {
  const { seconds, nanos } = timestampParts(value) ?? fail(path, 'an instant in ISO 8601, or epoch milliseconds', value)
  if (seconds !== 0n) {
    bytes.varint(tagOf(1, VARINT))
    bytes.varint(BigInt.asUintN(64, seconds))
  }
  if (nanos !== 0) {
    bytes.varint(tagOf(2, VARINT))
    bytes.varint(BigInt(nanos))
  }
}

function writeScalar(bytes: ByteList, type: ProtobufScalar, value: unknown, path: readonly string[]): void {
  const whole = (bits: 32 | 64, signed: boolean): bigint => integer(value, bits, signed) ?? fail(path, type, value)
  switch (type) {
    case 'double':
      bytes.float64(double(value) ?? fail(path, type, value))
      break
    case 'float':
      bytes.float32(float(value) ?? fail(path, type, value))
      break
    case 'int32':
    case 'int64':
      bytes.varint(BigInt.asUintN(64, whole(type === 'int32' ? 32 : 64, true)))
      break
    case 'uint32':
    case 'uint64':
      bytes.varint(whole(type === 'uint32' ? 32 : 64, false))
      break
    case 'sint32':
    case 'sint64': {
      const number = whole(type === 'sint32' ? 32 : 64, true)
      bytes.varint(BigInt.asUintN(64, (number << 1n) ^ (number >> 63n)))
      break
    }
    case 'fixed32':
    case 'sfixed32':
      bytes.fixed(BigInt.asUintN(32, whole(32, type === 'sfixed32')), 4)
      break
    case 'fixed64':
    case 'sfixed64':
      bytes.fixed(BigInt.asUintN(64, whole(64, type === 'sfixed64')), 8)
      break
    case 'bool':
      bytes.varint(typeof value === 'boolean' ? BigInt(value) : fail(path, type, value))
      break
    case 'string':
      bytes.prefixed(typeof value === 'string' ? Buffer.from(value) : fail(path, 'a text', value))
      break
    case 'bytes':
      bytes.prefixed(base64(value) ?? fail(path, 'bytes in base64', value))
      break
  }
}

function integer(value: unknown, bits: 32 | 64, signed: boolean): bigint | undefined {
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return undefined
  const exact = BigInt(value as number | bigint)
  const wrapped = signed ? BigInt.asIntN(bits, exact) : BigInt.asUintN(bits, exact)
  return wrapped === exact ? exact : undefined
}

/** Undefined also for an integer that would be another one. */
const double = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : typeof value === 'bigint' ? doubleOf(value) : undefined

/** Undefined where its range ends too soon. */
function float(value: unknown): number | undefined {
  const number = double(value)
  return number === undefined || !Number.isFinite(Math.fround(number)) ? undefined : number
}

function base64(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'string') return undefined
  const bytes = Buffer.from(value, 'base64')
  return bytes.toString('base64') === value ? bytes : undefined
}

/** Names of fields in JSON are texts, whatever the keys of the map are; one that is no such key is refused where it is written. */
function keyOf(type: ProtobufScalar, name: string): unknown {
  if (type === 'string') return name
  if (type === 'bool') return name === 'true' ? true : name === 'false' ? false : name
  return /^-?(?:0|[1-9]\d{0,19})$/.test(name) ? BigInt(name) : name
}

const tagOf = (number: number, wire: number): bigint => (BigInt(number) << 3n) | BigInt(wire)

const describe = ({ type, of }: ProtobufField): string => of ?? type

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function fail(path: readonly string[], expected: string, found: unknown): never {
  throw misfit(path, expected, found)
}
