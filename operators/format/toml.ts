/**
 * TOML 1.0 records: a table each. Integers of 64 bits are exact, dates and times stay the texts that they were written as.
 * The library's parser recurses into arrays and inline tables, so depth is bounded by it and size before it.
 */
import { isUtf8 } from 'node:buffer'
import { parse, TomlDate, TomlError } from 'smol-toml'
import { narrow, type Value } from '../json.ts'
import { BAD_NUMBER, BROKEN, NOT_UTF8, TOO_DEEP, TOO_LARGE } from './cursor.ts'

/** Larger records take longer to read than a record may. */
const MAX_BYTES = 64 * 1024
const MAX_DEPTH = 32

const decoder = new TextDecoder('utf-8', { ignoreBOM: false })

/** @throws EvaluationError */
export function readToml(bytes: Uint8Array): Value {
  if (bytes.length > MAX_BYTES) throw TOO_LARGE
  if (!isUtf8(bytes)) throw NOT_UTF8
  return convert(parsed(decoder.decode(bytes)), 1)
}

function parsed(text: string): unknown {
  try {
    return parse(text, { maxDepth: MAX_DEPTH, integersAsBigInt: true })
  } catch (error) {
    if (error instanceof TomlError || error instanceof RangeError) throw BROKEN
    throw error
  }
}

/** The library defines `__proto__` as a field like any other, so own entries are all there is. */
function convert(value: unknown, depth: number): Value {
  if (depth > MAX_DEPTH) throw TOO_DEEP
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'bigint':
      // What 64 bits cannot hold is an error in TOML; the library takes it.
      if (BigInt.asIntN(64, value) !== value) throw BAD_NUMBER
      return narrow(value)
    case 'number':
      if (!Number.isFinite(value)) throw BAD_NUMBER
      return value + 0
    default:
      break
  }
  if (value instanceof TomlDate) return value.toISOString()
  if (Array.isArray(value)) return value.map((item) => convert(item, depth + 1))
  return new Map(Object.entries(value as object).map(([name, inner]) => [name, convert(inner, depth + 1)]))
}
