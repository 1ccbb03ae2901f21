/** Jobs of several stages over rows, in memory: what each stage cuts goes through shuffles of any interleaving to the next. */
import { type CutOutput, createStage, type StagePlan, type StageProcessor } from '../../operators/index.ts'
import type { TestRecord } from './stage-harness.ts'
import { drive, interleave, restored, run } from './stage-runs.ts'

type Between = (plan: StagePlan, partition: number) => (stage: StageProcessor) => StageProcessor

export const untouched: Between = () => (stage) => stage
export const restoredAtEachCut: Between = (plan, partition) => restored(plan, partition)

/**
 * Cuts of every unit of every stage.
 * @param sources the records of each partition
 * @param firsts how each partition is read, where that is not the first of the plans
 */
export function runRounds(
  plans: readonly StagePlan[],
  sources: readonly (readonly TestRecord[])[],
  speeds: readonly number[],
  {
    splits = [],
    between = untouched,
    firsts = [],
  }: {
    readonly splits?: readonly number[]
    readonly between?: Between
    readonly firsts?: readonly StagePlan[]
  } = {},
): readonly (readonly CutOutput[][])[] {
  const [first, ...later] = plans
  if (first === undefined) return []
  const readers = sources
    .map((_, i) => (firsts[i] ?? first).output)
    .map((output) => (output.kind === 'shuffle' && output.to) || 1)
  const units = sources.map((records, i) =>
    run(firsts[i] ?? first, records, splits, [], between(firsts[i] ?? first, i), i),
  )
  const stages = [units]
  for (const [i, plan] of later.entries()) {
    const output = plans[i]?.output
    const partitions = output?.kind === 'shuffle' ? output.partitions : 0
    const before = [...units.filter((_, unit) => readers[unit] === i + 1), ...(i === 0 ? [] : (stages[i] ?? []))]
    stages.push(
      Array.from({ length: partitions }, (_, partition) => {
        const stage = createStage(plan, { partition })
        return drive(stage, interleave(before, partition, speeds), between(plan, partition))
      }),
    )
  }
  return stages
}
