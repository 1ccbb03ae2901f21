import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { deadLettersOf, expression, recordsInput, rowsOfCuts, StageRun } from '../stage-harness.ts'
import {
  cutsOf,
  givesTheSameBytes,
  givesTheSameRowsBehindAShuffle,
  givesWhatItsTwinGives,
  orderedPlan,
  type Placed,
} from './properties.ts'

const dedupe = (withinMs: number) => orderedPlan({ ordered: { kind: 'dedupe', by: expression('v'), withinMs } })
const changes = () => orderedPlan({ ordered: { kind: 'changes', of: expression('v') } })
const offsets = (run: StageRun): number[] => rowsOfCuts(run.cuts).map(({ b }) => b)

describe('dedupe', () => {
  //  t   0 ── 4 ──── 9 │ 10
  //  v   1    1      1 │ 1     the last one is no duplicate any more
  it('lets the first of a value pass, and the next one after the time', () => {
    const run = new StageRun(dedupe(10))
    run.feed({ t: 0, k: 'a', v: 1 }, { t: 4, k: 'a', v: 1 }, { t: 9, k: 'a', v: 1 }, { t: 10, k: 'a', v: 1 })
    run.decide('final')
    assert.deepEqual(offsets(run), [0, 3])
  })

  it('looks at event time, not at the order of coming', () => {
    const run = new StageRun({ ...dedupe(10), input: recordsInput(5) })
    run.feed({ t: 4, k: 'a', v: 1 }, { t: 2, k: 'a', v: 1 }, { t: 30, k: 'a', v: 2 })
    run.decide('final')
    assert.deepEqual(offsets(run), [1, 2])
  })

  it('passes records on as they are, each key by itself', () => {
    const run = new StageRun(dedupe(10))
    run.feed({ t: 0, k: 'a', v: 1, other: [null, 1.5] }, { t: 0, k: 'b', v: 1 })
    run.decide('final')
    assert.deepEqual(
      rowsOfCuts(run.cuts).map(({ key, value }) => [key, value]),
      [
        ['"a"', '{"k":"a","other":[null,1.5],"t":0,"v":1}'],
        ['"b"', '{"k":"b","t":0,"v":1}'],
      ],
    )
  })

  it('forgets values whose time is over', () => {
    const run = new StageRun(dedupe(10))
    run.feed({ t: 0, k: 'a', v: 1 }, { t: 5, k: 'a', v: 2 }, { t: 11, k: 'a', v: 2 })
    run.decide('cut')
    assert.equal(run.stage.openWindows, 1)
  })
})

describe('changes', () => {
  it('lets a record pass when its value is another than that before it', () => {
    const run = new StageRun(changes())
    const values = [1, 1, 2, 2, 1, null, null, 1]
    run.feed(...values.map((v, t) => ({ t, k: 'a', v })))
    run.decide('final')
    assert.deepEqual(offsets(run), [0, 2, 4, 5, 7])
  })
})

describe('records in order', () => {
  it('wait until the watermark is past their time: another of that time may come', () => {
    const run = new StageRun(changes())
    run.feed({ t: 5, k: 'a', v: 1 })
    run.decide('cut')
    assert.deepEqual(offsets(run), [])
    run.feed({ t: 5, k: 'a', v: 2 }, { t: 6, k: 'a', v: 3 })
    run.decide('cut')
    assert.deepEqual(offsets(run), [0, 1])
  })

  it('before the watermark are late', () => {
    const run = new StageRun(changes())
    run.feed({ t: 5, k: 'a', v: 1 }, { t: 4, k: 'a', v: 2 })
    const cut = run.decide('cut')
    const letters = deadLettersOf(run.cuts).map(({ b, value }) => [b, JSON.parse(value).error])
    assert.deepEqual(letters, [[1, 'QRT_RECORD_LATE']])
    assert.equal(cut.counts.late + (run.cuts[0]?.counts.late ?? 0), 1)
  })

  it('are let out by silence only where it closes', () => {
    const rows = (['emit', 'wait', 'close'] as const).map((onIdle) => {
      const run = new StageRun({ ...changes(), onIdle, input: recordsInput(100) })
      run.feed({ t: 5, k: 'a', v: 1 })
      assert.equal(run.stage.canIdle, onIdle === 'close')
      run.decide('idle')
      return offsets(run)
    })
    assert.deepEqual(rows, [[], [], [0]])
  })

  it('that an expression has no value for are dead letters where they are read', () => {
    const run = new StageRun(changes())
    run.feed({ t: 5, k: 'a' })
    run.decide('final')
    assert.deepEqual(
      deadLettersOf(run.cuts).map(({ value }) => JSON.parse(value).error),
      ['QRT_EXPR_MISSING_FIELD'],
    )
  })
})

const rowOf = ({ t, k, v, partition, offset }: Placed) => ({ at: [partition, offset], key: k, row: { k, t, v } })

/** Looks at everything before each record. */
const dedupeTwin = (withinMs: number) => (records: readonly Placed[]) => {
  const passed: Placed[] = []
  for (const record of records) {
    if (!passed.some(({ v, t }) => v === record.v && record.t < t + withinMs)) passed.push(record)
  }
  return passed.map(rowOf)
}
const changesTwin = (records: readonly Placed[]) =>
  records.filter(({ v }, i) => i === 0 || records[i - 1]?.v !== v).map(rowOf)

const dedupes = fc
  .tuple(fc.constantFrom(1, 10, 25), cutsOf)
  .map(([withinMs, cuts]) => [{ ...dedupe(withinMs), cuts }, dedupeTwin(withinMs)] as const)
const changed = cutsOf.map((cuts) => [{ ...changes(), cuts }, changesTwin] as const)

for (const [name, plans, seed] of [
  ['dedupe', dedupes, 21],
  ['changes', changed, 31],
] as const) {
  describe(`${name}, whatever the stream`, () => {
    it('gives what its twin gives', () => givesWhatItsTwinGives(plans, seed))
    it('gives the same bytes in any batches, and after a restore at any cut', () => givesTheSameBytes(plans, seed + 1))
    it('gives the same rows behind any shuffle', () => givesTheSameRowsBehindAShuffle(plans, seed + 2))
  })
}
