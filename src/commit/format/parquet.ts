/**
 * Rows as a Parquet file by the columns of the sink, written by hyparquet-writer: one row group, dictionaries where they save bytes,
 * Snappy in JavaScript. Every column is optional. The file says the digest of its batch as `quorate.outDigest`.
 */
import { parquetWriteBuffer } from 'hyparquet-writer'
import type { Digest } from '../../../mesh/index.ts'
import type { Row } from '../../../operators/index.ts'
import { timestampParts } from './instant-parts.ts'
import { misfit } from './misfit.ts'
import type { ColumnType, ParquetRows } from './plan.ts'
import { doubleOf, rowOf } from './row.ts'

type Schema = NonNullable<Parameters<typeof parquetWriteBuffer>[0]['schema']>
type Element = Schema[number]

/** A JSON column is text to readers that do not know the newer of the two ways to say what a column is. */
const ELEMENTS: Readonly<Record<ColumnType, Omit<Element, 'name'>>> = {
  integer: { type: 'INT64' },
  number: { type: 'DOUBLE' },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  boolean: { type: 'BOOLEAN' },
  time: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
  },
  json: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'JSON' } },
}

export function parquetFile({ columns }: ParquetRows): (rows: Iterable<Row>, outDigest: Digest) => Uint8Array {
  const schema: Schema = [
    { name: 'rows', num_children: columns.length },
    ...columns.map(({ name, type }): Element => ({ name, repetition_type: 'OPTIONAL', ...ELEMENTS[type] })),
  ]
  return (rows, outDigest) => {
    const columnData = columns.map(({ name }) => ({ name, data: [] as unknown[] }))
    for (const row of rows) {
      const value = rowOf(row)
      columns.forEach(({ path, type }, i) => {
        columnData[i]?.data.push(cell(type, valueAt(value, path), path))
      })
    }
    const [first] = columnData
    const file = parquetWriteBuffer({
      columnData,
      schema,
      // One group: a batch is bounded already.
      rowGroupSize: Math.max(1, first?.data.length ?? 0),
      createdBy: 'quorate',
      kvMetadata: [{ key: 'quorate.outDigest', value: outDigest }],
    })
    return new Uint8Array(file)
  }
}

/** A field that a row does not have is null, as what takes a row back has no aggregates. */
function valueAt(row: unknown, path: readonly string[]): unknown {
  let value = row
  for (const [i, name] of path.entries()) {
    if (value === null || value === undefined) return null
    if (typeof value !== 'object' || Array.isArray(value)) throw misfit(path.slice(0, i), 'an object', value)
    value = Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined
  }
  return value ?? null
}

function cell(type: ColumnType, value: unknown, path: readonly string[]): unknown {
  if (value === null) return null
  switch (type) {
    case 'integer':
      if (Number.isSafeInteger(value)) return BigInt(value as number)
      if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value
      throw misfit(path, 'an integer of 64 bits', value)
    case 'number':
      return numberOf(value) ?? fail(path, 'a number that a double holds exactly; make the column an integer', value)
    case 'text':
      if (typeof value === 'string') return value
      throw misfit(path, 'a text', value)
    case 'boolean':
      if (typeof value === 'boolean') return value
      throw misfit(path, 'true or false', value)
    case 'time': {
      const parts = timestampParts(value)
      if (parts !== undefined && parts.nanos % 1_000_000 === 0) {
        return parts.seconds * 1_000n + BigInt(parts.nanos / 1_000_000)
      }
      throw misfit(path, 'an instant in milliseconds, in ISO 8601 or as a number', value)
    }
    case 'json':
      return jsonText(value)
  }
}

const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : typeof value === 'bigint' ? doubleOf(value) : undefined

function fail(path: readonly string[], expected: string, found: unknown): never {
  throw misfit(path, expected, found)
}

const isPlain = (value: unknown): boolean => typeof value !== 'object' || value === null

/** Canonical: names were sorted when the row was certified, and numbers that look like indexes come back to their place here. */
function jsonText(value: unknown): string {
  if (isPlain(value)) return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`
  const fields = value as Readonly<Record<string, unknown>>
  const parts = Object.keys(fields)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${jsonText(fields[name])}`)
  return `{${parts.join(',')}}`
}
