/**
 * Windows over the rows of a join. Records are brought into order and joined; what a row gives to aggregates goes into windows
 * beside them, whose time is as far behind as a row may be that waited for a partner in vain. So no row is late for its window,
 * and a window is given once. Rows come at cuts only: that is where the join releases them.
 */
import type { RecordPlace } from '../../aggregates/state.ts'
import type { OperatorErrorCode } from '../../errors.ts'
import type { Value } from '../../json.ts'
import { StateReader as Reader, type StateReader, StateWriter } from '../../snapshot.ts'
import type { OpenRange } from '../../stage.ts'
import type { Windows } from '../../windows.ts'
import type { OrderedRecord } from '../operator.ts'
import type { OrderedOutput } from '../output.ts'
import type { OrderedRecords } from '../records.ts'
import { type JoinPlan, standsAlone } from './plan.ts'

export class JoinedWindows implements Windows {
  /** Where records are held before they are joined. */
  readonly records: OrderedRecords
  readonly #windows: Windows
  readonly #lagMs: number
  /** How far the windows have come. */
  #watermark = Number.NEGATIVE_INFINITY

  /** @param letters where dead letters go */
  constructor(
    join: JoinPlan,
    windows: Windows,
    letters: OrderedOutput,
    createRecords: (output: OrderedOutput) => OrderedRecords,
  ) {
    this.#windows = windows
    this.#lagMs = lagOf(join)
    this.records = createRecords({
      record() {
        throw new RangeError('rows of this join are for windows')
      },
      window() {
        throw new RangeError('a join has no windows of its own')
      },
      deadLetter: (code: OperatorErrorCode, record: OrderedRecord) => letters.deadLetter(code, record),
      aggregate: (key, inputs, place) => this.#take(key, inputs, place),
    })
  }

  #take(key: string, inputs: readonly Value[], place: RecordPlace): void {
    if (this.#windows.add(key, inputs, place, this.#watermark)) return
    throw new RangeError(`a row of the time ${place.time} is late at ${this.#watermark}`)
  }

  emitRows(watermark: number, news: number): void {
    this.records.emitRows(watermark, Number.POSITIVE_INFINITY)
    this.#watermark = watermark - this.#lagMs
    this.#windows.emitRows(this.#watermark, news)
  }

  forget(watermark: number, shown: number): void {
    this.records.emitRows(watermark, Number.POSITIVE_INFINITY)
    this.#watermark = watermark - this.#lagMs
    this.#windows.forget(this.#watermark, shown)
  }

  get owedFrom(): number {
    return Math.min(this.records.owedFrom, this.#windows.owedFrom + this.#lagMs)
  }

  get ripe(): boolean {
    return this.#windows.ripe
  }

  openRows(range: OpenRange): Uint8Array {
    return this.#windows.openRows(range)
  }

  unshown(watermark: number): boolean {
    return this.#windows.unshown(watermark - this.#lagMs)
  }

  /** Of what is known: rows that are not made yet may open windows. */
  closesAllAt(watermark: number): number | undefined {
    const end = this.#windows.closesAllAt(watermark - this.#lagMs)
    const released = this.records.closesAllAt(watermark)
    if (end === undefined || released === undefined) return end === undefined ? released : end + this.#lagMs
    return Math.max(end + this.#lagMs, released)
  }

  get empty(): boolean {
    return this.records.empty && this.#windows.empty
  }

  get groups(): number {
    return this.#windows.groups
  }

  get bytes(): number {
    return this.records.bytes + this.#windows.bytes
  }

  write(writer: StateWriter): void {
    const records = new StateWriter()
    this.records.write(records)
    writer.bytes(records.written())
    this.#windows.write(writer)
  }

  read(reader: StateReader, watermark: number): void {
    this.records.read(new Reader(reader.bytes()))
    this.#watermark = watermark - this.#lagMs
    this.#windows.read(reader, this.#watermark)
  }

  add(): never {
    throw new RangeError('a join takes the records of its sides')
  }

  merge(): never {
    throw new RangeError('a join takes records, not partial aggregates')
  }

  emitPartials(): never {
    throw new RangeError('a join has no partial aggregates')
  }
}

/** How long before it is given the time of a row may be: as long as one that stays alone has waited. */
export function lagOf(join: JoinPlan): number {
  const { match } = join
  if (match.kind === 'table') return 0
  const waits = { left: 0, right: 0 }
  if (match.kind === 'window') waits.left = waits.right = match.sizeMs
  else {
    waits.left = match.afterMs + 1
    waits.right = match.beforeMs + 1
  }
  return Math.max(standsAlone(join, 'left') ? waits.left : 0, standsAlone(join, 'right') ? waits.right : 0)
}
