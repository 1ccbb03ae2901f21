/**
 * Where a stage's cuts fall, and what the present one has counted. The rule looks at the prefix of the input only: when
 * something is to be emitted, once the watermark has crossed the grid since the last cut; always, after so many records or
 * bytes.
 */

import type { RecordPlace } from './aggregates/state.ts'
import { deadLetterValue, type Origin, passedLetterValue } from './dead-letter.ts'
import { type EarlyRows, earlyRows } from './early.ts'
import type { OperatorErrorCode } from './errors.ts'
import { PassedRows } from './passed-rows.ts'
import { PartBuilder } from './pipeline-parts.ts'
import type { InputPlan, StagePlan } from './plan.ts'
import { RowOutput, type RowTarget } from './row-output.ts'
import { ROW_DEAD_LETTER } from './rows.ts'
import type { CutOutput } from './stage.ts'
import { CutGrid } from './watermark.ts'

const NO_KEY = new Uint8Array()

/** What a dead letter is of that stands for what a stage reads behind a shuffle (rows.ts). */
const OF_SLICES = 16

export class CutRule {
  readonly parts: PartBuilder
  /** Puts rows into the parts. */
  readonly rows: RowTarget
  /** The same, where rows are for the next stage. */
  readonly onward: PassedRows | undefined
  watermark = Number.NEGATIVE_INFINITY
  due = false
  readonly #grid: CutGrid
  readonly #early: EarlyRows
  /** The line of the grid for open windows that is next; NaN before any watermark: the first is no crossing. */
  #earlyLine = Number.NaN
  readonly #gridRecords: number
  readonly #maxRecords: number
  readonly #maxBytes: number
  readonly #partition: number
  /** As dead letters name it. */
  readonly #own: Omit<Origin, 'offset'>
  readonly #sources: NonNullable<InputPlan['among']>
  /** Numbers of sources from this one on are of no partition that the plan knows. */
  readonly #known: number
  readonly #stage: number
  /** Sources from this number on are units of the stage before. */
  readonly #unitsFrom: number
  #gridLine: number
  #records = 0
  #bytes = 0
  #late = 0
  #dead = 0

  constructor(plan: StagePlan, partition: number) {
    const { cuts, window, output, input, next, stage } = plan
    const destinations = output.kind === 'shuffle' ? output.partitions : 1 + (output.branches?.length ?? 0)
    this.parts = new PartBuilder(destinations, cuts.partBytes)
    this.onward =
      next === undefined
        ? undefined
        : new PassedRows(plan, next, this.parts, {
            partition,
            fail: (code, place, row) => {
              this.#dead += 1
              this.#letter(code, { stage, partition }, place, row)
            },
          })
    this.rows = this.onward ?? new RowOutput(plan, this.parts)
    this.#grid = new CutGrid(cuts.gridMs, window)
    this.#early = earlyRows(window?.emit)
    this.#gridLine = this.#grid.after(this.watermark)
    this.#gridRecords = cuts.gridRecords
    this.#maxRecords = cuts.maxRecords
    this.#maxBytes = cuts.maxBytes
    this.#partition = partition
    this.#sources = input.among ?? []
    this.#known = input.kind === 'slices' ? (input.first ?? 0) + input.sources : Number.POSITIVE_INFINITY
    this.#stage = stage
    this.#unitsFrom = unitsFrom(input)
    this.#own = input.kind === 'records' ? this.#sourceOf(partition) : { partition }
  }

  get partition(): number {
    return this.#partition
  }

  /** Counts a record of so many key and value bytes. */
  took(bytes: number): void {
    this.#records += 1
    this.#bytes += bytes
    if (this.#records >= this.#maxRecords || this.#bytes >= this.#maxBytes) this.due = true
  }

  /** After a record: `owedFrom` is the watermark from which something is to be emitted, `ripe`: open windows may be shown. */
  check(owedFrom: number, ripe: boolean): void {
    if (this.#early !== 'never' && Number.isNaN(this.#earlyLine)) this.#findEarlyLine()
    if (this.watermark < this.#gridLine || this.#records < this.#gridRecords) return
    const early = ripe && this.watermark >= this.#earlyLine
    if (this.watermark >= owedFrom || this.parts.filled || early) this.due = true
  }

  /** Something waits to be emitted since `owedFrom`; infinite: nothing does, also when the input has ended. */
  owes(owedFrom: number): boolean {
    return owedFrom < Number.POSITIVE_INFINITY && this.watermark >= owedFrom
  }

  /** `check` could find a cut due: what it would be asked about need not be looked up for every record. */
  get crossed(): boolean {
    return this.watermark >= this.#gridLine
  }

  /** Open windows that are ripe are shown by a cut here and now. */
  get early(): boolean {
    return this.#early === 'everyCut' || this.watermark >= this.#earlyLine
  }

  #findEarlyLine(): void {
    this.#earlyLine = Number.isFinite(this.watermark) ? this.#grid.earlyAfter(this.watermark) : Number.NaN
  }

  /** `index`: the place of what failed within the record at `offset`. */
  deadLetter(code: OperatorErrorCode, offset: number, record: Uint8Array | null, index = 0): void {
    this.#dead += 1
    this.#letter(code, this.#own, { partition: this.#partition, offset, index }, record)
  }

  /** Of a record that is known by its place in the source only. */
  deadLetterOf(code: OperatorErrorCode, place: Readonly<RecordPlace>, record: Uint8Array): void {
    this.#dead += 1
    this.#letter(code, this.#sourceOf(place.partition), place, record)
  }

  /** `records`: how many records the late one stands for. */
  lateOf(place: Omit<RecordPlace, 'time'>, record: Uint8Array, records = 1): void {
    this.#late += records
    this.#letter('QRT_RECORD_LATE', this.#sourceOf(place.partition), place, record)
  }

  /** By its number among the partitions of all sources. */
  #sourceOf(partition: number): Omit<Origin, 'offset'> {
    const unit = partition - this.#unitsFrom
    if (unit >= 0) return { stage: this.#stage - 1, partition: unit }
    for (const { topic, later } of this.#sources) {
      const place = later?.numbers.indexOf(partition) ?? -1
      if (later !== undefined && place >= 0) return { topic, partition: later.from + place }
    }
    const source = this.#sources.findLast(({ numberFrom }) => numberFrom <= partition)
    // Of several sources nobody can say which has grown before the revision does.
    if (source === undefined || (this.#sources.length > 1 && partition >= this.#known)) return { partition }
    return { topic: source.topic, partition: partition - source.numberFrom }
  }

  /** `index`: its place within the record at `offset`. */
  late(offset: number, index: number, record: Uint8Array | null): void {
    this.#late += 1
    this.#letter('QRT_RECORD_LATE', this.#own, { partition: this.#partition, offset, index }, record)
  }

  /** Records [from, to) that nobody takes. */
  passed(why: 'lost' | 'quarantined', from: number, to: number): void {
    const origin = { ...this.#own, offset: from }
    const code = why === 'lost' ? 'QRT_RECORD_LOST' : 'QRT_RECORD_QUARANTINED'
    this.#dead += to - from
    const flags = this.#stage === 0 ? 0 : OF_SLICES + this.#stage
    this.parts.add(-1, ROW_DEAD_LETTER, flags, this.#partition, from, 0, NO_KEY, passedLetterValue(code, origin, to))
  }

  #letter(
    code: OperatorErrorCode,
    origin: Omit<Origin, 'offset'>,
    { partition, offset, index }: Omit<RecordPlace, 'time'>,
    record: Uint8Array | null,
  ): void {
    const value = deadLetterValue(code, { ...origin, offset }, record)
    const { stage } = origin
    const place = stage === undefined ? partition : origin.partition
    this.parts.add(-1, ROW_DEAD_LETTER, stage ?? 0, place, offset, index, NO_KEY, value)
  }

  /** Ends the cut with the rows that the parts hold. */
  end(): CutOutput {
    const counts = { in: this.#records, late: this.#late, dead: this.#dead }
    this.restart(this.watermark)
    return { counts, parts: this.parts.take(), watermark: this.watermark }
  }

  /** Stands right after a cut at this watermark. */
  restart(watermark: number): void {
    this.watermark = watermark
    this.#gridLine = this.#grid.after(watermark)
    if (this.#early !== 'never') this.#findEarlyLine()
    this.due = false
    this.#records = 0
    this.#bytes = 0
    this.#late = 0
    this.#dead = 0
  }
}

/** The number of the first unit of the stage before among what a stage reads. */
function unitsFrom(input: InputPlan): number {
  if (input.kind === 'records' || input.rowSources === undefined) return Number.POSITIVE_INFINITY
  return (input.first ?? 0) + input.sources - input.rowSources
}
