/**
 * Daily delays by airport, computed from the published file in the plainest way: nothing of the product is used, so that it
 * can be compared with.
 */
import { readFileSync } from 'node:fs'

export interface FlightRecord {
  readonly date: string
  readonly delay: number
  readonly distance: number
  readonly origin: string
  readonly destination: string
}

export interface DelayRow {
  /** ISO 8601. */
  readonly start: string
  readonly end: string
  readonly key: string
  readonly flights: number
  readonly delayed: number
  readonly meanDelay: number
  readonly worst: number
}

const FILE = new URL('../../node_modules/vega-datasets/data/flights-20k.json', import.meta.url)
const DAY_MS = 86_400_000

export const flightRecords = (): FlightRecord[] => JSON.parse(readFileSync(FILE, 'utf8'))

/** Of flights of at least 100 miles; by start, then key. Delays are integers, so the sums are exact. */
export function delayRows(flights: readonly FlightRecord[]): DelayRow[] {
  const groups = new Map<string, FlightRecord[]>()
  for (const flight of flights) {
    if (flight.distance < 100) continue
    const day = flight.date.slice(0, 10).replaceAll('/', '-')
    const name = `${day} ${flight.origin}`
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [flight])
    else group.push(flight)
  }
  const rows = [...groups].map(([name, group]): DelayRow => {
    const [day = '', key = ''] = name.split(' ')
    const start = Date.parse(`${day}T00:00:00Z`)
    const delays = group.map(({ delay }) => delay)
    return {
      start: new Date(start).toISOString(),
      end: new Date(start + DAY_MS).toISOString(),
      key,
      flights: group.length,
      delayed: delays.filter((delay) => delay > 15).length,
      meanDelay: delays.reduce((sum, delay) => sum + delay, 0) / group.length,
      worst: Math.max(...delays),
    }
  })
  return sortRows(rows)
}

export const sortRows = (rows: readonly DelayRow[]): DelayRow[] =>
  rows.toSorted((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
