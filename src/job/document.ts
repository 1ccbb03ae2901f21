/**
 * A job as its document says it: valid, defaults filled in, durations in milliseconds, no trace of the format or the order it
 * was written in. Equal documents have equal canonical JSON, and its digest names the job's generations.
 */
import type {
  AggregatePlan,
  ExpressionPlan,
  FormatPlan,
  IdlePolicy,
  JoinSide,
  OrderedPlan,
  RowTimePlan,
  StepPlan,
  TimePlan,
  WindowPlan,
} from '../../operators/index.ts'
import type { SinkTarget } from '../commit/sink.ts'
import type { QuorumPlan } from './compiled.ts'

export type JobFormat = 'yaml' | 'toml' | 'json'

export interface SourceDocument {
  /** Where a document has several. */
  readonly name?: string
  readonly topic: string
  readonly format: FormatPlan
  readonly envelope?: 'cloudevents'
  readonly time: TimePlan
  readonly outOfOrdernessMs: number
  /** Expressions: equal values of all of them are always in one partition of the topic. */
  readonly partitionedBy?: readonly string[]
  readonly from: 'earliest' | 'latest'
  readonly bounded: boolean
  readonly idleAfterMs: number
  readonly onIdle: IdlePolicy
  /** Which side of a join it is, and what is equal there. */
  readonly joined?: {
    readonly side: JoinSide
    readonly keyBy: readonly ExpressionPlan[]
    /** Of several joins, the round of the pipeline that it is. Absent: the first. */
    readonly round?: number
  }
  /** What its records go through before those of all sources come together. */
  readonly steps: readonly StepPlan[]
}

/** Where it stands in the document. */
export const pathOfSource = ({ name }: SourceDocument): readonly string[] =>
  name === undefined ? ['source'] : ['sources', name]

/**
 * When the rows happened that a round takes from the one before; the key, then the window or what stands in its place, with its aggregates, sorted by name, then the steps on its rows, then what
 * rows are grouped by next.
 */
export interface RoundDocument {
  readonly time?: RowTimePlan
  readonly keyBy?: readonly ExpressionPlan[]
  readonly window?: WindowPlan
  /** In place of a window. */
  readonly ordered?: OrderedPlan
  readonly aggregates: readonly AggregatePlan[]
  readonly after?: readonly StepPlan[]
  readonly next?: RoundDocument
}

/** Steps in order, and what records are grouped by behind them. */
export interface PipelineDocument extends RoundDocument {
  readonly steps: readonly StepPlan[]
}

/** All of them, in order: one at least. */
export function roundsOf(first: RoundDocument): readonly RoundDocument[] {
  return first.next === undefined ? [first] : [first, ...roundsOf(first.next)]
}

/** The one whose rows go to sinks. */
export const lastRoundOf = (first: RoundDocument): RoundDocument =>
  first.next === undefined ? first : lastRoundOf(first.next)

export interface JobDocument {
  readonly name: string
  /** At least one. Several have names, and are in the order of those, tables before streams. */
  readonly sources: readonly SourceDocument[]
  readonly pipeline: PipelineDocument
  readonly sinks: readonly SinkDocument[]
  readonly deadLetters?: SinkTarget
  readonly quorum: QuorumPlan
  /** Absent: as many as the sources have. */
  readonly shufflePartitions?: number
  readonly maxCutAgeMs: number
  /** -1: as long as the job exists. */
  readonly retentionMs: number
}

/** A place for rows, and which of them go there. Absent: all of them. */
export type SinkDocument = SinkTarget & { readonly where?: ExpressionPlan }
