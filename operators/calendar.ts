/**
 * Days, weeks and months as clocks show them in a zone. The zone's offsets come with the plan, so that replicas agree whatever
 * tables their machines have. A period begins at the first instant whose local date is in it: where clocks skip midnight that is
 * later than midnight, and an hour that comes twice is in one period.
 */
import type { CalendarWindowPlan } from './plan.ts'
import type { WindowBounds, WindowPlaces } from './window.ts'

const DAY_MS = 86_400_000
/** 1970-01-05, a Monday, in days. */
const MONDAY = 4
/** More than any offset from UTC. */
const MOST_OFFSET_MS = 26 * 3_600_000

export class CalendarPlaces implements WindowPlaces {
  readonly #plan: CalendarWindowPlan

  constructor(plan: CalendarWindowPlan) {
    this.#plan = plan
  }

  windowsOf(t: number): readonly WindowBounds[] {
    return [this.#windowOf(t)]
  }

  /** A window is a stretch of its own. */
  cellOf(t: number): readonly [from: number, to: number] {
    const { start, end } = this.#windowOf(t)
    return [start, end]
  }

  #windowOf(t: number): WindowBounds {
    const { offsets } = this.#plan
    let [first, next] = this.#periodOf(Math.floor((t + (offsets[this.#indexAt(t)]?.offsetMs ?? 0)) / DAY_MS))
    // A local date can come back for a while when clocks are set back.
    while (this.#begin(first) > t) [first, next] = this.#periodOf(first - 1)
    while (this.#begin(next) <= t) [first, next] = this.#periodOf(next)
    return { start: this.#begin(first), end: this.#begin(next) }
  }

  /** First day of the period that holds a local day, and of the next one; days since 1970-01-01. */
  #periodOf(day: number): [first: number, next: number] {
    switch (this.#plan.unit) {
      case 'day':
        return [day, day + 1]
      case 'week': {
        const monday = Math.floor((day - MONDAY) / 7) * 7 + MONDAY
        return [monday, monday + 7]
      }
      case 'month': {
        // Of the proleptic Gregorian calendar, in UTC: no zone and no locale is asked.
        const date = new Date(day * DAY_MS)
        const firstOf = (month: number) => new Date(0).setUTCFullYear(date.getUTCFullYear(), month, 1) / DAY_MS
        return [firstOf(date.getUTCMonth()), firstOf(date.getUTCMonth() + 1)]
      }
    }
  }

  /** The first instant whose local date is this day or a later one. */
  #begin(day: number): number {
    const { offsets } = this.#plan
    const midnight = day * DAY_MS
    for (let i = this.#indexAt(midnight - MOST_OFFSET_MS); ; i++) {
      const { fromMs = Number.NEGATIVE_INFINITY, offsetMs = 0 } = offsets[i] ?? {}
      const begin = i === 0 ? midnight - offsetMs : Math.max(fromMs, midnight - offsetMs)
      if (begin < (offsets[i + 1]?.fromMs ?? Number.POSITIVE_INFINITY)) return begin
    }
  }

  /** Index of the offset in force; the first one is before its own beginning as well. */
  #indexAt(t: number): number {
    const { offsets } = this.#plan
    let low = 0
    let high = offsets.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((offsets[middle]?.fromMs ?? 0) <= t) low = middle
      else high = middle - 1
    }
    return low
  }
}
