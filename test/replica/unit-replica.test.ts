import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type CutContent, contentDigest, type UnitId } from '../../mesh/index.ts'
import type { RecordBatch, StageProcessor } from '../../operators/index.ts'
import {
  type ComputedCut,
  type PlacedDecision,
  type ReplicaStart,
  UnitReplica,
} from '../../src/replica/unit-replica.ts'

/** Takes everything and emits nothing. */
const silentStage: StageProcessor = {
  cutDue: false,
  pending: false,
  canIdle: true,
  watermark: 0,
  stateBytes: 0,
  openWindows: 0,
  run: (_batch: RecordBatch, _from: number, to: number) => to,
  cut: () => ({
    counts: { in: 0, late: 0, dead: 0 },
    parts: [{ bodies: [new Uint8Array()], deadLetters: new Uint8Array() }],
    watermark: 0,
  }),
  decide: () => undefined,
  pass: () => undefined,
  forget: () => undefined,
  openRows: () => new Uint8Array(),
  snapshot: () => new Uint8Array(),
  restore: () => undefined,
} as never

function replica(decisions: readonly PlacedDecision[]) {
  const cuts: CutContent[] = []
  const made = new UnitReplica({
    cluster: 'c',
    unit: 'job-1:0:0' as UnitId,
    createStage: () => silentStage,
    snapshotEvery: 100,
    endOffset: undefined,
    start: { offset: 0, snapshot: undefined, decisions },
    runAhead: { cuts: 10, bytes: 1_000 },
    onCut: ({ content }) => cuts.push(content),
  })
  return { made, offsets: () => cuts.map(({ offset }) => offset) }
}

const decision = (kind: PlacedDecision['kind'], offset: number, term: number): PlacedDecision => ({
  kind,
  offset,
  term,
  base: undefined,
})

const records = (...offsets: readonly number[]): RecordBatch => ({
  length: offsets.length,
  offset: (i) => offsets[i]!,
  timestamp: () => 0,
  key: () => null,
  value: () => new Uint8Array([1]),
})

//   records 0 1 2 . . 5     the markers of a transaction are at 3 and 4, and a cut was decided at 3
it('cuts where it was decided, whether the gap behind is read with records or without', () => {
  for (const read of ['with the next record', 'empty', 'in two steps'] as const) {
    const { made, offsets } = replica([decision('cut', 3, 2)])
    if (read === 'with the next record') made.take(records(0, 1, 2, 5), 0)
    else {
      made.take(records(0, 1, 2), 0)
      if (read === 'in two steps') made.passed(4)
      made.passed(5)
      made.take(records(5), 0)
    }
    assert.deepEqual(offsets(), [3], read)
    assert.equal(made.offset, 6)
  }
})

it('stands where it was paused, whatever gap follows, and goes on from there', () => {
  const { made, offsets } = replica([decision('pause', 3, 2)])
  made.take(records(0, 1, 2), 0)
  made.passed(5)
  assert.equal(made.offset, 3)
  assert.equal(made.take(records(5), 0), 0)
  made.decide(decision('resume', 3, 3))
  assert.equal(made.take(records(5), 0), 1)
  assert.deepEqual(offsets(), [3, 3])
})

//   a snapshot is due at every cut: 1 at 3 in the old revision, 2 at 3 in the new one
it('can be begun again from each of its snapshots, also where it goes over to another revision', () => {
  const change = { ...decision('revision', 3, 2), value: 1 }
  const begin = (snapshot: ReplicaStart['snapshot'], offset: number) => {
    const cuts: (ComputedCut & { readonly revision: number })[] = []
    let present = 0
    const replica = new UnitReplica({
      cluster: 'c',
      unit: 'job-1:0:0' as UnitId,
      createStage: ({ revision }) => {
        present = revision
        return silentStage
      },
      snapshotEvery: 1,
      endOffset: undefined,
      start: { offset, snapshot, decisions: [change, decision('cut', 5, 3)] },
      runAhead: { cuts: 10, bytes: 1_000 },
      onCut: (cut) => cuts.push({ ...cut, revision: present }),
    })
    replica.take(records(0, 1, 2, 3, 4), 0)
    replica.passed(5)
    return cuts.map(({ content, snapshot, revision }) => ({ content, snapshot, revision }))
  }
  const all = begin(undefined, 0)
  assert.deepEqual(
    all.map(({ content }) => content.offset),
    [3, 3, 5],
  )
  for (const [index, { content, snapshot: bytes }] of all.entries()) {
    if (bytes === undefined) continue
    const position = { seq: content.seq, part: content.part }
    const again = begin({ position, digest: contentDigest(content), bytes }, content.offset)
    assert.deepEqual(again, all.slice(index + 1), `after cut ${content.seq}`)
  }
})

it('goes over to another revision with its state, right after a cut', () => {
  const made: number[] = []
  const restored: number[] = []
  const cuts: CutContent[] = []
  const replica = new UnitReplica({
    cluster: 'c',
    unit: 'job-1:0:0' as UnitId,
    createStage: ({ revision }) => {
      made.push(revision)
      return {
        ...silentStage,
        snapshot: () => new Uint8Array([made.length]),
        restore: (bytes: Uint8Array) => restored.push(...bytes),
      } as never
    },
    snapshotEvery: 100,
    endOffset: undefined,
    start: { offset: 0, snapshot: undefined, decisions: [{ ...decision('revision', 3, 2), value: 1 }] },
    runAhead: { cuts: 10, bytes: 1_000 },
    onCut: ({ content }) => cuts.push(content),
  })
  replica.take(records(0, 1, 2, 3, 4), 0)
  assert.deepEqual(made, [0, 1])
  assert.deepEqual(restored, [1])
  // The second cut holds the snapshot from which every replica can begin in the new revision.
  assert.deepEqual(
    cuts.map(({ offset, stateDigest }) => [offset, stateDigest !== undefined]),
    [
      [3, false],
      [3, true],
    ],
  )
})

//   a snapshot while paused at 3 │ resume, revision 1 │ gap from 3 to 9
it('goes on after a gap as was decided before it, since the snapshot', () => {
  const made: number[] = []
  const make = ({ revision }: { readonly revision: number }) => {
    made.push(revision)
    return silentStage
  }
  const options = {
    cluster: 'c',
    unit: 'job-1:0:0' as UnitId,
    createStage: make,
    snapshotEvery: 1,
    endOffset: undefined,
    runAhead: { cuts: 10, bytes: 1_000 },
  }
  const cuts: ComputedCut[] = []
  const onCut = (cut: ComputedCut) => cuts.push(cut)
  const pause = decision('pause', 3, 2)
  const before = new UnitReplica({ ...options, start: { offset: 0, snapshot: undefined, decisions: [pause] }, onCut })
  before.take(records(0, 1, 2), 0)
  const [{ content, snapshot: bytes } = assert.fail('a pause is a cut')] = cuts
  const snapshot = { position: { seq: 1, part: 0 }, digest: contentDigest(content), bytes: bytes! }
  const gap = { ...decision('gap', 3, 5), value: 9, floor: null }
  const decisions = [pause, decision('resume', 3, 3), { ...decision('revision', 3, 4), value: 1 }, gap]
  const after = new UnitReplica({ ...options, start: { offset: 3, snapshot, decisions, gap }, onCut })
  assert.deepEqual([after.blocked, made.at(-1)], [false, 1])
  assert.equal(after.take(records(9, 10), 0), 2)
})

//   revision 1 at 2 │ resume │ gap from 3 to 9, without any state
it('goes on after a gap without a snapshot by what was decided before it, also where a snapshot of its own held that', () => {
  const revision = { ...decision('revision', 2, 2), value: 1 }
  const [pause, resume] = [decision('pause', 3, 3), decision('resume', 3, 4)]
  const gap = { ...decision('gap', 3, 5), value: 9, floor: null }
  const held = { applied: 3, paused: true, finished: false, version: 1, revision: 1 }
  const cutOf = (start: Pick<ReplicaStart, 'decisions' | 'before'>) => {
    const cuts: ComputedCut[] = []
    const made = new UnitReplica({
      ...{ cluster: 'c', unit: 'job-1:0:0' as UnitId, createStage: () => silentStage },
      ...{ snapshotEvery: 1, endOffset: undefined, runAhead: { cuts: 10, bytes: 1_000 } },
      start: { offset: 0, snapshot: undefined, gap, ...start },
      onCut: (cut) => cuts.push(cut),
    })
    assert.equal(made.blocked, false)
    assert.equal(cuts.length, 1)
    return cuts[0]!.content
  }
  const knowsAll = cutOf({ decisions: [revision, pause, resume, gap] })
  assert.deepEqual(cutOf({ decisions: [resume, gap], before: held }), knowsAll)
  assert.deepEqual(cutOf({ decisions: [revision, pause, resume, gap], before: held }), knowsAll)
  assert.notDeepEqual(cutOf({ decisions: [gap] }), knowsAll)
})
