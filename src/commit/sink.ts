/**
 * Where certified batches go. A sink belongs to one unit of one job generation; whoever writes, and however often, the
 * result is the same (design, section 6). One contract suite holds every implementation.
 */
import type { CutPosition, Digest, PeerId, UnitId } from '../../mesh/index.ts'
import type { FileFormat, RowFormat } from './format/plan.ts'

/** A batch whose certificate this peer holds, for one sink. */
export interface CertifiedBatch {
  readonly cluster: string
  readonly job: string
  /** Identifies this submission of the job; later ones sort after earlier ones. */
  readonly generation: string
  readonly unit: UnitId
  readonly position: CutPosition
  /** The position before this one in the unit, undefined at the first. */
  readonly previous: CutPosition | undefined
  /** Frames of operators/rows.ts; may be empty. */
  readonly body: Uint8Array
  /** Root over the body as certified (destination digest). */
  readonly outDigest: Digest
  /** The encoded certificate, for the next stage. */
  readonly certificate: Uint8Array
  /** What is kept beside the rows and is never part of them (record.ts). */
  readonly record: Uint8Array
  /** With checkpoints: another cluster may have to go on from nothing but them and what is here. */
  readonly restorable: boolean
}

/** How far a sink has a unit's batches: everything up to and including `position`. */
export interface SinkProgress {
  readonly position: CutPosition
  readonly outDigest: Digest
  /** That of the batch. */
  readonly record: Uint8Array
}

export interface UnitIdentity {
  readonly cluster: string
  readonly job: string
  readonly generation: string
  readonly unit: UnitId
}

export interface UnitSink {
  /** What the sink itself says, read when it was opened; undefined: nothing yet. */
  readonly progress: SinkProgress | undefined
  /**
   * What a sink without transactions may have begun to write: the furthest batch whose record is there. Rows of a restorable
   * batch come after its record, so a row that is there belongs to `progress`, to this, or to a batch before them; and what a
   * writer left half-written can be computed again though nobody knows of it any more. Undefined: all or nothing of a batch is there.
   */
  announced(): Promise<SinkProgress | undefined>
  /**
   * Writes batches, in order, at once as far as the sink can; `already` when it had all of them. After a failure some of
   * them may be there: the progress of a new session says which. Empty ones may be skipped by the caller except that the
   * progress then stays behind, which is harmless.
   * @throws QuorateError QRT_SINK_FORK: the sink holds something else at this position, stop and keep the evidence.
   *   QRT_SINK_FENCED: another committer took over; reopen after a growing wait. QRT_SINK_UNREACHABLE: retry.
   *   QRT_SINK_REFUSED: the sink will not take this, whatever is repeated. `indefinite`: reopen and read progress.
   */
  write(batches: readonly CertifiedBatch[]): Promise<'written' | 'already'>
  close(): Promise<void>
}

export interface Sink {
  /** A stable name within the job, such as `kafka:flight-delays`. */
  readonly name: string
  /** Checks reach, permissions and the guarantees the sink relies on. @throws QRT_SINK_UNSUPPORTED, QRT_SINK_UNREACHABLE */
  probe(): Promise<void>
  /** Becomes the committer of a unit: fences earlier ones where the sink can, then reads its progress. */
  open(unit: UnitIdentity): Promise<UnitSink>
  /**
   * Whether what this peer writes is there for all of these peers. Absent where it always is. Where it is not, each of
   * them writes everything, and has a copy of its own.
   */
  sharedBy?(peers: readonly PeerId[]): Promise<boolean>
  close(): Promise<void>
}

/** Where rows go, from the job document. */
export type SinkTarget =
  /** `format` of the values; absent: JSON, as certified. */
  | { readonly kind: 'kafka'; readonly topic: string; readonly format?: RowFormat }
  | { readonly kind: 'mongodb'; readonly database: string; readonly collection: string }
  /** `format` of the objects; absent: JSON Lines. */
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string; readonly format?: FileFormat }
  /** Below the directory that a peer's own configuration gives to such sinks. */
  | { readonly kind: 'file'; readonly directory: string; readonly format?: FileFormat }

export type SinkPlan =
  /** `branch`: the destination of the rows that go there, by its number; absent: all rows do. */
  | (SinkTarget & { readonly branch?: number })
  /** The next stage: bodies go to partition i of the internal topic with their certificate. */
  | { readonly kind: 'shuffle'; readonly topic: string; readonly partitions: number }

/** From the peer's own configuration: how each kind of sink is reached. Secrets are resolved already. */
export interface SinkConnections {
  readonly mongodb?: { readonly url: string }
  readonly s3?: {
    readonly region: string
    readonly endpoint?: string
    readonly forcePathStyle?: boolean
    readonly accessKeyId?: string
    readonly secretAccessKey?: string
  }
  readonly file?: { readonly directory: string }
}
