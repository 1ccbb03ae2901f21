import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { WindowPlan } from '../../operators/index.ts'
import { aggregate, deadLettersOf, lines, recordsInput, rowsOfCuts, StageRun, stagePlan } from './stage-harness.ts'

const at = (t: number, k: unknown = 'a') => ({ t, k })
const window = (sizeMs: number, slideMs = sizeMs, offsetMs = 0, allowedLatenessMs = 0): WindowPlan => ({
  kind: 'aligned',
  sizeMs,
  slideMs,
  offsetMs,
  allowedLatenessMs,
})
const grid = (gridMs: number) => ({ ...stagePlan().cuts, gridMs })

describe('a tumbling window', () => {
  // t      0 ───── 9 │ 10
  // window [0 ── 10) │ closes
  it('closes when the watermark reaches its end', () => {
    const run = new StageRun(stagePlan())
    assert.deepEqual(run.feed(at(0), at(9)), [])
    assert.deepEqual(lines(run.feed(at(10))), ['[0,10) "a" n=2 r0 final'])
  })

  it('holds negative times: -1 is in [-10,0)', () => {
    const run = new StageRun(stagePlan())
    assert.deepEqual(lines(run.feed(at(-1), at(0))), ['[-10,0) "a" n=1 r0 final'])
  })

  it('starts at its offset', () => {
    const run = new StageRun(stagePlan({ window: window(10, 10, 3) }))
    assert.deepEqual(lines(run.feed(at(2), at(3), at(12), at(13))), [
      '[-7,3) "a" n=1 r0 final',
      '[3,13) "a" n=2 r0 final',
    ])
  })

  // outOfOrderness 5
  // t          10   20 │ 14
  // watermark   5   15 │ [0,10) is closed, [10,20) is open
  it('takes a record behind the watermark while it is open, by the watermark before the record', () => {
    const run = new StageRun(stagePlan({ input: recordsInput(5) }))
    run.feed(at(10), at(20), at(14), at(9))
    run.decide('final')
    assert.deepEqual(lines(run.cuts), ['[10,20) "a" n=2 r0 final', '[20,30) "a" n=1 r0 final'])
    assert.equal(
      run.cuts.reduce((sum, { counts }) => sum + counts.late, 0),
      1,
    )
    const [letter] = deadLettersOf(run.cuts)
    assert.deepEqual([letter?.a, letter?.b], [0, 3])
    assert.equal(JSON.parse(letter?.value ?? '').error, 'QRT_RECORD_LATE')
  })
})

describe('a hopping window', () => {
  // size 10, slide 5
  // t  7: [0,10) and [5,15)
  it('counts a record in size / slide windows', () => {
    const run = new StageRun(stagePlan({ window: window(10, 5), cuts: grid(5) }))
    run.feed(at(7))
    run.decide('final')
    assert.deepEqual(lines(run.cuts), ['[0,10) "a" n=1 r0 final', '[5,15) "a" n=1 r0 final'])
  })

  // t  12 │ 7   [0,10) has closed, [5,15) takes it: not late
  it('judges lateness for each window', () => {
    const run = new StageRun(stagePlan({ window: window(10, 5), cuts: grid(5) }))
    run.feed(at(12), at(7))
    run.decide('final')
    assert.deepEqual(lines(run.cuts), ['[5,15) "a" n=2 r0 final', '[10,20) "a" n=1 r0 final'])
    assert.equal(deadLettersOf(run.cuts).length, 0)
  })

  // size 4, slide 10: 5 lies in the gap [4,10)
  it('leaves gaps where the slide is larger than the size', () => {
    const run = new StageRun(stagePlan({ window: window(4, 10) }))
    run.feed(at(1), at(5), at(11))
    run.decide('final')
    assert.deepEqual(lines(run.cuts), ['[0,4) "a" n=1 r0 final', '[10,14) "a" n=1 r0 final'])
    assert.equal(deadLettersOf(run.cuts).length, 0)
  })

  // size 15, slide 10: ends 15, 25, ... lie on the cut grid though they are no multiples of 10
  it('is cut at its ends when the size is no multiple of the slide', () => {
    const run = new StageRun(stagePlan({ window: window(15, 10) }))
    assert.deepEqual(lines(run.feed(at(1), at(14), at(15))), ['[-10,5) "a" n=1 r0 final', '[0,15) "a" n=2 r0 final'])
  })
})

describe('allowed lateness', () => {
  // size 10, lateness 5
  // t          1  10     │ 3          │ 15
  // rows          n=1 r0 │ n=2 r1     │ n=2 r2 final
  it('revises a closed window, and says final once nothing can change it', () => {
    const run = new StageRun(stagePlan({ window: window(10, 10, 0, 5) }))
    run.feed(at(1), at(10))
    assert.deepEqual(lines(run.cuts), ['[0,10) "a" n=1 r0'])
    run.feed(at(3))
    assert.deepEqual(lines([run.decide('cut')]), ['[0,10) "a" n=2 r1'])
    run.feed(at(15))
    assert.deepEqual(lines([run.decide('cut')]), ['[0,10) "a" n=2 r2 final'])
    run.feed(at(4))
    assert.equal(run.decide('cut').counts.late, 1)
  })

  it('makes at most one revision per window and key in a cut', () => {
    const run = new StageRun(stagePlan({ window: window(10, 10, 0, 5) }))
    run.feed(at(1), at(10), at(2), at(3), at(4))
    assert.deepEqual(lines([run.decide('cut')]), ['[0,10) "a" n=4 r1'])
  })

  it('shows a window that closed and expired in one cut once', () => {
    const run = new StageRun(stagePlan({ window: window(10, 10, 0, 5) }))
    assert.deepEqual(lines(run.feed(at(1), at(40))), ['[0,10) "a" n=1 r0 final'])
  })
})

describe('silence', () => {
  // t     1   2 │ idle      │ 3   10
  // rows        │ n=2 r0    │     n=3 r1 final
  it('emits what is open, and the window goes on', () => {
    const run = new StageRun(stagePlan())
    run.feed(at(1), at(2))
    assert.equal(run.stage.canIdle, true)
    assert.deepEqual(lines([run.decide('idle')]), ['[0,10) "a" n=2 r0'])
    assert.equal(run.stage.canIdle, false)
    assert.deepEqual(lines(run.feed(at(3), at(10))), ['[0,10) "a" n=3 r1 final'])
  })

  it('closes open windows where the job says close', () => {
    const run = new StageRun(stagePlan({ onIdle: 'close' }))
    run.feed(at(1))
    assert.equal(run.stage.canIdle, true)
    assert.deepEqual(lines([run.decide('idle')]), ['[0,10) "a" n=1 r0 final'])
    assert.equal(run.stage.watermark, 10)
    run.feed(at(2))
    assert.equal(run.decide('cut').counts.late, 1)
  })

  it('waits where the job says wait', () => {
    const run = new StageRun(stagePlan({ onIdle: 'wait' }))
    run.feed(at(1))
    assert.equal(run.stage.canIdle, false)
    assert.deepEqual(lines([run.decide('idle')]), [])
  })
})

describe('rows of windows', () => {
  it('come by window end, start, and key bytes', () => {
    const run = new StageRun(stagePlan())
    const keys = ['b', 'a', 10, 9, null, true, [1], { y: 1, x: 2 }, '\u{1f600}', '\uffff', 9007199254740992]
    run.feed(...keys.map((key) => at(1, key)), at(11, 'b'))
    run.decide('final')
    const rows = rowsOfCuts(run.cuts)
    const first = rows.filter(({ a }) => a === 0).map(({ key }) => key)
    assert.deepEqual(
      first,
      [...first].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y))),
    )
    assert.deepEqual(
      new Set(first),
      new Set([
        '"b"',
        '"a"',
        '10',
        '9',
        'null',
        'true',
        '[1]',
        '{"x":2,"y":1}',
        '"\u{1f600}"',
        '"\uffff"',
        '9007199254740992',
      ]),
    )
    assert.equal(rows.at(-1)?.a, 10)
  })

  it('are canonical JSON with the window in ISO 8601', () => {
    const run = new StageRun(stagePlan({ aggregates: [aggregate('n', 'count'), aggregate('A', 'max', 't')] }))
    run.feed(at(1))
    run.decide('final')
    assert.equal(
      rowsOfCuts(run.cuts)[0]?.value,
      '{"A":1,"final":true,"key":"a","n":1,"revision":0,"window":{"end":"1970-01-01T00:00:00.010Z","start":"1970-01-01T00:00:00.000Z"}}',
    )
  })

  it('have an array as key where there are several, and null where there is none', () => {
    const two = new StageRun(
      stagePlan({
        keyBy: [
          { source: 'k', pointer: '' },
          { source: 't', pointer: '' },
        ],
      }),
    )
    two.feed(at(1))
    two.decide('final')
    assert.equal(rowsOfCuts(two.cuts)[0]?.key, '["a",1]')
    const { keyBy: _, ...unkeyed } = stagePlan()
    const none = new StageRun(unkeyed)
    none.feed(at(1, 'x'), at(2, 'y'))
    none.decide('final')
    assert.deepEqual(lines(none.cuts), ['[0,10) null n=2 r0 final'])
    assert.equal(rowsOfCuts(none.cuts)[0]?.key, '')
  })
})
