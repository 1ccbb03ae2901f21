/**
 * A stage behind a shuffle: each record is the body of a certified slice, partial aggregates or whole records followed by the
 * watermark mark of the source partition they came from. The stage's watermark is the minimum over all source partitions, and lateness is
 * judged here, by the watermark before the slice. Its rows are for sinks, or for the next stage behind one more shuffle.
 */
import { ripeAt } from './early.ts'
import { canonicalJson, encodeUtf8 } from './json.ts'
import { carriedRecord } from './ordered/carried.ts'
import { JoinedWindows } from './ordered/join/windows.ts'
import type { OrderedRecord } from './ordered/operator.ts'
import { shownRecord } from './ordered/output.ts'
import { inputIndexes } from './ordered/reads.ts'
import { OrderedRecords } from './ordered/records.ts'
import { readPartialPlace } from './partial.ts'
import type { PassedRows } from './passed-rows.ts'
import { CutRule } from './pipeline-cut.ts'
import { TEXT_KEYS } from './pipeline-key.ts'
import type { InputPlan, StagePlan } from './plan.ts'
import type { RecordBatch } from './record.ts'
import { FLAG_IDLE, ROW_CARRIED, ROW_PARTIAL, ROW_WATERMARK, type Row, readRows } from './rows.ts'
import { StateReader, StateWriter } from './snapshot.ts'
import type { CutOutput, OpenRange, StageProcessor } from './stage.ts'
import { formatInstant } from './time.ts'
import { SourceWatermarks } from './watermark.ts'
import { createWindows, type Windows } from './windows.ts'

export class MergeStage implements StageProcessor {
  readonly #plan: StagePlan
  readonly #rule: CutRule
  readonly #sources: SourceWatermarks
  readonly #windows: Windows
  /** The same, where it takes records. */
  readonly #records: OrderedRecords | undefined
  /** Windows are given single rows in place of partial aggregates. */
  readonly #takesRows: boolean
  #provisional = false
  /** What the last mark before the next shuffle said, where there is one. */
  #markedWatermark = Number.NEGATIVE_INFINITY
  #markedIdle = false

  constructor(plan: StagePlan, input: InputPlan & { readonly kind: 'slices' }, partition: number) {
    this.#plan = plan
    this.#rule = new CutRule(plan, partition)
    this.#sources = new SourceWatermarks(input.sources, input.rowSources, input.first)
    this.#takesRows = input.rowSources !== undefined
    const windows = createWindows(plan, TEXT_KEYS, inputIndexes(plan), this.#rule)
    this.#windows = windows
    this.#records =
      windows instanceof OrderedRecords ? windows : windows instanceof JoinedWindows ? windows.records : undefined
  }

  get cutDue(): boolean {
    return this.#rule.due
  }

  get watermark(): number {
    return this.#rule.watermark
  }

  get stateBytes(): number {
    return this.#windows.bytes + 9 * this.#sources.marks.length
  }

  get openWindows(): number {
    return this.#windows.groups
  }

  run(batch: RecordBatch, from: number, to: number): number {
    const rule = this.#rule
    let i = from
    while (i < to && !rule.due) {
      const body = batch.value(i)
      if (body === null) throw new RangeError(`the slice at offset ${batch.offset(i)} has no body`)
      rule.took((batch.key(i)?.length ?? 0) + body.length)
      this.#take(body, batch.offset(i))
      // Before a shuffle an advance of the watermark is itself something to emit.
      if (rule.onward === undefined) rule.check(this.#windows.owedFrom, this.#windows.ripe)
      else rule.check(Number.NEGATIVE_INFINITY, false)
      i += 1
    }
    return i
  }

  #take(body: Uint8Array, offset: number): void {
    let marked = false
    for (const row of readRows(body)) {
      if (row.kind === ROW_PARTIAL) this.#merge(row)
      else if (row.kind === ROW_CARRIED && this.#records !== undefined) this.#hold(this.#records, carriedRecord(row))
      else if (row.kind === ROW_CARRIED && this.#takesRows) this.#add(carriedRecord(row))
      else if (row.kind === ROW_WATERMARK) {
        this.#sources.mark(row.b, row.a, (row.flags & FLAG_IDLE) !== 0)
        marked = true
      } else throw new RangeError(`the slice at offset ${offset} holds a row of kind ${row.kind}`)
    }
    if (marked) this.#advance()
  }

  #merge(row: Row): void {
    const text = Buffer.from(row.key).toString('utf8')
    const reader = new StateReader(row.value)
    const place = readPartialPlace(reader)
    if (this.#windows.merge(row.a, row.b, text, reader, this.#rule.watermark)) return
    const records = reader.varint()
    this.#rule.lateOf({ ...place, index: row.revision }, lateRecord(row, text, records), records)
  }

  #hold(records: OrderedRecords, record: OrderedRecord): void {
    if (records.isLate(record.time, this.#rule.watermark)) this.#rule.lateOf(record, shownRecord(record))
    else records.hold(record)
  }

  #add(record: OrderedRecord): void {
    const { watermark } = this.#rule
    if (this.#windows.add(TEXT_KEYS.keyOf(record.key), record.values, record, watermark)) return
    this.#rule.lateOf(record, shownRecord(record))
  }

  #advance(): void {
    const rule = this.#rule
    const windows = this.#windows
    const minimum = this.#sources.minimum()
    if (minimum !== undefined && minimum > rule.watermark) rule.watermark = minimum
    const { asleep } = this.#sources
    if (rule.onward !== undefined) {
      // Said at once, falling asleep as well as waking: what is open is shown where rows go to sinks.
      if (asleep !== this.#markedIdle) rule.due = true
      return
    }
    if (!asleep) return
    // Everybody sleeps: what is open is shown, or closed, here in the shuffle's own order.
    if (this.#plan.onIdle === 'emit' && windows.unshown(rule.watermark)) {
      this.#provisional = true
      rule.due = true
    } else if (this.#plan.onIdle === 'close') {
      const end = windows.closesAllAt(rule.watermark)
      if (end !== undefined) rule.watermark = end
    }
  }

  /** Idleness comes from the sources' marks alone; a decision here can only cut, or end the input. */
  decide(kind: 'cut' | 'idle' | 'final'): void {
    if (kind === 'final') this.#rule.watermark = Number.POSITIVE_INFINITY
  }

  pass(why: 'lost' | 'quarantined', from: number, to: number): void {
    this.#rule.passed(why, from, to)
  }

  forget(watermark: number, cuts: number): void {
    const rule = this.#rule
    rule.restart(Math.max(rule.watermark, watermark))
    this.#windows.forget(rule.watermark, cuts)
    rule.onward?.forget(cuts)
    // What the next stage was told last is not known.
    this.#markedWatermark = Number.NaN
  }

  cut(): CutOutput {
    const { watermark, early, onward } = this.#rule
    if (onward !== undefined) {
      this.#windows.emitRows(watermark, Number.POSITIVE_INFINITY)
      if (this.#unmarked(onward)) this.#mark(onward)
      return this.#rule.end()
    }
    const asked = this.#provisional ? 1 : early ? ripeAt(this.#plan.window?.emit) : Number.POSITIVE_INFINITY
    this.#windows.emitRows(watermark, asked)
    this.#provisional = false
    return this.#rule.end()
  }

  #unmarked(passed: PassedRows): boolean {
    const { watermark } = this.#rule
    return this.#markedWatermark !== passed.leastTime(watermark) || this.#markedIdle !== this.#sources.asleep
  }

  #mark(passed: PassedRows): void {
    this.#markedWatermark = passed.leastTime(this.#rule.watermark)
    this.#markedIdle = this.#sources.asleep
    passed.mark(this.#markedWatermark, this.#markedIdle)
  }

  get pending(): boolean {
    const rule = this.#rule
    const { parts, early, onward } = rule
    const { owedFrom, ripe } = this.#windows
    if (onward !== undefined) return parts.filled || rule.owes(owedFrom) || this.#unmarked(onward)
    return parts.filled || this.#provisional || rule.owes(owedFrom) || (early && ripe)
  }

  get canIdle(): boolean {
    return false
  }

  openRows(range: OpenRange): Uint8Array {
    return this.#windows.openRows(range)
  }

  snapshot(): Uint8Array {
    const writer = new StateWriter()
    writer.float(this.#rule.watermark)
    writer.varint(this.#sources.marks.length)
    for (const mark of this.#sources.marks) writer.float(mark)
    for (const idle of this.#sources.idle) writer.byte(idle)
    if (this.#rule.onward !== undefined) {
      writer.float(this.#markedWatermark)
      writer.byte(this.#markedIdle ? 1 : 0)
      this.#rule.onward.write(writer)
    }
    this.#windows.write(writer)
    return writer.written().slice()
  }

  restore(bytes: Uint8Array): void {
    const reader = new StateReader(bytes)
    this.#rule.restart(reader.float())
    const sources = reader.varint()
    // Fewer than there are now: the job has grown since, and the new ones have said nothing yet.
    this.#sources.grow(sources)
    const { marks, idle } = this.#sources
    for (let i = 0; i < sources; i++) marks[i] = reader.float()
    for (let i = 0; i < sources; i++) idle[i] = reader.byte()
    if (this.#rule.onward !== undefined) {
      this.#markedWatermark = reader.float()
      this.#markedIdle = reader.byte() === 1
      this.#rule.onward.read(reader)
    }
    this.#windows.read(reader, this.#rule.watermark)
    this.#provisional = false
  }
}

/** What a late partial's dead letter shows in place of the records that it stands for. */
function lateRecord(row: Row, keyText: string, records: number): Uint8Array {
  const window = new Map([
    ['end', formatInstant(row.b)],
    ['start', formatInstant(row.a)],
  ])
  return encodeUtf8(`{"key":${keyText || 'null'},"records":${records},"window":${canonicalJson(window)}}`)
}
