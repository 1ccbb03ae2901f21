/** Values in the samples of a module. */
import { canonicalJson, type Value } from '../../operators/index.ts'

export const textOf = (value: unknown): string => canonicalJson(valueFrom(value))

/** As a record has it. */
export function valueFrom(value: unknown): Value {
  if (Array.isArray(value)) return value.map(valueFrom)
  if (typeof value !== 'object' || value === null || value instanceof Map) return value as Value
  return new Map(Object.entries(value).map(([field, inner]) => [field, valueFrom(inner)]))
}

/** What a call failed with. */
export const codeOf = (error: unknown): string =>
  String(typeof error === 'object' && error !== null && 'code' in error ? error.code : error)
