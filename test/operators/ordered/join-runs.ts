/** Joins for tests: the two inputs, the shuffle and the stage behind it, over records that are given by side and partition. */
import {
  type CutOutput,
  createStage,
  type JoinPlan,
  type JoinSide,
  type StagePlan,
  type StageProcessor,
} from '../../../operators/index.ts'
import { batchOf, expression, recordsInput, rowsOfCuts } from '../stage-harness.ts'
import { drive, interleave } from '../stage-runs.ts'
import { orderedPlan } from './properties.ts'

export interface Reading {
  readonly t: number
  readonly k: string
  readonly v: number
  readonly gone?: boolean
}

export interface Placed extends Reading {
  readonly side: JoinSide
  /** Number among the partitions of both sides. */
  readonly partition: number
  readonly offset: number
}

/** By side, then partition. Those of the right have the lower numbers, as compiled jobs have it where the right is a table. */
export type Streams = Readonly<Record<JoinSide, readonly (readonly Reading[])[]>>

export const joinPlan = (match: JoinPlan['match'], type: JoinPlan['type'] = 'inner'): JoinPlan => ({
  kind: 'join',
  names: { left: 'l', right: 'r' },
  type,
  match,
  select: { l: expression('l'), r: expression('r') },
  steps: [],
})

export function placed({ left, right }: Streams): readonly Placed[] {
  const of = (side: JoinSide, streams: readonly (readonly Reading[])[], from: number) =>
    streams.flatMap((records, i) =>
      records.map((record, offset): Placed => ({ ...record, side, partition: from + i, offset })),
    )
  return [...of('right', right, 0), ...of('left', left, right.length)]
}

export interface JoinRun {
  readonly join: JoinPlan
  readonly streams: Streams
  readonly disorder: number
  readonly partitions: number
  /** Which source's slice comes next. */
  readonly speeds: readonly number[]
  readonly changes?: Partial<StagePlan>
}

/** The slices of each partition of the shuffle, in the order in which they come. */
export function slicesOf({ join, streams, disorder, partitions, speeds, changes = {} }: JoinRun): Uint8Array[][] {
  const output = { kind: 'shuffle', partitions, carries: 'records' } as const
  const units = [
    ...streams.right.map((of) => ['right', of] as const),
    ...streams.left.map((of) => ['left', of] as const),
  ]
  const cuts = units.map(([side, records], partition) => {
    const input = { ...recordsInput(disorder), side } as StagePlan['input']
    const plan = orderedPlan({ ordered: join, ...changes, input, output })
    return drive(createStage(plan, { partition }), records)
  })
  return Array.from({ length: partitions }, (_, destination) => interleave(cuts, destination, speeds))
}

export const behind = ({ join, streams, changes = {} }: JoinRun): StagePlan =>
  orderedPlan({
    ordered: join,
    ...changes,
    stage: 1,
    input: { kind: 'slices', sources: streams.left.length + streams.right.length },
  })

/** The stage behind the shuffle over slices in batches that end at `splits`; `between` may replace it after each cut. */
export function runBehind(
  plan: StagePlan,
  slices: readonly Uint8Array[],
  splits: readonly number[] = [],
  between: (stage: StageProcessor) => StageProcessor = (stage) => stage,
): CutOutput[] {
  let stage = createStage(plan, { partition: 0 })
  const cuts: CutOutput[] = []
  const ends = [...new Set([...splits.filter((at) => at < slices.length), slices.length])].sort((a, b) => a - b)
  let from = 0
  for (const to of ends) {
    const batch = batchOf(slices.slice(from, to), from)
    for (let at = 0; at < batch.length; ) {
      at = stage.run(batch, at, batch.length)
      if (!stage.cutDue) continue
      cuts.push(stage.cut())
      stage = between(stage)
    }
    from = to
  }
  cuts.push(stage.cut())
  return cuts
}

export const joined = (run: JoinRun): CutOutput[] => slicesOf(run).flatMap((slices) => runBehind(behind(run), slices))

/** Rows as the twins have them, in an order of their own. */
export const rowsIn = (cuts: readonly CutOutput[]): string[] =>
  rowsOfCuts(cuts)
    .map(({ a, b, revision, key, value }) => JSON.stringify([[a, b, revision], JSON.parse(key), JSON.parse(value)]))
    .sort()
