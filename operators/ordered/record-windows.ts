/**
 * Windows that depend on single records: which ones there are is up to their kind (count-windows.ts, sliding-windows.ts); here they
 * become rows. A window is given once, when nothing can change it. What is open can be looked at, and shown at silence: by
 * a copy of the windows that takes the records which are still held back as well.
 */

import { encodeUtf8 } from '../json.ts'
import type { StagePlan } from '../plan.ts'
import { ROW_WINDOW, RowWriter } from '../rows.ts'
import { StateReader, StateWriter } from '../snapshot.ts'
import type { OpenRange } from '../stage.ts'
import { RowFormat, removalOf } from '../window-rows.ts'
import { ROWS } from '../window-table.ts'
import { AggregateGroups } from './aggregate-groups.ts'
import type { OrderedOperator, OrderedRecord } from './operator.ts'
import type { OrderedOutput } from './output.ts'
import { type NumberedWindow, type RowFormats, ShownRows } from './shown-rows.ts'

/** Gets a window with the block of its aggregates, which is gone after the call. */
export type GiveWindow = (window: NumberedWindow, base: number) => void

export interface WindowKind {
  /** Later windows of a key have greater ends. */
  take(record: OrderedRecord, give: GiveWindow): void
  advance(time: number, give: GiveWindow): void
  /** Gives everything that is open, as it is. */
  giveOpen(give: GiveWindow): void
  readonly owedFrom: number
  readonly closesAt: number
  readonly groups: number
  readonly bytes: number
  write(writer: StateWriter): void
  read(reader: StateReader): void
}

export class RecordWindows implements OrderedOperator {
  readonly showOpen: ((held: readonly OrderedRecord[], output: OrderedOutput) => void) | undefined
  readonly #create: (groups: AggregateGroups) => WindowKind
  readonly #groups: AggregateGroups
  readonly #newGroups: () => AggregateGroups
  readonly #windows: WindowKind
  readonly #shown = new ShownRows()
  readonly #format: RowFormat

  /** `showsOpen`: silence shows what is open. */
  constructor(
    plan: StagePlan,
    inputs: readonly number[],
    { create, showsOpen }: { create: (groups: AggregateGroups) => WindowKind; showsOpen: boolean },
  ) {
    this.#newGroups = () => new AggregateGroups(plan, inputs)
    this.#groups = this.#newGroups()
    this.#create = create
    this.#windows = create(this.#groups)
    this.#format = new RowFormat(
      plan.aggregates.map(({ name }) => name),
      this.#groups.slots,
    )
    this.showOpen = showsOpen ? (held, output) => this.#showOpen(held, output) : undefined
  }

  take(record: OrderedRecord, output: OrderedOutput): void {
    this.#windows.take(record, this.#giveFinal(output))
  }

  advance(time: number, output: OrderedOutput): void {
    this.#windows.advance(time, this.#giveFinal(output))
  }

  #giveFinal(output: OrderedOutput): GiveWindow {
    return (window, base) => this.#shown.final(window, this.#formats(this.#groups, base), output)
  }

  #formats(groups: AggregateGroups, base: number): RowFormats {
    return {
      row: (window, revision, final) => {
        groups.table.cells[base + ROWS] = revision
        return this.#format.value(window, groups.table, base, window.key, final)
      },
      removal: (window, revision) => removalOf(window, window.key, revision, true),
    }
  }

  #showOpen(held: readonly OrderedRecord[], output: OrderedOutput): void {
    this.#ahead(held, (window, formats) => this.#shown.open(window, formats, output))
  }

  /** All that a copy gives which has taken what is held as well. */
  #ahead(held: readonly OrderedRecord[], see: (window: NumberedWindow, formats: RowFormats) => void): void {
    const groups = this.#newGroups()
    const ahead = this.#create(groups)
    const writer = new StateWriter()
    this.#windows.write(writer)
    ahead.read(new StateReader(writer.written()))
    const give: GiveWindow = (window, base) => see(window, this.#formats(groups, base))
    for (const record of held) {
      if (ahead.owedFrom <= record.time) ahead.advance(record.time, give)
      ahead.take(record, give)
    }
    ahead.giveOpen(give)
  }

  openRows({ key, from, to, after, limit }: OpenRange, held: readonly OrderedRecord[]): Uint8Array {
    const found: { window: NumberedWindow; key: Uint8Array; revision: number; value: Uint8Array }[] = []
    this.#ahead(held, (window, formats) => {
      const { start, end } = window
      const bytes = encodeUtf8(window.key)
      if (end <= from || start >= to) return
      if (key !== undefined && Buffer.compare(bytes, key) !== 0) return
      if (after !== undefined) {
        const order = end - after.end || start - after.start || Buffer.compare(bytes, after.key)
        if (order < 0 || (order === 0 && !after.inclusive)) return
      }
      const revision = this.#shown.revisionOf(window)
      found.push({ window, key: bytes, revision, value: formats.row(window, revision, false).slice() })
    })
    found.sort((a, b) => a.window.end - b.window.end || a.window.start - b.window.start || Buffer.compare(a.key, b.key))
    const rows = new RowWriter(1024)
    for (const { window, key, revision, value } of found.slice(0, limit)) {
      rows.append(ROW_WINDOW, 0, window.start, window.end, revision, key, value)
    }
    return rows.take()
  }

  get owedFrom(): number {
    return this.#windows.owedFrom
  }

  get closesAt(): number {
    return this.#windows.closesAt
  }

  get groups(): number {
    return this.#windows.groups
  }

  get bytes(): number {
    return this.#windows.bytes + this.#groups.table.bytes
  }

  write(writer: StateWriter): void {
    this.#windows.write(writer)
    this.#shown.write(writer)
  }

  read(reader: StateReader): void {
    this.#windows.read(reader)
    this.#shown.read(reader)
  }
}
