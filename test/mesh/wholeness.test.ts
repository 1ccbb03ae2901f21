/** Whether an identity still has all that it signed: when a peer may sign after its start, and what it tells others. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerId } from '../../mesh/index.ts'
import { Wholeness } from '../../mesh/wholeness.ts'

const [bo, cy, di] = ['b', 'c', 'd'].map((letter) => letter.repeat(32) as PeerId) as [PeerId, PeerId, PeerId]
const here = (...ids: PeerId[]) => ids.map((id) => ({ id, gone: false }))

describe('a peer after its start', () => {
  it('signs at once when there is nobody else', () => {
    assert.equal(new Wholeness(0, undefined).clears(0, []), true)
  })

  it('signs nothing before all others have told it what they saw, also when its disk knows of no flush', () => {
    const wholeness = new Wholeness(0, undefined)
    assert.equal(wholeness.clears(100, here(bo, cy)), false)
    assert.equal(wholeness.told(bo, 0, 0), true)
    assert.equal(wholeness.clears(200, here(bo, cy)), false)
    assert.equal(wholeness.told(cy, 0, 0), true)
    assert.equal(wholeness.clears(300, here(bo, cy)), true)
  })

  it('says so only once', () => {
    const wholeness = new Wholeness(0, undefined)
    assert.deepEqual([wholeness.clears(0, []), wholeness.clears(1, [])], [true, false])
  })

  it('does not wait for those that are gone, and for silent ones only so long', () => {
    const wholeness = new Wholeness(0, undefined)
    wholeness.told(bo, 0, 0)
    assert.equal(wholeness.clears(4_999, here(bo, cy)), false)
    assert.equal(wholeness.clears(5_000, here(bo, cy)), true)
    const other = new Wholeness(0, undefined)
    other.told(bo, 0, 0)
    assert.equal(other.clears(100, [...here(bo), { id: cy, gone: true }]), true)
  })

  it('waits longer where most of the others are silent', () => {
    const wholeness = new Wholeness(0, undefined)
    assert.equal(wholeness.clears(29_999, here(bo, cy)), false)
    assert.equal(wholeness.clears(30_000, here(bo, cy)), true)
  })

  it('learns from anybody that its disk is an old copy', () => {
    const wholeness = new Wholeness(0, undefined)
    assert.equal(wholeness.told(bo, 12, 12), true)
    assert.equal(wholeness.told(cy, 13, 12), false)
    assert.equal(wholeness.told(cy, 1, 0), false)
  })
})

describe('what a peer has seen of others', () => {
  it('is the highest number of their flushes', () => {
    const wholeness = new Wholeness(0, undefined)
    for (const counter of [3, 7, 5]) wholeness.note(bo, counter)
    assert.deepEqual([wholeness.seen(bo), wholeness.seen(cy)], [7, 0])
  })

  it('is stored when it has grown, for peers that are still known, and known after a restart', () => {
    const wholeness = new Wholeness(0, undefined)
    const known = () => new Set([bo, cy])
    assert.equal(wholeness.toStore(known), undefined)
    wholeness.note(bo, 7)
    wholeness.note(di, 9)
    const stored = wholeness.toStore(known)
    assert.deepEqual(stored, [[bo, 7]])
    wholeness.note(bo, 6)
    assert.equal(wholeness.toStore(known), undefined)
    assert.equal(new Wholeness(0, stored).seen(bo), 7)
  })

  it('is nothing where it cannot be read', () => {
    for (const stored of ['?', [[bo]], [[bo, '7']], { [bo]: 7 }, null]) {
      assert.equal(new Wholeness(0, stored).seen(bo), 0)
    }
  })
})
