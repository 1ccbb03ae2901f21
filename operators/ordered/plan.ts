/** What can be asked of records in the order of their times: plain data, as all of a plan. */
import type { ExpressionPlan } from '../plan.ts'

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

/** Those that make rows of aggregates. */
export type AggregatingPlan = CountWindowPlan | SlidingWindowPlan | RollingPlan

export type OrderedPlan = AggregatingPlan | DedupePlan | ChangesPlan
