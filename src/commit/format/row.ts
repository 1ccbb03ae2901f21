/** Certified rows as values that formats write: with bigints for integers that no double holds. */
import type { Row } from '../../../operators/index.ts'
import { placeFields, placeOf } from '../sinks/row-text.ts'

type Fields = Record<string, unknown>

/** Integers that a double does not hold stay exact. */
export function exactJson(bytes: Uint8Array): unknown {
  const exact = (_: string, value: unknown, context?: { readonly source?: string }): unknown => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
    const { source = '' } = context ?? {}
    return /^-?\d+$/.test(source) ? BigInt(source) : value
  }
  return JSON.parse(Buffer.from(bytes).toString(), exact as (key: string, value: unknown) => unknown)
}

/** The double that JSON writes in these digits; undefined where they are those of an integer that no double is. */
export function doubleOf(value: bigint): number | undefined {
  const double = Number(value)
  if (!Number.isFinite(double)) return undefined
  return String(double) === String(value) || BigInt(double) === value ? double : undefined
}

/**
 * The value of a row, with its key and the place of its record as `key` and `source` where it has no fields of these names: rows of
 * windows say which they are, and those of records do not.
 */
export function rowOf(row: Row): unknown {
  const value = exactJson(row.value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return { key: keyOf(row), ...placeFields(placeOf(row)), ...value }
}

const keyOf = ({ key }: Row): unknown => (key.length === 0 ? null : exactJson(key))

/** What a line of JSON says of a row, as a value. */
export function lineOf(row: Row): Fields {
  return { key: keyOf(row), ...placeFields(placeOf(row)), value: exactJson(row.value) }
}

/** `{"key":…,"window":{…},"revision":…,"final":…,"value":…}` and the end of the line; key and value byte for byte. */
export function jsonLine(row: Row): Uint8Array {
  const fields = JSON.stringify(placeFields(placeOf(row))).slice(1, -1)
  const key = row.key.length === 0 ? Buffer.from('null') : row.key
  return Buffer.concat([Buffer.from('{"key":'), key, Buffer.from(`,${fields},"value":`), row.value, Buffer.from('}\n')])
}
