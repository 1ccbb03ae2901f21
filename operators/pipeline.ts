/** The operators of one stage of a job, for one of its units. */
import { MergeStage } from './merge.ts'
import { RecordStage } from './pipeline-records.ts'
import type { StagePlan } from './plan.ts'
import type { StageProcessor } from './stage.ts'

/**
 * `unit.partition`: of the source topic, or of the shuffle topic for a stage that reads slices.
 * @throws ExpressionError where an expression of the plan does not compile; RangeError on a plan that no compiler makes.
 */
export function createStage(plan: StagePlan, unit: { readonly partition: number }): StageProcessor {
  if (plan.window === undefined) {
    if (plan.input.kind === 'slices' || plan.output.kind === 'shuffle') {
      throw new RangeError(`stage ${plan.stage} of "${plan.job}" has a shuffle and no window`)
    }
    if (plan.aggregates.length > 0) {
      throw new RangeError(`stage ${plan.stage} of "${plan.job}" has aggregates and no window`)
    }
  }
  if (plan.input.kind === 'records') return new RecordStage(plan, plan.input, unit.partition)
  if (plan.window === undefined || plan.output.kind === 'shuffle') {
    throw new RangeError(`stage ${plan.stage} of "${plan.job}" merges slices into something other than window rows`)
  }
  return new MergeStage(plan, plan.input, plan.window, unit.partition)
}
