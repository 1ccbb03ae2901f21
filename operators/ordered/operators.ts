/** The operator that a plan asks for. */
import type { StagePlan } from '../plan.ts'
import { Changes } from './changes.ts'
import { Dedupe } from './dedupe.ts'
import type { OrderedOperator } from './operator.ts'
import type { OrderedPlan } from './plan.ts'

/** @param inputs index of each aggregate's value among a record's values */
export function createOperator(_plan: StagePlan, ordered: OrderedPlan, _inputs: readonly number[]): OrderedOperator {
  switch (ordered.kind) {
    case 'dedupe':
      return new Dedupe(ordered)
    case 'changes':
      return new Changes()
  }
}
