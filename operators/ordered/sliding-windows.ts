/**
 * Sliding windows as Kafka Streams defines them (KIP-450): [e - difference, e], both ends included, wherever the window ends at a
 * record, or begins right behind one and holds another. So each set of records of a key that lie at most the difference apart is
 * the content of a window. A window is given when the time is past its end.
 */

import { Deadlines, type Due } from '../deadlines.ts'
import { compareTexts } from '../pipeline-key.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'
import type { AggregateGroups } from './aggregate-groups.ts'
import type { OrderedRecord } from './operator.ts'
import type { SlidingWindowPlan } from './plan.ts'
import { RecentRecords } from './recent-records.ts'
import { readRecord, writeRecord } from './record.ts'
import type { GiveWindow, WindowKind } from './record-windows.ts'

/** One key: records wait until a window ends at them or later, and are in the queue until the last window that holds them. */
class KeyWindows implements Due {
  readonly key: string
  readonly recent: RecentRecords
  readonly #differenceMs: number
  /** In order; the first ones are in the queue. */
  readonly waiting: OrderedRecord[] = []
  /** Times of records, each once, at which a window has yet to end. */
  readonly lefts: number[] = []
  /** Times behind which a window may have yet to begin. */
  readonly rights: number[] = []
  queued = Number.POSITIVE_INFINITY

  constructor(key: string, differenceMs: number, groups: AggregateGroups) {
    this.key = key
    this.#differenceMs = differenceMs
    this.recent = new RecentRecords(groups)
  }

  add(record: OrderedRecord): void {
    this.waiting.push(record)
    if (this.rights.at(-1) === record.time) return
    this.lefts.push(record.time)
    this.rights.push(record.time)
  }

  /** The end of the next window; Infinity: there is none. */
  get nextEnd(): number {
    const right = this.rights[0]
    const behind = right === undefined ? Number.POSITIVE_INFINITY : right + 1 + this.#differenceMs
    return Math.min(this.lefts[0] ?? Number.POSITIVE_INFINITY, behind)
  }

  get deadline(): number {
    return this.nextEnd + 1
  }

  /** Goes to the next window, whose records are in the queue then. */
  next(): { readonly start: number; readonly end: number } {
    const end = this.nextEnd
    const start = end - this.#differenceMs
    if (this.lefts[0] === end) this.lefts.shift()
    if (this.rights[0] === start - 1) this.rights.shift()
    while ((this.waiting[0]?.time ?? Number.POSITIVE_INFINITY) <= end)
      this.recent.push(this.waiting.shift() as OrderedRecord)
    while ((this.recent.oldest?.time ?? start) < start) this.recent.shift()
    return { start, end }
  }
}

export class SlidingWindows implements WindowKind {
  readonly #plan: SlidingWindowPlan
  readonly #groups: AggregateGroups
  readonly #keys = new Map<string, KeyWindows>()
  readonly #deadlines = new Deadlines<KeyWindows>()
  #records = 0
  #latest = Number.NEGATIVE_INFINITY

  constructor(plan: SlidingWindowPlan, groups: AggregateGroups) {
    this.#plan = plan
    this.#groups = groups
  }

  take(record: OrderedRecord): void {
    const windows = this.#keys.get(record.key) ?? this.#newKey(record.key)
    windows.add(record)
    this.#records += 1
    this.#latest = record.time
    this.#deadlines.queue(windows)
  }

  #newKey(key: string): KeyWindows {
    const windows = new KeyWindows(key, this.#plan.differenceMs, this.#groups)
    this.#keys.set(key, windows)
    return windows
  }

  advance(time: number, give: GiveWindow): void {
    for (let { least } = this.#deadlines; least <= time; least = this.#deadlines.least) {
      if (least === Number.POSITIVE_INFINITY) return
      const due = this.#deadlines.take(least).sort((a, b) => compareTexts(a.key, b.key))
      for (const windows of due) this.#giveNext(windows, give)
    }
  }

  giveOpen(give: GiveWindow): void {
    this.advance(Number.POSITIVE_INFINITY, give)
  }

  #giveNext(windows: KeyWindows, give: GiveWindow): void {
    const { key, recent, waiting } = windows
    const before = recent.length + waiting.length
    const { start, end } = windows.next()
    this.#records -= before - recent.length - waiting.length
    if (recent.length > 0) recent.total((base) => give({ key, number: end, start, end }, base))
    if (windows.nextEnd < Number.POSITIVE_INFINITY) this.#deadlines.queue(windows)
    else this.#forget(windows)
  }

  #forget({ key, recent }: KeyWindows): void {
    this.#records -= recent.length
    recent.end()
    this.#keys.delete(key)
  }

  get owedFrom(): number {
    return this.#deadlines.least
  }

  get closesAt(): number {
    return this.#keys.size === 0 ? Number.NEGATIVE_INFINITY : this.#latest + 1 + this.#plan.differenceMs + 1
  }

  get groups(): number {
    return this.#keys.size
  }

  get bytes(): number {
    return 160 * this.#records + 200 * this.#keys.size
  }

  write(writer: StateWriter): void {
    writer.float(this.#latest)
    writer.varint(this.#keys.size)
    for (const [key, { recent, waiting, lefts, rights }] of [...this.#keys].sort(([a], [b]) => compareTexts(a, b))) {
      const { records } = recent
      writer.text(key)
      writer.varint(records.length)
      writer.varint(waiting.length)
      for (const record of [...records, ...waiting]) writeRecord(record, writer)
      for (const times of [lefts, rights]) {
        writer.varint(times.length)
        for (const time of times) writer.float(time)
      }
    }
  }

  read(reader: StateReader): void {
    for (const { recent } of this.#keys.values()) recent.end()
    this.#keys.clear()
    this.#deadlines.clear()
    this.#records = 0
    this.#latest = reader.float()
    for (let left = reader.varint(); left > 0; left--) this.#readKey(reader)
  }

  #readKey(reader: StateReader): void {
    const windows = this.#newKey(reader.text())
    const recent = reader.varint()
    const waiting = reader.varint()
    for (let i = 0; i < recent; i++) windows.recent.push(readRecord(reader))
    for (let i = 0; i < waiting; i++) windows.waiting.push(readRecord(reader))
    for (const times of [windows.lefts, windows.rights]) {
      for (let left = reader.varint(); left > 0; left--) times.push(reader.float())
    }
    this.#records += recent + waiting
    this.#deadlines.queue(windows)
  }
}
