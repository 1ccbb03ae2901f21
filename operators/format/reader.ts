/**
 * Readers of records by format, behind one interface with the scanner of JSON: they fill the slots of the fields that a stage
 * reads, or say why the record is none. A tombstone is null in every format.
 */
import { EvaluationError, OperatorError, type ScanErrorCode } from '../errors.ts'
import type { FieldSet } from '../fields.ts'
import type { AvroPlan, FormatPlan, Framing, ProtobufPlan } from '../format-plan.ts'
import type { Value } from '../json.ts'
import { compileScanner, type Scanner } from '../scan.ts'
import { readAvro } from './avro.ts'
import { parseAvroSchema } from './avro-schema.ts'
import { BROKEN, ByteCursor, NO_SCHEMA } from './cursor.ts'
import { readMsgpack } from './msgpack.ts'
import { ProtobufReader } from './protobuf.ts'
import { readToml } from './toml.ts'
import { fillSlots, type Want, wantOf } from './want.ts'
import { readYaml } from './yaml.ts'

/** @throws OperatorError QRT_SCHEMA where a schema of the plan cannot be read */
export function compileReader(format: FormatPlan, fields: FieldSet): Scanner {
  const want = wantOf(fields.paths)
  switch (format) {
    case 'json':
      return compileScanner(fields)
    case 'yaml':
      return new ManyReader(fields, readYaml)
    case 'toml':
      return new ManyReader(fields, (bytes) => [readToml(bytes)])
    case 'msgpack':
      return new BinaryReader(fields, (cursor) => readMsgpack(cursor, want))
    default:
      return new BinaryReader(fields, format.kind === 'avro' ? avro(format, want) : protobuf(format, want))
  }
}

/** A record that may hold several values, or none. All are read before the first is given: it is valid as a whole. */
class ManyReader implements Scanner {
  readonly #fields: FieldSet
  readonly #read: (bytes: Uint8Array) => readonly Value[]
  #values: readonly Value[] = []
  #at = 0

  constructor(fields: FieldSet, read: (bytes: Uint8Array) => readonly Value[]) {
    this.#fields = fields
    this.#read = read
  }

  scan(bytes: Uint8Array | null, slots: Value[]): ScanErrorCode | undefined {
    this.#at = 0
    this.#values = []
    if (bytes?.length === 0) return 'QRT_RECORD_EMPTY'
    const failed = attempt(() => {
      this.#values = bytes === null ? [null] : this.#read(bytes)
    })
    if (failed !== undefined) return failed
    return this.next(slots) ? undefined : 'QRT_RECORD_EMPTY'
  }

  next(slots: Value[]): boolean {
    if (this.#at >= this.#values.length) return false
    fillSlots(this.#fields, this.#values[this.#at], slots)
    this.#at += 1
    return true
  }
}

class BinaryReader implements Scanner {
  readonly #fields: FieldSet
  readonly #read: (cursor: ByteCursor) => Value
  readonly #cursor = new ByteCursor()

  constructor(fields: FieldSet, read: (cursor: ByteCursor) => Value) {
    this.#fields = fields
    this.#read = read
  }

  scan(bytes: Uint8Array | null, slots: Value[]): ScanErrorCode | undefined {
    if (bytes === null) {
      fillSlots(this.#fields, null, slots)
      return undefined
    }
    return attempt(() => {
      const cursor = this.#cursor
      cursor.start(bytes)
      const value = this.#read(cursor)
      if (cursor.at !== cursor.end) throw BROKEN
      fillSlots(this.#fields, value, slots)
    })
  }
}

function attempt(read: () => void): ScanErrorCode | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (error instanceof EvaluationError) return error.code as ScanErrorCode
    throw error
  }
}

function avro({ framing, schemas }: AvroPlan, want: Want): (cursor: ByteCursor) => Value {
  const types = new Map(schemas.map(({ id, schema }) => [id, parseAvroSchema(schema)]))
  return (cursor) => {
    const type = types.get(readId(cursor, framing))
    if (type === undefined) throw NO_SCHEMA
    return readAvro(cursor, type, want)
  }
}

function protobuf({ framing, message, schemas }: ProtobufPlan, want: Want): (cursor: ByteCursor) => Value {
  const readers = new Map(schemas.map(({ id, schema }) => [id, new ProtobufReader(schema)]))
  if (message !== undefined && ![...readers.values()].some((reader) => reader.has(message))) {
    throw new OperatorError('QRT_SCHEMA', `there is no message "${message}"`)
  }
  return (cursor) => {
    const reader = readers.get(readId(cursor, framing))
    if (reader === undefined) throw NO_SCHEMA
    const found = framing === 'none' ? (message ?? reader.nameAt([0])) : reader.nameAt(readPlace(cursor))
    if (found === undefined || (message !== undefined && found !== message)) throw NO_SCHEMA
    return reader.read(cursor, found, want)
  }
}

/** Of the schema that a record names; undefined where records name none. */
function readId(cursor: ByteCursor, framing: Framing): number | undefined {
  if (framing === 'none') return undefined
  if (cursor.byte() !== 0) throw BROKEN
  return cursor.uint(4)
}

/** Which message of its schema a record is: a count and indexes, all zigzag; a single zero means the first message. */
function readPlace(cursor: ByteCursor): readonly number[] {
  const count = readIndex(cursor)
  if (count === 0) return [0]
  if (count > 32) throw BROKEN
  return Array.from({ length: count }, () => readIndex(cursor))
}

function readIndex(cursor: ByteCursor): number {
  let value = 0
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = cursor.byte()
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      if (value % 2 !== 0) throw BROKEN
      return value / 2
    }
  }
  throw BROKEN
}
