/** Event times, durations and their texts. Everything is UTC and the proleptic Gregorian calendar; no locale is asked. */
import { ExpressionError } from './errors.ts'
import type { FieldSet } from './fields.ts'
import type { Value } from './json.ts'
import type { TimePlan } from './plan.ts'

export type TimeReader = (slots: readonly Value[], logTimestamp: number) => number

/** Event times are those of the years 0000 to 9999: what four digits can write, and well inside what windows can add. */
const EARLIEST = -62_167_219_200_000
const LATEST = 253_402_300_799_999

/**
 * Epoch milliseconds of a record; NaN where the field is missing or no time. A number counts as epoch milliseconds, a
 * fraction of one is cut off; a text is ISO 8601, or what the pattern says.
 */
export function compileTime(plan: TimePlan, fields: FieldSet): TimeReader {
  if (plan.kind === 'log') return (_, logTimestamp) => logTimestamp
  const slot = fields.slotOf(plan.path)
  const numbers = plan.pattern === undefined
  const parse = instantReader(plan.pattern)
  // Neighbouring records often have the same time.
  let lastText = ''
  let lastTime = Number.NaN
  return (slots) => {
    const value = slots[slot]
    if (typeof value === 'number')
      return numbers && value >= EARLIEST && value <= LATEST ? Math.floor(value) : Number.NaN
    if (typeof value !== 'string') return Number.NaN
    if (value === lastText) return lastTime
    lastText = value
    lastTime = parse(value)
    return lastTime
  }
}

/**
 * Reads a text as epoch milliseconds, NaN where it is no such time: ISO 8601, or what a pattern says.
 * @throws ExpressionError QRT_TIME_PATTERN
 */
export const instantReader = (pattern: string | undefined): ((text: string) => number) =>
  pattern === undefined ? parseIso : compilePattern(pattern)

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?$/

/** ISO 8601 date or date-time; UTC unless it carries an offset; NaN when it is none. Digits below 1 ms are cut off. */
function parseIso(text: string): number {
  const match = ISO.exec(text)
  if (match === null) return Number.NaN
  const [, year, month, day, hour, minute, second, fraction, zone] = match
  const millis = fraction === undefined ? 0 : Number(fraction.padEnd(3, '0').slice(0, 3))
  const time = instantOf(
    Number(year),
    Number(month),
    Number(day),
    Number(hour ?? 0),
    Number(minute ?? 0),
    Number(second ?? 0),
    millis,
  )
  if (zone === undefined || zone === 'Z') return time
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(-2))
  if (hours > 23 || minutes > 59) return Number.NaN
  const instant = time - (zone[0] === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000
  return instant >= EARLIEST && instant <= LATEST ? instant : Number.NaN
}

function instantOf(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  millis: number,
): number {
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59)
    return Number.NaN
  return daysFromEpoch(year, month, day) * 86_400_000 + hour * 3_600_000 + minute * 60_000 + second * 1000 + millis
}

const daysIn = (year: number, month: number): number => {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Days since 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil). */
function daysFromEpoch(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

/** Pattern letters, their width, and the part they set: year, month, day, hour, minute, second, millisecond. */
const LETTERS = ['y', 'M', 'd', 'H', 'm', 's', 'S'] as const
const MOST_DIGITS = [4, 2, 2, 2, 2, 2, 3]

interface PatternPart {
  /** Index into LETTERS, or -1 for literal text. */
  readonly letter: number
  readonly width: number
  readonly text: string
}

/**
 * A parser for a pattern of y M d H m s S, literal text (letters in single quotes). Widths are exact.
 * @throws ExpressionError QRT_TIME_PATTERN
 */
function compilePattern(pattern: string): (text: string) => number {
  const parts = patternParts(pattern)
  const length = parts.reduce((sum, part) => sum + part.width, 0)
  return (text) => {
    if (text.length !== length) return Number.NaN
    const numbers = [1970, 1, 1, 0, 0, 0, 0]
    let at = 0
    for (const { letter, width, text: literal } of parts) {
      if (letter < 0) {
        if (!text.startsWith(literal, at)) return Number.NaN
      } else {
        let number = 0
        for (let i = at; i < at + width; i++) {
          const digit = text.charCodeAt(i) - 48
          if (digit < 0 || digit > 9) return Number.NaN
          number = number * 10 + digit
        }
        numbers[letter] = letter === 6 ? number * 10 ** (3 - width) : number
      }
      at += width
    }
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millis = 0] = numbers
    return instantOf(year, month, day, hour, minute, second, millis)
  }
}

function patternParts(pattern: string): PatternPart[] {
  const parts: PatternPart[] = []
  let at = 0
  while (at < pattern.length) {
    const char = pattern[at] as string
    if (char === "'") {
      // Two quotes are one, inside quotes and outside.
      const [quoted] = /^'(?:[^']|'')*'/.exec(pattern.slice(at)) ?? []
      if (quoted === undefined) {
        throw new ExpressionError('QRT_TIME_PATTERN', `the quote in "${pattern}" is not closed`, at)
      }
      const text = quoted === "''" ? "'" : quoted.slice(1, -1).replaceAll("''", "'")
      parts.push({ letter: -1, width: text.length, text })
      at += quoted.length
      continue
    }
    if (!/[A-Za-z]/.test(char)) {
      parts.push({ letter: -1, width: 1, text: char })
      at += 1
      continue
    }
    const letter = (LETTERS as readonly string[]).indexOf(char)
    let width = 1
    while (pattern[at + width] === char) width += 1
    const most = MOST_DIGITS[letter]
    if (most === undefined) {
      throw new ExpressionError(
        'QRT_TIME_PATTERN',
        `unknown letter "${char}" in "${pattern}"; known: y M d H m s S, others in single quotes`,
        at,
      )
    }
    if (letter === 0 && width !== 4)
      throw new ExpressionError('QRT_TIME_PATTERN', `expected yyyy, found "${char.repeat(width)}"`, at)
    if (parts.some((part) => part.letter === letter))
      throw new ExpressionError('QRT_TIME_PATTERN', `"${char}" stands twice in "${pattern}"`, at)
    if (width > most)
      throw new ExpressionError('QRT_TIME_PATTERN', `"${char.repeat(width)}" has more than ${most} digits`, at)
    parts.push({ letter, width, text: '' })
    at += width
  }
  if (!parts.some(({ letter }) => letter === 0))
    throw new ExpressionError('QRT_TIME_PATTERN', `"${pattern}" has no year (yyyy)`, 0)
  return parts
}

/** Smaller ones first. */
const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/**
 * Milliseconds of a duration such as `1d`, `90s`, `1h30m`, `250ms`: each unit at most once, larger ones first.
 * @throws ExpressionError QRT_DURATION
 */
export function parseDuration(text: string): number {
  const example = 'write for example 250ms, 10s, 1h30m or 1d'
  if (!/^(\d+(ms|[smhdw]))+$/.test(text)) {
    throw new ExpressionError('QRT_DURATION', `"${text}" is not a duration; ${example}`, 0)
  }
  let total = 0
  let smallest = Number.POSITIVE_INFINITY
  for (const { 1: amount, 2: unit = '', index } of text.matchAll(/(\d+)(ms|[smhdw])/g)) {
    const milliseconds = UNITS[unit] as number
    if (milliseconds >= smallest) {
      throw new ExpressionError('QRT_DURATION', `"${unit}" in "${text}" must stand before smaller units, once`, index)
    }
    smallest = milliseconds
    total += Number(amount) * milliseconds
  }
  if (total > LATEST) throw new ExpressionError('QRT_DURATION', `"${text}" is longer than 8000 years`, 0)
  return total
}

/** As durations are written in job documents: `1d`, `1h30m`. @param milliseconds a whole number, not negative */
export function formatDuration(milliseconds: number): string {
  let left = milliseconds
  let text = ''
  for (const [unit, size] of Object.entries(UNITS).reverse()) {
    if (left >= size) text += `${Math.floor(left / size)}${unit}`
    left %= size
  }
  return text === '' ? '0s' : text
}

const DAY_MS = 86_400_000

/** Rows of a cut are of few days, and making a date costs several times the rest. */
let formattedDay = Number.NaN
let dayText = ''

/** ISO 8601 in UTC with milliseconds. */
export function formatInstant(epochMs: number): string {
  const day = Math.floor(epochMs / DAY_MS)
  if (day !== formattedDay || !Number.isInteger(epochMs)) {
    // A RangeError for what no date can have.
    const text = new Date(epochMs).toISOString()
    if (!Number.isInteger(epochMs)) return text
    dayText = text.slice(0, -13)
    formattedDay = day
    return text
  }
  const time = epochMs - day * DAY_MS
  const clock = Math.floor(time / 1000)
  const seconds = clock % 60
  const minutes = Math.floor(clock / 60) % 60
  return `${dayText}${twoDigits(Math.floor(clock / 3600))}:${twoDigits(minutes)}:${twoDigits(seconds)}.${String(time % 1000).padStart(3, '0')}Z`
}

const twoDigits = (value: number): string => (value < 10 ? `0${value}` : String(value))
