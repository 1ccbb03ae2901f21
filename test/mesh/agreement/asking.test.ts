/** A peer that learns again and again that another is further on asks it once, and again while no answer helps. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Asking } from '../../../mesh/agreement/asking.ts'
import { peerId } from '../../../mesh/ids.ts'
import { TIMING } from '../../../mesh/limits.ts'

const [A, B] = [peerId('a'), peerId('b')]
const HERE = { term: 3, after: { seq: 7, part: 0 } }

/** Instants at which the question goes out, when there is a reason for it every millisecond. */
function askedAt(forMs: number): number[] {
  const asking = new Asking()
  return Array.from({ length: forMs }, (_, now) => now).filter((now) => asking.isDue(now, A, HERE))
}

describe('what lies beyond a place is asked for', () => {
  it('at once, and then less and less often while the place stays', () => {
    const { resendMs, resendMaxMs } = TIMING
    const pauses = askedAt(60_000).map((at, index, all) => at - (all[index - 1] ?? 0))
    assert.deepEqual(pauses.slice(0, 6), [0, resendMs, 2 * resendMs, 4 * resendMs, resendMaxMs, resendMaxMs])
  })

  it('at once of every other peer', () => {
    const asking = new Asking()
    assert.ok(asking.isDue(0, A, HERE))
    assert.ok(asking.isDue(0, B, HERE))
    assert.ok(!asking.isDue(1, B, HERE))
  })

  it('at once from every other place, and from an earlier one again', () => {
    const asking = new Asking()
    assert.ok(asking.isDue(0, A, { term: 3, after: null }))
    assert.ok(asking.isDue(0, A, HERE))
    assert.ok(asking.isDue(0, A, { ...HERE, term: 4 }))
    assert.ok(asking.isDue(0, A, HERE))
    assert.ok(!asking.isDue(0, A, { term: 3, after: { seq: 7, part: 0 } }))
  })

  it('at once of a peer that had the unit no more meanwhile', () => {
    const asking = new Asking()
    assert.ok(asking.isDue(0, A, HERE))
    asking.forget(A)
    assert.ok(asking.isDue(1, A, HERE))
  })
})
