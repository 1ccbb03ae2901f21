/** What a peer says of itself while it runs, for whoever checks it from outside. */
import type { Certificate, CutPosition, UnitId } from '../../mesh/index.ts'
import type { Divergence } from '../../src/peer/divergences.ts'
import { Observer } from '../../src/peer/observer.ts'
import type { Batch } from '../../src/replica/batch.ts'
import type { Halt } from '../../src/replica/hosted.ts'
import type { Branch } from './branches.ts'
import { quietLogger, quietMetrics } from './quiet.ts'

export interface Seen {
  readonly certified: (certificate: Certificate) => void
  readonly held: (certificate: Certificate, batch: Batch) => void
  readonly took: (branch: Branch) => void
  readonly diverged: (divergence: Divergence) => void
  readonly halted: (unit: UnitId, halt: Halt) => void
  readonly sinkHalted: (unit: UnitId, sink: string, error: Error) => void
}

/** Passes on what a checker wants to know. */
export class SimulatedObserver extends Observer {
  readonly #seen: Seen

  constructor(seen: Seen) {
    super({ logger: quietLogger, metrics: quietMetrics, wallClock: () => 0 })
    this.#seen = seen
  }

  override certified(_unit: UnitId, certificate: Certificate): void {
    this.#seen.certified(certificate)
  }

  override held(_unit: UnitId, certificate: Certificate, _rows: number, batch: Batch): void {
    this.#seen.held(certificate, batch)
  }

  override committed(
    _unit: UnitId,
    _sink: string,
    _position: CutPosition,
    written: readonly unknown[],
    hedged: boolean,
  ): void {
    if (hedged && written.length > 0) this.#seen.took('hedged')
  }

  override readRepair(): void {
    this.#seen.took('readRepair')
  }

  override repaired(): void {
    this.#seen.took('repaired')
  }

  override diverged(divergence: Divergence): void {
    this.#seen.diverged(divergence)
  }

  override sinkHalted(unit: UnitId, sink: string, error: Error): void {
    this.#seen.sinkHalted(unit, sink, error)
  }

  override halted(unit: UnitId, halt: Halt): void {
    this.#seen.halted(unit, halt)
  }
}
