/**
 * Avro schemas (Apache Avro 1.12, "Schema Declaration") as the reader needs them: names resolved, logical types known, and
 * everything that cannot be read told where the job is compiled. A schema comes from a job document, so it is bounded.
 */
import { OperatorError } from '../errors.ts'

export type AvroType =
  | { readonly kind: 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string' }
  | { readonly kind: 'date' }
  /** 64-bit counts since 1970, so many a second. */
  | { readonly kind: 'instant'; readonly perSecond: bigint }
  | { readonly kind: 'decimal'; readonly scale: number; readonly size: number | undefined }
  | { readonly kind: 'fixed'; readonly size: number; readonly uuid: boolean }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array' | 'map'; readonly items: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] }
  | AvroRecord

export interface AvroRecord {
  readonly kind: 'record'
  readonly name: string
  /** Filled after the record is known by its name: it may hold itself. */
  readonly fields: { readonly name: string; readonly type: AvroType }[]
}

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
const NAME = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$/
const MAX_DEPTH = 32
const MAX_TYPES = 2_000

/** @throws OperatorError QRT_SCHEMA, with what is wrong where */
export function parseAvroSchema(text: string): AvroType {
  let schema: unknown
  try {
    schema = JSON.parse(text)
  } catch (cause) {
    throw invalid('the schema is not JSON', '', { cause })
  }
  return new SchemaReader().read(schema, '', '', 1)
}

const invalid = (what: string, path: string, options?: ErrorOptions): OperatorError =>
  new OperatorError('QRT_SCHEMA', path === '' ? what : `${what}, at ${path}`, options)

type Json = Readonly<Record<string, unknown>>

class SchemaReader {
  readonly #named = new Map<string, AvroType>()
  #types = 0

  read(schema: unknown, namespace: string, path: string, depth: number): AvroType {
    this.#types += 1
    if (depth > MAX_DEPTH) throw invalid(`expected types nested at most ${MAX_DEPTH} deep`, path)
    if (this.#types > MAX_TYPES) throw invalid(`expected at most ${MAX_TYPES} types`, path)
    if (typeof schema === 'string') return this.#byName(schema, namespace, path)
    if (Array.isArray(schema)) return this.#union(schema, namespace, path, depth)
    if (typeof schema !== 'object' || schema === null) {
      throw invalid(`expected a type, found ${JSON.stringify(schema) ?? 'nothing'}`, path)
    }
    const { type } = schema as Json
    if (typeof type !== 'string') return this.read(type, namespace, `${path}/type`, depth + 1)
    return this.#complex(type, schema as Json, namespace, path, depth)
  }

  #byName(name: string, namespace: string, path: string): AvroType {
    const primitive = PRIMITIVES.find((known) => known === name)
    if (primitive !== undefined) return { kind: primitive }
    const found = this.#named.get(fullName(name, namespace)) ?? this.#named.get(name)
    if (found === undefined) throw invalid(`there is no type ${JSON.stringify(name.slice(0, 60))} before this`, path)
    return found
  }

  #union(branches: readonly unknown[], namespace: string, path: string, depth: number): AvroType {
    const read = branches.map((branch, i) => {
      if (Array.isArray(branch)) throw invalid('a union cannot hold another at once', `${path}/${i}`)
      return this.read(branch, namespace, `${path}/${i}`, depth + 1)
    })
    if (read.length === 0) throw invalid('a union needs at least one type', path)
    return { kind: 'union', branches: read }
  }

  #complex(type: string, schema: Json, namespace: string, path: string, depth: number): AvroType {
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(schema, namespace, path, depth)
      case 'enum': {
        const { symbols } = schema
        if (!Array.isArray(symbols) || symbols.length === 0 || !symbols.every((each) => typeof each === 'string')) {
          throw invalid('an enum needs "symbols", a list of texts', path)
        }
        return this.#keep(schema, namespace, path, { kind: 'enum', symbols })
      }
      case 'fixed': {
        const { size } = schema
        if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > 1 << 20) {
          throw invalid('a fixed needs a "size" in bytes, at most 1048576', path)
        }
        return this.#keep(schema, namespace, path, fixedType(schema, size, path))
      }
      case 'array':
      case 'map': {
        const inside = type === 'array' ? 'items' : 'values'
        return { kind: type, items: this.read(schema[inside], namespace, `${path}/${inside}`, depth + 1) }
      }
      default:
        return logicalType(this.#byName(type, namespace, path), schema, path)
    }
  }

  #record(schema: Json, namespace: string, path: string, depth: number): AvroType {
    const { fields } = schema
    if (!Array.isArray(fields)) throw invalid('a record needs "fields", a list', path)
    const record: AvroRecord = { kind: 'record', name: nameOf(schema, namespace, path), fields: [] }
    this.#keep(schema, namespace, path, record)
    const inside = record.name.slice(0, Math.max(0, record.name.lastIndexOf('.')))
    fields.forEach((field: unknown, i) => {
      const at = `${path}/fields/${i}`
      const name = typeof field === 'object' && field !== null ? (field as Json).name : undefined
      if (typeof name !== 'string' || !NAME.test(name)) throw invalid('a field needs a "name"', at)
      if (record.fields.some((other) => other.name === name)) throw invalid(`the field "${name}" stands twice`, at)
      record.fields.push({ name, type: this.read((field as Json).type, inside, `${at}/type`, depth + 1) })
    })
    return record
  }

  #keep(schema: Json, namespace: string, path: string, type: AvroType): AvroType {
    const name = nameOf(schema, namespace, path)
    if (this.#named.has(name)) throw invalid(`the type "${name}" is defined twice`, path)
    this.#named.set(name, type)
    return type
  }
}

const fullName = (name: string, namespace: string): string =>
  name.includes('.') || namespace === '' ? name : `${namespace}.${name}`

function nameOf(schema: Json, namespace: string, path: string): string {
  const { name, namespace: own } = schema
  if (typeof name !== 'string' || !NAME.test(name)) throw invalid('a record, enum or fixed needs a "name"', path)
  return fullName(name, typeof own === 'string' ? own : namespace)
}

const isScale = (scale: unknown, precision: unknown): scale is number =>
  typeof scale === 'number' && Number.isInteger(scale) && scale >= 0 && scale <= Number(precision) && scale <= 1_000

/** As the specification says, a logical type that is unknown or wrong leaves the type as it is. */
function fixedType({ logicalType, scale = 0, precision }: Json, size: number, _path: string): AvroType {
  if (logicalType === 'decimal' && isScale(scale, precision)) return { kind: 'decimal', scale, size }
  return { kind: 'fixed', size, uuid: logicalType === 'uuid' && size === 16 }
}

function logicalType(type: AvroType, { logicalType: logical, scale = 0, precision }: Json, _path: string): AvroType {
  if (type.kind === 'bytes' && logical === 'decimal' && isScale(scale, precision)) {
    return { kind: 'decimal', scale, size: undefined }
  }
  if (type.kind === 'int' && logical === 'date') return { kind: 'date' }
  if (type.kind !== 'long') return type
  if (logical === 'timestamp-micros' || logical === 'local-timestamp-micros') {
    return { kind: 'instant', perSecond: 1_000_000n }
  }
  if (logical === 'timestamp-nanos' || logical === 'local-timestamp-nanos') {
    return { kind: 'instant', perSecond: 1_000_000_000n }
  }
  // Milliseconds stay a number: that is what an event time is.
  return type
}
