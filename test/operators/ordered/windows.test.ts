import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { formatInstant, readRows, type StagePlan } from '../../../operators/index.ts'
import { aggregate, deadLettersOf, lines, recordsInput, rowsOfCuts, StageRun } from '../stage-harness.ts'
import {
  cutsOf,
  givesTheSameBytes,
  givesTheSameRowsBehindAShuffle,
  givesWhatItsTwinGives,
  leavesAtTheSinkWhatItsTwinGives,
  orderedPlan,
  type Placed,
  type Twin,
} from './properties.ts'

const AGGREGATES = [
  aggregate('last', 'last', 'v'),
  aggregate('max', 'max', 'v'),
  aggregate('n', 'count'),
  aggregate('sum', 'sum', 'v'),
]
const N = [aggregate('n', 'count')]

const counting = (size: number, slide = size, emitPartial = false, aggregates = N): StagePlan =>
  orderedPlan({ ordered: { kind: 'count', size, slide, emitPartial }, aggregates })
const sliding = (differenceMs: number, graceMs = 0, aggregates = N): StagePlan =>
  orderedPlan({ ordered: { kind: 'sliding', differenceMs, graceMs }, aggregates })
const rolling = (bound: { last: number } | { withinMs: number }, aggregates = AGGREGATES): StagePlan =>
  orderedPlan({ ordered: { kind: 'rolling', ...bound }, aggregates })

const at = (...times: number[]) => times.map((t) => ({ t, k: 'a', v: t }))
const toTheEnd = (plan: StagePlan, ...records: object[]): StageRun => {
  const run = new StageRun(plan)
  run.feed(...records)
  run.decide('final')
  return run
}

describe('count windows', () => {
  it('hold so many records of a key in the order of their times', () => {
    const run = toTheEnd({ ...counting(2), input: recordsInput(10) }, ...at(4, 1, 9, 7))
    assert.deepEqual(lines(run.cuts), ['[1,5) "a" n=2 r0 final', '[7,10) "a" n=2 r0 final'])
  })

  it('that slide begin with every so many records', () => {
    const run = toTheEnd(counting(3, 2), ...at(1, 2, 3, 4, 5, 6))
    assert.deepEqual(lines(run.cuts), ['[1,4) "a" n=3 r0 final', '[3,6) "a" n=3 r0 final'])
  })

  it('with a slide above the size leave records out', () => {
    const run = toTheEnd(counting(1, 3), ...at(1, 2, 3, 4))
    assert.deepEqual(lines(run.cuts), ['[1,2) "a" n=1 r0 final', '[4,5) "a" n=1 r0 final'])
  })

  it('are full or they are not given, unless partial ones are asked for', () => {
    assert.deepEqual(lines(toTheEnd(counting(2), ...at(1, 2, 3)).cuts), ['[1,3) "a" n=2 r0 final'])
    assert.deepEqual(lines(toTheEnd(counting(2, 2, true), ...at(1, 2, 3)).cuts), [
      '[1,3) "a" n=2 r0 final',
      '[3,4) "a" n=1 r0 final',
    ])
  })

  it('never have the same bounds, whatever has one time', () => {
    const run = toTheEnd(counting(2), ...at(5, 5, 5, 5, 5, 5))
    assert.deepEqual(lines(run.cuts), ['[5,6) "a" n=2 r0 final', '[5,7) "a" n=2 r0 final', '[5,8) "a" n=2 r0 final'])
  })

  // t  1  2 │ silence: what is held back counts as well │ 3  4
  it('show what is not full at silence, and take that back when more is known', () => {
    const run = new StageRun(counting(3, 3, true))
    run.feed(...at(1, 2))
    assert.equal(run.stage.canIdle, true)
    assert.deepEqual(lines([run.decide('idle')]), ['[1,3) "a" n=2 r0'])
    assert.equal(run.stage.canIdle, false)
    run.feed(...at(3, 4))
    const rows = rowsOfCuts([run.decide('cut')]).map(({ a, b, value }) => [a, b, JSON.parse(value)])
    assert.deepEqual(
      rows.map(([a, b, { n, removed, revision, final }]) => [a, b, n ?? removed, revision, final]),
      [
        [1, 3, true, 1, true],
        [1, 4, 3, 0, true],
      ],
    )
  })

  it('are shown to who asks for open ones, with what is held back', () => {
    const run = new StageRun(counting(3))
    run.feed(...at(1, 2))
    const open = run.stage.openRows({ key: undefined, from: -10, to: 10, after: undefined, limit: 10 })
    assert.deepEqual(
      [...readRows(open)].map(({ a, b, value }) => [a, b, JSON.parse(Buffer.from(value).toString()).n]),
      [[1, 3, 2]],
    )
  })
})

describe('sliding windows', () => {
  it('are those of Kafka Streams: 8000, 9200 and 12400 make five windows of 5000', () => {
    const run = toTheEnd(sliding(5000), ...at(8000, 9200, 12400))
    assert.deepEqual(lines(run.cuts), [
      '[3000,8000) "a" n=1 r0 final',
      '[4200,9200) "a" n=2 r0 final',
      '[7400,12400) "a" n=3 r0 final',
      '[8001,13001) "a" n=2 r0 final',
      '[9201,14201) "a" n=1 r0 final',
    ])
  })

  it('include both ends', () => {
    const run = toTheEnd(sliding(5), ...at(0, 5, 11))
    assert.deepEqual(lines(run.cuts), [
      '[-5,0) "a" n=1 r0 final',
      '[0,5) "a" n=2 r0 final',
      '[1,6) "a" n=1 r0 final',
      '[6,11) "a" n=1 r0 final',
    ])
  })

  it('are given when the watermark is past their end', () => {
    const run = new StageRun(sliding(5))
    const seen = (...records: object[]) => {
      run.feed(...records)
      run.decide('cut')
      return lines(run.cuts.splice(0))
    }
    assert.deepEqual(seen(...at(0, 1)), ['[-5,0) "a" n=1 r0 final'])
    assert.deepEqual(seen({ t: 6, k: 'b' }), ['[-4,1) "a" n=2 r0 final'])
    assert.deepEqual(seen({ t: 7, k: 'b' }), ['[1,6) "a" n=1 r0 final', '[1,6) "b" n=1 r0 final'])
  })

  it('wait for records that may be late', () => {
    const run = new StageRun(sliding(5, 10))
    run.feed(...at(0, 10, 1, 20, 9))
    run.decide('cut')
    assert.deepEqual(lines(run.cuts), ['[-5,0) "a" n=1 r0 final', '[-4,1) "a" n=2 r0 final', '[1,6) "a" n=1 r0 final'])
    assert.deepEqual(deadLettersOf(run.cuts).length, 1, '9 is before 20 - 10')
  })

  it('at silence are shown as far as they are known', () => {
    const run = new StageRun(sliding(5))
    run.feed(...at(1))
    assert.deepEqual(lines([run.decide('idle')]), ['[-4,1) "a" n=1 r0'])
    run.feed(...at(1, 3))
    assert.deepEqual(lines([run.decide('cut')]), ['[-4,1) "a" n=2 r1 final'])
  })
})

describe('rolling aggregates', () => {
  const shown = (run: StageRun) =>
    rowsOfCuts(run.cuts).map(({ b, value }) => {
      const { last, max, n, sum } = JSON.parse(value)
      return [b, last, max, n, sum]
    })

  it('are over the last records, each making a row', () => {
    assert.deepEqual(shown(toTheEnd(rolling({ last: 2 }), ...at(5, 6, 2 + 5, 8))), [
      [0, 5, 5, 1, 5],
      [1, 6, 6, 2, 11],
      [2, 7, 7, 2, 13],
      [3, 8, 8, 2, 15],
    ])
  })

  it('are over the records of a time: one that is as old as that is out', () => {
    assert.deepEqual(shown(toTheEnd(rolling({ withinMs: 5 }), ...at(0, 4, 5, 10))), [
      [0, 0, 0, 1, 0],
      [1, 4, 4, 2, 4],
      [2, 5, 5, 2, 9],
      [3, 10, 10, 1, 10],
    ])
  })

  it('say when, and of which key', () => {
    const [row] = rowsOfCuts(toTheEnd(rolling({ last: 1 }, N), { t: 5, k: 'a', v: 1 }).cuts)
    assert.equal(row?.value, '{"key":"a","n":1,"time":"1970-01-01T00:00:00.005Z"}')
  })

  it('forget keys without a recent record', () => {
    const run = new StageRun(rolling({ withinMs: 5 }))
    run.feed(...at(0), { t: 20, k: 'b', v: 1 }, { t: 21, k: 'b', v: 1 })
    run.decide('cut')
    assert.equal(run.stage.openWindows, 1)
  })
})

const totals = (records: readonly Placed[]) => {
  const values = records.map(({ v }) => Number(v))
  return { last: values.at(-1), max: Math.max(...values), n: values.length, sum: values.reduce((a, b) => a + b, 0) }
}

function windowRow(key: string, start: number, end: number, records: readonly Placed[]): object {
  const { last, max, n, sum } = totals(records)
  const window = { end: formatInstant(end), start: formatInstant(start) }
  return { start, end, key, row: { final: true, key, last, max, n, revision: 0, sum, window } }
}

const countTwin =
  (size: number, slide: number, partial: boolean): Twin =>
  (records) => {
    const rows: object[] = []
    let lastEnd = Number.NEGATIVE_INFINITY
    for (let first = 0; first < records.length; first += slide) {
      const held = records.slice(first, first + size)
      if (held.length < size && !partial) continue
      lastEnd = Math.max(held.at(-1)!.t, lastEnd) + 1
      rows.push(windowRow(held[0]!.k, held[0]!.t, lastEnd, held))
    }
    return rows
  }

const slidingTwin =
  (difference: number): Twin =>
  (records) => {
    const ends = new Set(records.flatMap(({ t }) => [t, t + 1 + difference]))
    return [...ends].flatMap((end) => {
      const held = records.filter(({ t }) => t >= end - difference && t <= end)
      return held.length === 0 ? [] : [windowRow(held[0]!.k, end - difference, end, held)]
    })
  }

const rollingTwin =
  (holds: (before: Placed, record: Placed, distance: number) => boolean): Twin =>
  (records) =>
    records.map((record, i) => {
      const { k, t, partition, offset } = record
      const held = records.slice(0, i + 1).filter((before, j) => holds(before, record, i - j))
      return { at: [partition, offset], key: k, row: { key: k, ...totals(held), time: formatInstant(t) } }
    })

/** Members in the order of a row. */
const inRowOrder =
  (twin: Twin): Twin =>
  (records) =>
    twin(records).map((given) => {
      const { row, ...place } = given as { row: object }
      return { ...place, row: Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))) }
    })

const counts = fc
  .record({ size: fc.integer({ min: 1, max: 5 }), slide: fc.integer({ min: 1, max: 6 }), partial: fc.boolean() })
  .map(
    ({ size, slide, partial }) =>
      [counting(size, slide, partial, AGGREGATES), countTwin(size, slide, partial)] as const,
  )
const slidings = fc
  .record({ difference: fc.constantFrom(1, 4, 20), grace: fc.constantFrom(0, 7) })
  .map(({ difference, grace }) => [sliding(difference, grace, AGGREGATES), slidingTwin(difference)] as const)
const rollings = fc.oneof(
  fc
    .constantFrom(1, 2, 5)
    .map((last) => [rolling({ last }), inRowOrder(rollingTwin((_, __, distance) => distance < last))] as const),
  fc
    .constantFrom(1, 10, 30)
    .map(
      (withinMs) =>
        [rolling({ withinMs }), inRowOrder(rollingTwin((before, { t }) => before.t > t - withinMs))] as const,
    ),
)

for (const [name, kinds, seed] of [
  ['count windows', counts, 51],
  ['sliding windows', slidings, 61],
  ['rolling aggregates', rollings, 71],
] as const) {
  const plans: fc.Arbitrary<readonly [StagePlan, Twin]> = fc
    .tuple(kinds as fc.Arbitrary<readonly [StagePlan, Twin]>, cutsOf)
    .map(([[plan, twin], cuts]) => [{ ...plan, cuts }, twin])
  describe(`${name}, whatever the stream`, () => {
    it('are those of their twin', () => givesWhatItsTwinGives(plans, seed))
    it('are the same bytes in any batches, and after a restore at any cut', () => givesTheSameBytes(plans, seed + 1))
    it('are the same behind any shuffle', () => givesTheSameRowsBehindAShuffle(plans, seed + 2))
    if (name === 'rolling aggregates') return
    it('are in the end at a sink what they are without silence', () => leavesAtTheSinkWhatItsTwinGives(plans, seed + 3))
  })
}
