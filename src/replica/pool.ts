/**
 * The replica workers of one peer: threads, each of which owns the record path of the units it was given. A unit goes to
 * the thread with the fewest, and stays there until it is released. A thread that ends is replaced, and its units are
 * reported so that they start again.
 */
import { Worker } from 'node:worker_threads'
import type { UnitId } from '../../mesh/index.ts'
import type { OpenRange } from '../../operators/index.ts'
import type { LogSettings } from '../log/log.ts'
import type { WorkerPort } from './host.ts'
import type { WorkerCommand, WorkerData, WorkerReport } from './protocol.ts'

export interface PoolOptions {
  readonly log: LogSettings
  readonly threads: number
  /** The module that threads run; another one only in tests. */
  readonly thread?: URL
  readonly onReport: (report: WorkerReport) => void
  /** A thread ended; these units ran there and are unassigned now. */
  readonly onFailure: (units: readonly UnitId[], error: Error) => void
}

interface Thread {
  readonly worker: Worker
  readonly units: Set<UnitId>
}

export class WorkerPool {
  readonly #options: PoolOptions
  readonly #threads: Thread[] = []
  readonly #threadOf = new Map<UnitId, Thread>()
  readonly #asked = new Map<number, (body: Uint8Array) => void>()
  #requests = 0
  #closing = false

  constructor(options: PoolOptions) {
    this.#options = options
    for (let index = 0; index < options.threads; index++) this.#threads.push(this.#start(index))
  }

  port(unit: UnitId): WorkerPort {
    return { post: (command) => this.#post(this.#assigned(unit), command) }
  }

  release(unit: UnitId): void {
    this.#threadOf.get(unit)?.units.delete(unit)
    this.#threadOf.delete(unit)
  }

  /** Rows of the unit's open windows; empty when it does not run here. */
  openRows(unit: UnitId, range: OpenRange): Promise<Uint8Array> {
    const thread = this.#threadOf.get(unit)
    if (thread === undefined) return Promise.resolve(new Uint8Array())
    this.#requests += 1
    const request = this.#requests
    return new Promise((resolve) => {
      this.#asked.set(request, resolve)
      this.#post(thread, { kind: 'openRows', unit, request, range })
    })
  }

  async close(): Promise<void> {
    this.#closing = true
    await Promise.all(
      this.#threads.map(
        (thread) =>
          new Promise<void>((resolve) => {
            thread.worker.once('exit', () => resolve())
            this.#post(thread, { kind: 'close' })
          }),
      ),
    )
  }

  #start(index: number): Thread {
    const data: WorkerData = { log: this.#options.log, index }
    const worker = new Worker(this.#options.thread ?? new URL('./worker-thread.ts', import.meta.url), {
      workerData: data,
      name: `replica-${index}`,
    })
    const thread: Thread = { worker, units: new Set() }
    let failure: Error | undefined
    worker.on('message', (report: WorkerReport) => this.#report(report))
    worker.on('error', (error) => {
      failure = error instanceof Error ? error : new Error(String(error))
    })
    worker.on('exit', (code) => this.#ended(index, thread, failure ?? new Error(`it ended with code ${code}`)))
    return thread
  }

  #ended(index: number, thread: Thread, error: Error): void {
    if (this.#closing) return
    const units = [...thread.units]
    for (const unit of units) this.#threadOf.delete(unit)
    this.#threads[index] = this.#start(index)
    // Whoever waits for rows of a thread that is gone gets none.
    for (const answer of this.#asked.values()) answer(new Uint8Array())
    this.#asked.clear()
    this.#options.onFailure(units, error)
  }

  #report(report: WorkerReport): void {
    if (report.kind !== 'openRows') {
      this.#options.onReport(report)
      return
    }
    this.#asked.get(report.request)?.(report.body)
    this.#asked.delete(report.request)
  }

  #assigned(unit: UnitId): Thread {
    const known = this.#threadOf.get(unit)
    if (known !== undefined) return known
    const least = this.#threads.reduce((best, thread) => (thread.units.size < best.units.size ? thread : best))
    least.units.add(unit)
    this.#threadOf.set(unit, least)
    return least
  }

  #post(thread: Thread, command: WorkerCommand): void {
    thread.worker.postMessage(command)
  }
}
