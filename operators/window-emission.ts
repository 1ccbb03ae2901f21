/**
 * A row of a group: what every kind of window does when it shows one. The group remembers where its last row stands, and begins
 * anew where rows purge what they have shown.
 */
import type { AggregateSlot } from './aggregate.ts'
import type { StagePlan } from './plan.ts'
import type { RowTarget } from './row-output.ts'
import { ROW_WINDOW, type RowWriter } from './rows.ts'
import { TextBytes } from './text-bytes.ts'
import type { WindowBounds } from './window.ts'
import { RowFormat, removalOf } from './window-rows.ts'
import { type GroupTable, ROWS, STANDING } from './window-table.ts'

export class WindowEmission {
  readonly #output: RowTarget
  readonly #format: RowFormat
  readonly #purges: boolean
  readonly #keyBytes = new TextBytes()

  constructor(plan: StagePlan, slots: readonly AggregateSlot[], output: RowTarget) {
    const { aggregates, window } = plan
    const names = aggregates.map(({ name }) => name)
    this.#output = output
    this.#format = new RowFormat(names, slots)
    this.#purges = window?.kind === 'global' && window.purge
  }

  /** Adds the row of the group at `base`, which has shown everything then. */
  show({ start, end }: WindowBounds, table: GroupTable, base: number, keyText: string, final: boolean): void {
    const { cells } = table
    const revision = cells[base + ROWS] as number
    const standing = cells[base + STANDING] as number
    const row = { start, end, key: this.#keyBytes.of(keyText), revision, final }
    const value = this.#format.value(row, table, base, keyText, final)
    const now = this.#output.window(row, value, keyText, standing)
    table.shown(base, now, now !== 0 || standing !== 0)
    if (this.#purges) table.purge(base)
  }

  /** Appends the row that an open group would show now; nothing changes. False: it would show none. */
  preview(rows: RowWriter, window: WindowBounds, table: GroupTable, base: number, keyText: string): boolean {
    const { start, end } = window
    const value = this.#output.shown(window, this.#format.value(window, table, base, keyText, false))
    if (value === undefined) return false
    rows.append(ROW_WINDOW, 0, start, end, table.cells[base + ROWS] as number, this.#keyBytes.of(keyText), value)
    return true
  }

  /** Adds what takes a row back, at each place where it stands, that was given for other bounds. */
  takeBack({ start, end }: WindowBounds, keyText: string, revision: number, standing: number): void {
    const row = { start, end, key: this.#keyBytes.of(keyText), revision, final: true }
    this.#output.takeBack(row, removalOf(row, keyText, revision, true), standing)
  }
}
