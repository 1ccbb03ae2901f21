/**
 * A stage that reads records of the source: filter and map, then rows one by one, keyed windows or ordered operators, or
 * partial aggregates or the records themselves for a shuffle. The watermark follows every record with a valid time, passed on or not; a record is judged by the watermark
 * before it.
 */
import type { RecordPlace } from './aggregates/state.ts'
import { ripeAt } from './early.ts'
import { EvaluationError, type OperatorErrorCode, type ScanErrorCode } from './errors.ts'
import { FieldSet } from './fields.ts'
import { compileCloudEvents, type EnvelopeReader } from './format/cloudevents.ts'
import { compileReader } from './format/reader.ts'
import { canonicalJson, encodeUtf8, type Value } from './json.ts'
import { CarriedRecords } from './ordered/carried.ts'
import { compileReads, type RecordInputs } from './ordered/reads.ts'
import { CutRule } from './pipeline-cut.ts'
import { compileKey, type KeyCode, type KeyReader } from './pipeline-key.ts'
import { type ItemTaker, RecordProgram } from './pipeline-record.ts'
import type { InputPlan, StagePlan } from './plan.ts'
import type { RecordBatch, RecordHeaders } from './record.ts'
import { FLAG_IDLE, ROW_WATERMARK } from './rows.ts'
import type { Scanner } from './scan.ts'
import { StateReader, StateWriter } from './snapshot.ts'
import type { CutOutput, OpenRange, StageProcessor } from './stage.ts'
import { compileTime, type TimeReader } from './time.ts'
import { createWindows, type Windows } from './windows.ts'

const NONE = new Uint8Array()
const NO_HEADERS: RecordHeaders = new Map()

/** The latest instant a date can have, less room for a window around it. */
const MAX_TIME = 8_000_000_000_000_000

export class RecordStage implements StageProcessor, ItemTaker {
  readonly #plan: StagePlan
  readonly #rule: CutRule
  readonly #outOfOrdernessMs: number
  readonly #slots: Value[] = []
  readonly #scanner: Scanner
  readonly #envelope: EnvelopeReader | undefined
  /** A record may hold several values. */
  readonly #holdsMany: boolean
  readonly #time: TimeReader
  readonly #program: RecordProgram
  readonly #key: KeyReader
  readonly #keyCode: KeyCode
  readonly #inputs: RecordInputs
  /** Slot of the whole record after the steps, for rows without a window. */
  readonly #whole: number
  readonly #windows: Windows | undefined
  /** Records go through the shuffle as they are. */
  readonly #carried: CarriedRecords | undefined
  /** What windows are told of the record that is being taken. */
  readonly #place: RecordPlace
  /** 0: rows for sinks. */
  readonly #partitions: number
  /** Of the record that is being taken. */
  #offset = 0
  #value: Uint8Array | null = null
  #eventTime = 0
  #provisional = false
  #idle = false
  /** What the last mark before the shuffle said. */
  #markedWatermark = Number.NEGATIVE_INFINITY
  #markedIdle = false

  constructor(plan: StagePlan, input: InputPlan & { readonly kind: 'records' }, partition: number) {
    this.#plan = plan
    this.#rule = new CutRule(plan, partition)
    this.#place = { time: 0, partition, offset: 0, index: 0 }
    this.#outOfOrdernessMs = input.outOfOrdernessMs
    const fields = new FieldSet()
    this.#time = compileTime(input.time, fields)
    this.#program = new RecordProgram(plan.steps, { fields, slots: this.#slots })
    const key = compileKey(plan.keyBy, this.#program.fields)
    this.#key = key.read
    this.#keyCode = key.code
    this.#inputs = compileReads(plan, this.#program.fields)
    const passes = plan.window === undefined && plan.ordered === undefined
    this.#whole = passes ? this.#program.fields.slotOf([]) : -1
    this.#partitions = plan.output.kind === 'shuffle' ? plan.output.partitions : 0
    const carries = plan.output.kind === 'shuffle' && plan.output.carries === 'records'
    this.#carried = carries ? new CarriedRecords(this.#partitions, input.side === 'right' ? 1 : 0) : undefined
    const holds = !passes && !carries
    this.#windows = holds ? createWindows(plan, key.code, this.#inputs.indexes, this.#rule) : undefined
    this.#program.link()
    this.#scanner = compileReader(input.format, fields)
    this.#envelope = input.envelope && compileCloudEvents(input.format, fields)
    this.#holdsMany = this.#envelope === undefined && this.#scanner.next !== undefined
  }

  get cutDue(): boolean {
    return this.#rule.due
  }

  get watermark(): number {
    return this.#rule.watermark
  }

  get stateBytes(): number {
    return this.#windows?.bytes ?? 0
  }

  /** What a stage before a shuffle holds are partials; the windows are where they are merged. */
  get openWindows(): number {
    return this.#partitions > 0 ? 0 : (this.#windows?.groups ?? 0)
  }

  run(batch: RecordBatch, from: number, to: number): number {
    const rule = this.#rule
    let i = from
    while (i < to && !rule.due) {
      this.#take(batch, i)
      i += 1
    }
    return i
  }

  #take(batch: RecordBatch, i: number): void {
    const rule = this.#rule
    const value = batch.value(i)
    rule.took((batch.key(i)?.length ?? 0) + (value?.length ?? 0))
    if (this.#idle) {
      // Awake: said at once, since the minimum downstream goes on without this partition until then.
      this.#idle = false
      rule.due = true
    }
    const failed =
      this.#envelope === undefined ? this.#scanner.scan(value, this.#slots) : this.#open(this.#envelope, batch, i)
    if (failed !== undefined) {
      rule.deadLetter(failed, batch.offset(i), value)
      this.#check()
      return
    }
    this.#offset = batch.offset(i)
    this.#value = value
    const next = this.#takeEvent(batch.timestamp(i), 0)
    if (this.#holdsMany) this.#takeOthers(batch.timestamp(i), next)
  }

  #open(envelope: EnvelopeReader, batch: RecordBatch, i: number): ScanErrorCode | undefined {
    const headers = batch.headers === undefined ? NO_HEADERS : batch.headers(i)
    return envelope.open(batch.value(i), headers, this.#slots)
  }

  /** What a record holds besides its first value. */
  #takeOthers(timestamp: number, first: number): void {
    let next = first
    while (this.#scanner.next?.(this.#slots) === true) next = this.#takeEvent(timestamp, next)
  }

  /** What the slots hold: judged by the watermark before it, and then moving it. Returns the next index in the record. */
  #takeEvent(timestamp: number, index: number): number {
    const rule = this.#rule
    const time = this.#time(this.#slots, timestamp)
    let next = index + 1
    if (time <= MAX_TIME && time >= -MAX_TIME) {
      this.#eventTime = time
      if (this.#program.explodes) next = this.#program.each(index, this)
      else this.#takeWhole(index)
      const watermark = time - this.#outOfOrdernessMs + 0
      if (watermark > rule.watermark) rule.watermark = watermark
    } else this.fail('QRT_RECORD_TIME', index)
    this.#check()
    return next
  }

  #takeWhole(index: number): void {
    try {
      if (this.#program.run()) this.take(index)
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error
      this.fail(error.code, index)
    }
  }

  fail(code: OperatorErrorCode, index: number): void {
    this.#rule.deadLetter(code, this.#offset, this.#value, index)
  }

  take(index: number): void {
    const { slots } = this.#program
    if (this.#windows !== undefined) {
      this.#addToWindows(this.#windows, index)
      return
    }
    if (this.#carried !== undefined) {
      const key = this.#keyCode.textOf(this.#key(slots))
      this.#inputs.evaluate(slots)
      this.#carried.add(this.#rule.parts, key, this.#inputs.values, this.#placeOf(index))
      return
    }
    const key = this.#plan.keyBy === undefined ? NONE : encodeUtf8(this.#keyCode.textOf(this.#key(slots)))
    const value = encodeUtf8(canonicalJson(slots[this.#whole]))
    this.#rule.rows.record(this.#placeOf(index), index, key, value)
  }

  #addToWindows(windows: Windows, index: number): void {
    const { slots } = this.#program
    const key = this.#key(slots)
    this.#inputs.evaluate(slots)
    if (!windows.add(key, this.#inputs.values, this.#placeOf(index), this.#rule.watermark)) {
      this.#rule.late(this.#offset, index, this.#value)
    }
  }

  #placeOf(index: number): RecordPlace {
    const place = this.#place
    place.time = this.#eventTime
    place.offset = this.#offset
    place.index = index
    return place
  }

  /** Before a shuffle an advance of the watermark is itself something to emit. */
  #check(): void {
    if (!this.#rule.crossed) return
    const windows = this.#windows
    if (this.#partitions > 0) this.#rule.check(Number.NEGATIVE_INFINITY, false)
    else if (windows === undefined) this.#rule.check(Number.POSITIVE_INFINITY, false)
    else this.#rule.check(windows.owedFrom, windows.ripe)
  }

  decide(kind: 'cut' | 'idle' | 'final'): void {
    const rule = this.#rule
    if (kind === 'final') {
      rule.watermark = Number.POSITIVE_INFINITY
      this.#idle = false
    }
    if (kind !== 'idle' || this.#plan.onIdle === 'wait') return
    if (this.#partitions > 0) this.#idle = true
    else if (this.#plan.onIdle === 'emit') this.#provisional = this.#windows !== undefined
    else rule.watermark = Math.max(rule.watermark, this.#windows?.closesAllAt(rule.watermark) ?? rule.watermark)
  }

  pass(why: 'lost' | 'quarantined', from: number, to: number): void {
    this.#rule.passed(why, from, to)
  }

  forget(watermark: number, cuts: number): void {
    const rule = this.#rule
    rule.restart(Math.max(rule.watermark, watermark))
    this.#windows?.forget(rule.watermark, cuts)
  }

  cut(): CutOutput {
    const { parts, watermark } = this.#rule
    if (this.#partitions > 0) {
      this.#windows?.emitPartials(parts, this.#partitions, { partition: this.#rule.partition, offset: this.#offset })
      if (this.#unmarked) this.#mark()
    } else {
      this.#windows?.emitRows(watermark, this.#provisional ? 1 : this.#news)
      this.#provisional = false
    }
    return this.#rule.end()
  }

  /** How many records that no row shows make an open window one to be shown. */
  get #news(): number {
    return this.#rule.early ? ripeAt(this.#plan.window?.emit) : Number.POSITIVE_INFINITY
  }

  get #unmarked(): boolean {
    return this.#markedWatermark !== this.#rule.watermark || this.#markedIdle !== this.#idle
  }

  #mark(): void {
    const { parts, partition, watermark } = this.#rule
    this.#markedWatermark = watermark
    this.#markedIdle = this.#idle
    for (let i = 0; i < this.#partitions; i++) {
      parts.add(i, ROW_WATERMARK, this.#idle ? FLAG_IDLE : 0, watermark, partition, 0, NONE, NONE)
    }
  }

  get pending(): boolean {
    const rule = this.#rule
    if (rule.parts.filled || this.#provisional) return true
    if (this.#partitions > 0) return this.#unmarked || this.#windows?.empty === false
    if (this.#windows === undefined) return false
    return rule.owes(this.#windows.owedFrom) || (rule.early && this.#windows.ripe)
  }

  get canIdle(): boolean {
    const { watermark } = this.#rule
    const { onIdle } = this.#plan
    if (onIdle === 'wait' || watermark === Number.POSITIVE_INFINITY) return false
    if (this.#partitions > 0) return !this.#idle
    const windows = this.#windows
    if (windows === undefined) return false
    return onIdle === 'emit' ? windows.unshown(watermark) : windows.closesAllAt(watermark) !== undefined
  }

  openRows(range: OpenRange): Uint8Array {
    return this.#windows === undefined || this.#partitions > 0 ? new Uint8Array() : this.#windows.openRows(range)
  }

  snapshot(): Uint8Array {
    const writer = new StateWriter()
    writer.float(this.#rule.watermark)
    writer.byte(this.#idle ? 1 : 0)
    writer.float(this.#markedWatermark)
    writer.byte(this.#markedIdle ? 1 : 0)
    this.#windows?.write(writer)
    return writer.written().slice()
  }

  restore(bytes: Uint8Array): void {
    const reader = new StateReader(bytes)
    this.#rule.restart(reader.float())
    this.#idle = reader.byte() === 1
    this.#markedWatermark = reader.float()
    this.#markedIdle = reader.byte() === 1
    this.#windows?.read(reader, this.#rule.watermark)
    this.#provisional = false
  }
}
