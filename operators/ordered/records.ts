/**
 * Records held back until the watermark has passed them, then given to an operator in one order. One with the time of the
 * watermark may still have a neighbour of that time to come, so it is held until the watermark is past it; one before the
 * watermark is late. What is held is sorted when it is released, once a cut.
 */
import { comparePlaces, type RecordPlace } from '../aggregates/state.ts'
import type { Value } from '../json.ts'
import type { KeyCode } from '../pipeline-key.ts'
import type { StagePlan } from '../plan.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'
import type { OpenRange } from '../stage.ts'
import type { GroupKey } from '../window-table.ts'
import type { Windows } from '../windows.ts'
import type { OrderedOperator, OrderedRecord } from './operator.ts'
import { createOperator } from './operators.ts'
import { NOWHERE, type OrderedOutput } from './output.ts'
import type { OrderedPlan } from './plan.ts'
import { giveAll, readRecord, weightOf, writeRecord } from './record.ts'

export class OrderedRecords implements Windows {
  /** What is open is shown only where silence asks for it. */
  readonly ripe = false
  readonly #operator: OrderedOperator
  readonly #output: OrderedOutput
  readonly #code: KeyCode
  /** How far behind the watermark records are taken: what is given is given so much later. */
  readonly #graceMs: number
  #held: OrderedRecord[] = []
  #heldBytes = 0
  #earliest = Number.POSITIVE_INFINITY
  #latest = Number.NEGATIVE_INFINITY
  /** Records came since silence was last shown. */
  #news = false

  constructor(
    plan: StagePlan,
    ordered: OrderedPlan,
    { code, inputs, output }: { code: KeyCode; inputs: readonly number[]; output: OrderedOutput },
  ) {
    this.#operator = createOperator(plan, ordered, inputs)
    this.#output = output
    this.#code = code
    this.#graceMs = graceOf(ordered)
  }

  add(key: GroupKey, inputs: readonly Value[], place: RecordPlace, watermark: number): boolean {
    if (this.isLate(place.time, watermark)) return false
    const { time, partition, offset, index } = place
    this.hold({ time, partition, offset, index, input: 0, key: this.#code.textOf(key), values: [...inputs] })
    return true
  }

  isLate(time: number, watermark: number): boolean {
    return time < watermark - this.#graceMs
  }

  /** Takes a record that is not late. */
  hold(record: OrderedRecord): void {
    this.#held.push(record)
    this.#heldBytes += weightOf(record)
    this.#earliest = Math.min(this.#earliest, record.time)
    this.#latest = Math.max(this.#latest, record.time)
    this.#news = true
  }

  get owedFrom(): number {
    return Math.min(this.#earliest + 1, this.#operator.owedFrom) + this.#graceMs
  }

  emitRows(watermark: number, news: number): void {
    this.#release(watermark - this.#graceMs, this.#output)
    if (news === Number.POSITIVE_INFINITY || this.#operator.showOpen === undefined) return
    this.#operator.showOpen(this.#held.toSorted(comparePlaces), this.#output)
    this.#news = false
  }

  #release(until: number, output: OrderedOutput): void {
    if (this.#earliest < until) {
      const released = this.#held.filter(({ time }) => time < until).sort(comparePlaces)
      this.#keep(this.#held.filter(({ time }) => time >= until))
      giveAll(released, this.#operator, output)
    }
    this.#operator.advance(until, output)
  }

  #keep(records: OrderedRecord[]): void {
    this.#held = records
    this.#heldBytes = 0
    this.#earliest = Number.POSITIVE_INFINITY
    this.#latest = Number.NEGATIVE_INFINITY
    for (const record of records) {
      this.#heldBytes += weightOf(record)
      this.#earliest = Math.min(this.#earliest, record.time)
      this.#latest = Math.max(this.#latest, record.time)
    }
  }

  openRows(range: OpenRange): Uint8Array {
    return this.#operator.openRows(range, this.#held.toSorted(comparePlaces))
  }

  unshown(): boolean {
    return this.#news && this.#operator.showOpen !== undefined
  }

  closesAllAt(watermark: number): number | undefined {
    const end = Math.max(this.#latest + 1, this.#operator.closesAt) + this.#graceMs
    return end > watermark ? end : undefined
  }

  forget(watermark: number): void {
    this.#release(watermark - this.#graceMs, NOWHERE)
  }

  get empty(): boolean {
    return this.#held.length === 0
  }

  get groups(): number {
    return this.#operator.groups
  }

  get bytes(): number {
    return this.#heldBytes + this.#operator.bytes
  }

  write(writer: StateWriter): void {
    writer.byte(this.#news ? 1 : 0)
    writer.varint(this.#held.length)
    for (const record of this.#held.toSorted(comparePlaces)) writeRecord(record, writer)
    this.#operator.write(writer)
  }

  read(reader: StateReader): void {
    this.#news = reader.byte() === 1
    const held: OrderedRecord[] = []
    for (let left = reader.varint(); left > 0; left--) held.push(readRecord(reader))
    this.#keep(held)
    this.#operator.read(reader)
    reader.end()
  }

  merge(): never {
    throw new RangeError('an ordered stage takes records, not partial aggregates')
  }

  emitPartials(): never {
    throw new RangeError('an ordered stage has no partial aggregates')
  }
}

const graceOf = (ordered: OrderedPlan): number => (ordered.kind === 'sliding' ? ordered.graceMs : 0)
