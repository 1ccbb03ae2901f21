/**
 * How fast it goes, from what successive answers say: a peer tells where its units are, not how quickly they got there. Kept
 * for a few minutes, for lines that show which way it goes.
 */
import { svg } from './dom.js'

const KEPT = 90
/** The time over which a rate is taken: progress is reported in steps. */
const OVER_MS = 4000

/** A number that only grows, seen now and then. */
class Counter {
  #seen = []

  /** @param {number} at milliseconds @param {number} value */
  add(at, value) {
    this.#seen.push({ at, value })
    while (this.#seen.length > 2 && at - this.#seen[1].at >= OVER_MS) this.#seen.shift()
  }

  /** Per second. Another replica that answers may be a little behind: that is no negative rate. */
  get rate() {
    const [first, last] = [this.#seen[0], this.#seen.at(-1)]
    const elapsedMs = last.at - first.at
    return elapsedMs <= 0 ? 0 : Math.max(0, ((last.value - first.value) / elapsedMs) * 1000)
  }
}

export class Rates {
  #counters = new Map()
  #histories = new Map()

  /** @param {number} at milliseconds @param {readonly any[]} units */
  add(at, units) {
    const lastStages = new Map()
    for (const { job, stage } of units) lastStages.set(job, Math.max(stage, lastStages.get(job) ?? 0))
    for (const { unit, job, stage, offset, rows } of units) {
      this.#count(`read ${unit}`, at, offset)
      if (stage === lastStages.get(job)) this.#count(`rows ${unit}`, at, rows)
    }
    const sources = units.filter(({ stage }) => stage === 0)
    this.#keep('read', sum(sources.map(({ unit }) => this.of(`read ${unit}`))))
    this.#keep('rows', sum(units.map(({ unit }) => this.of(`rows ${unit}`))))
    this.#keep('lag', sum(units.map(({ offset, endOffset }) => endOffset - offset)))
    for (const { unit } of units) this.#keep(`read ${unit}`, this.of(`read ${unit}`))
    this.#forget(new Set(units.map(({ unit }) => unit)))
  }

  /** Units of deleted jobs go. */
  #forget(units) {
    for (const kept of [this.#counters, this.#histories]) {
      for (const name of kept.keys()) {
        const [, unit] = name.split(' ')
        if (unit !== undefined && !units.has(unit)) kept.delete(name)
      }
    }
  }

  /** Per second: `read <unit>` and `rows <unit>`. @param {string} name */
  of(name) {
    return this.#counters.get(name)?.rate ?? 0
  }

  /** Oldest first: `read`, `rows`, `lag`, `read <unit>`. @param {string} name */
  history(name) {
    return this.#histories.get(name) ?? []
  }

  /** The last of a history. @param {string} name */
  latest(name) {
    return this.history(name).at(-1) ?? 0
  }

  #count(name, at, value) {
    if (!this.#counters.has(name)) this.#counters.set(name, new Counter())
    this.#counters.get(name).add(at, value)
  }

  #keep(name, value) {
    const history = this.history(name)
    history.push(value)
    if (history.length > KEPT) history.shift()
    this.#histories.set(name, history)
  }
}

/** @param {readonly number[]} values */
export const sum = (values) => values.reduce((total, value) => total + value, 0)

const WIDTH = 90
const HEIGHT = 22

/** A line without scales beside the number that it leads to. @param {readonly number[]} values */
export function sparkline(values) {
  const most = Math.max(1e-9, ...values)
  const points = values.map((value, index) => {
    const x = WIDTH - (values.length - 1 - index) * (WIDTH / (KEPT - 1))
    return `${x.toFixed(1)},${(HEIGHT - 1 - (value / most) * (HEIGHT - 3)).toFixed(1)}`
  })
  const line = points.length < 2 ? [] : [svg('polyline', { points: points.join(' ') })]
  const size = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT }
  return svg('svg', { ...size, className: 'spark', 'aria-hidden': 'true' }, ...line)
}
