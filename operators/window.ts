/**
 * Which windows an event time belongs to: tumbling and hopping windows [k * slide + offset, ... + size) for every integer k,
 * right for times before 1970 as well. A slide beyond the size leaves gaps, whose records are in no window.
 */
import { CalendarPlaces } from './calendar.ts'
import type { AlignedWindowPlan, PlacedWindowPlan } from './plan.ts'

export interface WindowBounds {
  readonly start: number
  readonly end: number
}

/** Where windows lie that are at the same places for all keys. */
export interface WindowPlaces {
  /** Those that hold `t`, ascending. */
  windowsOf(t: number): readonly WindowBounds[]
  /** The stretch [from, to) around `t` whose times all belong to the same windows. */
  cellOf(t: number): readonly [from: number, to: number]
}

/**
 * What a global window says of its bounds: the years 0000 to 9999, which everybody can read as dates. It closes at no time, so a
 * log's time beyond them changes nothing.
 */
export const ALWAYS: WindowBounds = { start: -62_167_219_200_000, end: 253_402_300_799_999 }

const EVERYWHERE: WindowPlaces = {
  windowsOf: () => [ALWAYS],
  cellOf: () => [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
}

export function placesOf(plan: PlacedWindowPlan): WindowPlaces {
  if (plan.kind === 'calendar') return new CalendarPlaces(plan)
  if (plan.kind === 'global') return EVERYWHERE
  const { sizeMs } = plan
  return {
    windowsOf: (t) => windowStarts(plan, t).map((start) => ({ start, end: start + sizeMs })),
    cellOf: (t) => windowCell(plan, t),
  }
}

/** The largest k * slide + offset that is <= t. */
function lineBelow(t: number, slide: number, offset: number): number {
  return Math.floor((t - offset) / slide) * slide + offset
}

/** Starts of the windows that hold `t`, ascending. */
function windowStarts(plan: AlignedWindowPlan, t: number): number[] {
  const starts: number[] = []
  for (let start = lineBelow(t, plan.slideMs, plan.offsetMs); start + plan.sizeMs > t; start -= plan.slideMs) {
    starts.push(start)
  }
  return starts.reverse()
}

/** The stretch [from, to) around `t` whose times all belong to the same windows: between starts and ends. */
function windowCell(plan: AlignedWindowPlan, t: number): readonly [from: number, to: number] {
  const start = lineBelow(t, plan.slideMs, plan.offsetMs)
  const end = lineBelow(t, plan.slideMs, plan.offsetMs + plan.sizeMs)
  return [Math.max(start, end), Math.min(start, end) + plan.slideMs]
}
