/**
 * The functions that expressions may call, by name; those of texts, lists and times are called as methods. All are pure, and what
 * they do for one record is bounded (work.ts). Those that look at their arguments before there is a record are in forms.ts.
 */
import { WRONG_TYPE } from '../errors.ts'
import { canonicalJson, narrow, type Value } from '../json.ts'
import { negate, toDouble, toInteger } from './arithmetic.ts'
import { distinct, reverse, slice, sort, sum } from './lists.ts'
import {
  charAt,
  indexOf,
  join,
  lastIndexOf,
  lengthOf,
  lowerAscii,
  replace,
  split,
  substring,
  textOf,
  trim,
  upperAscii,
} from './texts.ts'
import { duration, isoTime, PARTS } from './times.ts'

export interface CelFunction {
  /** With the receiver, if any, which is the first. */
  readonly least: number
  readonly most: number
  readonly call: (a: Value, b: Value, c: Value) => Value
}

/** Characters (code points) of a text, items of a list, fields of an object. */
const size = (value: Value): Value => {
  if (typeof value === 'string') return lengthOf(value)
  if (Array.isArray(value)) return value.length
  if (value instanceof Map) return value.size
  throw WRONG_TYPE
}

const toText = (value: Value): Value => {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return canonicalJson(value)
  throw WRONG_TYPE
}

const toBoolean = (value: Value): Value => {
  if (typeof value === 'boolean') return value
  if (value === 'true') return true
  if (value === 'false') return false
  throw WRONG_TYPE
}

/** What rounds a double; an integer is one already. */
const rounding =
  (round: (value: number) => number) =>
  (value: Value): Value => {
    if (typeof value === 'bigint') return value
    if (typeof value !== 'number') throw WRONG_TYPE
    const whole = round(value)
    return Number.isSafeInteger(whole) ? whole + 0 : narrow(BigInt(whole))
  }

/** Halves go away from zero, as in CEL and SQL. */
const halvesAway = (value: number): number => Math.sign(value) * Math.round(Math.abs(value))

const abs = (value: Value): Value => {
  if (typeof value === 'bigint') return value < 0n ? -value : value
  return typeof value === 'number' ? Math.abs(value) : negate(value)
}

const sqrt = (value: Value): Value => {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || number < 0) throw WRONG_TYPE
  return Math.sqrt(number)
}

const one = (call: (a: Value) => Value): CelFunction => ({ least: 1, most: 1, call })
const two = (call: (a: Value, b: Value) => Value): CelFunction => ({ least: 2, most: 2, call })

export const FUNCTIONS: ReadonlyMap<string, CelFunction> = new Map([
  ['size', one(size)],
  ['int', one(toInteger)],
  ['double', one(toDouble)],
  ['string', one(toText)],
  ['bool', one(toBoolean)],
  ['abs', one(abs)],
  ['ceil', one(rounding(Math.ceil))],
  ['floor', one(rounding(Math.floor))],
  ['round', one(rounding(halvesAway))],
  ['trunc', one(rounding(Math.trunc))],
  ['sqrt', one(sqrt)],
  ['duration', one(duration)],
  ['isoTime', one(isoTime)],
])

export const METHODS: ReadonlyMap<string, CelFunction> = new Map<string, CelFunction>([
  ['size', one(size)],
  ['contains', two((a, b) => textOf(a).includes(textOf(b)))],
  ['startsWith', two((a, b) => textOf(a).startsWith(textOf(b)))],
  ['endsWith', two((a, b) => textOf(a).endsWith(textOf(b)))],
  ['lowerAscii', one(lowerAscii)],
  ['upperAscii', one(upperAscii)],
  ['trim', one(trim)],
  ['charAt', two(charAt)],
  ['substring', { least: 2, most: 3, call: substring }],
  ['indexOf', { least: 2, most: 3, call: indexOf }],
  ['lastIndexOf', two(lastIndexOf)],
  ['replace', { least: 3, most: 3, call: replace }],
  ['split', { least: 2, most: 3, call: split }],
  ['join', { least: 1, most: 2, call: join }],
  ['reverse', one(reverse)],
  ['sum', one(sum)],
  ['sort', one(sort)],
  ['distinct', one(distinct)],
  ['slice', { least: 2, most: 3, call: slice }],
  ...Object.entries(PARTS).map(([name, call]) => [name, { least: 1, most: 2, call }] as const),
])

/** Names that are refused, with the reason. */
export const REFUSED: ReadonlyMap<string, string> = new Map([
  ['pow', 'its last digits differ between machines; multiply'],
  ['log', 'its last digits differ between machines'],
  ['exp', 'its last digits differ between machines'],
  ['now', 'replicas have no common clock; use a time of the record'],
  ['random', 'replicas must compute the same'],
])
