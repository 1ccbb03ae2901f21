/**
 * The groups of one window: a map from key to a block of numbers in one typed array. A block holds a header and the cells of
 * each aggregate, side by side, so that a record touches one or two cache lines and allocates nothing.
 */

import type { AggregateState } from './aggregates/state.ts'

/** A key as the map holds it (see pipeline-key.ts): equal keys are the same number or string. */
export type GroupKey = number | string

/** Header cells of a group. */
export const RECORDS = 0
/** Rows emitted so far, which is the revision of the next one. */
export const ROWS = 1
/** 1 when the group holds records that no emitted row shows. */
export const CHANGED = 2
export const HEADER_CELLS = 3

export class GroupTable {
  readonly groups = new Map<GroupKey, number>()
  /** Values that do not fit their cells, by cell; NaN stands in the cell meanwhile. */
  readonly spilled = new Map<number, bigint>()
  /** What is more than numbers, by cell; such a cell itself is unused. */
  readonly states: (AggregateState | undefined)[] = []
  cells: Float64Array
  /** Groups whose CHANGED cell is 1. */
  changed = 0
  readonly #initial: Float64Array
  #blocks = 0
  /** Blocks that were given back. */
  readonly #free: number[] = []

  /** `initial`: the cells of a group without records. */
  constructor(initial: Float64Array) {
    this.#initial = initial
    this.cells = new Float64Array(initial.length * 8)
  }

  /** Index of the group's first cell; the group is made when there is none. */
  at(key: GroupKey): number {
    const base = this.groups.get(key)
    if (base !== undefined) return base
    const added = this.allocate()
    this.groups.set(key, added)
    return added
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
    if (this.cells[base + CHANGED] === 1) this.changed -= 1
    for (let cell = base; cell < base + this.#initial.length; cell++) {
      this.states[cell] = undefined
      this.spilled.delete(cell)
    }
    this.#free.push(base)
  }

  /** Marks what the block holds as shown by a row. */
  emitted(base: number): void {
    const { cells } = this
    cells[base + ROWS] = (cells[base + ROWS] as number) + 1
    if (cells[base + CHANGED] === 0) return
    cells[base + CHANGED] = 0
    this.changed -= 1
  }

  /** Approximately. */
  get bytes(): number {
    let bytes = this.cells.byteLength + 64 * this.groups.size
    for (const state of this.states) bytes += state?.bytes ?? 0
    return bytes
  }

  touch(base: number, records: number): void {
    const { cells } = this
    cells[base + RECORDS] = (cells[base + RECORDS] as number) + records
    if (cells[base + CHANGED] === 0) {
      cells[base + CHANGED] = 1
      this.changed += 1
    }
  }
}
