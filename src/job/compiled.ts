/**
 * What the compiler makes of a job document: everything the peers need to place and run it, as plain data. It holds no
 * secrets and no addresses: those are in each peer's own configuration.
 */
import type { StagePlan } from '../../operators/index.ts'
import type { SinkPlan } from '../commit/sink.ts'

export interface QuorumPlan {
  readonly replicas: number
  readonly write: number
  readonly read: number
  /** W <= N/2 was asked for: results are marked. */
  readonly allowForks: boolean
}

export interface SourcePlan {
  readonly topic: string
  readonly partitions: number
  /** First offset of each partition to read, fixed at submit. */
  readonly startOffsets: readonly number[]
  /** Bounded source: the end offset of each partition, captured at submit. */
  readonly endOffsets?: readonly number[]
}

export interface CompiledJob {
  readonly name: string
  /** `<name>-<12 hex of the document's digest>-<number of the submission>`: what unit ids begin with. No colon. */
  readonly generation: string
  readonly source: SourcePlan
  /** One stage, or two with a shuffle between. */
  readonly stages: readonly StagePlan[]
  /** Set when there are two stages. */
  readonly shuffle?: { readonly topic: string; readonly partitions: number }
  readonly sinks: readonly SinkPlan[]
  /** Where dead-letter rows go besides the peers' own store. */
  readonly deadLetters?: SinkPlan
  readonly quorum: QuorumPlan
  /** Silence of a source partition that makes it idle, measured by successful empty fetches. */
  readonly idleAfterMs: number
  /** A cut is asked for once something to emit has waited this long. */
  readonly maxCutAgeMs: number
  /** How long results are kept for queries after their window's end by watermark; -1: as long as the job exists. */
  readonly retentionMs: number
}

/** Units of a stage: one per source partition for stage 0, one per shuffle partition for stage 1. */
export function unitsOfStage(job: CompiledJob, stage: number): number {
  return stage === 0 ? job.source.partitions : (job.shuffle?.partitions ?? 0)
}
