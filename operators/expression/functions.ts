/** The functions that expressions may call, by name; those of texts are called as methods. All are pure and linear. */
import { WRONG_TYPE } from '../errors.ts'
import { canonicalJson, type Value } from '../json.ts'
import { toDouble, toInteger } from './arithmetic.ts'

/** The receiver, if any, is the first argument. */
export interface CelFunction {
  readonly parameters: number
  readonly call: (a: Value, b: Value) => Value
}

/** Characters (code points) of a text, items of a list, fields of an object. */
const size = (value: Value): Value => {
  if (typeof value === 'string') {
    let count = 0
    for (let i = 0; i < value.length; i++) {
      const code = value.codePointAt(i) as number
      if (code > 0xffff) i += 1
      count += 1
    }
    return count
  }
  if (Array.isArray(value)) return value.length
  if (value instanceof Map) return value.size
  throw WRONG_TYPE
}

const toText = (value: Value): Value => {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return canonicalJson(value)
  throw WRONG_TYPE
}

const text = (value: Value): string => {
  if (typeof value === 'string') return value
  throw WRONG_TYPE
}

// Other letters than ASCII's are left alone: their case depends on the version of Unicode.
const lower = (value: Value): Value => text(value).replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
const upper = (value: Value): Value => text(value).replace(/[a-z]+/g, (letters) => letters.toUpperCase())

export const FUNCTIONS: ReadonlyMap<string, CelFunction> = new Map([
  ['size', { parameters: 1, call: size }],
  ['int', { parameters: 1, call: toInteger }],
  ['double', { parameters: 1, call: toDouble }],
  ['string', { parameters: 1, call: toText }],
])

export const METHODS: ReadonlyMap<string, CelFunction> = new Map<string, CelFunction>([
  ['size', { parameters: 1, call: size }],
  ['contains', { parameters: 2, call: (a, b) => text(a).includes(text(b)) }],
  ['startsWith', { parameters: 2, call: (a, b) => text(a).startsWith(text(b)) }],
  ['endsWith', { parameters: 2, call: (a, b) => text(a).endsWith(text(b)) }],
  ['lowerAscii', { parameters: 1, call: lower }],
  ['upperAscii', { parameters: 1, call: upper }],
])

/** Names that CEL knows and that are refused here, with the reason. */
export const REFUSED: ReadonlyMap<string, string> = new Map([
  ['matches', 'regular expressions may backtrack without end; use contains, startsWith or endsWith'],
  ['all', 'macros over lists are not supported'],
  ['exists', 'macros over lists are not supported'],
  ['exists_one', 'macros over lists are not supported'],
  ['map', 'macros over lists are not supported'],
  ['filter', 'macros over lists are not supported'],
  ['timestamp', 'timestamps are not supported; compare texts of one format, or epoch milliseconds'],
  ['duration', 'durations are not supported; write milliseconds'],
])
