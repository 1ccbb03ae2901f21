/**
 * Where a simulated peer's replicas run: the production worker inside the process, with messages that take a moment each
 * way, as between threads. It can crash, which loses all it had in memory, or compute wrongly.
 */
import type { Random, UnitId } from '../../mesh/index.ts'
import type { OpenRange } from '../../operators/index.ts'
import { HOST_TIMING } from '../../src/limits.ts'
import type { Log } from '../../src/log/log.ts'
import type { WorkerEvents, Workers } from '../../src/peer/peer.ts'
import { type Culprit, Mark } from '../../src/replica/mark.ts'
import type { WorkerCommand, WorkerReport } from '../../src/replica/protocol.ts'
import type { WorkerPort } from '../../src/replica/runs.ts'
import { ReplicaWorker } from '../../src/replica/worker.ts'
import type { Branch } from './branches.ts'
import { fakeVerifier } from './identity.ts'
import type { SimulatedProcess } from './process.ts'
import { type Quirks, simulatedStages } from './stages.ts'

/** One way between threads: where the other one is busy now and then, up to this. */
const MESSAGE_MS = 0.05
const BUSY_MS = 30

export class SimulatedWorkers implements Workers {
  readonly #process: SimulatedProcess
  readonly #log: Log
  readonly #events: WorkerEvents
  readonly #units = new Set<UnitId>()
  readonly #asked = new Map<number, (body: Uint8Array) => void>()
  readonly #quirks: Quirks
  readonly #took: (branch: Branch) => void
  readonly #slots: UnitId[] = []
  #mark = new Mark()
  #worker: ReplicaWorker
  /** Rises with each crash: messages of an earlier worker are dropped. */
  #life = 0
  #requests = 0
  readonly #messageMs: number

  constructor(
    process: SimulatedProcess,
    log: Log,
    events: WorkerEvents,
    quirks: Quirks,
    { took, random }: { readonly took: (branch: Branch) => void; readonly random: Random },
  ) {
    this.#took = took
    this.#messageMs = random.below(3) === 0 ? 1 + random.below(BUSY_MS) : MESSAGE_MS
    this.#quirks = quirks
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
    this.#end(undefined, MESSAGE_MS)
  }

  /** Whatever it was doing is lost, and its supervisor hears of it after a while. */
  #end(culprit: Culprit | undefined, afterMs: number): void {
    const units = [...this.#units]
    this.#units.clear()
    const before = this.#worker
    this.#worker = this.#start()
    before.command({ kind: 'close' }).catch((error) => {
      throw error
    })
    const error = new Error('the simulated worker ended')
    this.#process.after(afterMs, () => this.#events.onFailure(units, error, culprit))
  }

  /** A record ended it, or keeps it for ever. */
  #ended(hangs: boolean): void {
    const { at } = this.#mark
    const unit = at === undefined ? undefined : this.#slots[at.slot]
    this.#end(unit === undefined ? undefined : { unit, offset: at?.offset }, hangs ? HOST_TIMING.hangMs : MESSAGE_MS)
  }

  #start(): ReplicaWorker {
    this.#life += 1
    const life = this.#life
    this.#mark = new Mark()
    const make = simulatedStages(this.#quirks, (hangs) => {
      if (life === this.#life) this.#ended(hangs)
    })
    return new ReplicaWorker({
      log: this.#log,
      now: () => this.#process.now(),
      verifier: fakeVerifier,
      mark: this.#mark,
      createStage: make,
      report: (report) =>
        this.#process.after(this.#messageMs, () => {
          if (life === this.#life) this.#report(report)
        }),
    })
  }

  #report(report: WorkerReport): void {
    if (report.kind === 'overtaken') this.#took('rolledBack')
    if (report.kind === 'openRows') {
      this.#asked.get(report.request)?.(report.body)
      this.#asked.delete(report.request)
    } else this.#events.onReport(report)
  }

  #post(command: WorkerCommand): void {
    const worker = this.#worker
    const sent = command.kind === 'assign' ? { ...command, slot: this.#slotOf(command.assignment.unit) } : command
    this.#process.after(this.#messageMs, () => {
      if (worker !== this.#worker) return
      worker.command(sent).catch((error) => {
        throw error
      })
    })
  }

  #slotOf(unit: UnitId): number {
    const known = this.#slots.indexOf(unit)
    return known >= 0 ? known : this.#slots.push(unit) - 1
  }
}
