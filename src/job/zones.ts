/**
 * Offsets of time zones, from the tables that come with Node. They are asked for once, when a document is read, and go into the
 * plan: what runs never asks a machine for its tables.
 */
import type { ZoneOffset } from '../../operators/index.ts'

const FROM = Date.UTC(1970, 0, 1)
const TO = Date.UTC(2100, 0, 1)
/** Shorter than any stretch between two changes of clocks. */
const STEP_MS = 7 * 86_400_000

const known = new Map<string, readonly ZoneOffset[]>()

/** From 1970 to 2100; undefined for a name that is no zone. */
export function zoneOffsets(zone: string): readonly ZoneOffset[] | undefined {
  const found = known.get(zone)
  if (found !== undefined) return found
  const offsetAt = offsetsOf(zone)
  if (offsetAt === undefined) return undefined
  const offsets: ZoneOffset[] = [{ fromMs: FROM, offsetMs: offsetAt(FROM) }]
  let before = FROM
  for (let at = FROM + STEP_MS; before < TO; at = Math.min(at + STEP_MS, TO)) {
    const offsetMs = offsetAt(at)
    if (offsetMs !== offsets.at(-1)?.offsetMs) offsets.push({ fromMs: changeBetween(before, at, offsetAt), offsetMs })
    before = at
  }
  known.set(zone, offsets)
  return offsets
}

/** The first instant with the offset that is in force at `after`. Clocks change on whole seconds. */
function changeBetween(before: number, after: number, offsetAt: (t: number) => number): number {
  const offset = offsetAt(after)
  let low = before / 1000
  let high = after / 1000
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(middle * 1000) === offset) high = middle
    else low = middle
  }
  return high * 1000
}

function offsetsOf(zone: string): ((t: number) => number) | undefined {
  // Offsets such as +02:00 are zones to Intl; here a zone is a name.
  if (!/^[A-Za-z]/.test(zone)) return undefined
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
  return (t) => {
    const text = format.formatToParts(t).find(({ type }) => type === 'timeZoneName')?.value ?? ''
    const [, sign, hours = 0, minutes = 0, seconds = 0] = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text) ?? []
    return (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000 + 0
  }
}
