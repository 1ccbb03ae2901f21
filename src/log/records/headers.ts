/**
 * Headers of a record, which few jobs ask for, so they are read only then. Grammar:
 *
 *   headers = varint count | (varint nameLength | name | varint valueLength | value)*
 */
import type { RecordHeaders } from '../../../operators/index.ts'
import { VarintReader } from './varint.ts'

/** More than any client writes; a number that is none must not be taken for one. */
const MAX_HEADERS = 1_000

/** Of several with one name the last; a null value is left out. Undefined when they are no headers. */
export function readHeaders(bytes: Uint8Array, from: number): RecordHeaders | undefined {
  const headers = new Map<string, Uint8Array>()
  const reader = new VarintReader(bytes, from)
  try {
    const count = reader.signed()
    if (count < 0 || count > MAX_HEADERS) return undefined
    for (let left = count; left > 0; left--) {
      const name = take(reader)
      const value = take(reader)
      if (name === undefined) return undefined
      if (value !== undefined) headers.set(Buffer.from(name).toString('utf8'), value)
    }
    return headers
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function take(reader: VarintReader): Uint8Array | undefined {
  const length = reader.signed()
  if (length < 0) return undefined
  const { bytes, at } = reader
  if (at + length > bytes.length) throw new RangeError('a header ends beyond its bytes')
  reader.at = at + length
  return bytes.subarray(at, at + length)
}
