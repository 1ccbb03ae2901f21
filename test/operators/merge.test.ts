import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type CutOutput, ROW_PARTIAL, ROW_WATERMARK, type StagePlan } from '../../operators/index.ts'
import { deadLettersOf, lines, rowsOf, rowsOfCuts, StageRun, stagePlan, type TestRecord } from './stage-harness.ts'

const before = (changes: Partial<StagePlan> = {}, partitions = 1) =>
  stagePlan({ output: { kind: 'shuffle', partitions }, ...changes })
const behind = (sources: number, changes: Partial<StagePlan> = {}) =>
  stagePlan({ stage: 1, input: { kind: 'slices', sources }, ...changes })
const at = (t: number, k = 'a') => ({ t, k })

/** Bodies of the cuts for one destination, as the shuffle topic has them. */
const slices = (cuts: readonly CutOutput[], destination = 0): TestRecord[] =>
  cuts
    .flatMap(({ parts }) => parts.map(({ bodies }) => bodies[destination] as Uint8Array))
    .filter(({ length }) => length > 0)

describe('before a shuffle', () => {
  it('partials go to the partition of their key, and a mark to each after the rows', () => {
    const run = new StageRun(before({}, 4), 2)
    run.feed(...Array.from({ length: 40 }, (_, i) => at(i < 39 ? 1 : 2, `k${i}`)))
    const cut = run.decide('cut')
    const kinds = [0, 1, 2, 3].map((destination) => rowsOfCuts([cut], destination).map(({ kind }) => kind))
    for (const kind of kinds) assert.equal(kind.indexOf(ROW_WATERMARK), kind.length - 1)
    const keys = [0, 1, 2, 3].flatMap((d) =>
      rowsOfCuts(run.cuts, d)
        .filter(({ kind }) => kind === ROW_PARTIAL)
        .map(({ key }) => key),
    )
    assert.equal(new Set(keys).size, 40)
    const marks = rowsOfCuts([run.cuts[0] as CutOutput], 3).filter(({ kind }) => kind === ROW_WATERMARK)
    assert.deepEqual(
      marks.map(({ a, b, idle }) => [a, b, idle]),
      [[1, 2, false]],
    )
  })

  it('an advance across the grid is itself something to emit', () => {
    const run = new StageRun(before({ steps: [{ kind: 'filter', where: { source: 'false', pointer: '' } }] }))
    run.feed(at(1), at(5), at(10), at(19), at(20))
    assert.deepEqual(
      run.cuts.map((cut) => rowsOfCuts([cut]).map(({ kind, a }) => [kind, a])),
      [[[ROW_WATERMARK, 1]], [[ROW_WATERMARK, 10]], [[ROW_WATERMARK, 20]]],
    )
  })

  it('nothing is late', () => {
    const run = new StageRun(before())
    run.feed(at(100), at(1))
    run.decide('cut')
    assert.equal(rowsOfCuts(run.cuts).filter(({ kind }) => kind === ROW_PARTIAL).length, 2)
    assert.equal(deadLettersOf(run.cuts).length, 0)
  })

  it('idle and wake are marked; a wake is said at once', () => {
    const run = new StageRun(before())
    run.feed(at(1))
    run.cuts.length = 0
    assert.equal(run.stage.canIdle, true)
    run.decide('idle')
    assert.equal(run.stage.canIdle, false)
    run.feed(at(2))
    assert.deepEqual(
      rowsOfCuts(run.cuts)
        .filter(({ kind }) => kind === ROW_WATERMARK)
        .map(({ a, idle }) => [a, idle]),
      [
        [1, true],
        [2, false],
      ],
    )
  })

  it('nothing pends once a mark is out', () => {
    const run = new StageRun(before())
    assert.equal(run.stage.pending, false)
    run.feed(at(1))
    assert.equal(run.stage.pending, false)
    run.feed(at(2))
    assert.equal(run.stage.pending, true)
    run.decide('cut')
    assert.equal(run.stage.pending, false)
  })
})

/** Source partitions with one shuffle partition and its merging stage. */
class Shuffle {
  readonly sources: StageRun[]
  readonly merge: StageRun

  constructor(
    sources: number,
    changes: Partial<StagePlan> = {},
    input: StagePlan['input'] = { kind: 'slices', sources },
  ) {
    this.sources = Array.from({ length: sources }, (_, partition) => new StageRun(before(changes), partition))
    this.merge = new StageRun(behind(sources, { input, ...changes }))
  }

  feed(source: number, ...records: TestRecord[]): CutOutput[] {
    const run = this.sources[source] as StageRun
    return this.merge.feed(...slices([...run.feed(...records), run.decide('cut')]))
  }

  decide(source: number, kind: 'idle' | 'final'): CutOutput[] {
    return this.merge.feed(...slices([(this.sources[source] as StageRun).decide(kind)]))
  }
}

describe('behind a shuffle', () => {
  // source 0   1 ─────── 100          │ 0 goes far ahead
  // source 1              │ 5 ── 11   │ the minimum is 11: [0,10) closes with both
  it('the watermark is the minimum, so nobody makes another late', () => {
    const shuffle = new Shuffle(2)
    shuffle.feed(0, at(1), at(100))
    assert.equal(shuffle.merge.stage.watermark, Number.NEGATIVE_INFINITY)
    assert.deepEqual(lines(shuffle.feed(1, at(5), at(11))), ['[0,10) "a" n=2 r0 final'])
    assert.equal(shuffle.merge.stage.watermark, 11)
    assert.deepEqual(deadLettersOf(shuffle.merge.cuts), [])
  })

  it('a partition that is idle is left out until it wakes; alone and behind, it is late', () => {
    const shuffle = new Shuffle(2)
    shuffle.feed(0, at(1))
    shuffle.decide(1, 'idle')
    assert.deepEqual(lines(shuffle.feed(0, at(20))), ['[0,10) "a" n=1 r0 final'])
    shuffle.feed(1, at(3), at(4))
    const [cut] = [shuffle.merge.decide('cut')]
    const counts = [...shuffle.merge.cuts].reduce((late, { counts }) => late + counts.late, 0)
    assert.equal(counts, 2, 'the records of a late partial are counted')
    assert.ok(cut)
    const [letter] = deadLettersOf(shuffle.merge.cuts)
    assert.equal(JSON.parse(letter?.value ?? '').error, 'QRT_RECORD_LATE')
  })

  it('a late partial is named by its source: the partition, and the record up to which it holds everything', () => {
    const several = {
      kind: 'slices',
      sources: 2,
      among: [
        { topic: 'web', numberFrom: 0 },
        { topic: 'tills', numberFrom: 1 },
      ],
    } as const
    const later = [
      { topic: 'web', numberFrom: 0, later: { from: 1, numbers: [1] } },
      { topic: 'tills', numberFrom: 1 },
    ]
    for (const [input, source] of [
      [{ kind: 'slices', sources: 2 } as const, { partition: 1 }],
      [several, { topic: 'tills', partition: 0 }],
      [
        { ...several, among: later },
        { topic: 'web', partition: 1 },
      ],
      // Until the revision is here, nobody can say of which source it is.
      [{ ...several, sources: 1 }, { partition: 1 }],
    ] as const) {
      const shuffle = new Shuffle(2, {}, input)
      shuffle.feed(0, at(1))
      shuffle.decide(1, 'idle')
      shuffle.feed(0, at(20))
      shuffle.feed(1, at(3), at(4), at(5, 'b'))
      shuffle.merge.decide('cut')
      const letters = deadLettersOf(shuffle.merge.cuts)
      assert.deepEqual(
        letters
          .map(({ value }) => JSON.parse(value))
          .map(({ topic, partition, offset }) => ({ ...(topic && { topic }), partition, offset })),
        [0, 2, 2].map((offset) => ({ ...source, offset })),
      )
      // Waking is said at once, with what was read until then. At a sink each is a row of its own.
      assert.equal(new Set(letters.map(({ a, b, revision }) => `${a} ${b} ${revision}`)).size, 3)
    }
  })

  it('with everybody idle the minimum stays, and what is open is shown at that slice', () => {
    const shuffle = new Shuffle(2)
    shuffle.feed(0, at(1))
    shuffle.feed(1, at(2))
    assert.deepEqual(shuffle.decide(0, 'idle'), [])
    assert.deepEqual(lines(shuffle.decide(1, 'idle')), ['[0,10) "a" n=2 r0'])
    assert.equal(shuffle.merge.stage.watermark, 2)
    shuffle.feed(1, at(9))
    shuffle.feed(0, at(12))
    assert.deepEqual(lines(shuffle.feed(1, at(13))), ['[0,10) "a" n=3 r1 final'])
    assert.deepEqual(deadLettersOf(shuffle.merge.cuts), [])
  })

  it('the end of all sources closes everything; an idle one holds it until it ends', () => {
    const shuffle = new Shuffle(2)
    shuffle.feed(0, at(1))
    shuffle.feed(1, at(2))
    shuffle.decide(1, 'idle')
    shuffle.decide(0, 'final')
    assert.notEqual(shuffle.merge.stage.watermark, Number.POSITIVE_INFINITY)
    shuffle.decide(1, 'final')
    assert.equal(shuffle.merge.stage.watermark, Number.POSITIVE_INFINITY)
    assert.equal(lines(shuffle.merge.cuts).at(-1), '[0,10) "a" n=2 r1 final')
    assert.equal(shuffle.merge.stage.pending, false, 'nothing is left to emit')
  })

  it('rows with several parts keep the mark for the last', () => {
    const run = new StageRun(before({ cuts: { ...stagePlan().cuts, partBytes: 200 } }))
    run.feed(...Array.from({ length: 30 }, (_, i) => at(1, `k${i}`)))
    const cut = run.decide('final')
    assert.ok(cut.parts.length > 2)
    const kinds = cut.parts.flatMap(({ bodies }) => rowsOf(bodies[0] as Uint8Array).map(({ kind }) => kind))
    assert.equal(kinds.indexOf(ROW_WATERMARK), kinds.length - 1)
  })
})
