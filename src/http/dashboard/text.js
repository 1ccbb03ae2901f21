/** How numbers, times and names are written. Times are UTC, as everywhere in Quorate. */
import { element } from './dom.js'

const GROUPED = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const ROUGH = new Intl.NumberFormat('en', { maximumSignificantDigits: 3, notation: 'compact' })

/** @param {number} value */
export const count = (value) => GROUPED.format(value)

/** @param {number} perSecond */
export const rate = (perSecond) => (perSecond < 1000 ? GROUPED.format(perSecond) : ROUGH.format(perSecond))

const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** @param {number} value */
export function bytes(value) {
  const step = value < 1 ? 0 : Math.min(BYTES.length - 1, Math.floor(Math.log2(value) / 10))
  return `${ROUGH.format(value / 1024 ** step)} ${BYTES[step]}`
}

const UNITS = [
  ['y', 31_556_952_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
]

/** The two largest units that say something. @param {number} ms */
export function duration(ms) {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  const first = UNITS.findIndex(([, size]) => ms >= size)
  let left = ms
  const parts = []
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const whole = Math.floor(left / size)
    if (whole > 0) parts.push(`${whole} ${unit}`)
    left -= whole * size
  }
  return parts.join(' ')
}

/** @param {number} ms */
export const ago = (ms) => (ms < 2000 ? 'now' : `${duration(ms)} ago`)

/** A moment, without what is zero at its end. @param {string | undefined} iso */
export function instant(iso) {
  if (iso === undefined) return '–'
  return time(iso, iso.replace('T', ' ').replace(/(?: 00:00:00\.000|:00\.000|\.000)?Z$/, ''))
}

/** The time of a day. @param {string} iso */
export const clock = (iso) => time(iso, iso.slice(11, 23))

const time = (iso, text) => element('time', { datetime: iso, title: iso }, text)

/** @param {{seq: number, part: number} | undefined} position */
export const positionText = (position) => (position === undefined ? undefined : `${position.seq}.${position.part}`)

/** `flight-delays-7ddb6df59f09-1:0:2` as `flight-delays:0:2`: a job has one generation at a time. @param {string} unit */
export const unitText = (unit) => unit.replace(/-[0-9a-f]{12}-\d+(?=:\d+:\d+$)/, '')

/** @param {string} unit */
export const unitName = (unit) => element('code', { title: unit }, unitText(unit))

/** One of several, in English. @param {number} number @param {string} word */
export const plural = (number, word) => `${count(number)} ${word}${number === 1 ? '' : 's'}`
