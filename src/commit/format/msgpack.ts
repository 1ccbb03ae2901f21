/** Values in MessagePack, whose integers have 64 bits at most: a greater one is a double where that is the same number. */
import { Packr } from 'msgpackr'
import { Misfit } from './misfit.ts'
import { doubleOf } from './row.ts'

/** @throws Misfit */
export function msgpackWriter(): (value: unknown) => Uint8Array {
  const packr = new Packr({ useRecords: false, variableMapSize: true })
  return (value) => {
    try {
      // A copy: what is packed next may use the same memory.
      return Buffer.from(packr.pack(fitted(value)))
    } catch (cause) {
      throw new Misfit(cause instanceof Error ? cause.message : String(cause), { cause })
    }
  }
}

function fitted(value: unknown): unknown {
  if (typeof value === 'bigint') return isWide(value) ? (doubleOf(value) ?? value) : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(fitted)
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, fitted(field)]))
}

const isWide = (value: bigint): boolean => value < -(2n ** 63n) || value >= 2n ** 64n
