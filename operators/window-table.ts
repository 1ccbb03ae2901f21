/**
 * The groups of one window: a map from key to a block of numbers in one typed array. A block holds a header and the cells of
 * each aggregate, side by side, so that a record touches one or two cache lines and allocates nothing.
 */

import type { AggregateState } from './aggregates/state.ts'

/** A key as the map holds it (see pipeline-key.ts): equal keys are the same number or string. */
export type GroupKey = number | string

/** Header cells of a group. Records that no emitted row shows. */
export const UNSHOWN = 0
/** Rows emitted so far, which is the revision of the next one. */
export const ROWS = 1
/** Where the last of them stands, as bits (row-output.ts); 0: it was taken back, or there was none. */
export const STANDING = 2
export const HEADER_CELLS = 3

export class GroupTable {
  readonly groups = new Map<GroupKey, number>()
  /** Values that do not fit their cells, by cell; NaN stands in the cell meanwhile. */
  readonly spilled = new Map<number, bigint>()
  /** What is more than numbers, by cell; such a cell itself is unused. */
  readonly states: (AggregateState | undefined)[] = []
  cells: Float64Array
  /** Groups with records that no row shows. */
  changed = 0
  /** Of those, the ones that have as many as an early row needs. */
  ripe = 0
  readonly #initial: Float64Array
  readonly #ripeAt: number
  #blocks = 0
  #lastKey: GroupKey | undefined
  #lastBase = 0
  /** Blocks that were given back. */
  readonly #free: number[] = []

  /**
   * @param initial the cells of a group without records
   * @param ripeAt records that no row shows which make a group ripe
   */
  constructor(initial: Float64Array, ripeAt = 1) {
    this.#initial = initial
    this.#ripeAt = ripeAt
    this.cells = new Float64Array(initial.length * 8)
  }

  /** Index of the group's first cell; the group is made when there is none. */
  at(key: GroupKey): number {
    // Records of a key often follow one another, and comparing is cheaper than hashing.
    if (key === this.#lastKey) return this.#lastBase
    let base = this.groups.get(key)
    if (base === undefined) {
      base = this.allocate()
      this.groups.set(key, base)
    }
    this.#lastKey = key
    this.#lastBase = base
    return base
  }

  /** A block for whoever finds it again without `groups`. */
  allocate(): number {
    const freed = this.#free.pop()
    const base = freed ?? this.#blocks * this.#initial.length
    if (freed === undefined) this.#blocks += 1
    if (base + this.#initial.length > this.cells.length) {
      const grown = new Float64Array(this.cells.length * 2)
      grown.set(this.cells)
      this.cells = grown
    }
    this.cells.set(this.#initial, base)
    return base
  }

  /** Gives a block back that `allocate` gave. */
  release(base: number): void {
    this.#seen(base)
    this.#forget(base)
    this.#free.push(base)
  }

  /** Of the first row of a block that is yet to be allocated. */
  get firstRevision(): number {
    return this.#initial[ROWS] as number
  }
  set firstRevision(revision: number) {
    this.#initial[ROWS] = revision
  }

  /**
   * What the block holds has been looked at for a row.
   * @param standing where one stands now
   * @param told a row, or what takes one back, was given
   */
  shown(base: number, standing: number, told: boolean): void {
    const { cells } = this
    if (told) cells[base + ROWS] = (cells[base + ROWS] as number) + 1
    cells[base + STANDING] = standing
    this.#seen(base)
  }

  /** The block counts as shown so many times more. */
  raise(base: number, shown: number): void {
    this.cells[base + ROWS] = (this.cells[base + ROWS] as number) + shown
  }

  /** What the block holds was in a row, or will not be in one before something is added. */
  countAsShown(base: number): void {
    if ((this.cells[base + UNSHOWN] as number) > 0) this.shown(base, this.cells[base + STANDING] as number, true)
  }

  /** Begins anew with the next record, as the same group. */
  purge(base: number): void {
    const { cells } = this
    const rows = cells[base + ROWS] as number
    const standing = cells[base + STANDING] as number
    this.#seen(base)
    this.#forget(base)
    cells.set(this.#initial, base)
    cells[base + ROWS] = rows
    cells[base + STANDING] = standing
  }

  #seen(base: number): void {
    const unshown = this.cells[base + UNSHOWN] as number
    if (unshown === 0) return
    this.cells[base + UNSHOWN] = 0
    this.changed -= 1
    if (unshown >= this.#ripeAt) this.ripe -= 1
  }

  #forget(base: number): void {
    if (this.states.length === 0 && this.spilled.size === 0) return
    for (let cell = base; cell < base + this.#initial.length; cell++) {
      this.states[cell] = undefined
      this.spilled.delete(cell)
    }
  }

  /** Approximately. */
  get bytes(): number {
    let bytes = this.cells.byteLength + 64 * this.groups.size
    for (const state of this.states) bytes += state?.bytes ?? 0
    return bytes
  }

  touch(base: number, records: number): void {
    const before = this.cells[base + UNSHOWN] as number
    this.cells[base + UNSHOWN] = before + records
    if (before < this.#ripeAt) this.#note(before, before + records)
  }

  #note(before: number, after: number): void {
    if (before === 0 && after > 0) this.changed += 1
    if (after >= this.#ripeAt) this.ripe += 1
  }
}
