/**
 * Where rows go, once the steps on them have said how they look: all of them to the first destination, and those for which its
 * condition holds to each branch as well. What a destination was given and is no longer to have is taken back there, so that it
 * never stands beside what is true now.
 */
import type { RecordPlace } from './aggregates/state.ts'
import { compileExpression } from './expression/compile.ts'
import type { Evaluate } from './expression/logic.ts'
import type { PartBuilder } from './pipeline-parts.ts'
import { lenient } from './pipeline-steps.ts'
import type { StagePlan } from './plan.ts'
import { keyNames, ownMembers, RowReader } from './row-reader.ts'
import { RowSteps } from './row-steps.ts'
import { FLAG_FINAL, FLAG_REMOVED, ROW_RECORD, ROW_WINDOW } from './rows.ts'
import type { WindowBounds } from './window.ts'
import { removalOf } from './window-rows.ts'

/** Destinations by their bits: the first is that of all rows. */
const ALL_ROWS = 1
/** More would not fit the bits of a number. */
export const MOST_BRANCHES = 30

export interface WindowRow extends WindowBounds {
  readonly key: Uint8Array
  readonly revision: number
  readonly final: boolean
}

/** What is given rows: it says how they look and where they stand. */
export interface RowTarget {
  /** Every destination that a row can stand at. */
  readonly everywhere: number
  /** Takes the row of a record. */
  record(place: Readonly<RecordPlace>, index: number, key: Uint8Array, made: Uint8Array): void
  /** How the row of a window is shown; undefined: it is not. */
  shown(row: WindowBounds, made: Uint8Array): Uint8Array | undefined
  /**
   * Takes the row of a window, and takes back what stands where it no longer belongs.
   * @param standing where an earlier row of its window and key stands
   * @returns where one stands now
   */
  window(row: WindowRow, made: Uint8Array, keyText: string, standing: number): number
  /** Takes a row back that was given for bounds which are no window's any more. */
  takeBack(row: WindowRow, removal: Uint8Array, standing: number): void
}

export class RowOutput implements RowTarget {
  readonly #parts: PartBuilder
  readonly #reader: RowReader
  readonly #conditions: readonly Evaluate[]
  readonly #steps: RowSteps | undefined

  constructor(plan: StagePlan, parts: PartBuilder) {
    const { keyBy, aggregates, output, ordered, after } = plan
    this.#parts = parts
    this.#steps = after === undefined || after.length === 0 ? undefined : new RowSteps(plan, after)
    const branches = output.kind === 'rows' ? (output.branches ?? []) : []
    if (branches.length > MOST_BRANCHES) throw new RangeError(`${branches.length} branches; at most ${MOST_BRANCHES}`)
    const own = ownMembers(ordered?.kind)
    const members = [...aggregates.map(({ name }) => name), ...own]
    // Without aggregates a row is a record, and has the fields of one.
    this.#reader = aggregates.length === 0 ? new RowReader([], []) : new RowReader(own, keyNames(keyBy, members))
    const { scope } = this.#reader
    this.#conditions = branches.map((where) => lenient(compileExpression(where, scope.fields), scope))
    this.#reader.link()
  }

  get everywhere(): number {
    return 2 ** (1 + this.#conditions.length) - 1
  }

  /** Adds it to where it belongs. */
  record({ partition, offset }: Readonly<RecordPlace>, index: number, key: Uint8Array, made: Uint8Array): void {
    const value = this.#steps === undefined ? made : this.#steps.run(made, undefined)
    if (value === undefined) return
    this.#parts.add(0, ROW_RECORD, 0, partition, offset, index, key, value)
    if (this.#conditions.length === 0) return
    this.#reader.read(value, undefined)
    for (let i = 0; i < this.#conditions.length; i++) {
      if (this.#holds(i)) this.#parts.add(1 + i, ROW_RECORD, 0, partition, offset, index, key, value)
    }
  }

  shown(row: WindowBounds, made: Uint8Array): Uint8Array | undefined {
    return this.#steps === undefined ? made : this.#steps.run(made, row)
  }

  /** Adds the row to where it belongs, and what takes it back to where an earlier one stands. */
  window(row: WindowRow, made: Uint8Array, keyText: string, standing: number): number {
    const value = this.shown(row, made)
    let now = 0
    if (value !== undefined) {
      now = ALL_ROWS
      if (this.#conditions.length > 0) this.#reader.read(value, row)
      for (let i = 0; i < this.#conditions.length; i++) if (this.#holds(i)) now |= 2 << i
      this.#add(row, row.final ? FLAG_FINAL : 0, value, now)
    }
    const left = standing & ~now
    if (left === 0) return now
    const { revision, final } = row
    this.#add(row, FLAG_REMOVED | (final ? FLAG_FINAL : 0), removalOf(row, keyText, revision, final), left)
    return now
  }

  takeBack(row: WindowRow, removal: Uint8Array, standing: number): void {
    this.#add(row, FLAG_REMOVED | FLAG_FINAL, removal, standing)
  }

  #holds(branch: number): boolean {
    return this.#conditions[branch]?.(this.#reader.scope.slots) === true
  }

  #add({ start, end, revision, key }: WindowRow, flags: number, value: Uint8Array, destinations: number): void {
    for (let i = 0; i <= this.#conditions.length; i++) {
      if ((destinations & (1 << i)) !== 0) this.#parts.add(i, ROW_WINDOW, flags, start, end, revision, key, value)
    }
  }
}
