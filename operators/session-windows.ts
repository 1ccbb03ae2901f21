/**
 * Session windows. A record joins the sessions of its key that lie at most a gap away, both ends included, and makes them one.
 * The bounds of a session are [first, last + gap). Where rows were given for sessions that are part of a greater one now, they
 * are taken back in the cut that gives the greater one's row: whoever reads sees the old ones or the new one, never both.
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
import { Deadlines } from './deadlines.ts'
import { ripeAt } from './early.ts'
import type { Value } from './json.ts'
import { partitionOf } from './murmur2.ts'
import { type SourcePlace, writePartialPlace } from './partial.ts'
import { compareTexts, type KeyCode } from './pipeline-key.ts'
import type { PartBuilder } from './pipeline-parts.ts'
import type { SessionWindowPlan, StagePlan } from './plan.ts'
import type { RowTarget } from './row-output.ts'
import { judgesLateness } from './row-times.ts'
import { ROW_PARTIAL, RowWriter } from './rows.ts'
import { type Removal, Session } from './session.ts'
import { StateReader, StateWriter } from './snapshot.ts'
import type { OpenRange } from './stage.ts'
import { TextBytes } from './text-bytes.ts'
import { WindowEmission } from './window-emission.ts'
import { type GroupKey, GroupTable, ROWS, STANDING } from './window-table.ts'
import type { Windows } from './windows.ts'

/** A session, or what takes back a row that was given for it, at its place in the order of outputs. */
interface Placed {
  readonly start: number
  readonly end: number
  readonly text: string
  readonly session: Session
  readonly removal: Removal | undefined
}

const inOrder = (a: Placed, b: Placed): number => a.end - b.end || a.start - b.start || compareTexts(a.text, b.text)

export class SessionWindows implements Windows {
  owedFrom = Number.POSITIVE_INFINITY
  readonly #plan: SessionWindowPlan
  readonly #judgesLateness: boolean
  readonly #slots: readonly AggregateSlot[]
  readonly #numbers: readonly AggregateSlot[]
  readonly #states: readonly AggregateSlot[]
  readonly #table: GroupTable
  readonly #emission: WindowEmission
  readonly #code: KeyCode
  readonly #byKey = new Map<GroupKey, Session[]>()
  readonly #deadlines = new Deadlines<Session>()
  readonly #writer = new StateWriter()
  readonly #keyBytes = new TextBytes()
  #sessions = 0

  constructor(plan: StagePlan, window: SessionWindowPlan, code: KeyCode, inputs: readonly number[], output: RowTarget) {
    this.#plan = window
    this.#judgesLateness = judgesLateness(plan)
    this.#slots = layOut(plan.aggregates, inputs)
    this.#numbers = numbersAmong(this.#slots)
    this.#states = statesAmong(this.#slots)
    this.#table = new GroupTable(emptyGroup(this.#slots), ripeAt(window.emit))
    this.#emission = new WindowEmission(plan, this.#slots, output)
    this.#code = code
  }

  add(key: GroupKey, inputs: readonly Value[], place: RecordPlace, watermark: number): boolean {
    const session = this.#sessionFor(key, place.time, place.time, watermark)
    if (session === undefined) return false
    addRecord(this.#numbers, this.#table, session.base, inputs)
    if (this.#states.length > 0) addToStates(this.#states, this.#table, session.base, inputs, place)
    // Otherwise it is queued as early already.
    if (session.closesAt < session.queued) this.#owes(session)
    return true
  }

  merge(start: number, end: number, keyText: string, partial: StateReader, watermark: number): boolean {
    const session = this.#sessionFor(this.#code.keyOf(keyText), start, end - this.#plan.gapMs, watermark)
    if (session === undefined) return false
    mergeGroup(this.#slots, this.#table, session.base, partial)
    this.#owes(session)
    return true
  }

  #owes(session: Session): void {
    this.#deadlines.queue(session)
    if (session.closesAt < this.owedFrom) this.owedFrom = session.closesAt
  }

  /** The session that holds [start, last] from now on; undefined when nothing open is near and it is late by itself. */
  #sessionFor(key: GroupKey, start: number, last: number, watermark: number): Session | undefined {
    const { gapMs, allowedLatenessMs } = this.#plan
    const sessions = this.#byKey.get(key)
    let found: Session | undefined
    for (let i = 0; sessions !== undefined && i < sessions.length; i++) {
      const session = sessions[i] as Session
      if (session.start - gapMs > last || session.last + gapMs < start || this.#isExpired(session, watermark)) continue
      if (found === undefined) {
        found = session
        found.widen(start, last)
        continue
      }
      this.#absorb(found, session)
      sessions.splice(i, 1)
      i -= 1
    }
    if (found !== undefined) return found
    if (this.#judgesLateness && watermark >= last + gapMs + 1 + allowedLatenessMs) return undefined
    const session = new Session(this.#plan, this.#table, key, start, last)
    this.#sessions += 1
    if (sessions === undefined) this.#byKey.set(key, [session])
    else sessions.push(session)
    return session
  }

  #isExpired(session: Session, watermark: number): boolean {
    return this.#judgesLateness && watermark >= session.expiry
  }

  #absorb(into: Session, other: Session): void {
    other.outgrow()
    into.widen(other.start, other.last)
    into.removals.push(...other.removals)
    this.#writer.reset()
    writeGroup(this.#slots, this.#table, other.base, this.#writer)
    mergeGroup(this.#slots, this.#table, into.base, new StateReader(this.#writer.written()))
    this.#end(other)
  }

  #end(session: Session): void {
    session.gone = true
    this.#table.release(session.base)
    this.#sessions -= 1
  }

  #forgetSession(session: Session): void {
    const left = (this.#byKey.get(session.key) ?? []).filter((other) => other !== session)
    if (left.length === 0) this.#byKey.delete(session.key)
    else this.#byKey.set(session.key, left)
    this.#end(session)
  }

  emitRows(watermark: number, news: number): void {
    const due = this.#deadlines.take(watermark)
    const asked = news === Number.POSITIVE_INFINITY ? [] : this.#all().filter(({ unshown }) => unshown >= news)
    const shown = asked.length === 0 ? due : [...new Set([...due, ...asked])]
    for (const { session, start, end, text, removal } of this.#placed(shown, true)) {
      if (removal === undefined) {
        this.#emission.show(session, this.#table, session.base, text, watermark >= session.expiry)
      } else this.#emission.takeBack({ start, end }, text, removal.revision, removal.standing)
    }
    for (const session of shown) {
      session.removals = []
      if (watermark >= session.expiry) this.#forgetSession(session)
      else this.#deadlines.queue(session)
    }
    this.owedFrom = this.#deadlines.least
  }

  emitPartials(parts: PartBuilder, partitions: number, read: SourcePlace): void {
    let number = 0
    for (const { session, start, end, text } of this.#placed(this.#all(), false)) {
      const key = this.#keyBytes.of(text)
      this.#writer.reset()
      writePartialPlace(this.#writer, read)
      writeGroup(this.#slots, this.#table, session.base, this.#writer)
      parts.add(partitionOf(key, partitions), ROW_PARTIAL, 0, start, end, number++, key, this.#writer.written())
    }
    this.#clear()
  }

  #all(): Session[] {
    return [...this.#byKey.values()].flat()
  }

  #placed(sessions: readonly Session[], removals: boolean): Placed[] {
    const placed = sessions.flatMap((session): Placed[] => {
      const text = this.#code.textOf(session.key)
      const { start, end } = session
      const own = { start, end, text, session, removal: undefined }
      if (!removals || session.removals.length === 0) return [own]
      const before = session.removals.map((removal) => {
        const { start, end } = removal
        return { start, end, text, session, removal }
      })
      return [...before, own]
    })
    return placed.sort(inOrder)
  }

  openRows({ key, from, to, after, limit }: OpenRange): Uint8Array {
    const rows = new RowWriter(1024)
    let left = limit
    for (const { session, start, end, text } of this.#placed(this.#all(), false)) {
      if (left === 0) break
      if (end <= from || start >= to) continue
      const bytes = this.#keyBytes.of(text)
      if (key !== undefined && Buffer.compare(bytes, key) !== 0) continue
      if (after !== undefined) {
        const order = end - after.end || start - after.start || Buffer.compare(bytes, after.key)
        if (order < 0 || (order === 0 && !after.inclusive)) continue
      }
      if (this.#emission.preview(rows, session, this.#table, session.base, text)) left -= 1
    }
    return rows.take()
  }

  unshown(watermark: number): boolean {
    return this.#all().some(({ changed, closesAt }) => changed && closesAt > watermark)
  }

  closesAllAt(watermark: number): number | undefined {
    let last: number | undefined
    for (const { closesAt } of this.#all()) {
      if (closesAt > watermark && (last === undefined || closesAt > last)) last = closesAt
    }
    return last
  }

  forget(watermark: number, shown: number): void {
    this.#table.firstRevision += shown
    for (const session of this.#all()) this.#table.raise(session.base, shown)
    for (const session of this.#all()) {
      if (session.closesAt <= watermark) this.#table.countAsShown(session.base)
      if (session.expiry <= watermark) this.#forgetSession(session)
    }
    this.owedFrom = this.#deadlines.least
  }

  get ripe(): boolean {
    return this.#table.ripe > 0
  }

  get empty(): boolean {
    return this.#sessions === 0
  }

  get groups(): number {
    return this.#sessions
  }

  get bytes(): number {
    return this.#table.bytes + 160 * this.#sessions
  }

  #clear(): void {
    for (const session of this.#all()) this.#end(session)
    this.#byKey.clear()
    this.#deadlines.clear()
    this.owedFrom = Number.POSITIVE_INFINITY
  }

  write(writer: StateWriter): void {
    const placed = this.#placed(this.#all(), false)
    writer.varint(placed.length)
    for (const { session, text } of placed) {
      writer.bytes(this.#keyBytes.of(text))
      writer.float(session.start)
      writer.float(session.last)
      writer.varint(session.removals.length)
      for (const { start, end, revision, standing } of session.removals.toSorted(
        (a, b) => a.end - b.end || a.start - b.start,
      )) {
        writer.float(start)
        writer.float(end)
        writer.varint(revision)
        writer.varint(standing)
      }
      writer.varint(session.rows)
      writer.varint(this.#table.cells[session.base + STANDING] as number)
      writeGroup(this.#slots, this.#table, session.base, writer)
    }
    writer.varint(this.#table.firstRevision)
  }

  read(reader: StateReader, _watermark: number): void {
    this.#clear()
    for (let left = reader.varint(); left > 0; left--) this.#readSession(reader)
    this.#table.firstRevision = reader.varint()
    reader.end()
    this.owedFrom = this.#deadlines.least
  }

  #readSession(reader: StateReader): void {
    const key = this.#code.keyOf(Buffer.from(reader.bytes()).toString('utf8'))
    const session = new Session(this.#plan, this.#table, key, reader.float(), reader.float())
    this.#sessions += 1
    this.#byKey.set(key, [...(this.#byKey.get(key) ?? []), session])
    for (let removals = reader.varint(); removals > 0; removals--) {
      session.removals.push({
        start: reader.float(),
        end: reader.float(),
        revision: reader.varint(),
        standing: reader.varint(),
      })
    }
    this.#table.cells[session.base + ROWS] = reader.varint()
    this.#table.cells[session.base + STANDING] = reader.varint()
    mergeGroup(this.#slots, this.#table, session.base, reader)
    this.#deadlines.queue(session)
  }
}
