/**
 * What crosses between the main thread and a replica worker: plain data, no record ever. Every message about a unit
 * carries its epoch, which rises with each (re)start of the replica, so that what was in flight when it was rewound is
 * told apart.
 */
import type { CutContent, CutPosition, PeerId, UnitId } from '../../mesh/index.ts'
import type { OpenRange, StagePlan } from '../../operators/index.ts'
import type { FunctionSource } from '../functions/module.ts'
import type { LogSettings } from '../log/log.ts'
import type { PlacedDecision, ReplicaStart } from './unit-replica.ts'

export interface WorkerData {
  readonly log: LogSettings
  /** Modules that expressions may call functions of. */
  readonly functions: readonly FunctionSource[]
  readonly index: number
  /** Where the thread says what it is doing (mark.ts). */
  readonly mark: SharedArrayBuffer
}

/** What a reader of slices needs to check their certificates: who may sign for a unit of the stage before, term by term. */
export interface SliceTrust {
  readonly unit: UnitId
  /** From these terms on, in order. */
  readonly voters: readonly { readonly term: number; readonly write: number; readonly members: readonly PeerId[] }[]
  /** The latest term that was known; a certificate of a later one waits until more is. */
  readonly latest: number
}

export interface UnitAssignment {
  readonly cluster: string
  readonly unit: UnitId
  /** By revision, as far as they are known. */
  readonly plans: readonly StagePlan[]
  readonly topic: string
  readonly partition: number
  readonly start: ReplicaStart
  readonly endOffset: number | undefined
  readonly idleAfterMs: number
  /** Take records below this one by one, and say which: an earlier worker ended at one of them. */
  readonly carefulBelow: number
  /** Set where the unit reads slices of the stage before. */
  readonly trust: readonly SliceTrust[] | undefined
}

export type WorkerCommand =
  /** `slot`: what the unit is called in the thread's mark. */
  | { readonly kind: 'assign'; readonly epoch: number; readonly assignment: UnitAssignment; readonly slot?: number }
  /** `plans`: what is known of revisions by now. */
  | {
      readonly kind: 'decide'
      readonly unit: UnitId
      readonly epoch: number
      readonly decision: PlacedDecision
      readonly plans: readonly StagePlan[]
    }
  | { readonly kind: 'pause'; readonly unit: UnitId; readonly epoch: number; readonly token: number }
  | { readonly kind: 'resume'; readonly unit: UnitId; readonly epoch: number }
  | { readonly kind: 'settled'; readonly unit: UnitId; readonly epoch: number; readonly position: CutPosition }
  | { readonly kind: 'trust'; readonly unit: UnitId; readonly epoch: number; readonly trust: readonly SliceTrust[] }
  | { readonly kind: 'openRows'; readonly unit: UnitId; readonly request: number; readonly range: OpenRange }
  | { readonly kind: 'release'; readonly unit: UnitId }
  | { readonly kind: 'close' }

export type WorkerReport =
  | {
      readonly kind: 'cut'
      readonly unit: UnitId
      readonly epoch: number
      readonly content: CutContent
      readonly bodies: readonly Uint8Array[]
      readonly deadLetters: Uint8Array
      readonly watermark: number
      readonly snapshot: Uint8Array | undefined
      /** The latest term whose decision the replica knew when it cut. */
      readonly term: number
    }
  /** A decision lies before what was taken: the replica must be restored and replayed. */
  | { readonly kind: 'overtaken'; readonly unit: UnitId; readonly epoch: number; readonly offset: number }
  | {
      readonly kind: 'paused'
      readonly unit: UnitId
      readonly epoch: number
      readonly token: number
      readonly offset: number
    }
  /** Something to emit began to wait (or, `pending` false, was cut). */
  | { readonly kind: 'pending'; readonly unit: UnitId; readonly epoch: number; readonly pending: boolean }
  /** The source partition was silent for `idleAfterMs` and an idle decision at `offset` would say something. */
  | { readonly kind: 'idle'; readonly unit: UnitId; readonly epoch: number; readonly offset: number }
  /** All records of a bounded source were taken. */
  | { readonly kind: 'end'; readonly unit: UnitId; readonly epoch: number; readonly offset: number }
  | {
      readonly kind: 'progress'
      readonly unit: UnitId
      readonly epoch: number
      readonly offset: number
      readonly endOffset: number
      readonly records: number
      readonly watermark: number
      readonly stateBytes: number
      readonly openWindows: number
      readonly blocked: boolean
    }
  | {
      readonly kind: 'halted'
      readonly unit: UnitId
      readonly epoch: number
      /** Where its partition begins, when what it wants lies before. */
      readonly logStart: number | undefined
      readonly code: string
      readonly message: string
    }
  /** The operators failed on a record: the replica's state is of no more use. `offset`: which, when taken one by one. */
  | {
      readonly kind: 'crashed'
      readonly unit: UnitId
      readonly epoch: number
      readonly offset: number | undefined
      readonly message: string
    }
  /** The next slice was certified in a term that is not known here: nothing is taken until `trust`. */
  | {
      readonly kind: 'untrusted'
      readonly unit: UnitId
      readonly epoch: number
      readonly source: UnitId
      readonly term: number
    }
  | { readonly kind: 'outage'; readonly message: string | undefined }
  | { readonly kind: 'openRows'; readonly request: number; readonly body: Uint8Array }
  | { readonly kind: 'closed' }
