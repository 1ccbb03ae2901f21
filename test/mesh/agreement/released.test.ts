/** When a former member may forget a unit: not before its successors hold what only it could tell. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Following } from '../../../mesh/agreement/following.ts'
import type { Standing } from '../../../mesh/agreement/standing.ts'
import type { CutPosition, Term } from '../../../mesh/agreement/types.ts'
import { type Digest, type PeerId, seededRandom, type UnitId } from '../../../mesh/index.ts'
import { termOf } from './agreements.ts'

const UNIT = 'delays-1:0:0' as UnitId
const [ADA, BO, CY, DEE, EVE, FIN] = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => letter.repeat(32)) as PeerId[] as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
  PeerId,
  PeerId,
]
const at = (seq: number): CutPosition => ({ seq, part: 0 })
const DIGEST = 'd'.repeat(64) as Digest
const baseAt = (seq: number) => ({ ...at(seq), offset: 10 * seq, digest: DIGEST, last: true })
const openAt = (seq: number) => ({ ...at(seq), offset: 10 * seq, digest: DIGEST, term: 1 })
const standingAt = (term: number, seq: number): Standing => {
  const nothing = { votesIn: undefined, stuck: undefined, needed: undefined }
  return { term, frontier: at(seq), stored: at(seq), caughtUp: true, ...nothing }
}
/** At fin, which was a member and knows everything up to cut 7. */
const OWN = standingAt(2, 7)

/** Whether fin may forget the unit when these have stored as much. */
function released(term: Term, stored: ReadonlyMap<PeerId, number>): boolean {
  const following = new Following(FIN, seededRandom(1))
  for (const [peer, seq] of stored) following.heard(0, peer, standingAt(term.number, seq))
  return following.released(term, OWN)
}

describe('a former member forgets a unit', () => {
  const term = termOf(UNIT, [ADA, BO, CY], { number: 2, base: baseAt(5) })

  it('when a majority of its successors have everything up to the base', () => {
    assert.equal(
      released(
        term,
        new Map([
          [ADA, 5],
          [BO, 4],
        ]),
      ),
      false,
    )
    assert.equal(
      released(
        term,
        new Map([
          [ADA, 5],
          [BO, 5],
        ]),
      ),
      true,
    )
  })

  it('not while it lacks itself what was left open', () => {
    assert.equal(
      released(
        { ...term, open: [openAt(8)] },
        new Map([
          [ADA, 9],
          [BO, 9],
        ]),
      ),
      false,
    )
  })
})

//   fin alone has the certificate of cut 6, which its successors hold open: two of five answer for their promises
describe('a former member that may be the only one to know that an open cut was certified', () => {
  const term = termOf(UNIT, [ADA, BO, CY, DEE, EVE], { number: 2, base: baseAt(5), open: [openAt(6)], write: 4 })

  it('keeps the unit until as many of its successors as certify have stored it', () => {
    const all = [ADA, BO, CY, DEE, EVE]
    const storedBy = (count: number) => new Map(all.map((peer, index) => [peer, index < count ? 6 : 5]))
    assert.deepEqual(
      [3, 4, 5].map((count) => released(term, storedBy(count))),
      [false, true, true],
    )
  })
})
