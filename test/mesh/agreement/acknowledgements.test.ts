/** When a result is acknowledged: which of those that have stored it count, in which term. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Acknowledgements } from '../../../mesh/agreement/acknowledgements.ts'
import type { CutPosition, Term } from '../../../mesh/agreement/types.ts'
import type { Digest, PeerId, UnitId } from '../../../mesh/ids.ts'
import { termOf } from './agreements.ts'

const [ADA, BO, CY, DAN] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(32)) as [PeerId, PeerId, PeerId, PeerId]
const at = (seq: number): CutPosition => ({ seq, part: 0 })
const base = (seq: number) => ({ ...at(seq), digest: '0'.repeat(64) as Digest, last: true, offset: seq })
const TERM: Term = termOf('job-1:0:0' as UnitId, [ADA, BO, CY], { number: 9, base: base(15) })

describe('a result is acknowledged', () => {
  it('once W members have stored it, each with everything before it', () => {
    const known = new Acknowledgements(TERM)
    known.note(ADA, at(18), 9)
    assert.equal(known.position?.seq, 15)
    known.note(CY, at(17), 9)
    assert.equal(known.position?.seq, 17)
    known.note(BO, at(18), 9)
    assert.equal(known.position?.seq, 18)
  })

  it('from the beginning of a term whose base it is: who lacks that answers no read', () => {
    assert.equal(new Acknowledgements(TERM).position?.seq, 15)
  })

  it('not by one that stored it after its promise, since its promise did not hand it over', () => {
    const known = new Acknowledgements(TERM)
    known.note(ADA, at(18), 9)
    known.note(BO, at(18), undefined)
    assert.equal(known.position?.seq, 15)
    assert.equal(known.storedBy(BO)?.seq, 18, 'others may rely on its disk nevertheless')
  })

  it('not by one that is in a later term, and may have been sealed in this one', () => {
    const known = new Acknowledgements(TERM)
    known.note(ADA, at(18), 9)
    known.note(BO, at(18), 10)
    assert.equal(known.position?.seq, 15)
    known.install({ ...TERM, number: 10 })
    known.note(BO, at(18), 10)
    assert.equal(known.position?.seq, 18)
  })

  it('in the next term by what its members had stored in earlier ones', () => {
    const known = new Acknowledgements(TERM)
    known.note(ADA, at(18), 9)
    known.note(CY, at(17), 9)
    known.install({ ...TERM, number: 10, members: [ADA, CY, DAN] })
    assert.equal(known.position?.seq, 17)
  })

  // term 9: ada, bo, cy. Term 10: ada, cy, dan, and bo lets the unit go. Term 11 names bo again, who takes it over from 15 on.
  it('not by what one had stored that was no member meanwhile, before it says so again', () => {
    const known = new Acknowledgements(TERM)
    known.note(BO, at(18), 9)
    known.install({ ...TERM, number: 10, members: [ADA, CY, DAN] })
    known.install({ ...TERM, number: 11 })
    known.note(ADA, at(18), 11)
    assert.equal(known.position?.seq, 15)
    known.note(BO, at(18), 11)
    assert.equal(known.position?.seq, 18)
  })

  // term 9: ada, bo, cy. Bo promises at 17, and stores 18 afterwards; with cy's promise term 10 begins at 15.
  it('no more when those that had stored it are not in the next term', () => {
    const known = new Acknowledgements(TERM)
    known.note(ADA, at(18), 9)
    known.note(BO, at(18), 9)
    assert.equal(known.position?.seq, 18)
    known.install({ ...TERM, number: 10, members: [ADA, CY, DAN] })
    assert.equal(known.position?.seq, 15)
  })
})
