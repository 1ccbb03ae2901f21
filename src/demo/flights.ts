/**
 * The demo's data: 20,000 flights of January to March 2001 in the United States, in order of departure, from the Bureau of
 * Transportation Statistics (public domain) as published in vega-datasets. Kept as CSV, compressed.
 */
import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'

export interface Flight {
  /** Local time of departure, `yyyy/MM/dd HH:mm`. */
  readonly date: string
  /** Minutes late on arrival; negative: early. */
  readonly delay: number
  /** Miles. */
  readonly distance: number
  /** Airports, three letters each. */
  readonly origin: string
  readonly destination: string
}

export function loadFlights(): Flight[] {
  const bytes = readFileSync(new URL('flights.csv.br', import.meta.url))
  const [, ...lines] = brotliDecompressSync(bytes).toString().trimEnd().split('\n')
  return lines.map((line) => {
    const [date = '', delay, distance, origin = '', destination = ''] = line.split(',')
    return { date, delay: Number(delay), distance: Number(distance), origin, destination }
  })
}
