/** When a divergence counts as repaired, whatever became of the note that would say so. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { CutContent, Digest, PeerId, UnitId } from '../../mesh/index.ts'
import { HOST_TIMING } from '../../src/limits.ts'
import { Divergences } from '../../src/peer/divergences.ts'

const UNIT = 'delays-1:0:0' as UnitId
const BO = 'b'.repeat(32) as PeerId
const at = (seq: number) => ({ seq, part: 0 })
const content = (seq: number): CutContent => ({
  ...{ cluster: 'c', unit: UNIT, seq, part: 0, last: true, offset: 10 * seq, counts: { in: 10, late: 0, dead: 0 } },
  ...{ parent: '0'.repeat(64) as Digest, inDigest: '1'.repeat(64) as Digest, outDigest: '2'.repeat(64) as Digest },
})

function diverged() {
  const divergences = new Divergences()
  divergences.add({ at: '2026-01-01T00:00:00.000Z', peer: BO, computed: content(5), certified: null }, 0)
  const repaired = () => divergences.all.every((each) => each.repaired)
  return { divergences, repaired }
}

it('a peer that has all that is certified beyond the place agrees again, though its note was lost', () => {
  const { divergences, repaired } = diverged()
  divergences.caughtUp(UNIT, BO, at(6), HOST_TIMING.divergedLatelyMs)
  assert.ok(repaired())
})

it('what a peer said right before does not end it, nor what it has up to the place, nor what others have', () => {
  const { divergences, repaired } = diverged()
  divergences.caughtUp(UNIT, BO, at(6), HOST_TIMING.divergedLatelyMs - 1)
  divergences.caughtUp(UNIT, BO, at(5), HOST_TIMING.divergedLatelyMs)
  divergences.caughtUp(UNIT, 'c'.repeat(32) as PeerId, at(6), HOST_TIMING.divergedLatelyMs)
  divergences.caughtUp('delays-1:0:1' as UnitId, BO, at(6), HOST_TIMING.divergedLatelyMs)
  assert.ok(!repaired())
})
