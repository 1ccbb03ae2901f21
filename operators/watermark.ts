/**
 * The clock of a stage: how far event time has come, from records or from the marks of earlier stages, and where on the cut
 * grid that is. Watermarks never go back.
 */
import { earlyStep } from './early.ts'
import type { WindowPlan } from './plan.ts'
import { placesOf, type WindowPlaces } from './window.ts'

/**
 * The minimum over all source partitions of the job. One that has said nothing holds it at -Infinity; an idle one is left out
 * until it speaks again. When the partitions that are not at their end are all idle, the minimum stays where it is.
 * A source that is a unit of the stage before is never left out: it sleeps because its own sources do, and when those wake it may
 * be the last to hear of it.
 */
export class SourceWatermarks {
  marks: Float64Array
  idle: Uint8Array
  readonly #first: number
  /** From this one on. */
  readonly #units: number

  /**
   * @param units so many of the sources, the last, are units of the stage before
   * @param first the number of the first source
   */
  constructor(sources: number, units = 0, first = 0) {
    this.#first = first
    this.#units = units === 0 ? Number.POSITIVE_INFINITY : sources - units
    this.marks = new Float64Array(sources).fill(Number.NEGATIVE_INFINITY)
    this.idle = new Uint8Array(sources)
  }

  /** New ones have said nothing yet, and hold the minimum where it is. */
  grow(sources: number): void {
    if (sources <= this.marks.length) return
    const { marks, idle } = this
    this.marks = new Float64Array(sources).fill(Number.NEGATIVE_INFINITY)
    this.idle = new Uint8Array(sources)
    this.marks.set(marks)
    this.idle.set(idle)
  }

  mark(number: number, watermark: number, idle: boolean): void {
    const source = number - this.#first
    if (source < 0) throw new RangeError(`source ${number} of those from ${this.#first} on`)
    // A partition that nobody was told of yet counts from its first word on.
    this.grow(source + 1)
    if (watermark > (this.marks[source] as number)) this.marks[source] = watermark
    this.idle[source] = idle ? 1 : 0
  }

  /** The minimum, or undefined when nobody is there who could move it. */
  minimum(): number | undefined {
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < this.marks.length; i++) {
      const mark = this.marks[i] as number
      if ((this.idle[i] === 0 || i >= this.#units) && mark < least) least = mark
    }
    return least < Number.POSITIVE_INFINITY || !this.asleep ? least : undefined
  }

  /** Those that are not at their end are idle, and there are some. */
  get asleep(): boolean {
    let sleeping = false
    for (let i = 0; i < this.marks.length; i++) {
      if (this.idle[i] === 1) sleeping = true
      else if ((this.marks[i] as number) < Number.POSITIVE_INFINITY) return false
    }
    return sleeping
  }
}

/**
 * Where the grid of cuts lies: on the ends of windows where there are windows, so that a close is a crossing; and on lines of
 * its own where open windows are shown.
 */
export class CutGrid {
  readonly #step: number
  readonly #origin: number
  /** In place of steps of one size. */
  readonly #calendar: WindowPlaces | undefined
  /** Between the lines for open windows; Infinity: there are none. */
  readonly #earlyStep: number

  constructor(stepMs: number, window: WindowPlan | undefined) {
    this.#step = stepMs
    this.#calendar = window?.kind === 'calendar' ? placesOf(window) : undefined
    this.#origin = window?.kind === 'aligned' ? window.offsetMs + window.sizeMs : 0
    this.#earlyStep = earlyStep(window?.emit)
  }

  /** The first line after a watermark; any finite watermark is across the one after -Infinity. */
  after(watermark: number): number {
    if (watermark === Number.NEGATIVE_INFINITY) return -Number.MAX_VALUE
    if (watermark === Number.POSITIVE_INFINITY) return watermark
    return Math.min(this.#closeAfter(watermark), this.earlyAfter(watermark))
  }

  #closeAfter(watermark: number): number {
    if (this.#calendar !== undefined) return this.#calendar.cellOf(watermark)[1]
    return (Math.floor((watermark - this.#origin) / this.#step) + 1) * this.#step + this.#origin
  }

  /** The first line for open windows after a finite watermark. */
  earlyAfter(watermark: number): number {
    const step = this.#earlyStep
    return step === Number.POSITIVE_INFINITY ? step : (Math.floor(watermark / step) + 1) * step
  }
}
