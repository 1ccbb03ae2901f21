/**
 * Records of one side of a stream join that may still find a partner, in the order in which they came. All of them wait equally
 * long, or until the end of their window, so the first to come is the first to go.
 */
import type { StateReader, StateWriter } from '../../snapshot.ts'
import type { OrderedRecord } from '../operator.ts'
import { readRecord, weightOf, writeRecord } from '../record.ts'

export interface Waiting {
  readonly record: OrderedRecord
  /** No record of this time or later is its partner. */
  readonly until: number
  matched: boolean
}

const NONE: readonly Waiting[] = []

export class WaitingRecords {
  readonly #untilOf: (time: number) => number
  #queue: Waiting[] = []
  /** Those before it have gone. */
  #head = 0
  /** Those before it have gone, or have a partner. */
  #lonely = 0
  readonly #byKey = new Map<string, Waiting[]>()
  #bytes = 0

  constructor(untilOf: (time: number) => number) {
    this.#untilOf = untilOf
  }

  add(record: OrderedRecord, matched: boolean): void {
    this.#put({ record, until: this.#untilOf(record.time), matched })
  }

  #put(waiting: Waiting): void {
    const { record } = waiting
    this.#queue.push(waiting)
    const others = this.#byKey.get(record.key)
    if (others === undefined) this.#byKey.set(record.key, [waiting])
    else others.push(waiting)
    this.#bytes += weightOf(record)
  }

  /** In order. */
  of(key: string): readonly Waiting[] {
    return this.#byKey.get(key) ?? NONE
  }

  /** The first that is there, if it has nothing to wait for at this time. */
  due(time: number): Waiting | undefined {
    const first = this.#queue[this.#head]
    return first !== undefined && first.until <= time ? first : undefined
  }

  /** Takes the first one away. */
  drop(): void {
    const first = this.#queue[this.#head]
    if (first === undefined) return
    this.#head += 1
    this.#lonely = Math.max(this.#lonely, this.#head)
    this.#bytes -= weightOf(first.record)
    const others = this.#byKey.get(first.record.key) ?? []
    others.shift()
    if (others.length === 0) this.#byKey.delete(first.record.key)
    if (this.#head * 2 < this.#queue.length || this.#head < 64) return
    this.#queue = this.#queue.slice(this.#head)
    this.#lonely -= this.#head
    this.#head = 0
  }

  /** When the first one without a partner has nothing to wait for; Infinity where there is none. */
  get lonelyUntil(): number {
    while (this.#queue[this.#lonely]?.matched === true) this.#lonely += 1
    return this.#queue[this.#lonely]?.until ?? Number.POSITIVE_INFINITY
  }

  /** The same of the last one; -Infinity where there is none. */
  get lastLonelyUntil(): number {
    const found = this.#queue.findLast(({ matched }, i) => i >= this.#head && !matched)
    return found?.until ?? Number.NEGATIVE_INFINITY
  }

  get size(): number {
    return this.#queue.length - this.#head
  }

  get bytes(): number {
    return this.#bytes
  }

  write(writer: StateWriter): void {
    writer.varint(this.size)
    for (const { record, matched } of this.#queue.slice(this.#head)) {
      writeRecord(record, writer)
      writer.byte(matched ? 1 : 0)
    }
  }

  read(reader: StateReader): void {
    this.#queue = []
    this.#head = 0
    this.#lonely = 0
    this.#byKey.clear()
    this.#bytes = 0
    for (let left = reader.varint(); left > 0; left--) {
      const record = readRecord(reader)
      this.add(record, reader.byte() === 1)
    }
  }
}
