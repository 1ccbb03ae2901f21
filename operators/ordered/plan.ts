/** What can be asked of records in the order of their times: plain data, as all of a plan. */
import type { ExpressionPlan } from '../plan.ts'
import type { JoinPlan } from './join/plan.ts'

export type { JoinPlan, JoinSide, StreamMatch, TableMatch } from './join/plan.ts'

/** Windows of `size` records of a key; one begins with every `slide`-th. */
export interface CountWindowPlan {
  readonly kind: 'count'
  readonly size: number
  readonly slide: number
  /** Windows that are not full are shown at silence and at the end of the input. */
  readonly emitPartial: boolean
}

/** Every window with both ends included that is `differenceMs` long and begins behind a record or ends at one. */
export interface SlidingWindowPlan {
  readonly kind: 'sliding'
  readonly differenceMs: number
  /** How long after the watermark records are taken; rows come so much later. */
  readonly graceMs: number
}

/** A row for each record: over the `last` records of its key, or those of the time `withinMs` that ends with it. */
export type RollingPlan =
  | { readonly kind: 'rolling'; readonly last: number }
  | { readonly kind: 'rolling'; readonly withinMs: number }

/** Of each key, the first record of each value of `by`, until `withinMs` after it. */
export interface DedupePlan {
  readonly kind: 'dedupe'
  readonly by: ExpressionPlan
  readonly withinMs: number
}

/** Of each key, the records whose value of `of` is not that of the record before. */
export interface ChangesPlan {
  readonly kind: 'changes'
  readonly of: ExpressionPlan
}

/** How far apart two events of a match may be: neighbours, up to the next that fits, or any that fits. */
export type Contiguity = 'strict' | 'relaxed' | 'relaxedAny'

export interface PatternStagePlan {
  readonly name: string
  /** Absent: every record. */
  readonly where?: ExpressionPlan
  /** To the stage before. */
  readonly contiguity: Contiguity
  /** No record of this kind is there. */
  readonly negated: boolean
  readonly optional: boolean
  /** How many records; `most` absent: as many as there are. */
  readonly least: number
  readonly most?: number
  /** Between the records of the stage. */
  readonly inner: Contiguity
  /** Ends the stage: a record for which this is true is none of it, and none comes after. */
  readonly until?: ExpressionPlan
  /** No later stage takes a record that this one can take. */
  readonly greedy?: true
}

/** Stages that come together, several times one after the other. Two groups are apart, or one is in the other. */
export interface PatternGroupPlan {
  /** Indices among the stages of the pattern; both take records, and one of the group has to. */
  readonly first: number
  readonly last: number
  readonly optional: boolean
  /** How many rounds; `most` absent: as many as there are. */
  readonly least: number
  readonly most?: number
  /** From the last record of a round to the first of the next one. */
  readonly inner: Contiguity
}

/** Sequences of records of a key. */
export interface PatternPlan {
  readonly kind: 'pattern'
  /** The first is not negated; if the last is, there is a time within which it must not come. */
  readonly stages: readonly PatternStagePlan[]
  /** By where they begin, and of those that begin together the longer one first. */
  readonly groups?: readonly PatternGroupPlan[]
  /** From the first record of a match to its last, less than this. */
  readonly withinMs?: number
  readonly afterMatch:
    | { readonly strategy: 'noSkip' | 'toNext' | 'pastLast' }
    | { readonly strategy: 'toFirst' | 'toLast'; readonly stage: string }
  /** What a row says; absent: the records of each stage. */
  readonly select?: Readonly<Record<string, ExpressionPlan>>
}

/** Those that make rows of aggregates. */
export type AggregatingPlan = CountWindowPlan | SlidingWindowPlan | RollingPlan

export type OrderedPlan = AggregatingPlan | DedupePlan | ChangesPlan | PatternPlan | JoinPlan
