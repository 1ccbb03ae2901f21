/** Whole runs of a stage for properties: any batches, silences and restores on the way, and shuffles of any interleaving. */
import assert from 'node:assert/strict'
import { type CutOutput, createStage, type StagePlan, type StageProcessor } from '../../operators/index.ts'
import { batchOf, type TestRecord } from './stage-harness.ts'

/** Offset of the first record of a run. */
export const OFFSET_BASE = 100

/**
 * Runs the records in batches that end at `splits`, with silence after the records of `idles`; after each cut `between` may
 * replace the stage.
 */
export function run(
  plan: StagePlan,
  records: readonly TestRecord[],
  splits: readonly number[],
  idles: readonly number[] = [],
  between: (stage: StageProcessor) => StageProcessor = (stage) => stage,
  partition = 1,
): CutOutput[] {
  let stage = createStage(plan, { partition })
  const cuts: CutOutput[] = []
  const cut = () => {
    cuts.push(stage.cut())
    stage = between(stage)
  }
  const ends = [...splits, ...idles].map((at) => Math.min(at, records.length))
  const bounds = [...new Set([0, ...ends, records.length])].sort((a, b) => a - b)
  for (let i = 1; i < bounds.length; i++) {
    const [from = 0, to = 0] = [bounds[i - 1], bounds[i]]
    const batch = batchOf(records.slice(from, to), OFFSET_BASE + from)
    for (let at = 0; at < batch.length; ) {
      at = stage.run(batch, at, batch.length)
      if (stage.cutDue) cut()
    }
    if (!idles.includes(to) || !stage.canIdle) continue
    stage.decide('idle')
    cut()
  }
  stage.decide('final')
  cuts.push(stage.cut())
  return cuts
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

/** The records in batches that end at `splits`, with a cut decided after the records of `cutsAt`. */
export function decided(
  base: StagePlan,
  records: readonly TestRecord[],
  splits: readonly number[],
  cutsAt: readonly number[],
  between: (stage: StageProcessor) => StageProcessor = (stage) => stage,
): CutOutput[] {
  let stage = createStage(base, { partition: 1 })
  const cuts: CutOutput[] = []
  const cut = () => {
    cuts.push(stage.cut())
    stage = between(stage)
  }
  const ends = [...splits, ...cutsAt, records.length].map((place) => Math.min(place, records.length))
  let from = 0
  for (const to of [...new Set(ends)].sort((a, b) => a - b)) {
    const batch = batchOf(records.slice(from, to), 100 + from)
    for (let i = 0; i < batch.length; ) {
      i = stage.run(batch, i, batch.length)
      if (stage.cutDue) cut()
    }
    from = to
    if (!cutsAt.includes(to)) continue
    stage.decide('cut')
    cut()
  }
  stage.decide('final')
  cuts.push(stage.cut())
  return cuts
}
