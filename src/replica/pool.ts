/**
 * The replica workers of one peer: threads, each of which owns the record path of the units it was given. A unit goes to
 * the thread with the fewest, and stays there until it is released; one that takes records with care goes to a thread that
 * nobody else depends on. A thread that ends or hangs is replaced, and its units are reported so that they start again.
 */
import { Worker } from 'node:worker_threads'
import type { UnitId } from '../../mesh/index.ts'
import type { OpenRange } from '../../operators/index.ts'
import type { FunctionSource } from '../functions/module.ts'
import { HOST_TIMING } from '../limits.ts'
import type { LogSettings } from '../log/log.ts'
import { type Culprit, Mark } from './mark.ts'
import type { WorkerCommand, WorkerData, WorkerReport } from './protocol.ts'
import type { WorkerPort } from './runs.ts'

export interface PoolOptions {
  readonly log: LogSettings
  readonly functions: readonly FunctionSource[]
  readonly threads: number
  /** The module that threads run; another one only in tests. */
  readonly thread?: URL
  readonly onReport: (report: WorkerReport) => void
  /** A thread ended; these units ran there and are unassigned now. `culprit`: the one whose records it was taking. */
  readonly onFailure: (units: readonly UnitId[], error: Error, culprit: Culprit | undefined) => void
}

interface Thread {
  readonly worker: Worker
  readonly mark: Mark
  readonly units: Set<UnitId>
  /** By slot, which is how the mark names them. */
  readonly slots: UnitId[]
  beats: bigint
  /** Checks in a row without a beat. */
  silent: number
  hangs: boolean
}

const CHECK_EVERY_MS = 1_000
/** A thread that is asked to end has so long: one that a record keeps busy, or whose log is away, is ended then. */
const CLOSE_WITHIN_MS = 2_000

export class WorkerPool {
  readonly #options: PoolOptions
  readonly #threads: Thread[] = []
  #careful: Thread | undefined
  readonly #threadOf = new Map<UnitId, Thread>()
  readonly #asked = new Map<number, { readonly thread: Thread; readonly answer: (body: Uint8Array) => void }>()
  readonly #watch: NodeJS.Timeout
  #requests = 0
  #closing = false

  constructor(options: PoolOptions) {
    this.#options = options
    for (let index = 0; index < options.threads; index++) this.#threads.push(this.#start(`replica-${index}`, index))
    this.#watch = setInterval(() => this.#lookForHangs(), CHECK_EVERY_MS)
    this.#watch.unref()
  }

  port(unit: UnitId, careful: boolean): WorkerPort {
    return {
      post: (command) => {
        // A unit that is still being opened while the peer closes must not begin: nobody would end it.
        if (!this.#closing) this.#postTo(this.#assigned(unit, careful), command)
      },
    }
  }

  release(unit: UnitId): void {
    this.#threadOf.get(unit)?.units.delete(unit)
    this.#threadOf.delete(unit)
  }

  /** Rows of the unit's open windows; empty when it does not run here. */
  openRows(unit: UnitId, range: OpenRange): Promise<Uint8Array> {
    const thread = this.#threadOf.get(unit)
    if (thread === undefined || this.#closing) return Promise.resolve(new Uint8Array())
    this.#requests += 1
    const request = this.#requests
    return new Promise((resolve) => {
      this.#asked.set(request, { thread, answer: resolve })
      this.#postTo(thread, { kind: 'openRows', unit, request, range })
    })
  }

  async close(): Promise<void> {
    this.#closing = true
    clearInterval(this.#watch)
    await Promise.all(this.#all.map((thread) => this.#close(thread)))
    for (const { answer } of this.#asked.values()) answer(new Uint8Array())
    this.#asked.clear()
  }

  async #close(thread: Thread): Promise<void> {
    const { worker } = thread
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
    this.#postTo(thread, { kind: 'close' })
    const insist = setTimeout(() => worker.terminate(), CLOSE_WITHIN_MS)
    await ended
    clearTimeout(insist)
  }

  get #all(): readonly Thread[] {
    return this.#careful === undefined ? this.#threads : [...this.#threads, this.#careful]
  }

  #start(name: string, index: number): Thread {
    const mark = new Mark()
    const { log, functions } = this.#options
    const data: WorkerData = { log, functions, index, mark: mark.buffer }
    const worker = new Worker(this.#options.thread ?? new URL('./worker-thread.ts', import.meta.url), {
      workerData: data,
      name,
    })
    const thread: Thread = { worker, mark, units: new Set(), slots: [], beats: 0n, silent: 0, hangs: false }
    let failure: Error | undefined
    worker.on('message', (report: WorkerReport) => this.#report(report))
    worker.on('error', (error) => {
      failure = error instanceof Error ? error : new Error(String(error))
    })
    worker.on('exit', (code) => this.#ended(name, index, thread, failure ?? endOf(thread, code)))
    return thread
  }

  #ended(name: string, index: number, thread: Thread, error: Error): void {
    if (this.#closing) return
    const units = [...thread.units]
    for (const unit of units) this.#threadOf.delete(unit)
    if (this.#careful === thread) this.#careful = undefined
    else this.#threads[index] = this.#start(name, index)
    // Whoever waits for rows of a thread that is gone gets none.
    for (const [request, asked] of this.#asked) {
      if (asked.thread !== thread) continue
      this.#asked.delete(request)
      asked.answer(new Uint8Array())
    }
    const { at } = thread.mark
    const unit = at === undefined ? undefined : thread.slots[at.slot]
    const culprit = unit === undefined || at === undefined ? undefined : { unit, offset: at.offset }
    this.#options.onFailure(units, error, culprit)
  }

  /** A record can keep a thread busy for ever; whoever runs such code must not stop the rest. */
  #lookForHangs(): void {
    for (const thread of this.#all) {
      const { beats } = thread.mark
      thread.silent = beats === thread.beats && beats > 0n ? thread.silent + 1 : 0
      thread.beats = beats
      if (thread.silent * CHECK_EVERY_MS < HOST_TIMING.hangMs || thread.hangs) continue
      thread.hangs = true
      // Its end is reported by `exit`.
      thread.worker.terminate()
    }
  }

  #report(report: WorkerReport): void {
    if (report.kind !== 'openRows') {
      this.#options.onReport(report)
      return
    }
    this.#asked.get(report.request)?.answer(report.body)
    this.#asked.delete(report.request)
  }

  #assigned(unit: UnitId, careful: boolean): Thread {
    const known = this.#threadOf.get(unit)
    if (known !== undefined) return known
    const thread = careful ? this.#carefulThread() : this.#leastBusy()
    thread.units.add(unit)
    this.#threadOf.set(unit, thread)
    return thread
  }

  #carefulThread(): Thread {
    this.#careful ??= this.#start('replica-careful', this.#threads.length)
    return this.#careful
  }

  #leastBusy(): Thread {
    return this.#threads.reduce((best, thread) => (thread.units.size < best.units.size ? thread : best))
  }

  #postTo(thread: Thread, command: WorkerCommand): void {
    if (command.kind !== 'assign') {
      thread.worker.postMessage(command)
      return
    }
    const { unit } = command.assignment
    const known = thread.slots.indexOf(unit)
    const slot = known >= 0 ? known : thread.slots.push(unit) - 1
    thread.worker.postMessage({ ...command, slot } satisfies WorkerCommand)
  }
}

function endOf({ hangs }: Thread, code: number): Error {
  return new Error(hangs ? `it took no message for ${HOST_TIMING.hangMs / 1000} s` : `it ended with code ${code}`)
}
