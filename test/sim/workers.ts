/**
 * Where a simulated peer's replicas run: the production worker inside the process, with messages that take a moment each
 * way, as between threads. It can crash, which loses all it had in memory, or compute wrongly.
 */
import type { UnitId } from '../../mesh/index.ts'
import type { OpenRange } from '../../operators/index.ts'
import type { Log } from '../../src/log/log.ts'
import type { WorkerEvents, Workers } from '../../src/peer/peer.ts'
import type { WorkerPort } from '../../src/replica/host.ts'
import type { WorkerCommand, WorkerReport } from '../../src/replica/protocol.ts'
import { ReplicaWorker } from '../../src/replica/worker.ts'
import { fakeVerifier } from './identity.ts'
import type { SimulatedProcess } from './process.ts'

const MESSAGE_MS = 0.05

export class SimulatedWorkers implements Workers {
  readonly #process: SimulatedProcess
  readonly #log: Log
  readonly #events: WorkerEvents
  readonly #units = new Set<UnitId>()
  readonly #asked = new Map<number, (body: Uint8Array) => void>()
  #worker: ReplicaWorker
  /** Rises with each crash: messages of an earlier worker are dropped. */
  #life = 0
  #requests = 0

  constructor(process: SimulatedProcess, log: Log, events: WorkerEvents) {
    this.#process = process
    this.#log = log
    this.#events = events
    this.#worker = this.#start()
  }

  port(unit: UnitId): WorkerPort {
    this.#units.add(unit)
    return { post: (command) => this.#post(command) }
  }

  release(unit: UnitId): void {
    this.#units.delete(unit)
  }

  openRows(unit: UnitId, range: OpenRange): Promise<Uint8Array> {
    this.#requests += 1
    const request = this.#requests
    return new Promise((resolve) => {
      this.#asked.set(request, resolve)
      this.#post({ kind: 'openRows', unit, request, range })
    })
  }

  async close(): Promise<void> {
    this.#life += 1
  }

  crash(): void {
    const units = [...this.#units]
    this.#units.clear()
    this.#worker = this.#start()
    this.#process.after(MESSAGE_MS, () => this.#events.onFailure(units, new Error('the simulated worker crashed')))
  }

  #start(): ReplicaWorker {
    this.#life += 1
    const life = this.#life
    return new ReplicaWorker({
      log: this.#log,
      now: () => this.#process.now(),
      verifier: fakeVerifier,
      report: (report) =>
        this.#process.after(MESSAGE_MS, () => {
          if (life === this.#life) this.#report(report)
        }),
    })
  }

  #report(report: WorkerReport): void {
    if (report.kind === 'openRows') {
      this.#asked.get(report.request)?.(report.body)
      this.#asked.delete(report.request)
    } else this.#events.onReport(report)
  }

  #post(command: WorkerCommand): void {
    const worker = this.#worker
    this.#process.after(MESSAGE_MS, () => {
      if (worker !== this.#worker) return
      worker.command(command).catch((error) => {
        throw error
      })
    })
  }
}
