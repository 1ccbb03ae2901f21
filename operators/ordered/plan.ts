/** What can be asked of records in the order of their times: plain data, as all of a plan. */
import type { ExpressionPlan } from '../plan.ts'

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

export type OrderedPlan = DedupePlan | ChangesPlan
