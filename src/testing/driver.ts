/**
 * Drives a job in a test of your own, record by record, in virtual time: the stages that peers run, through a shuffle where there
 * are several partitions, with the decisions that peers make by time. No peer, no broker, and nothing waits.
 */
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { parseDuration } from '../../operators/index.ts'
import { isJob } from '../builder/check.ts'
import type { Job } from '../builder/job.ts'
import { QuorateError } from '../errors.ts'
import type { JobDocument, JobFormat } from '../job/document.ts'
import { parseJob } from '../job/parse.ts'
import { loadBeside } from '../job/reference.ts'
import { CaseRun } from '../job/testing/run.ts'
import type { TestValue } from '../job/testing/suite.ts'

export interface TestDriverOptions {
  /** Of the source, 1 to 64; default 1. */
  readonly partitions?: number
  /** What the clock says at first; default 1970-01-01T00:00:00Z. */
  readonly start?: string | number | Date
  /** Records are sent as the bytes that the source would have, not as values. */
  readonly bytes?: boolean
}

export interface SendOptions {
  /** Its name, where the job has several. */
  readonly source?: string
  /** Default 0. */
  readonly partition?: number
  /** When the log takes the record: the clock goes on to there first. */
  readonly at?: string | number | Date
  readonly key?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** What a dead letter says. */
export interface DeadLetter {
  readonly error: string
  readonly [field: string]: unknown
}

const MOST_PARTITIONS = 64

export class TestDriver<Input = unknown, Row = unknown> {
  readonly #run: CaseRun
  readonly #partitions: number
  readonly #bytes: boolean
  #ended = false
  #rowsTaken = 0
  #lettersTaken = 0

  /**
   * @param job one that was built, or the path of a document in YAML, TOML or JSON
   * @throws JobInvalidError when the job has faults; QuorateError QRT_USAGE for options that cannot be
   */
  constructor(job: Job<Input, Row> | string, options: TestDriverOptions = {}) {
    const { partitions = 1, start = 0, bytes = false } = options
    if (!Number.isInteger(partitions) || partitions < 1 || partitions > MOST_PARTITIONS) {
      throw usage(`partitions: expected a whole number from 1 to ${MOST_PARTITIONS}, found ${partitions}`)
    }
    this.#partitions = partitions
    this.#bytes = bytes
    const document = documentOf(job)
    const ofEach = document.sources.map(({ name }) => (name === undefined ? {} : { source: name }))
    const given = bytes ? ofEach.map((source) => event({ kind: 'bytes', bytes: new Uint8Array() }, source)) : []
    this.#run = new CaseRun(document, { name: document.name, partitions, startMs: instantOf(start, 'start'), given })
  }

  /** A record as a value, or as bytes where the driver is told so. Text is taken as its UTF-8 bytes then. */
  send(record: Input | Uint8Array, options: SendOptions = {}): void {
    const { partition = 0, at } = options
    if (this.#ended) throw usage('the source has ended; make another driver')
    if (!Number.isInteger(partition) || partition < 0 || partition >= this.#partitions) {
      throw usage(
        `partition: expected one of the ${this.#partitions} that the driver has, counted from 0, found ${partition}`,
      )
    }
    if (at !== undefined) this.#goTo(instantOf(at, 'at'))
    this.#run.take(event(this.#valueOf(record), options))
  }

  /** Lets time pass, such as `advance('30s')` or a number of milliseconds; what falls due on the way happens. */
  advance(time: string | number): void {
    const ms = typeof time === 'number' ? time : parseDuration(time)
    if (!Number.isSafeInteger(ms) || ms < 0) throw usage(`advance: expected a duration such as 30s, found ${time}`)
    this.#run.advance(ms)
  }

  /** The source ends: every window closes, and what waits comes out. */
  end(): void {
    if (!this.#ended) this.#run.end()
    this.#ended = true
  }

  /** What the clock says. */
  get now(): Date {
    return new Date(this.#run.now)
  }

  /** All rows so far, in the order in which each unit gave them. */
  get rows(): readonly Row[] {
    return this.rowTexts.map((text) => JSON.parse(text) as Row)
  }

  /** The same as their canonical JSON, in which every integer is exact. */
  get rowTexts(): readonly string[] {
    return [...this.#run.output.rows]
  }

  /** Rows that came since the last time that they were taken. */
  takeRows(): readonly Row[] {
    const rows = this.rows.slice(this.#rowsTaken)
    this.#rowsTaken += rows.length
    return rows
  }

  /** All dead letters so far: late records, and those that cannot be read or have no value for an expression. */
  get deadLetters(): readonly DeadLetter[] {
    return this.#run.output.deadLetters.map((text) => JSON.parse(text) as DeadLetter)
  }

  takeDeadLetters(): readonly DeadLetter[] {
    const letters = this.deadLetters.slice(this.#lettersTaken)
    this.#lettersTaken += letters.length
    return letters
  }

  /** The most that all units held at one time, approximately. */
  get peakStateBytes(): number {
    return this.#run.output.peakStateBytes
  }

  #goTo(instant: number): void {
    const ms = instant - this.#run.now
    if (ms < 0)
      throw usage(
        `at: expected an instant from ${this.now.toISOString()} on, which the clock says, found ${new Date(instant).toISOString()}`,
      )
    this.#run.advance(ms)
  }

  #valueOf(record: Input | Uint8Array): TestValue {
    if (this.#bytes) {
      if (record instanceof Uint8Array) return { kind: 'bytes', bytes: record }
      if (typeof record === 'string') return { kind: 'bytes', bytes: Buffer.from(record) }
      throw usage('a driver with { bytes: true } takes records as bytes or text, and this is a value')
    }
    if (record instanceof Uint8Array)
      throw usage('records are sent as bytes only to a driver that was made with { bytes: true }')
    return { kind: 'value', value: record }
  }
}

const FORMATS: Readonly<Record<string, JobFormat>> = {
  '.yaml': 'yaml',
  '.yml': 'yaml',
  '.toml': 'toml',
  '.json': 'json',
}

function documentOf(job: Job | string): JobDocument {
  if (typeof job === 'string') {
    const format = FORMATS[extname(job)]
    if (format === undefined)
      throw usage(`expected the path of a .yaml, .toml or .json file, found ${job}; import a module, and give its job`)
    return parseJob(readFileSync(job, 'utf8'), format, job, loadBeside(job))
  }
  if (!isJob(job)) throw usage('expected a job as stream(…)….job(…) gives it, or the path of a document')
  const file = job.file ?? `job ${job.name}`
  return parseJob(job.toYaml(), 'yaml', file, loadBeside(file))
}

const event = (value: TestValue, { source, partition = 0, key, headers = {} }: SendOptions) =>
  ({ kind: 'record', value, source, partition, key, headers }) as const

function instantOf(given: string | number | Date, name: string): number {
  const instant = typeof given === 'number' ? given : new Date(given).getTime()
  if (Number.isSafeInteger(instant)) return instant
  throw usage(`${name}: expected an instant in ISO 8601, a Date or epoch milliseconds, found ${String(given)}`)
}

const usage = (what: string): QuorateError => new QuorateError('QRT_USAGE', what)
