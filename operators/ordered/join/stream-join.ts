/**
 * Two streams: records of one key that are near enough in time make a row each pair, at the later one. A record waits for
 * partners as long as one may come; where it stands alone then, and the type of the join asks for it, it makes a row by itself.
 * That is known for certain, since records come in order: nothing is taken back.
 */

import { comparePlaces } from '../../aggregates/state.ts'
import type { StateReader, StateWriter } from '../../snapshot.ts'
import type { OrderedOperator, OrderedRecord } from '../operator.ts'
import type { OrderedOutput } from '../output.ts'
import { type JoinPlan, type JoinSide, SIDES, type StreamMatch, standsAlone } from './plan.ts'
import type { JoinRows } from './rows.ts'
import { WaitingRecords } from './waiting.ts'

const NONE = new Uint8Array()

/** Rows that one record can make: the number of each, with the place of its item, is what tells them apart (see `indexOf`). */
export const MAX_MATCHES = 2 ** 18
/** Items of one record that can make rows. */
export const MAX_JOINED_ITEMS = 2 ** 14

/** A row of a join is the `match`-th that its later record makes, and the record may be one of several items. */
export const indexOf = (item: number, match: number): number => item * MAX_MATCHES + match

export class StreamJoin implements OrderedOperator {
  readonly #join: JoinPlan
  readonly #rows: JoinRows
  readonly #waiting: Readonly<Record<JoinSide, WaitingRecords>>
  readonly #alone: readonly JoinSide[]

  constructor(join: JoinPlan, match: StreamMatch, rows: JoinRows) {
    this.#join = join
    this.#rows = rows
    this.#waiting = {
      left: new WaitingRecords(untilOf(match, match.kind === 'within' ? match.afterMs : 0)),
      right: new WaitingRecords(untilOf(match, match.kind === 'within' ? match.beforeMs : 0)),
    }
    this.#alone = SIDES.filter((side) => standsAlone(join, side))
  }

  take(record: OrderedRecord, output: OrderedOutput): void {
    const side: JoinSide = record.input === 0 ? 'left' : 'right'
    if (record.index >= MAX_JOINED_ITEMS) {
      output.deadLetter('QRT_RECORD_ITEMS', record)
      return
    }
    // Whoever has nothing to wait for any more is no partner, and would be looked at again and again.
    this.advance(record.time, output)
    let matches = 0
    for (const other of this.#waiting[side === 'left' ? 'right' : 'left'].of(record.key)) {
      const index = indexOf(record.index, matches)
      if (++matches >= MAX_MATCHES) {
        output.deadLetter('QRT_RECORD_MATCHES', { ...record, index })
        break
      }
      other.matched = true
      const pair = side === 'left' ? { left: record, right: other.record } : { left: other.record, right: record }
      this.#rows.give(record, index, pair, output)
    }
    this.#waiting[side].add(record, matches > 0)
  }

  advance(time: number, output: OrderedOutput): void {
    for (;;) {
      const side = this.#nextDue(time)
      if (side === undefined) return
      const waiting = this.#waiting[side]
      const first = waiting.due(time)
      waiting.drop()
      if (first === undefined || first.matched || !standsAlone(this.#join, side)) continue
      const { record } = first
      const pair = { left: undefined, right: undefined, [side]: record }
      this.#rows.give(record, indexOf(record.index, 0), pair, output)
    }
  }

  /** Of the sides whose first record has nothing to wait for, the one that had so first; by the order of records in doubt. */
  #nextDue(time: number): JoinSide | undefined {
    const left = this.#waiting.left.due(time)
    const right = this.#waiting.right.due(time)
    if (left === undefined || right === undefined) {
      return left === undefined ? (right === undefined ? undefined : 'right') : 'left'
    }
    return (left.until - right.until || comparePlaces(left.record, right.record)) <= 0 ? 'left' : 'right'
  }

  get owedFrom(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.#alone.map((side) => this.#waiting[side].lonelyUntil))
  }

  get closesAt(): number {
    return Math.max(Number.NEGATIVE_INFINITY, ...this.#alone.map((side) => this.#waiting[side].lastLonelyUntil))
  }

  openRows(): Uint8Array {
    return NONE
  }

  get groups(): number {
    return this.#waiting.left.size + this.#waiting.right.size
  }

  get bytes(): number {
    return this.#waiting.left.bytes + this.#waiting.right.bytes
  }

  write(writer: StateWriter): void {
    for (const side of SIDES) this.#waiting[side].write(writer)
  }

  read(reader: StateReader): void {
    for (const side of SIDES) this.#waiting[side].read(reader)
  }
}

/** From when on a record has no partners: just after the last time that one may have, or at the end of its window. */
function untilOf(match: StreamMatch, waitMs: number): (time: number) => number {
  if (match.kind === 'within') return (time) => time + waitMs + 1
  const { sizeMs, offsetMs } = match
  return (time) => (Math.floor((time - offsetMs) / sizeMs) + 1) * sizeMs + offsetMs
}
