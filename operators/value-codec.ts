/**
 * Values as bytes: what records carry through a shuffle, and what ordered operators keep in a snapshot. Every value has one
 * encoding. A field that is missing stays missing, and an integer beyond 2^53 stays exact.
 *
 *   value  = u8 tag, then
 *     0 missing   1 null   2 false   3 true   4 signed integer   5 f64   6 bigint   7 text
 *     8 list: varint length, values          9 object: varint length, (text of the name, value)* by name
 */
import { OperatorError } from './errors.ts'
import type { Value } from './json.ts'
import { isSigned, type StateReader, type StateWriter } from './snapshot.ts'

const MISSING = 0
const NULL = 1
const FALSE = 2
const TRUE = 3
const INTEGER = 4
const DOUBLE = 5
const BIG = 6
const TEXT = 7
const LIST = 8
const OBJECT = 9

export function writeValue(value: Value, writer: StateWriter): void {
  if (typeof value === 'number') writeNumber(value, writer)
  else if (typeof value === 'string') {
    writer.byte(TEXT)
    writer.text(value)
  } else if (typeof value === 'boolean') writer.byte(value ? TRUE : FALSE)
  else if (typeof value === 'bigint') {
    writer.byte(BIG)
    writer.bigint(value)
  } else if (value === undefined || value === null) writer.byte(value === null ? NULL : MISSING)
  else if (value instanceof Map) writeObject(value, writer)
  else {
    writer.byte(LIST)
    writeValues(value as readonly Value[], writer)
  }
}

function writeObject(fields: ReadonlyMap<string, Value>, writer: StateWriter): void {
  const names = [...fields.keys()].filter((name) => fields.get(name) !== undefined).sort()
  writer.byte(OBJECT)
  writer.varint(names.length)
  for (const name of names) {
    writer.text(name)
    writeValue(fields.get(name), writer)
  }
}

function writeNumber(value: number, writer: StateWriter): void {
  if (isSigned(value)) {
    writer.byte(INTEGER)
    writer.signed(value)
  } else {
    writer.byte(DOUBLE)
    writer.float(value)
  }
}

export function writeValues(values: readonly Value[], writer: StateWriter): void {
  writer.varint(values.length)
  for (const value of values) writeValue(value, writer)
}

/** @throws OperatorError QRT_STATE_CORRUPT; certified bytes never do */
export function readValue(reader: StateReader): Value {
  const tag = reader.byte()
  switch (tag) {
    case MISSING:
      return undefined
    case NULL:
      return null
    case FALSE:
    case TRUE:
      return tag === TRUE
    case INTEGER:
      return reader.signed()
    case DOUBLE:
      return reader.float()
    case BIG:
      return reader.bigint()
    case TEXT:
      return reader.text()
    case LIST:
      return readValues(reader)
    case OBJECT: {
      const fields = new Map<string, Value>()
      for (let left = reader.varint(); left > 0; left--) fields.set(reader.text(), readValue(reader))
      return fields
    }
    default:
      throw new OperatorError('QRT_STATE_CORRUPT', `a value has the unknown tag ${tag}; known are 0 to ${OBJECT}`)
  }
}

export function readValues(reader: StateReader): Value[] {
  const values: Value[] = []
  for (let left = reader.varint(); left > 0; left--) values.push(readValue(reader))
  return values
}
