/** Whole runs of a stage for properties: any batches, silences and restores on the way, and shuffles of any interleaving. */
import assert from 'node:assert/strict'
import { type CutOutput, createStage, type StagePlan, type StageProcessor } from '../../operators/index.ts'
import { batchOf, type TestRecord } from './stage-harness.ts'

/** Offset of the first record of a run. */
export const OFFSET_BASE = 100

/** Where a run is interrupted: each is a number of records. */
interface Interruptions {
  /** A batch ends there. */
  readonly splits: readonly number[]
  /** There is silence, or a cut is decided. */
  readonly decisions: readonly { readonly at: number; readonly kind: 'idle' | 'cut' }[]
  /** After each cut it may replace the stage. */
  readonly between: (stage: StageProcessor) => StageProcessor
}

function interrupted(
  first: StageProcessor,
  records: readonly TestRecord[],
  { splits, decisions, between }: Interruptions,
): CutOutput[] {
  let stage = first
  const cuts: CutOutput[] = []
  const cut = () => {
    cuts.push(stage.cut())
    stage = between(stage)
  }
  const ends = [...splits, ...decisions.map(({ at }) => at), records.length].map((at) => Math.min(at, records.length))
  let from = 0
  for (const to of [...new Set(ends)].sort((a, b) => a - b)) {
    const batch = batchOf(records.slice(from, to), OFFSET_BASE + from)
    for (let at = 0; at < batch.length; ) {
      at = stage.run(batch, at, batch.length)
      if (stage.cutDue) cut()
    }
    from = to
    for (const { kind } of decisions.filter(({ at }) => at === to)) {
      if (kind === 'idle' && !stage.canIdle) continue
      stage.decide(kind)
      cut()
    }
  }
  stage.decide('final')
  cuts.push(stage.cut())
  return cuts
}

const same = (stage: StageProcessor): StageProcessor => stage

/** Runs the records in batches that end at `splits`, with silence after the records of `idles`. */
export function run(
  plan: StagePlan,
  records: readonly TestRecord[],
  splits: readonly number[],
  idles: readonly number[] = [],
  between: Interruptions['between'] = same,
  partition = 1,
): CutOutput[] {
  const decisions = [...new Set(idles)].map((at) => ({ at, kind: 'idle' }) as const)
  return interrupted(createStage(plan, { partition }), records, { splits, decisions, between })
}

/** The records in batches that end at `splits`, with a cut decided after the records of `cutsAt`. */
export function decided(
  plan: StagePlan,
  records: readonly TestRecord[],
  splits: readonly number[],
  cutsAt: readonly number[],
  between: Interruptions['between'] = same,
): CutOutput[] {
  const decisions = [...new Set(cutsAt)].map((at) => ({ at, kind: 'cut' }) as const)
  return interrupted(createStage(plan, { partition: 1 }), records, { splits, decisions, between })
}

/** For `between`: another stage of the same plan goes on from the bytes of this one's state, and has the same. */
export const restored =
  (plan: StagePlan, partition = 1) =>
  (stage: StageProcessor): StageProcessor => {
    const bytes = stage.snapshot()
    const fresh = createStage(plan, { partition })
    fresh.restore(bytes)
    assert.deepEqual(fresh.snapshot(), bytes)
    return fresh
  }

/** Reads the slices of one destination, from several sources, in the order that `speeds` picks. */
export function interleave(
  sources: readonly CutOutput[][],
  destination: number,
  speeds: readonly number[],
): Uint8Array[] {
  const queues = sources.map((cuts) =>
    cuts.flatMap(({ parts }) => parts.map(({ bodies }) => bodies[destination]!)).filter(({ length }) => length > 0),
  )
  const order: Uint8Array[] = []
  for (let turn = 0; queues.some(({ length }) => length > 0); turn++) {
    const waiting = queues.filter(({ length }) => length > 0)
    order.push(waiting[(speeds[turn % speeds.length] ?? 0) % waiting.length]!.shift()!)
  }
  return order
}

/** Records or slices to the end; a records stage gets the end as a decision. */
export function drive(
  first: StageProcessor,
  input: readonly object[],
  between: (stage: StageProcessor) => StageProcessor = (stage) => stage,
): CutOutput[] {
  let stage = first
  const cuts: CutOutput[] = []
  const batch = batchOf(input)
  for (let at = 0; at < batch.length; ) {
    at = stage.run(batch, at, batch.length)
    if (!stage.cutDue) continue
    cuts.push(stage.cut())
    stage = between(stage)
  }
  if (stage.watermark !== Number.POSITIVE_INFINITY) stage.decide('final')
  cuts.push(stage.cut())
  return cuts
}
