/**
 * A unit behind a shuffle while a source of its job grows. Its topic has slices of the new partition before or after the decision
 * by which the unit learns of it, and both orders are the topic's own: every replica makes the same of them.
 *
 *   topic      a0 b0 a1 c0 b1 c1 a2 …      slices of sources a and b, and of c, which is new
 *   decision            │ revision 1       three sources, wherever it was placed
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { contentDigest, type UnitId } from '../../mesh/index.ts'
import {
  createStage,
  type RecordBatch,
  ROW_PARTIAL,
  ROW_WATERMARK,
  readRows,
  type StagePlan,
} from '../../operators/index.ts'
import { type ComputedCut, type ReplicaStart, UnitReplica } from '../../src/replica/unit-replica.ts'
import { propertyRuns } from '../operators/property-runs.ts'
import { batchOf, deadLettersOf, recordsInput, rowsOfCuts, StageRun, stagePlan } from '../operators/stage-harness.ts'

const behind = (sources: number): StagePlan =>
  stagePlan({ stage: 1, input: { kind: 'slices', sources }, cuts: { ...stagePlan().cuts, maxRecords: 4 } })
const before = stagePlan({ input: recordsInput(5), output: { kind: 'shuffle', partitions: 1 } })
const REVISIONS = [behind(2), behind(3)]

interface Scene {
  readonly slices: readonly Uint8Array[]
  /** Offset of the decision that brings the third source. */
  readonly decided: number
}

/** @param speeds which source is read next; the new one from the slice `appears` on */
function sceneOf(records: readonly { s: number; t: number; k: string }[], speeds: readonly number[], appears: number) {
  const queues = [0, 1, 2].map((source) => {
    const run = new StageRun(before, source)
    return records
      .filter(({ s }) => s === source)
      .flatMap(({ t, k }) => [...run.feed({ t, k }), run.decide('cut')])
      .flatMap(({ parts }) => parts.map(({ bodies }) => bodies[0]!))
      .filter(({ length }) => length > 0)
  })
  const slices: Uint8Array[] = []
  for (let turn = 0; ; turn++) {
    const open = queues.filter(({ length }, source) => length > 0 && (source < 2 || slices.length >= appears))
    const waiting = open.length > 0 ? open : queues.filter(({ length }) => length > 0)
    if (waiting.length === 0) return slices
    slices.push(waiting[speeds[turn % speeds.length]! % waiting.length]!.shift()!)
  }
}

/** @param ends of the batches that are fetched */
function replay({ slices, decided }: Scene, ends: readonly number[], start?: ReplicaStart, early = true) {
  const cuts: ComputedCut[] = []
  const decision = { kind: 'revision', offset: decided, value: 1, term: 2, base: undefined } as const
  // What came too late is told of at the next cut.
  const last = { kind: 'cut', offset: slices.length, term: 3, base: undefined } as const
  const from = start?.offset ?? 0
  const replica = new UnitReplica({
    cluster: 'c',
    unit: 'job-1:1:0' as UnitId,
    createStage: ({ revision }) => createStage(REVISIONS[revision]!, { partition: 0 }),
    snapshotEvery: 1,
    endOffset: undefined,
    start: { offset: from, snapshot: start?.snapshot, decisions: early ? [decision, last] : [] },
    runAhead: { cuts: 1_000, bytes: 1e9 },
    onCut: (cut) => cuts.push(cut),
  })
  const bounds = [...new Set([...ends, decided, slices.length])].filter((end) => end > from && end <= slices.length)
  let at = from
  for (const end of bounds.sort((a, b) => a - b)) {
    if (!early && at === decided) replica.decide(decision)
    replica.take(batchOf(slices.slice(at, end), at) as RecordBatch, 0)
    at = end
  }
  if (!early && at === decided) replica.decide(decision)
  if (!early) replica.decide(last)
  replica.passed(slices.length)
  return { cuts, replica }
}

/** The obvious way: all marks so far, and windows in a map. */
class Twin {
  readonly #marks: number[] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
  readonly #open = new Map<string, { end: number; key: string; n: number }>()
  watermark = Number.NEGATIVE_INFINITY
  late = 0
  readonly closed: string[] = []

  learn(sources: number): void {
    while (this.#marks.length < sources) this.#marks.push(Number.NEGATIVE_INFINITY)
  }

  take(body: Uint8Array): void {
    const by = this.watermark
    for (const row of readRows(body)) {
      if (row.kind === ROW_WATERMARK) {
        this.learn(row.b + 1)
        this.#marks[row.b] = Math.max(this.#marks[row.b]!, row.a)
      } else if (row.kind === ROW_PARTIAL) {
        const key = Buffer.from(row.key).toString()
        if (by >= row.b) this.late += 1
        else {
          const open = this.#open.get(`${row.b} ${key}`) ?? { end: row.b, key, n: 0 }
          this.#open.set(`${row.b} ${key}`, { ...open, n: open.n + 1 })
        }
      }
    }
    this.watermark = Math.max(by, Math.min(...this.#marks))
    for (const [name, { end, key, n }] of this.#open) {
      if (end > this.watermark) continue
      this.#open.delete(name)
      this.closed.push(`${end} ${key} ${n}`)
    }
  }
}

function twinOf({ slices, decided }: Scene): Twin {
  const twin = new Twin()
  slices.forEach((slice, offset) => {
    if (offset === decided) twin.learn(3)
    twin.take(slice)
  })
  return twin
}

const digests = (cuts: readonly ComputedCut[]) => cuts.map(({ content }) => contentDigest(content))
const outputs = (cuts: readonly ComputedCut[]) =>
  cuts.map(({ bodies, deadLetters, content: { counts }, watermark }) => ({
    parts: [{ bodies, deadLetters }],
    counts,
    watermark,
  }))

const records = fc.array(
  fc.record({ s: fc.nat(2), t: fc.integer({ min: 0, max: 60 }), k: fc.constantFrom('a', 'b') }),
  { maxLength: 40 },
)
const scenes = fc
  .tuple(records, fc.array(fc.nat(7), { minLength: 1, maxLength: 9 }), fc.nat(12), fc.nat(20))
  .map(([given, speeds, appears, decided]): Scene => {
    const slices = sceneOf(given, speeds, appears)
    return { slices, decided: Math.min(decided, slices.length) }
  })
const places = fc.array(fc.nat(30), { maxLength: 6 })

describe('a unit behind a shuffle whose job has grown', () => {
  it('makes what the obvious way makes, whichever comes first', () => {
    const seen = { sliceFirst: 0, decisionFirst: 0, late: 0 }
    fc.assert(
      fc.property(scenes, (scene) => {
        const { cuts, replica } = replay(scene, [])
        const twin = twinOf(scene)
        assert.equal(replica.stage.watermark, twin.watermark)
        const rows = rowsOfCuts(outputs(cuts)).map(({ b, key, value }) => `${b} ${key} ${JSON.parse(value).n}`)
        assert.deepEqual(rows.sort(), twin.closed.sort())
        assert.equal(
          outputs(cuts).reduce((sum, { counts }) => sum + counts.late, 0),
          twin.late,
        )
        assert.equal(deadLettersOf(outputs(cuts)).length, twin.late, 'nothing is dropped in silence')
        const first = scene.slices.findIndex((body) =>
          [...readRows(body)].some(({ kind, b }) => kind === ROW_WATERMARK && b === 2),
        )
        if (first >= 0) seen[first < scene.decided ? 'sliceFirst' : 'decisionFirst'] += 1
        seen.late += twin.late
      }),
      { seed: 71, numRuns: propertyRuns(400) },
    )
    for (const [what, count] of Object.entries(seen)) assert.ok(count > 0, what)
  })

  it('certifies the same bytes from any fetches, from any snapshot, and whenever it hears of the decision', () => {
    fc.assert(
      fc.property(scenes, places, fc.nat(30), (scene, ends, pick) => {
        const { cuts } = replay(scene, [])
        assert.deepEqual(digests(replay(scene, ends).cuts), digests(cuts))
        assert.deepEqual(digests(replay(scene, ends, undefined, false).cuts), digests(cuts))
        const index = cuts.length === 0 ? 0 : pick % cuts.length
        const taken = cuts[index]
        if (taken?.snapshot === undefined) return
        const { seq, part, offset } = taken.content
        const snapshot = { position: { seq, part }, digest: contentDigest(taken.content), bytes: taken.snapshot }
        const again = replay(scene, ends, { offset, snapshot, decisions: [] })
        assert.deepEqual(digests(again.cuts), digests(cuts.slice(index + 1)))
      }),
      { seed: 72, numRuns: propertyRuns(400) },
    )
  })

  //   a  ── 20       the new partition c has nothing: the minimum stays at 20 until c speaks, or is idle
  it('stands still for a new partition until that has spoken, and never goes back', () => {
    const run = new StageRun(behind(2))
    const [a, b, c] = [0, 1, 2].map((source) => new StageRun(before, source))
    const feed = (source: StageRun | undefined, t: number) => {
      const cuts = [...source!.feed({ t, k: 'a' }), source!.decide('cut')]
      run.feed(...cuts.flatMap(({ parts }) => parts.map(({ bodies }) => bodies[0]!)).filter(({ length }) => length > 0))
    }
    feed(a, 25)
    feed(b, 25)
    assert.equal(run.stage.watermark, 20)
    const state = run.stage.snapshot()
    const grown = new StageRun(behind(3))
    grown.stage.restore(state)
    const slices = ({ parts }: ReturnType<StageRun['decide']>) => parts.map(({ bodies }) => bodies[0]!)
    const both = [a, b].flatMap((source) => [...source!.feed({ t: 50, k: 'a' }), source!.decide('cut')].flatMap(slices))
    grown.feed(...both.filter(({ length }) => length > 0))
    assert.equal(grown.stage.watermark, 20)
    grown.feed(...slices(c!.decide('idle')))
    assert.equal(grown.stage.watermark, 45)
  })
})
