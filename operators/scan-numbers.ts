/**
 * JSON numbers from bytes: integers up to 15 digits and short fractions by hand, everything else by the engine's own
 * correctly rounded conversion.
 */
import { integerOf, type Value } from './json.ts'
import { isDigit, latin1 } from './scan-bytes.ts'
import type { ScanCursor } from './scan-values.ts'

/** Powers of ten that a double holds exactly (Clinger, "How to Read Floating Point Numbers Accurately", 1990). */
export const POWERS = Array.from({ length: 23 }, (_, i) => 10 ** i)

/** The usual number, an integer of at most 15 digits, is added up in two halves that fit 32 bits. */
export function readNumber(cursor: ScanCursor, first: number): Value {
  const { bytes } = cursor
  const { length } = bytes
  const start = cursor.at
  const negative = first === 0x2d
  const digits = negative ? start + 1 : start
  let at = digits
  let high = 0
  let digit = 0
  for (const end = Math.min(length, digits + 9); at < end; at++) {
    digit = (bytes[at] as number) - 0x30
    if (digit < 0 || digit > 9) break
    high = (high * 10 + digit) | 0
  }
  const middle = at
  let low = 0
  if (at - digits === 9) {
    for (const end = Math.min(length, digits + 15); at < end; at++) {
      digit = (bytes[at] as number) - 0x30
      if (digit < 0 || digit > 9) break
      low = (low * 10 + digit) | 0
    }
  }
  const next = at < length ? (bytes[at] as number) : 0
  const leadingZero = bytes[digits] === 0x30 && at - digits > 1
  if (at === digits || leadingZero || next === 0x2e || next === 0x65 || next === 0x45 || isDigit(next)) {
    return oddNumber(cursor)
  }
  cursor.at = at
  const value = at === middle ? high : high * (POWERS[at - middle] as number) + low
  return negative && value !== 0 ? -value : value
}

/** A number with a fraction or an exponent, a long one, or none at all. */
function oddNumber(cursor: ScanCursor): Value {
  const { bytes } = cursor
  const start = cursor.at
  skipNumber(cursor)
  if (cursor.failed !== undefined) return undefined
  const from = bytes[start] === 0x2d ? start + 1 : start
  let mantissa = 0
  let fraction = -1
  for (let i = from; i < cursor.at; i++) {
    const digit = (bytes[i] as number) - 0x30
    if (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit
      if (fraction >= 0) fraction += 1
    } else if (digit === 0x2e - 0x30) fraction = 0
    else return longNumber(cursor, start, false)
  }
  if (cursor.at - from > 16) return longNumber(cursor, start, fraction < 0)
  if (fraction < 0) return longNumber(cursor, start, true)
  // A mantissa below 2^53 and an exact power of ten divide to the correctly rounded double.
  const value = mantissa / (POWERS[fraction] as number)
  return from > start && value !== 0 ? -value : value
}

function longNumber(cursor: ScanCursor, start: number, integer: boolean): Value {
  const text = latin1(cursor.bytes, start, cursor.at)
  return integer ? integerOf(text) : Number(text) + 0
}

export function skipNumber(cursor: ScanCursor): void {
  const { bytes } = cursor
  const start = cursor.at
  let at = start
  if (bytes[at] === 0x2d) at += 1
  const digits = at
  while (isDigit(bytes[at])) at += 1
  if (at === digits || (bytes[digits] === 0x30 && at - digits > 1)) {
    cursor.fail('QRT_RECORD_SYNTAX')
    return
  }
  if (bytes[at] === 0x2e) {
    const from = at + 1
    at = from
    while (isDigit(bytes[at])) at += 1
    if (at === from) {
      cursor.fail('QRT_RECORD_SYNTAX')
      return
    }
  }
  const exponent = bytes[at] === 0x65 || bytes[at] === 0x45
  if (exponent) {
    at += 1
    if (bytes[at] === 0x2b || bytes[at] === 0x2d) at += 1
    const from = at
    while (isDigit(bytes[at])) at += 1
    if (at === from) {
      cursor.fail('QRT_RECORD_SYNTAX')
      return
    }
  }
  cursor.at = at
  // What exceeds the doubles is refused, wanted or not. Below 300 digits without an exponent nothing does.
  if ((exponent || at - start > 300) && !Number.isFinite(Number(latin1(bytes, start, at)))) {
    cursor.fail('QRT_RECORD_NUMBER')
  }
}
