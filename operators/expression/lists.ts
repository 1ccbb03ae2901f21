/** Functions of lists. None changes the list that it is given. */
import { WRONG_TYPE } from '../errors.ts'
import { canonicalJson, type Value } from '../json.ts'
import { add } from './arithmetic.ts'
import { order } from './compare.ts'
import { ITEM_STEPS, spend } from './work.ts'

const listOf = (value: Value): readonly Value[] => {
  if (Array.isArray(value)) return value
  throw WRONG_TYPE
}

/** Of numbers, one after another; of nothing 0. */
export function sum(value: Value): Value {
  const list = listOf(value)
  spend(list.length)
  let total: Value = 0
  for (const item of list) total = add(total, numberOf(item))
  return total
}

const numberOf = (value: Value): Value => {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  throw WRONG_TYPE
}

/** Numbers, texts or booleans, but of one kind. */
export function sort(value: Value): Value {
  const list = listOf(value)
  spend(list.length * ITEM_STEPS)
  return list.toSorted(order)
}

/** Each value once, where it stands first. Equal ones have the same canonical JSON. */
export function distinct(value: Value): Value {
  const list = listOf(value)
  spend(list.length * ITEM_STEPS)
  const seen = new Set<string>()
  return list.filter((item) => {
    const text = canonicalJson(item)
    if (seen.has(text)) return false
    seen.add(text)
    return true
  })
}

/** Items [from, to), places beyond an end meaning that end. */
export function slice(value: Value, from: Value, to: Value): Value {
  const list = listOf(value)
  if (typeof from !== 'number' || (to !== undefined && typeof to !== 'number')) throw WRONG_TYPE
  return list.slice(Math.max(0, from), to === undefined ? undefined : Math.max(0, to))
}

/** Lists and texts. */
export function reverse(value: Value): Value {
  if (typeof value !== 'string') return listOf(value).toReversed()
  spend(value.length)
  return [...value].reverse().join('')
}

/** The extreme of several values, or of those in one list; nulls are left out, and of nothing it is null. */
export const extreme =
  (sign: 1 | -1) =>
  (values: readonly Value[]): Value => {
    const [first] = values
    const among = values.length === 1 && Array.isArray(first) ? (first as readonly Value[]) : values
    spend(among.length)
    let found: Value = null
    for (const value of among) {
      if (value === null) continue
      if (found === null ? order(value, value) === 0 : order(value, found) * sign > 0) found = value
    }
    return found
  }
