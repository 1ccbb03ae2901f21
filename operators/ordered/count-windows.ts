/**
 * Windows of so many records of a key, in the order of their times; one begins with every `slide`-th record. The bounds of a window
 * are from its first record to a millisecond past its last. Where a window of the key before it ends there already, or later,
 * it ends a millisecond after that: so no two windows of a key have the same bounds, however many records have one time.
 */
import { compareTexts } from '../pipeline-key.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'
import type { AggregateGroups } from './aggregate-groups.ts'
import type { OrderedRecord } from './operator.ts'
import type { CountWindowPlan } from './plan.ts'
import type { GiveWindow, WindowKind } from './record-windows.ts'

interface OpenWindow {
  readonly start: number
  readonly base: number
  records: number
}

interface KeyState {
  /** Windows before the first open one. */
  given: number
  /** End of the last of them. */
  lastEnd: number
  /** Time of the last record. */
  last: number
  /** Records until a window begins. */
  untilNext: number
  /** In the order of their beginnings. */
  readonly open: OpenWindow[]
}

export class CountWindows implements WindowKind {
  readonly owedFrom = Number.POSITIVE_INFINITY
  readonly closesAt = Number.NEGATIVE_INFINITY
  readonly #plan: CountWindowPlan
  readonly #groups: AggregateGroups
  readonly #keys = new Map<string, KeyState>()
  #windows = 0

  constructor(plan: CountWindowPlan, groups: AggregateGroups) {
    this.#plan = plan
    this.#groups = groups
  }

  take(record: OrderedRecord, give: GiveWindow): void {
    const { key, time } = record
    let state = this.#keys.get(key)
    if (state === undefined) {
      state = { given: 0, lastEnd: Number.NEGATIVE_INFINITY, last: time, untilNext: 0, open: [] }
      this.#keys.set(key, state)
    }
    if (state.untilNext === 0) {
      state.open.push({ start: time, base: this.#groups.allocate(), records: 0 })
      state.untilNext = this.#plan.slide
      this.#windows += 1
    }
    state.untilNext -= 1
    state.last = time
    for (const window of state.open) {
      this.#groups.add(window.base, record)
      window.records += 1
    }
    if ((state.open[0]?.records ?? 0) >= this.#plan.size) this.#giveFirst(key, state, give)
  }

  #giveFirst(key: string, state: KeyState, give: GiveWindow): void {
    const window = state.open.shift()
    if (window === undefined) return
    const end = Math.max(state.last, state.lastEnd) + 1
    give({ key, number: state.given, start: window.start, end }, window.base)
    this.#groups.release(window.base)
    this.#windows -= 1
    state.given += 1
    state.lastEnd = end
  }

  /** At the end of the input; before it a window ends with a record. */
  advance(time: number, give: GiveWindow): void {
    if (time < Number.POSITIVE_INFINITY) return
    if (this.#plan.emitPartial) this.giveOpen(give)
    this.#clear()
  }

  #clear(): void {
    for (const { open } of this.#keys.values()) for (const { base } of open) this.#groups.release(base)
    this.#keys.clear()
    this.#windows = 0
  }

  giveOpen(give: GiveWindow): void {
    for (const [key, state] of this.#inOrder()) while (state.open.length > 0) this.#giveFirst(key, state, give)
  }

  #inOrder(): [string, KeyState][] {
    return [...this.#keys].sort(([a], [b]) => compareTexts(a, b))
  }

  get groups(): number {
    return this.#windows
  }

  get bytes(): number {
    return 160 * this.#keys.size + 64 * this.#windows
  }

  write(writer: StateWriter): void {
    writer.varint(this.#keys.size)
    for (const [key, { given, lastEnd, last, untilNext, open }] of this.#inOrder()) {
      writer.text(key)
      writer.varint(given)
      writer.float(lastEnd)
      writer.float(last)
      writer.varint(untilNext)
      writer.varint(open.length)
      for (const { start, base, records } of open) {
        writer.float(start)
        writer.varint(records)
        this.#groups.write(base, writer)
      }
    }
  }

  read(reader: StateReader): void {
    this.#clear()
    for (let left = reader.varint(); left > 0; left--) {
      const key = reader.text()
      const state: KeyState = {
        given: reader.varint(),
        lastEnd: reader.float(),
        last: reader.float(),
        untilNext: reader.varint(),
        open: [],
      }
      for (let windows = reader.varint(); windows > 0; windows--) state.open.push(this.#readWindow(reader))
      this.#keys.set(key, state)
    }
  }

  #readWindow(reader: StateReader): OpenWindow {
    const window = { start: reader.float(), records: reader.varint(), base: this.#groups.allocate() }
    this.#groups.read(window.base, reader)
    this.#windows += 1
    return window
  }
}
