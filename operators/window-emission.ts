/**
 * A row of a group: what every kind of window does when it shows one. The group counts it, and begins anew where rows purge what
 * they have shown.
 */
import type { AggregateSlot } from './aggregate.ts'
import type { PartBuilder } from './pipeline-parts.ts'
import type { StagePlan } from './plan.ts'
import { FLAG_FINAL, FLAG_REMOVED, ROW_WINDOW, type RowWriter } from './rows.ts'
import { TextBytes } from './text-bytes.ts'
import type { WindowBounds } from './window.ts'
import { RowFormat } from './window-rows.ts'
import { type GroupTable, ROWS } from './window-table.ts'

export class WindowEmission {
  readonly #format: RowFormat
  readonly #purges: boolean
  readonly #keyBytes = new TextBytes()

  constructor({ aggregates, window }: StagePlan, slots: readonly AggregateSlot[]) {
    const names = aggregates.map(({ name }) => name)
    this.#format = new RowFormat(names, slots)
    this.#purges = window?.kind === 'global' && window.purge
  }

  /** Adds the row of the group at `base`, which has shown everything then. */
  show(
    parts: PartBuilder,
    window: WindowBounds,
    table: GroupTable,
    base: number,
    keyText: string,
    final: boolean,
  ): void {
    const { start, end } = window
    const revision = table.cells[base + ROWS] as number
    const value = this.#format.value(window, table, base, keyText, final)
    parts.add(0, ROW_WINDOW, final ? FLAG_FINAL : 0, start, end, revision, this.#keyBytes.of(keyText), value)
    table.emitted(base)
    if (this.#purges) table.purge(base)
  }

  /** Appends the row that an open group would show now; nothing changes. */
  preview(rows: RowWriter, window: WindowBounds, table: GroupTable, base: number, keyText: string): void {
    const { start, end } = window
    const value = this.#format.value(window, table, base, keyText, false)
    rows.append(ROW_WINDOW, 0, start, end, table.cells[base + ROWS] as number, this.#keyBytes.of(keyText), value)
  }

  /** Adds what takes a row back that was given for other bounds. */
  takeBack(parts: PartBuilder, { start, end }: WindowBounds, keyText: string, revision: number): void {
    const value = this.#format.removal({ start, end }, keyText, revision)
    const flags = FLAG_FINAL | FLAG_REMOVED
    parts.add(0, ROW_WINDOW, flags, start, end, revision, this.#keyBytes.of(keyText), value)
  }
}
