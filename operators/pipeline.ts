/** The operators of one stage of a job, for one of its units. */
import { MergeStage } from './merge.ts'
import { takesAggregates } from './ordered/reads.ts'
import { RecordStage } from './pipeline-records.ts'
import type { StagePlan } from './plan.ts'
import type { StageProcessor } from './stage.ts'

/**
 * `unit.partition`: of the source topic, or of the shuffle topic for a stage that reads slices.
 * @throws ExpressionError where an expression of the plan does not compile; RangeError on a plan that no compiler makes.
 */
export function createStage(plan: StagePlan, unit: { readonly partition: number }): StageProcessor {
  const { input, output, window, ordered } = plan
  const shuffles = input.kind === 'slices' || output.kind === 'shuffle'
  const expect = (holds: boolean, what: string): void => {
    if (!holds) throw new RangeError(`stage ${plan.stage} of "${plan.job}" ${what}`)
  }
  expect(
    window === undefined || ordered === undefined || ordered.kind === 'join',
    'has both a window and an ordered operator',
  )
  expect(window !== undefined || ordered !== undefined || !shuffles, 'has a shuffle and no window')
  expect(
    window !== undefined || plan.aggregates.length === 0 || (ordered !== undefined && takesAggregates(ordered)),
    'has aggregates and no window',
  )
  expect(ordered?.kind !== 'join' || shuffles, 'joins without a shuffle')
  const carries = output.kind === 'shuffle' && output.carries === 'records'
  expect(output.kind !== 'shuffle' || carries === (ordered !== undefined), 'shuffles what the next stage cannot take')
  if (input.kind === 'records') return new RecordStage(plan, input, unit.partition)
  expect(output.kind === 'rows', 'merges slices into something other than rows')
  return new MergeStage(plan, input, unit.partition)
}
