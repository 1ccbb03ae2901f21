/** How long what an operator has ordered of a replica stands. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Trouble } from '../../src/replica/trouble.ts'

const ordered = (gap: boolean): Trouble => {
  const trouble = new Trouble()
  trouble.logStart = 20
  trouble.gapAccepted = gap
  trouble.retryWanted = true
  trouble.settleWanted = true
  return trouble
}

describe('orders of an operator', () => {
  it('are of one term', () => {
    const trouble = ordered(false)
    trouble.term(undefined)
    assert.deepEqual([trouble.retryWanted, trouble.settleWanted], [false, false])
  })

  //   accept-gap, settle │ a term without the gap, since one was under way │ the gap
  it('beside a gap stand until that is decided', () => {
    const trouble = ordered(true)
    trouble.term('cut')
    assert.deepEqual([trouble.gapAccepted, trouble.settleWanted], [true, true])
    trouble.term('gap')
    assert.equal(trouble.settleWanted, false)
  })

  it('beside a gap are void once what was lost is found', () => {
    const trouble = ordered(true)
    trouble.found()
    assert.deepEqual([trouble.gapAccepted, trouble.settleWanted], [false, false])
  })
})
