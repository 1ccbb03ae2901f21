/**
 * The windows that a stage holds, and what each still owes. A group owes a row when its window is closed, or its content is
 * asked for (by silence, or by a job that shows open windows), and the row would say something new: other content than its last
 * row, or that it is final now.
 */

import { ripeAt } from './early.ts'
import type { PlacedWindowPlan } from './plan.ts'
import { placesOf, type WindowPlaces } from './window.ts'
import { GroupTable, ROWS } from './window-table.ts'

export interface OpenWindow {
  readonly start: number
  readonly end: number
  /** The watermark that closes it. */
  readonly closesAt: number
  /** From this watermark on nothing can change it. */
  readonly expiry: number
  readonly table: GroupTable
}

export class WindowStore {
  /** The least watermark at which some group owes a row, counting what is known now. */
  owedFrom = Number.POSITIVE_INFINITY
  /** Some group has what an early row needs. */
  ripe = false
  readonly #ripeAt: number
  readonly #global: boolean
  readonly #places: WindowPlaces
  readonly #allowedLatenessMs: number
  /** Before a shuffle nothing is ever late: the stage that merges judges. */
  readonly #judgesLateness: boolean
  readonly #initial: Float64Array
  readonly #windows = new Map<number, OpenWindow>()
  // The windows of the last record's stretch of time, good while they are all open.
  #cellFrom = 0
  #cellTo = Number.NEGATIVE_INFINITY
  #cellUntil = Number.NEGATIVE_INFINITY
  #cell: readonly OpenWindow[] = []

  constructor(plan: PlacedWindowPlan, judgesLateness: boolean, initial: Float64Array) {
    this.#places = placesOf(plan)
    this.#allowedLatenessMs = plan.allowedLatenessMs
    this.#judgesLateness = judgesLateness
    this.#initial = initial
    this.#ripeAt = ripeAt(plan.emit)
    this.#global = plan.kind === 'global'
  }

  get size(): number {
    return this.#windows.size
  }

  /** The windows that take a record of time `t` at this watermark, or undefined when it is late for all it belongs to. */
  accepting(t: number, watermark: number): readonly OpenWindow[] | undefined {
    if (t >= this.#cellFrom && t < this.#cellTo && watermark < this.#cellUntil) return this.#cell
    const windows = this.#places.windowsOf(t)
    const accepting: OpenWindow[] = []
    let until = Number.POSITIVE_INFINITY
    for (const { start, end } of windows) {
      const window = this.window(start, end, watermark)
      if (window === undefined) continue
      accepting.push(window)
      if (this.#judgesLateness) until = Math.min(until, window.closesAt)
    }
    if (accepting.length === 0 && windows.length > 0) return undefined
    const [from, to] = this.#places.cellOf(t)
    this.#cellFrom = from
    this.#cellTo = to
    this.#cellUntil = until
    this.#cell = accepting
    return accepting
  }

  /** The window with these bounds; undefined when it takes nothing more. */
  window(start: number, end: number, watermark: number): OpenWindow | undefined {
    if (this.#judgesLateness && watermark >= this.#closing(end) + this.#allowedLatenessMs) return undefined
    return this.open(start, end)
  }

  /** A window of all time ends where the input does. */
  #closing(end: number): number {
    return this.#global ? Number.POSITIVE_INFINITY : end
  }

  /** The window with these bounds, made where there is none. */
  open(start: number, end: number): OpenWindow {
    const known = this.#windows.get(start)
    if (known !== undefined) return known
    const window = {
      start,
      end,
      closesAt: this.#closing(end),
      expiry: this.#closing(end) + this.#allowedLatenessMs,
      table: new GroupTable(this.#initial, this.#ripeAt),
    }
    this.#windows.set(start, window)
    return window
  }

  /** To be called before a group of a window without changes changes. */
  willOwe(window: OpenWindow): void {
    if (window.closesAt < this.owedFrom) this.owedFrom = window.closesAt
  }

  /** By (end, start); none holds another, so by start. */
  inOrder(): OpenWindow[] {
    return [...this.#windows.values()].sort((a, b) => a.start - b.start)
  }

  /** Open windows hold content that no row shows. */
  unshown(watermark: number): boolean {
    for (const { closesAt, table } of this.#windows.values()) if (closesAt > watermark && table.changed > 0) return true
    return false
  }

  /** The watermark that closes the last window that is open, or undefined. */
  lastOpenEnd(watermark: number): number | undefined {
    let last: number | undefined
    for (const { closesAt } of this.#windows.values()) {
      if (closesAt > watermark && (last === undefined || closesAt > last)) last = closesAt
    }
    return last
  }

  /** Ends a cut at this watermark: forgets expired windows, and looks at what the rest will owe. */
  settle(watermark: number): void {
    this.owedFrom = Number.POSITIVE_INFINITY
    this.ripe = false
    for (const { start, closesAt, expiry, table } of this.#windows.values()) {
      if (watermark >= expiry) {
        this.#windows.delete(start)
        continue
      }
      this.owedFrom = Math.min(this.owedFrom, table.changed > 0 ? closesAt : expiry)
      if (table.ripe > 0) this.ripe = true
    }
    this.#forgetCell()
  }

  /** Of the first row of a group that is yet to come. */
  get firstRevision(): number {
    return this.#initial[ROWS] as number
  }
  set firstRevision(revision: number) {
    this.#initial[ROWS] = revision
  }

  /** Each group counts as shown so many times more, and so does each that is yet to come: it may be one that was forgotten. */
  raise(shown: number): void {
    this.firstRevision += shown
    for (const { table } of this.#windows.values()) for (const base of table.groups.values()) table.raise(base, shown)
  }

  /** Groups of windows that a watermark closes count as emitted. */
  forget(watermark: number): void {
    for (const { closesAt, table } of this.#windows.values()) {
      if (closesAt <= watermark) for (const base of table.groups.values()) table.countAsShown(base)
    }
    this.settle(watermark)
  }

  clear(): void {
    this.#windows.clear()
    this.owedFrom = Number.POSITIVE_INFINITY
    this.ripe = false
    this.#forgetCell()
  }

  #forgetCell(): void {
    this.#cellTo = Number.NEGATIVE_INFINITY
    this.#cell = []
  }

  /** Windows that are held, one for each key. */
  get groups(): number {
    let groups = 0
    for (const { table } of this.#windows.values()) groups += table.groups.size
    return groups
  }

  get bytes(): number {
    let bytes = 0
    for (const { table } of this.#windows.values()) bytes += table.bytes
    return bytes
  }
}
