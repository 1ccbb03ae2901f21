/** Instants of binary formats as text: ISO 8601, UTC, with as many digits as there are, since a number of milliseconds has three. */
import { EvaluationError } from './errors.ts'

const OUT_OF_RANGE = new EvaluationError('QRT_RECORD_NUMBER')

/** Years 0000 to 9999: what four digits can write, and what event times can be. */
const FIRST_SECOND = -62_167_219_200n
const LAST_SECOND = 253_402_300_799n

/**
 * @param nanos of the second, 0 to 999,999,999; none, three, six or nine digits are written
 * @throws EvaluationError QRT_RECORD_NUMBER outside the years 0000 to 9999
 */
export function isoInstant(seconds: bigint, nanos: number): string {
  if (seconds < FIRST_SECOND || seconds > LAST_SECOND) throw OUT_OF_RANGE
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  if (nanos === 0) return `${whole}Z`
  const digits = String(nanos).padStart(9, '0')
  return `${whole}.${digits.endsWith('000000') ? digits.slice(0, 3) : digits.endsWith('000') ? digits.slice(0, 6) : digits}Z`
}

/** The day as `yyyy-MM-dd`. @param days since 1970-01-01 */
export function isoDate(days: number): string {
  return isoInstant(BigInt(days) * 86_400n, 0).slice(0, 10)
}

/** @param perSecond 1,000 for milliseconds, and so on: a divisor of 1,000,000,000 */
export function isoOf(count: bigint, perSecond: bigint): string {
  const rest = ((count % perSecond) + perSecond) % perSecond
  return isoInstant((count - rest) / perSecond, Number((rest * 1_000_000_000n) / perSecond))
}
