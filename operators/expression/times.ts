/**
 * Times in expressions are numbers: instants are epoch milliseconds and durations are milliseconds, so that they add, compare
 * and divide as numbers do. What calendars say is said in UTC, or at a fixed offset from it.
 */
import { ExpressionError, WRONG_TYPE } from '../errors.ts'
import type { Value } from '../json.ts'
import { formatInstant, instantReader, parseDuration } from '../time.ts'
import { textOf } from './texts.ts'

const EARLIEST = instantReader(undefined)('0000-01-01T00:00:00.000Z')
const LATEST = instantReader(undefined)('9999-12-31T23:59:59.999Z')

const instant = (value: Value): number => {
  if (typeof value === 'number' && value >= EARLIEST && value <= LATEST) return Math.floor(value)
  throw WRONG_TYPE
}

/** @param read of a text; epoch milliseconds pass as they are */
export const timestampBy =
  (read: (text: string) => number) =>
  (value: Value): Value => {
    const time = typeof value === 'string' ? read(value) : instant(value)
    if (Number.isNaN(time)) throw WRONG_TYPE
    return time
  }

export function duration(value: Value): Value {
  try {
    return parseDuration(textOf(value))
  } catch (error) {
    throw error instanceof ExpressionError ? WRONG_TYPE : error
  }
}

/** ISO 8601 in UTC with milliseconds. */
export const isoTime = (value: Value): Value => formatInstant(instant(value))

const OFFSET = /^([+-])(\d\d):(\d\d)$/

/** Milliseconds ahead of UTC. */
function offsetOf(zone: Value): number {
  if (zone === undefined || zone === 'UTC') return 0
  const [, sign, hours, minutes] = OFFSET.exec(textOf(zone)) ?? []
  if (sign === undefined || Number(hours) > 18 || Number(minutes) > 59) throw WRONG_TYPE
  return (sign === '-' ? -60_000 : 60_000) * (Number(hours) * 60 + Number(minutes))
}

const part =
  (read: (date: Date) => number) =>
  (value: Value, zone: Value): Value =>
    read(new Date(instant(value) + offsetOf(zone)))

const startOfYear = (date: Date): number => new Date(date).setUTCMonth(0, 1)

/** Named and counted as in CEL: months and days of the week from 0, with Sunday as the first, days of the month from 1. */
export const PARTS = {
  getFullYear: part((date) => date.getUTCFullYear()),
  getMonth: part((date) => date.getUTCMonth()),
  getDate: part((date) => date.getUTCDate()),
  getDayOfMonth: part((date) => date.getUTCDate() - 1),
  getDayOfWeek: part((date) => date.getUTCDay()),
  getDayOfYear: part((date) => Math.floor((date.getTime() - startOfYear(date)) / 86_400_000)),
  getHours: part((date) => date.getUTCHours()),
  getMinutes: part((date) => date.getUTCMinutes()),
  getSeconds: part((date) => date.getUTCSeconds()),
  getMilliseconds: part((date) => date.getUTCMilliseconds()),
} as const
