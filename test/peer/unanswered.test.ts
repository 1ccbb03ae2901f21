/** What is said of a unit while no replica answers for it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { UnitId } from '../../mesh/index.ts'
import { Unanswered } from '../../src/peer/unanswered.ts'

const UNIT = 'job-1:0:0' as UnitId
const reach = { unit: UNIT, alive: 3, write: 2 }

describe('a unit for which nobody answers', () => {
  it('is about to be taken right after a job was submitted, and stalled once that lasts', () => {
    const unanswered = new Unanswered()
    assert.equal(unanswered.stateOf(reach, 1_000).state, 'taking-over')
    assert.equal(unanswered.stateOf(reach, 10_999).state, 'taking-over')
    assert.deepEqual(unanswered.stateOf(reach, 11_000), {
      state: 'stalled',
      reasons: ['no replica of this unit answers'],
    })
  })

  it('is stalled at once where too few of its replicas can be reached to agree', () => {
    const { state, reasons } = new Unanswered().stateOf({ ...reach, alive: 1 }, 0)
    assert.equal(state, 'stalled')
    assert.deepEqual(reasons, ['2 replicas must agree and 1 can be reached; none answers'])
  })

  it('begins anew after an answer', () => {
    const unanswered = new Unanswered()
    unanswered.stateOf(reach, 0)
    unanswered.answered(UNIT)
    assert.equal(unanswered.stateOf(reach, 60_000).state, 'taking-over')
  })

  it('is forgotten with its job', () => {
    const unanswered = new Unanswered()
    unanswered.stateOf(reach, 0)
    unanswered.keep(new Set([UNIT]))
    assert.equal(unanswered.stateOf(reach, 60_000).state, 'stalled')
    unanswered.keep(new Set())
    assert.equal(unanswered.stateOf(reach, 60_000).state, 'taking-over')
  })
})
