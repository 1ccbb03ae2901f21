/** For how long a peer's replicas have not confirmed what is certified. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { CutPosition, PeerId, UnitId } from '../../mesh/index.ts'
import { BehindReplicas } from '../../src/peer/behind.ts'
import type { Peer } from '../../src/peer/peer.ts'

const UNIT = 'job-1:0:0' as UnitId
const BO = 'b'.repeat(32) as PeerId
const at = (seq: number): CutPosition => ({ seq, part: 0 })

/** A peer with one unit of two replicas, of which bo's is looked at. */
function watched() {
  const known: { frontier: CutPosition | undefined; stored: CutPosition | undefined } = {
    frontier: undefined,
    stored: undefined,
  }
  const agreement = {
    term: { members: [BO] },
    get frontier() {
      return known.frontier
    },
    following: { standingOf: () => ({ stored: known.stored }) },
  }
  const peer = {
    host: { units: new Map([[UNIT, { description: { job: 'delays' } }]]) },
    node: { unit: () => agreement },
    nameOf: () => 'bo',
  } as unknown as Peer
  const behind = new BehindReplicas()
  const secondsAt = (now: number) => {
    const [sample] = behind.look(peer, now)
    assert.equal(sample?.job, 'delays')
    assert.equal(sample?.peer, 'bo')
    return sample?.behindSeconds
  }
  return { known, secondsAt }
}

/**
 *   look        0 s        5 s        10 s       15 s
 *   certified   1          4          9          20
 *   confirmed   -          3          8          19       always some cuts behind, never the same
 */
it('a replica under load is behind, but never for long', () => {
  const { known, secondsAt } = watched()
  for (const [seconds, certified, confirmed] of [
    [0, 1, undefined],
    [5, 4, 3],
    [10, 9, 8],
    [15, 20, 19],
  ] as const) {
    known.frontier = at(certified)
    known.stored = confirmed === undefined ? undefined : at(confirmed)
    assert.equal(secondsAt(seconds * 1000), 0)
  }
})

/**
 *   look        0 s        30 s       60 s       90 s
 *   certified   7          8          9          9
 *   confirmed   6          6          6          9
 */
it('a replica that confirms nothing is behind since it was first seen so, and is well once it has everything', () => {
  const { known, secondsAt } = watched()
  known.stored = at(6)
  known.frontier = at(7)
  assert.equal(secondsAt(0), 0)
  known.frontier = at(8)
  assert.equal(secondsAt(30_000), 30)
  known.frontier = at(9)
  assert.equal(secondsAt(60_000), 60)
  known.stored = at(9)
  assert.equal(secondsAt(90_000), 0)
})

it('nothing certified is nothing to confirm', () => {
  const { secondsAt } = watched()
  assert.equal(secondsAt(0), 0)
  assert.equal(secondsAt(600_000), 0)
})
