/** Jobs of several stages over rows, in memory: what each stage cuts goes through shuffles of any interleaving to the next. */
import { type CutOutput, createStage, type StagePlan, type StageProcessor } from '../../operators/index.ts'
import type { TestRecord } from './stage-harness.ts'
import { drive, interleave, restored, run } from './stage-runs.ts'

type Between = (plan: StagePlan, partition: number) => (stage: StageProcessor) => StageProcessor

export const untouched: Between = () => (stage) => stage
export const restoredAtEachCut: Between = (plan, partition) => restored(plan, partition)

/** Cuts of every unit of every stage. @param sources the records of each partition */
export function runRounds(
  plans: readonly StagePlan[],
  sources: readonly (readonly TestRecord[])[],
  speeds: readonly number[],
  { splits = [], between = untouched }: { readonly splits?: readonly number[]; readonly between?: Between } = {},
): readonly (readonly CutOutput[][])[] {
  const [first, ...later] = plans
  if (first === undefined) return []
  const stages = [sources.map((records, partition) => source(first, partition, records, splits, between))]
  for (const [i, plan] of later.entries()) {
    const output = plans[i]?.output
    const before = stages[i] ?? []
    const partitions = output?.kind === 'shuffle' ? output.partitions : 0
    stages.push(
      Array.from({ length: partitions }, (_, partition) => {
        const stage = createStage(plan, { partition })
        return drive(stage, interleave(before, partition, speeds), between(plan, partition))
      }),
    )
  }
  return stages
}

function source(
  plan: StagePlan,
  partition: number,
  records: readonly TestRecord[],
  splits: readonly number[],
  between: Between,
): CutOutput[] {
  return run(plan, records, splits, [], between(plan, partition), partition)
}
