/** One unit at this peer as the main thread knows it: for its host, for status, for reads and commits. */
import type { CutPosition, PeerId, UnitId } from '../../mesh/index.ts'
import type { StagePlan } from '../../operators/index.ts'
import { BatchIndex } from './batch.ts'
import type { WorkerReport } from './protocol.ts'
import type { PlacedDecision } from './unit-replica.ts'

/** What a unit is, from its job. */
export interface UnitDescription {
  readonly unit: UnitId
  readonly job: string
  readonly generation: string
  readonly plan: StagePlan
  readonly topic: string
  readonly partition: number
  readonly startOffset: number
  readonly endOffset: number | undefined
  readonly idleAfterMs: number
  readonly maxCutAgeMs: number
  /** Of its first term. */
  readonly members: readonly PeerId[]
  readonly write: number
  /** Reads the certified slices of the stage before. */
  readonly readsSlices: boolean
}

export type ComputedReport = WorkerReport & { readonly kind: 'cut' }

export interface Halt {
  readonly code: string
  readonly message: string
}

export class HostedUnit {
  readonly description: UnitDescription
  readonly batches = new BatchIndex()
  epoch = 0
  /** Every decision so far. */
  decisions: PlacedDecision[] = []
  /** Cuts computed and waiting for their certificate, by position. */
  readonly waiting = new Map<string, ComputedReport>()
  state: 'opening' | 'running' | 'halted' = 'opening'
  halt: Halt | undefined
  /** Set while restored from a divergence, until the position is matched. */
  repairing: CutPosition | undefined
  offset: number
  endOffset = 0
  /** Of what was computed; Infinity after the end of a bounded input. */
  watermark = Number.NEGATIVE_INFINITY
  stateBytes = 0
  /** One for each key. */
  openWindows = 0
  blocked = false
  /** Monotonic: when something to emit began to wait. */
  pendingSince: number | undefined
  /** Monotonic: since when something is computed and not certified, counted from the last certificate. */
  uncertifiedSince: number | undefined
  /** Monotonic: when a record was last taken, or the replica started. */
  quietSince: number
  idleOffset: number | undefined
  endReached: number | undefined
  /** The last position certified here that the worker has not been given room for yet. */
  settled: CutPosition | undefined

  constructor(description: UnitDescription, now: number) {
    this.description = description
    this.offset = description.startOffset
    this.quietSince = now
  }

  /** The end of a bounded input was reached, and everything up to it is certified here. */
  get finished(): boolean {
    return this.watermark === Number.POSITIVE_INFINITY && this.waiting.size === 0
  }
}

export const placeName = (position: CutPosition): string => `${position.seq}/${position.part}`
