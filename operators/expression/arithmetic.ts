/**
 * Numbers as people expect them: one kind of number, integers exact at any size. Where two integers give more than
 * 2^53 the work goes on in BigInt; where one side is no integer, in doubles. Division is real division. The sign of a
 * zero is dropped, and what exceeds the range of doubles is an error, so neither -0, Infinity nor NaN ever exists.
 */
import { DIVISION_BY_ZERO, OVERFLOW, WRONG_TYPE } from '../errors.ts'
import { narrow, type Value } from '../json.ts'
import { spendOnList, spendOnText } from './work.ts'

type Numeric = number | bigint
type Operation = (a: Value, b: Value) => Value

const MAX = Number.MAX_SAFE_INTEGER

export const add: Operation = (a, b) => {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b
    return sum <= MAX && sum >= -MAX ? sum : beyond(a, b, sum, sumOf)
  }
  if (typeof a === 'string' && typeof b === 'string') {
    spendOnText(a.length + b.length)
    return a + b
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    spendOnList(a.length + b.length)
    return [...a, ...b]
  }
  return mixed(a, b, sumOf, (x, y) => x + y)
}

export const subtract: Operation = (a, b) => {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b
    return difference <= MAX && difference >= -MAX ? difference : beyond(a, b, difference, differenceOf)
  }
  return mixed(a, b, differenceOf, (x, y) => x - y)
}

export const multiply: Operation = (a, b) => {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b
    return product <= MAX && product >= -MAX ? product + 0 : beyond(a, b, product, productOf)
  }
  return mixed(a, b, productOf, (x, y) => x * y)
}

export const divide: Operation = (a, b) => {
  if (!isNumeric(a) || !isNumeric(b)) throw WRONG_TYPE
  if (b === 0) throw DIVISION_BY_ZERO
  if (typeof a === 'bigint' || typeof b === 'bigint') {
    const x = exact(a)
    const y = exact(b)
    if (x !== undefined && y !== undefined && x % y === 0n) return narrow(x / y)
  }
  return finite(Number(a) / Number(b))
}

/** The remainder has the sign of the dividend, as in CEL; it is exact for doubles too. */
export const remainder: Operation = (a, b) => {
  if (!isNumeric(a) || !isNumeric(b)) throw WRONG_TYPE
  if (b === 0) throw DIVISION_BY_ZERO
  if (typeof a === 'number' && typeof b === 'number') return (a % b) + 0
  return mixed(
    a,
    b,
    (x, y) => x % y,
    (x, y) => x % y,
  )
}

export const negate = (a: Value): Value => {
  if (typeof a === 'number') return 0 - a
  if (typeof a === 'bigint') return -a
  throw WRONG_TYPE
}

/** Towards zero; a text must be a decimal integer. */
export const toInteger = (a: Value): Value => {
  if (typeof a === 'bigint') return a
  if (typeof a === 'number') return Number.isSafeInteger(a) ? a : integral(Math.trunc(a))
  if (typeof a === 'string' && /^-?\d{1,300}$/.test(a)) return narrow(BigInt(a))
  throw WRONG_TYPE
}

/** A text must be a JSON number. */
export const toDouble = (a: Value): Value => {
  if (typeof a === 'bigint') return finite(Number(a))
  if (typeof a === 'number') return a
  if (typeof a === 'string' && /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(a)) return finite(Number(a))
  throw WRONG_TYPE
}

const sumOf = (x: bigint, y: bigint): bigint => x + y
const differenceOf = (x: bigint, y: bigint): bigint => x - y
const productOf = (x: bigint, y: bigint): bigint => x * y

const isNumeric = (value: Value): value is Numeric => typeof value === 'number' || typeof value === 'bigint'

/** Two numbers whose result left the safe range: exact when both are integers, a double otherwise. */
function beyond(a: number, b: number, result: number, exactly: (x: bigint, y: bigint) => bigint): Value {
  if (Number.isSafeInteger(a) && Number.isSafeInteger(b)) return narrow(exactly(BigInt(a), BigInt(b)))
  return finite(result)
}

function mixed(
  a: Value,
  b: Value,
  exactly: (x: bigint, y: bigint) => bigint,
  roughly: (x: number, y: number) => number,
): Value {
  if (!isNumeric(a) || !isNumeric(b)) throw WRONG_TYPE
  const x = exact(a)
  const y = exact(b)
  return x === undefined || y === undefined ? finite(roughly(Number(a), Number(b))) : bounded(exactly(x, y))
}

/** An integer that is known exactly. A double beyond 2^53 is not: it stands for its neighbourhood. */
const exact = (value: Numeric): bigint | undefined =>
  typeof value === 'bigint' ? value : Number.isSafeInteger(value) ? BigInt(value) : undefined

const finite = (value: number): number => {
  if (!Number.isFinite(value)) throw OVERFLOW
  return value + 0
}

const integral = (value: number): Value => (Number.isSafeInteger(value) ? value + 0 : BigInt(value))

/** Integers end where doubles do; otherwise a repeated square would fill the memory. */
const bounded = (value: bigint): Value => {
  finite(Number(value))
  return narrow(value)
}
