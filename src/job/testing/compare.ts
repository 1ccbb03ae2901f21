/**
 * Expected rows beside those that came out. The order of rows is no part of a result, so rows are paired whatever their order.
 * Fields that every row has besides its own (key, window, revision, final) count where they are expected.
 */
import { canonicalText } from '../../../mesh/index.ts'

export interface Difference {
  /** Expected, and not there. */
  readonly missing: readonly string[]
  /** There, and not expected. */
  readonly unexpected: readonly string[]
}

const OPTIONAL = ['key', 'window', 'revision', 'final'] as const

/** Rows of windows, or `{ key, value }`. An expected text is JSON, for numbers that a document cannot hold exactly. */
export function compareRows(expected: readonly unknown[], found: readonly string[]): Difference {
  return compare(expected, found, (row, out) => {
    const optional = OPTIONAL.filter((name) => !Object.hasOwn(row, name))
    return canonicalText(without(out, optional)) === canonicalText(row)
  })
}

/** Dead letters: every field that is expected is there. */
export function compareLetters(expected: readonly unknown[], found: readonly string[]): Difference {
  return compare(expected, found, (letter, out) =>
    Object.entries(letter).every(([name, value]) => canonicalText(out[name] ?? null) === canonicalText(value)),
  )
}

type Fields = Readonly<Record<string, unknown>>

function compare(
  expected: readonly unknown[],
  found: readonly string[],
  matches: (expected: Fields, found: Fields) => boolean,
): Difference {
  const left = [...found]
  const missing: string[] = []
  for (const row of expected) {
    const at = left.findIndex((text) =>
      typeof row === 'string' ? sameText(row, text) : matchesFields(row, text, matches),
    )
    if (at < 0) missing.push(typeof row === 'string' ? row : canonicalText(row))
    else left.splice(at, 1)
  }
  return { missing, unexpected: left }
}

const matchesFields = (row: unknown, text: string, matches: (expected: Fields, found: Fields) => boolean): boolean =>
  typeof row === 'object' && row !== null && !Array.isArray(row) && matches(row as Fields, JSON.parse(text) as Fields)

/** Space by space as rows are written: no parser of ours could keep every number. */
const sameText = (expected: string, found: string): boolean => expected.trim() === found

const without = (fields: Fields, names: readonly string[]): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)))
