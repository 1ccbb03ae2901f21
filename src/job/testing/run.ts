/**
 * Runs a case on the operators of the job, in virtual time: the stages that peers run, with the decisions that peers would make
 * (silence, and results that wait) at the instants at which they would make them. No peer, no log and no clock is needed.
 */
import {
  createStage,
  type RecordBatch,
  ROW_WINDOW,
  readRows,
  type StagePlan,
  type StageProcessor,
} from '../../../operators/index.ts'
import { QuorateError } from '../../errors.ts'
import { compileJob } from '../compile.ts'
import {
  type CompiledJob,
  partitionsOf,
  planOfUnit,
  readerOf,
  type SourcePlan,
  sourceOfUnit,
  unitsOfStage,
} from '../compiled.ts'
import type { JobDocument } from '../document.ts'
import { assumedSources } from '../facts.ts'
import type { TestCase, TestEvent } from './suite.ts'

/** @throws QuorateError QRT_JOB_INVALID when a case gives records in two ways that do not fit together */
export function runCase(document: JobDocument, testCase: TestCase): CaseOutput {
  const run = new CaseRun(document, testCase)
  for (const event of testCase.given) {
    if (event.kind === 'wait') run.advance(event.ms)
    else run.take(event)
  }
  if (testCase.end) run.end()
  return run.output
}

/** What came out, as JSON texts in the order in which each unit gave them. */
export interface CaseOutput {
  /** Rows of windows are their values; others have the key beside the value. */
  readonly rows: readonly string[]
  readonly deadLetters: readonly string[]
  /** The most that all units held at one time. */
  readonly peakStateBytes: number
}

function compiled(document: JobDocument, partitions: number): CompiledJob {
  const sources = assumedSources(document, partitions)
  return compileJob(document, { cluster: 'test', submission: 1, sources, missingTopics: [] })
}

type GivenCase = Pick<TestCase, 'name' | 'partitions' | 'startMs' | 'given'>

interface Unit {
  readonly stage: StageProcessor
  /** The stage that reads what it gives; undefined: rows. */
  readonly reader: number | undefined
  /** It takes records that are given as values. */
  readonly readsJson: boolean
  /** Silence that counts. */
  readonly idleAfterMs: number
  offset: number
  /** When something last came. */
  quietSince: number
  /** Since when something waits to be emitted. */
  pendingSince: number | undefined
}

/** A case as it goes on, event by event. Of what is given beforehand only the kinds of records count. */
export class CaseRun {
  readonly #job: CompiledJob
  readonly #case: GivenCase
  /** Of each stage. */
  readonly #units: readonly (readonly Unit[])[]
  readonly #rows: string[] = []
  readonly #deadLetters: string[] = []
  #now: number
  #peakStateBytes = 0

  constructor(document: JobDocument, testCase: GivenCase) {
    const job = compiled(document, testCase.partitions)
    this.#job = job
    this.#case = testCase
    this.#now = testCase.startMs
    this.#units = job.stages.map((_, stage) => this.#unitsOf(stage))
  }

  get #all(): readonly Unit[] {
    return this.#units.flat()
  }

  #unitsOf(stage: number): Unit[] {
    const job = this.#job
    return Array.from({ length: unitsOfStage(job, stage) }, (_, number) => {
      const plan = this.#planOf(stage, number)
      return {
        stage: createStage(plan, { partition: number }),
        reader: readerOf(plan),
        readsJson: plan.input.kind === 'records' && plan.input.format === 'json',
        idleAfterMs: stage === 0 ? sourceOfUnit(job, number).source.idleAfterMs : Number.POSITIVE_INFINITY,
        offset: 0,
        quietSince: this.#now,
        pendingSince: undefined,
      }
    })
  }

  /** Each source is given values or bytes. */
  #planOf(stage: number, number: number): StagePlan {
    const plan = planOfUnit(this.#job, stage, number)
    if (plan === undefined) throw new RangeError(`a job without a stage ${stage}`)
    const bytes = (event: TestEvent) =>
      event.kind === 'record' &&
      event.value.kind === 'bytes' &&
      this.#sourceOf(event) === sourceOfUnit(this.#job, number).source
    return stage === 0 && !this.#case.given.some(bytes) ? asJson(plan) : plan
  }

  #sourceOf({ source: name }: TestEvent & { readonly kind: 'record' }): SourcePlan {
    const { sources } = this.#job
    const source = sources.length === 1 && name === undefined ? sources[0] : sources.find((each) => each.name === name)
    if (source !== undefined) return source
    const known = sources.flatMap((each) => each.name ?? [])
    const expected = known.length === 0 ? 'no source, since the job has one' : `one of the sources ${known.join(', ')}`
    throw new QuorateError(
      'QRT_JOB_INVALID',
      `the case "${this.#case.name}": expected a record to say ${expected}; found ${name === undefined ? 'none' : `"${name}"`}`,
    )
  }

  #unitOf(event: TestEvent & { readonly kind: 'record' }): Unit {
    const { sources } = this.#job
    const before = sources.slice(0, sources.indexOf(this.#sourceOf(event)))
    const unit = this.#units[0]?.[partitionsOf(before) + event.partition]
    if (unit === undefined) throw new RangeError(`no partition ${event.partition}`)
    return unit
  }

  get output(): CaseOutput {
    this.#measure()
    return { rows: this.#rows, deadLetters: this.#deadLetters, peakStateBytes: this.#peakStateBytes }
  }

  get now(): number {
    return this.#now
  }

  /** The source ends, and every window closes. */
  end(): void {
    // Those that fell silent first end first: while one of them is idle, others that have ended would look idle as well.
    const [sources = [], ...merges] = this.#units
    const inOrder = sources.toSorted((a, b) => a.quietSince - b.quietSince)
    for (const unit of [...inOrder, ...merges.flat()]) this.#decide(unit, 'final')
  }

  take(event: TestEvent & { readonly kind: 'record' }): void {
    const { value, key, headers } = event
    const unit = this.#unitOf(event)
    if (value.kind === 'value' && !unit.readsJson) throw mixed(this.#case)
    const bytes = value.kind === 'bytes' ? value.bytes : Buffer.from(JSON.stringify(value.value ?? null))
    unit.quietSince = this.#now
    this.#feed(unit, bytes, key === undefined ? null : Buffer.from(key), headers)
  }

  /** To be called before state is given away. Not for every record, since it looks at all that is held. */
  #measure(): void {
    let held = 0
    for (const { stage } of this.#all) held += stage.stateBytes
    this.#peakStateBytes = Math.max(this.#peakStateBytes, held)
  }

  #feed(unit: Unit, value: Uint8Array, key: Uint8Array | null, headers: Readonly<Record<string, string>>): void {
    const given = new Map(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]))
    const offset = unit.offset++
    const timestamp = this.#now
    const batch: RecordBatch = {
      length: 1,
      offset: () => offset,
      timestamp: () => timestamp,
      key: () => key,
      value: () => value,
      headers: () => given,
    }
    unit.stage.run(batch, 0, 1)
    if (unit.stage.cutDue) this.#cut(unit)
    this.#note(unit)
  }

  /** Since when something waits, for the bound on that. */
  #note(unit: Unit): void {
    if (!unit.stage.pending) unit.pendingSince = undefined
    else unit.pendingSince ??= this.#now
  }

  #decide(unit: Unit, kind: 'cut' | 'idle' | 'final'): void {
    unit.stage.decide(kind)
    this.#cut(unit)
    this.#note(unit)
  }

  #cut(unit: Unit): void {
    this.#measure()
    const { parts } = unit.stage.cut()
    unit.pendingSince = undefined
    for (const { bodies, deadLetters } of parts) {
      for (const { value } of readRows(deadLetters)) this.#deadLetters.push(Buffer.from(value).toString())
      bodies.forEach((body, destination) => {
        if (body.length === 0) return
        if (unit.reader !== undefined) this.#pass(unit.reader, destination, body)
        // What goes to branches is in the first as well.
        else if (destination === 0) this.#emit(body)
      })
    }
  }

  #pass(stage: number, destination: number, body: Uint8Array): void {
    const merge = this.#units[stage]?.[destination]
    if (merge === undefined) throw new RangeError(`no partition ${destination} before stage ${stage}`)
    this.#feed(merge, body, null, {})
  }

  #emit(body: Uint8Array): void {
    for (const { kind, key, value } of readRows(body)) {
      const text = Buffer.from(value).toString()
      const keyText = key.length === 0 ? 'null' : Buffer.from(key).toString()
      this.#rows.push(kind === ROW_WINDOW ? text : `{"key":${keyText},"value":${text}}`)
    }
  }

  /** Lets time pass; whatever falls due on the way happens at its own instant. */
  advance(ms: number): void {
    const to = this.#now + ms
    for (;;) {
      const next = this.#nextDue(to)
      if (next === undefined) break
      this.#now = next.at
      // Silence is looked at again after as long a silence.
      if (next.kind === 'idle') next.unit.quietSince = next.at
      this.#decide(next.unit, next.kind)
    }
    this.#now = to
  }

  #nextDue(to: number): { readonly at: number; readonly unit: Unit; readonly kind: 'cut' | 'idle' } | undefined {
    let next: { readonly at: number; readonly unit: Unit; readonly kind: 'cut' | 'idle' } | undefined
    for (const unit of this.#all) {
      const { stage, quietSince, pendingSince, idleAfterMs } = unit
      const cut = pendingSince === undefined ? Number.POSITIVE_INFINITY : pendingSince + this.#job.maxCutAgeMs
      const idle = stage.canIdle ? quietSince + idleAfterMs : Number.POSITIVE_INFINITY
      const at = Math.min(cut, idle)
      if (at <= to && (next === undefined || at < next.at)) next = { at, unit, kind: cut <= idle ? 'cut' : 'idle' }
    }
    return next
  }
}

const mixed = ({ name }: GivenCase): QuorateError =>
  new QuorateError(
    'QRT_JOB_INVALID',
    `the case "${name}" gives some records as values and others as bytes, which are read in the format of the source; give all in one way`,
  )

/** Records that are given as values test what a job makes of them, in whatever format they come later. */
function asJson(plan: StagePlan): StagePlan {
  const { input } = plan
  return input.kind === 'records' ? { ...plan, input: { ...input, format: 'json' } } : plan
}
