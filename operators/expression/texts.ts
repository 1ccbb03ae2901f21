/**
 * Functions of texts. Places and lengths count characters (code points), as `size` does; a place beyond an end means that
 * end. White space is that of ASCII, and so are letters where case matters: what Unicode says of others depends on its version.
 */
import { WRONG_TYPE } from '../errors.ts'
import type { Value } from '../json.ts'
import { spend, spendOnList, spendOnText } from './work.ts'

export const textOf = (value: Value): string => {
  if (typeof value === 'string') return value
  throw WRONG_TYPE
}

/** A whole number within what can be a place. */
const placeOf = (value: Value): number => {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw WRONG_TYPE
}

const SURROGATE = /[\ud800-\udfff]/

/** Characters of a text. */
export function lengthOf(text: string): number {
  let count = text.length
  if (!SURROGATE.test(text)) return count
  for (let i = 0; i < text.length - 1; i++) {
    if ((text.codePointAt(i) as number) <= 0xffff) continue
    count -= 1
    i += 1
  }
  return count
}

/** Index of the code unit at which the character number `place` begins; the length where there is none. */
function unitAt(text: string, place: number): number {
  if (place <= 0) return 0
  if (!SURROGATE.test(text)) return Math.min(place, text.length)
  let at = 0
  for (let left = place; left > 0 && at < text.length; left--) at += (text.codePointAt(at) as number) > 0xffff ? 2 : 1
  return at
}

/** Number of the character at a code unit; -1 stays -1. */
const placeAt = (text: string, unit: number): number => (unit < 0 ? -1 : lengthOf(text.slice(0, unit)))

export function substring(value: Value, from: Value, to: Value): Value {
  const text = textOf(value)
  const start = unitAt(text, placeOf(from))
  return to === undefined ? text.slice(start) : text.slice(start, Math.max(start, unitAt(text, placeOf(to))))
}

export function charAt(value: Value, place: Value): Value {
  const text = textOf(value)
  const at = placeOf(place)
  return at < 0 ? '' : text.slice(unitAt(text, at), unitAt(text, at + 1))
}

export function indexOf(value: Value, part: Value, from: Value): Value {
  const text = textOf(value)
  return placeAt(text, text.indexOf(textOf(part), from === undefined ? 0 : unitAt(text, placeOf(from))))
}

export function lastIndexOf(value: Value, part: Value): Value {
  const text = textOf(value)
  return placeAt(text, text.lastIndexOf(textOf(part)))
}

/** Every occurrence; an empty part occurs nowhere. */
export function replace(value: Value, part: Value, by: Value): Value {
  const text = textOf(value)
  const pieces = piecesOf(text, textOf(part))
  const replacement = textOf(by)
  spendOnText(text.length + (pieces.length - 1) * replacement.length)
  return pieces.join(replacement)
}

/** @param limit the most items; the last of them is the rest */
export function split(value: Value, separator: Value, limit: Value): Value {
  const text = textOf(value)
  const pieces = textOf(separator) === '' ? [...text] : piecesOf(text, textOf(separator))
  spendOnList(pieces.length)
  if (limit === undefined) return pieces
  const most = placeOf(limit)
  if (most < 1) throw WRONG_TYPE
  if (pieces.length <= most) return pieces
  return [...pieces.slice(0, most - 1), pieces.slice(most - 1).join(textOf(separator))]
}

function piecesOf(text: string, separator: string): readonly string[] {
  spend(text.length)
  return separator === '' ? [text] : text.split(separator)
}

export function join(value: Value, separator: Value): Value {
  if (!Array.isArray(value)) throw WRONG_TYPE
  const between = separator === undefined ? '' : textOf(separator)
  let length = 0
  for (const item of value as readonly Value[]) length += textOf(item).length + between.length
  spendOnText(length)
  spend(length)
  return value.join(between)
}

export const trim = (value: Value): Value =>
  textOf(value)
    .replace(/^[ \t\n\r\f\v]+/, '')
    .replace(TRAILING, '')

// From the last character that is none: the obvious pattern would try every white space in the midst of the text.
const TRAILING = /(?<![ \t\n\r\f\v])[ \t\n\r\f\v]+$/

export const lowerAscii = (value: Value): Value => textOf(value).replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
export const upperAscii = (value: Value): Value => textOf(value).replace(/[a-z]+/g, (letters) => letters.toUpperCase())
