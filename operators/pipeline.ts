/** The operators of one stage of a job, for one of its units. */
import { MergeStage } from './merge.ts'
import { takesAggregates } from './ordered/reads.ts'
import { RecordStage } from './pipeline-records.ts'
import type { StagePlan } from './plan.ts'
import { canPass } from './row-times.ts'
import type { StageProcessor } from './stage.ts'

/**
 * `unit.partition`: of the source topic, or of the shuffle topic for a stage that reads slices.
 * @throws ExpressionError where an expression of the plan does not compile; RangeError on a plan that no compiler makes.
 */
export function createStage(plan: StagePlan, unit: { readonly partition: number }): StageProcessor {
  const { input, output, window, ordered, next } = plan
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
  const passed = next === undefined ? ordered !== undefined : true
  expect(output.kind !== 'shuffle' || carries === passed, 'shuffles what the next stage cannot take')
  if (input.kind === 'records') {
    expect(next === undefined, 'makes rows for a next stage out of records that went through no shuffle')
    return new RecordStage(plan, input, unit.partition)
  }
  expect(
    (output.kind === 'shuffle') === (next !== undefined),
    'merges slices into neither rows nor those of a next stage',
  )
  expect(next === undefined || canPass(plan), 'has rows that are never final, and a next stage')
  return new MergeStage(plan, input, unit.partition)
}
