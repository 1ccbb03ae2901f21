/**
 * Equality and order. Values of different types are unequal, not an error; only numbers, texts and booleans have an
 * order, each among themselves. Numbers compare by value, whatever their size; texts by UTF-16 code unit.
 */
import { WRONG_TYPE } from '../errors.ts'
import type { Value } from '../json.ts'

export function equal(a: Value, b: Value): boolean {
  if (a === b) return true
  if (typeof a === 'bigint' || typeof b === 'bigint') {
    // biome-ignore lint/suspicious/noDoubleEquals: only the loose comparison is exact between the two number types.
    return (typeof a === 'number' || typeof b === 'number') && a == b
  }
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item: Value, i) => equal(item, b[i]))
  }
  if (a instanceof Map) {
    if (!(b instanceof Map) || a.size !== b.size) return false
    for (const [name, field] of a) if (!b.has(name) || !equal(field, b.get(name))) return false
    return true
  }
  return false
}

/** Negative, zero or positive. */
export function order(a: Value, b: Value): number {
  const type = typeof a
  if (type === 'number' || type === 'bigint') {
    if (typeof b !== 'number' && typeof b !== 'bigint') throw WRONG_TYPE
  } else if ((type !== 'string' && type !== 'boolean') || typeof b !== type) throw WRONG_TYPE
  const left = a as number
  const right = b as number
  return left < right ? -1 : left > right ? 1 : 0
}

/** `item in list`, or `name in object`. */
export function contained(item: Value, container: Value): boolean {
  if (Array.isArray(container)) {
    for (const other of container) if (equal(item, other)) return true
    return false
  }
  if (container instanceof Map) return typeof item === 'string' && container.has(item)
  throw WRONG_TYPE
}
