/** When a peer may let a unit go, and what decisions have made of it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerId, Term, UnitId } from '../../mesh/index.ts'
import { HostedUnit, type UnitDescription } from '../../src/replica/hosted.ts'

const UNIT = 'delays-1:0:0' as UnitId
const [ADA, BO, CY, DEE] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(32)) as [PeerId, PeerId, PeerId, PeerId]
const termOf = (number: number, members: readonly PeerId[]): Term => ({
  ...{ unit: UNIT, number, view: number, members, write: 2 },
  ...{ base: undefined, open: [], floor: 0 },
})

/** At dee, who follows the first term; all of its members have what she has. */
function scene(wanted: readonly PeerId[]): HostedUnit {
  const hosted = new HostedUnit({ unit: UNIT, startOffset: 0 } as unknown as UnitDescription, 0)
  hosted.released = true
  hosted.target = { view: 3, members: wanted }
  return hosted
}

describe('a unit may go', () => {
  const first = termOf(1, [ADA, BO, CY])

  it('when neither the term nor the view has it here, and nobody needs anything of this peer', () => {
    const hosted = scene([ADA, BO, CY])
    assert.equal(hosted.isReleased(first, DEE), true)
    hosted.released = false
    assert.equal(hosted.isReleased(first, DEE), false)
  })

  it('not when the view wants it here', () => {
    assert.equal(scene([ADA, BO, DEE]).isReleased(first, DEE), false)
  })

  it('not when the present term names this peer, whatever it was told about an earlier one', () => {
    assert.equal(scene([ADA, BO, CY]).isReleased(termOf(2, [ADA, BO, DEE]), DEE), false)
  })

  it('not before the peer has heard of the term that others say it is a member of', () => {
    const hosted = scene([ADA, BO, CY])
    hosted.namedIn = 2
    assert.equal(hosted.isReleased(first, DEE), false)
    assert.equal(hosted.isReleased(termOf(3, [ADA, BO, CY]), DEE), true)
  })
})

describe('the course of a unit', () => {
  const decided = (term: number, kind: 'pause' | 'resume' | 'version', value?: number) =>
    ({ term, kind, offset: 0, ...(value === undefined ? {} : { value }) }) as HostedUnit['decisions'][number]

  it('is that of its older snapshot and of every decision since, as they come', () => {
    const hosted = scene([])
    assert.equal(hosted.course.paused, false)
    hosted.decisions.push(decided(2, 'pause'))
    assert.deepEqual(hosted.course, { applied: 2, paused: true, finished: false, version: 1, revision: 0 })
    hosted.decisions.push(decided(3, 'resume'), decided(4, 'version', 2))
    assert.deepEqual(hosted.course, { applied: 4, paused: false, finished: false, version: 2, revision: 0 })
    const course = { applied: 6, paused: false, finished: false, version: 3, revision: 1 }
    hosted.snapshots = [{ position: { seq: 1, part: 0 }, offset: 9, course }]
    assert.deepEqual(hosted.course, course)
    hosted.decisions = [decided(7, 'pause')]
    assert.deepEqual(hosted.course, { ...course, applied: 7, paused: true })
  })
})
