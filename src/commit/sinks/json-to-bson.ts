/**
 * Canonical JSON to BSON without loss: an integer that a double cannot hold becomes a 64-bit integer, or a decimal of
 * 34 digits, or, beyond those, its own text.
 */
import { Decimal128, Long } from 'mongodb'

const INTEGER = /^-?\d+$/
const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n
const DECIMAL128_DIGITS = 34

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown
const parse = JSON.parse as (text: string, reviver: Reviver) => unknown

export function jsonToBson(bytes: Uint8Array): unknown {
  return parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(), (_, value, { source }) =>
    typeof value === 'number' && source !== undefined ? numberToBson(value, source) : value,
  )
}

function numberToBson(value: number, source: string): unknown {
  if (!INTEGER.test(source)) return Number.isFinite(value) ? value : source
  if (Number.isSafeInteger(value)) return value
  const integer = BigInt(source)
  if (integer >= INT64_MIN && integer <= INT64_MAX) return Long.fromBigInt(integer)
  const digits = source.startsWith('-') ? source.length - 1 : source.length
  return digits <= DECIMAL128_DIGITS ? Decimal128.fromString(source) : source
}
