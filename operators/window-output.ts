/**
 * Windows at the same places in event time for all keys: what they take, and what they give away. Rows when they close, are
 * revised, are asked for or become final; partials before a shuffle; and their own bytes for a snapshot.
 */

import {
  type AggregateSlot,
  addRecord,
  addToStates,
  emptyGroup,
  layOut,
  numbersAmong,
  statesAmong,
} from './aggregate.ts'
import { mergeGroup, writeGroup } from './aggregate-codec.ts'
import type { RecordPlace } from './aggregates/state.ts'
import type { Value } from './json.ts'
import { partitionOf } from './murmur2.ts'
import { type SourcePlace, writePartialPlace } from './partial.ts'
import { type KeyCode, sortByText } from './pipeline-key.ts'
import type { PartBuilder } from './pipeline-parts.ts'
import type { PlacedWindowPlan, StagePlan } from './plan.ts'
import type { RowTarget } from './row-output.ts'
import { judgesLateness } from './row-times.ts'
import { ROW_PARTIAL, RowWriter } from './rows.ts'
import { type StateReader, StateWriter } from './snapshot.ts'
import type { OpenRange } from './stage.ts'
import { TextBytes } from './text-bytes.ts'
import { WindowEmission } from './window-emission.ts'
import { type OpenWindow, WindowStore } from './window-store.ts'
import { type GroupKey, type GroupTable, ROWS, STANDING, UNSHOWN } from './window-table.ts'
import type { Windows } from './windows.ts'

/** A key's canonical text, and its block in the table. */
interface Group {
  readonly text: string
  readonly base: number
}

export class WindowOutput implements Windows {
  readonly #slots: readonly AggregateSlot[]
  readonly #numbers: readonly AggregateSlot[]
  readonly #states: readonly AggregateSlot[]
  readonly #store: WindowStore
  readonly #emission: WindowEmission
  /** Open windows are shown. */
  readonly #early: boolean
  readonly #code: KeyCode
  readonly #writer = new StateWriter()
  readonly #keyBytes = new TextBytes()

  /** `inputs`: index of each aggregate's value among a record's inputs. */
  constructor(plan: StagePlan, window: PlacedWindowPlan, code: KeyCode, inputs: readonly number[], output: RowTarget) {
    this.#slots = layOut(plan.aggregates, inputs)
    this.#numbers = numbersAmong(this.#slots)
    this.#states = statesAmong(this.#slots)
    this.#store = new WindowStore(window, judgesLateness(plan), emptyGroup(this.#slots))
    this.#emission = new WindowEmission(plan, this.#slots, output)
    this.#early = window.emit !== undefined
    this.#code = code
  }

  add(key: GroupKey, inputs: readonly Value[], place: RecordPlace, watermark: number): boolean {
    const store = this.#store
    const windows = store.accepting(place.time, watermark)
    if (windows === undefined) return false
    for (let w = 0; w < windows.length; w++) {
      const window = windows[w] as OpenWindow
      const { table } = window
      if (table.changed === 0) store.willOwe(window)
      const base = table.at(key)
      addRecord(this.#numbers, table, base, inputs)
      if (this.#states.length > 0) addToStates(this.#states, table, base, inputs, place)
      if (this.#early && table.ripe > 0) store.ripe = true
    }
    return true
  }

  merge(start: number, end: number, keyText: string, partial: StateReader, watermark: number): boolean {
    const window = this.#store.window(start, end, watermark)
    if (window === undefined) return false
    const { table } = window
    if (table.changed === 0) this.#store.willOwe(window)
    mergeGroup(this.#slots, table, table.at(this.#code.keyOf(keyText)), partial)
    if (table.ripe > 0) this.#store.ripe = true
    return true
  }

  get owedFrom(): number {
    return this.#store.owedFrom
  }

  get ripe(): boolean {
    return this.#store.ripe
  }

  get empty(): boolean {
    return this.#store.size === 0
  }

  get groups(): number {
    return this.#store.groups
  }

  get bytes(): number {
    return this.#store.bytes
  }

  unshown(watermark: number): boolean {
    return this.#store.unshown(watermark)
  }

  closesAllAt(watermark: number): number | undefined {
    return this.#store.lastOpenEnd(watermark)
  }

  forget(watermark: number, shown: number): void {
    this.#store.raise(shown)
    this.#store.forget(watermark)
  }

  emitRows(watermark: number, news: number): void {
    for (const window of this.#store.inOrder()) {
      const { closesAt, expiry, table } = window
      const final = watermark >= expiry
      const least = final ? 0 : watermark >= closesAt ? 1 : news
      if (least > 0 && (table.changed === 0 || least === Number.POSITIVE_INFINITY)) continue
      for (const { text, base } of this.#groups(table, least)) {
        this.#emission.show(window, table, base, text, final)
      }
    }
    this.#store.settle(watermark)
  }

  emitPartials(parts: PartBuilder, partitions: number, read: SourcePlace): void {
    let number = 0
    for (const { start, end, table } of this.#store.inOrder()) {
      for (const { text, base } of this.#groups(table, 0)) {
        const key = this.#keyBytes.of(text)
        this.#writer.reset()
        writePartialPlace(this.#writer, read)
        writeGroup(this.#slots, table, base, this.#writer)
        parts.add(partitionOf(key, partitions), ROW_PARTIAL, 0, start, end, number++, key, this.#writer.written())
      }
    }
    this.#store.clear()
  }

  openRows({ key, from, to, after, limit }: OpenRange): Uint8Array {
    const rows = new RowWriter(1024)
    let left = limit
    for (const window of this.#store.inOrder()) {
      if (window.end <= from || window.start >= to) continue
      const order = after === undefined ? 1 : window.end - after.end || window.start - after.start
      if (order < 0) continue
      for (const { text, base } of this.#groups(window.table, 0)) {
        const bytes = this.#keyBytes.of(text)
        if (key !== undefined && Buffer.compare(bytes, key) !== 0) continue
        if (after !== undefined && order === 0) {
          const keyOrder = Buffer.compare(bytes, after.key)
          if (keyOrder < 0 || (keyOrder === 0 && !after.inclusive)) continue
        }
        if (left === 0) return rows.take()
        if (this.#emission.preview(rows, window, window.table, base, text)) left -= 1
      }
    }
    return rows.take()
  }

  /** Those with so many records that no row shows, in the order of the key bytes. */
  #groups(table: GroupTable, least: number): Group[] {
    const groups: Group[] = []
    for (const [key, base] of table.groups) {
      if ((table.cells[base + UNSHOWN] as number) < least) continue
      groups.push({ text: this.#code.textOf(key), base })
    }
    return sortByText(groups)
  }

  write(writer: StateWriter): void {
    const windows = this.#store.inOrder()
    writer.varint(windows.length)
    for (const { start, end, table } of windows) {
      writer.float(start)
      writer.float(end)
      const groups = this.#groups(table, 0)
      writer.varint(groups.length)
      for (const { text, base } of groups) {
        writer.bytes(this.#keyBytes.of(text))
        writer.varint(table.cells[base + ROWS] as number)
        writer.varint(table.cells[base + STANDING] as number)
        writeGroup(this.#slots, table, base, writer)
      }
    }
    writer.varint(this.#store.firstRevision)
  }

  read(reader: StateReader, watermark: number): void {
    this.#store.clear()
    for (let windows = reader.varint(); windows > 0; windows--) {
      const start = reader.float()
      const window = this.#store.open(start, reader.float())
      for (let groups = reader.varint(); groups > 0; groups--) this.#readGroup(window, reader)
    }
    this.#store.firstRevision = reader.varint()
    reader.end()
    this.#store.settle(watermark)
  }

  #readGroup({ table }: OpenWindow, reader: StateReader): void {
    const base = table.at(this.#code.keyOf(Buffer.from(reader.bytes()).toString('utf8')))
    table.cells[base + ROWS] = reader.varint()
    table.cells[base + STANDING] = reader.varint()
    mergeGroup(this.#slots, table, base, reader)
  }
}
