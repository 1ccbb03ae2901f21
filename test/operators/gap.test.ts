import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { WindowPlan } from '../../operators/index.ts'
import { lines, StageRun, stagePlan } from './stage-harness.ts'

const record = (t: number) => ({ t, k: 'a' })
const session: WindowPlan = { kind: 'session', gapMs: 5, allowedLatenessMs: 0 }

/** Goes on from a snapshot as after a gap, with so many cuts between that are known by their rows only. */
function afterGap(window: WindowPlan | undefined, before: readonly number[], cuts: number): StageRun {
  const plan = stagePlan(window === undefined ? {} : { window })
  const first = new StageRun(plan)
  first.feed(...before.map(record))
  const second = new StageRun(plan)
  second.stage.restore(first.stage.snapshot())
  second.stage.forget(5, cuts)
  return second
}

describe('after a gap', () => {
  // t   1  snapshot │ silence: a row r0, three cuts in all │ gap │ 6   10
  it('a window of the snapshot has revisions beyond every row that it may have had before', () => {
    const stage = afterGap(undefined, [1], 3)
    stage.feed(record(6), record(10))
    assert.deepEqual(lines(stage.cuts), ['[0,10) "a" n=2 r3 final'])
  })

  it('so has a window that is not in the snapshot, since it may be one that was forgotten', () => {
    const stage = afterGap(undefined, [], 3)
    stage.feed(record(6), record(10))
    assert.deepEqual(lines(stage.cuts), ['[0,10) "a" n=1 r3 final'])
  })

  it('a second one adds to the first, also when the state was written and read between', () => {
    const first = afterGap(undefined, [1], 3)
    const second = new StageRun(stagePlan())
    second.stage.restore(first.stage.snapshot())
    second.stage.forget(5, 2)
    second.feed(record(11), record(21))
    assert.deepEqual(lines(second.cuts), ['[0,10) "a" n=1 r5 final', '[10,20) "a" n=1 r5 final'])
  })

  it('so has a session that grows', () => {
    const stage = afterGap(session, [1], 3)
    stage.feed(record(6), record(20))
    assert.deepEqual(lines(stage.cuts), ['[1,11) "a" n=2 r3 final'])
  })

  // lateness 10    t   1 │ closed at 10, a row that is not final │ gap │ 20
  it('a window that was closed before it, and not expired, still has its last row', () => {
    const plan = stagePlan({ window: { kind: 'aligned', sizeMs: 10, slideMs: 10, offsetMs: 0, allowedLatenessMs: 10 } })
    const first = new StageRun(plan)
    first.feed(record(1))
    const second = new StageRun(plan)
    second.stage.restore(first.stage.snapshot())
    second.stage.forget(12, 3)
    second.feed(record(20))
    assert.deepEqual(lines(second.cuts), ['[0,10) "a" n=1 r4 final'])
  })
})
