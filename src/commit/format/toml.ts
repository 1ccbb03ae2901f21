/**
 * Rows in TOML 1.0, as the source format of the same name reads them: a value of a topic is a document, and a file has one array of
 * tables, `[[row]]`. TOML has no null: a field that is null is left out, as one that is missing is. A null within a list does not fit,
 * since those behind it would take its place.
 */
import { Misfit, misfit } from './misfit.ts'
import { doubleOf } from './row.ts'

type Fields = Readonly<Record<string, unknown>>

/** Of the value of a row. @throws Misfit */
export function tomlDocument(value: unknown): string {
  if (!isTable(value)) throw misfit([], 'an object, as a TOML document is one', value)
  return lines(value, [])
}

/** A row of the array that a file is; what is below its value is in a table of its own. @throws Misfit */
export function tomlRow({ value, ...row }: Fields): string {
  const own = `[[row]]\n${lines(row, [])}`
  return isTable(value) ? `${own}\n[row.value]\n${lines(value, ['value'])}\n` : `${own}${lines({ value }, [])}\n`
}

/** `name = value` for each field that is not null. */
function lines(fields: Fields, path: readonly string[]): string {
  return present(fields)
    .map(([name, value]) => `${nameOf(name, path)} = ${inline(value, [...path, name])}\n`)
    .join('')
}

function inline(value: unknown, path: readonly string[]): string {
  switch (typeof value) {
    case 'string':
      return quoted(value, path)
    case 'boolean':
      return String(value)
    case 'number':
      return numberText(value)
    case 'bigint':
      return integerText(value, path)
    default:
      break
  }
  if (Array.isArray(value)) {
    return `[${value.map((item, i) => inline(item, [...path, String(i)])).join(', ')}]`
  }
  if (!isTable(value)) throw misfit(path, 'no null within a list, which TOML cannot say', value)
  const fields = present(value).map(([name, field]) => `${nameOf(name, path)} = ${inline(field, [...path, name])}`)
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`
}

const present = (fields: Fields): [string, unknown][] => Object.entries(fields).filter(([, value]) => value !== null)

/** A float has a point or an exponent; without one these are the digits of an integer. */
function numberText(value: number): string {
  const text = String(value)
  return Number.isSafeInteger(value) || /[.e]/.test(text) ? text : `${text}.0`
}

/** Integers have 64 bits; a greater one is a double where that is the same number. */
function integerText(value: bigint, path: readonly string[]): string {
  if (BigInt.asIntN(64, value) === value) return String(value)
  const double = doubleOf(value)
  if (double === undefined) throw misfit(path, 'an integer of 64 bits', value)
  return numberText(double)
}

const nameOf = (name: string, path: readonly string[]): string =>
  /^[A-Za-z0-9_-]+$/.test(name) ? name : quoted(name, [...path, name])

/** JSON's escapes are TOML's, which has one more character that it does not take as it is. */
function quoted(text: string, path: readonly string[]): string {
  if (!text.isWellFormed()) throw new Misfit(`${path.join('.')}: expected Unicode text, found half of a surrogate pair`)
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f')
}

const isTable = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
