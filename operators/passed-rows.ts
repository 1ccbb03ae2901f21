/**
 * Rows on their way to the next stage. Only a row that nothing can change goes on, once: so nothing has to be taken back there.
 * The steps on rows, then the key and whatever the next stage reads are evaluated here; the row itself stays behind. A row has the
 * number of its unit and its own number in place of a partition and an offset, which break ties between equal times.
 */
import type { RecordPlace } from './aggregates/state.ts'
import { EvaluationError, type OperatorErrorCode } from './errors.ts'
import { CarriedRecords } from './ordered/carried.ts'
import { type RecordInputs, readsOf } from './ordered/reads.ts'
import { compileKey, type KeyCode, type KeyReader } from './pipeline-key.ts'
import type { PartBuilder } from './pipeline-parts.ts'
import type { NextPlan, StagePlan } from './plan.ts'
import type { RowTarget, WindowRow } from './row-output.ts'
import { keyNames, ownMembers, RowReader } from './row-reader.ts'
import { RowSteps } from './row-steps.ts'
import { leastTime, timeOfWindow } from './row-times.ts'
import { FLAG_IDLE, ROW_WATERMARK } from './rows.ts'
import type { StateReader, StateWriter } from './snapshot.ts'
import { compileTime, type TimeReader } from './time.ts'
import type { WindowBounds } from './window.ts'

const NONE = new Uint8Array()

/** More rows than a cut can have: numbers that were given in cuts which are not known any more are given to no other row. */
const MOST_ROWS_OF_A_CUT = 2 ** 30

interface Unit {
  readonly partition: number
  /** The next stage has no value for a row. */
  readonly fail: (code: OperatorErrorCode, place: RecordPlace, row: Uint8Array) => void
}

export class PassedRows implements RowTarget {
  readonly everywhere = 1
  readonly #plan: StagePlan
  readonly #parts: PartBuilder
  readonly #unit: Unit
  readonly #steps: RowSteps | undefined
  readonly #reader: RowReader
  readonly #key: KeyReader
  readonly #keyCode: KeyCode
  readonly #inputs: RecordInputs
  readonly #carried: CarriedRecords
  /** NaN: a row does not say when it happened. Absent: nobody asks it. */
  readonly #time: TimeReader | undefined
  readonly #withinMs: number
  readonly #partitions: number
  /** What the unit is called by the next stage. */
  readonly #number: number
  /** Rows so far. */
  #given = 0

  constructor(plan: StagePlan, next: NextPlan, parts: PartBuilder, unit: Unit) {
    const { keyBy, aggregates, ordered, after, output } = plan
    if (output.kind !== 'shuffle') throw new RangeError('rows for a next stage go through a shuffle')
    this.#plan = plan
    this.#parts = parts
    this.#unit = unit
    this.#number = (next.numberFrom ?? 0) + unit.partition
    this.#steps = after === undefined || after.length === 0 ? undefined : new RowSteps(plan, after)
    const own = ownMembers(ordered?.kind)
    const members = [...aggregates.map(({ name }) => name), ...own]
    // Without aggregates a row is a record, and has the fields of one.
    this.#reader = aggregates.length === 0 ? new RowReader([], []) : new RowReader(own, keyNames(keyBy, members))
    const { fields } = this.#reader.scope
    const key = compileKey(next.keyBy, fields)
    this.#key = key.read
    this.#keyCode = key.code
    this.#inputs = readsOf(next, 'left', fields)
    this.#time = next.time && compileTime({ kind: 'field', ...next.time }, fields)
    this.#withinMs = next.time?.withinMs ?? 0
    this.#reader.link()
    this.#partitions = output.partitions
    this.#carried = new CarriedRecords(output.partitions, 0)
  }

  record({ time }: Readonly<RecordPlace>, _index: number, _key: Uint8Array, made: Uint8Array): void {
    const value = this.#steps === undefined ? made : this.#steps.run(made, undefined)
    if (value !== undefined) this.#pass(value, undefined, time)
  }

  shown(row: WindowBounds, made: Uint8Array): Uint8Array | undefined {
    return this.#steps === undefined ? made : this.#steps.run(made, row)
  }

  window(row: WindowRow, made: Uint8Array): number {
    const value = row.final ? this.shown(row, made) : undefined
    if (value !== undefined) this.#pass(value, row, timeOfWindow(this.#plan, row))
    return 0
  }

  /** Rows that are taken back were not final, and went nowhere. */
  takeBack(): void {}

  /** @param own the time that the row has by itself */
  #pass(value: Uint8Array, window: WindowBounds | undefined, own: number): void {
    const { slots } = this.#reader.scope
    this.#reader.read(value, window)
    const time = this.#time === undefined ? own : this.#time(slots, own)
    const place = { time, partition: this.#number, offset: this.#given++, index: 0 }
    // NaN is no such time either.
    if (!(time >= own - this.#withinMs)) {
      this.#unit.fail(Number.isNaN(time) ? 'QRT_RECORD_TIME' : 'QRT_ROW_EARLIER', place, value)
      return
    }
    try {
      const key = this.#keyCode.textOf(this.#key(slots))
      this.#inputs.evaluate(slots)
      this.#carried.add(this.#parts, key, this.#inputs.values, place)
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error
      this.#unit.fail(error.code, place, value)
    }
  }

  /** How early the rows may be that are yet to come, at a watermark of the stage. */
  leastTime(watermark: number): number {
    return leastTime(this.#plan, watermark) - this.#withinMs
  }

  /** Tells every partition of the next stage how far this unit is. */
  mark(watermark: number, idle: boolean): void {
    for (let i = 0; i < this.#partitions; i++) {
      this.#parts.add(i, ROW_WATERMARK, idle ? FLAG_IDLE : 0, watermark, this.#number, 0, NONE, NONE)
    }
  }

  forget(cuts: number): void {
    this.#given += cuts * MOST_ROWS_OF_A_CUT
  }

  write(writer: StateWriter): void {
    writer.varint(this.#given)
  }

  read(reader: StateReader): void {
    this.#given = reader.varint()
  }
}
