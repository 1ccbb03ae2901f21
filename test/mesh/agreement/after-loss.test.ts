/** A unit whose members are all gone for good: those who handed it over to them have it again. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TermHistory } from '../../../mesh/agreement/term-history.ts'
import type { UnitAgreement } from '../../../mesh/agreement/unit.ts'
import type { PeerId, Term, UnitId } from '../../../mesh/index.ts'
import { TIMING } from '../../../mesh/limits.ts'
import { agreementOf, termOf } from './agreements.ts'

const UNIT = 'delays-1:0:0' as UnitId
const peer = (letter: string): PeerId => letter.repeat(32) as PeerId
const [ADA, BO, CY, DEE, EVE, FAY, GUS] = [...'abcdef0'].map(peer) as [
  ...[PeerId, PeerId, PeerId, PeerId],
  ...[PeerId, PeerId, PeerId],
]
const first = termOf(UNIT, [ADA, BO, CY])
const second: Term = { ...first, number: 2, floor: 40, decision: { kind: 'idle', offset: 40 } }
/** Everything moves. */
const third: Term = { ...second, number: 3, view: 3, members: [DEE, EVE, FAY], floor: 50, pausedAt: 50 }
const terms = [first, second, third]

/** At a peer that is told by an operator at 0 whom to give up, and looks every tenth of a second until `at`. */
function ticked(agreement: UnitAgreement, lost: readonly PeerId[], at: number): UnitAgreement {
  agreement.setPeers(new Set([ADA, BO]), new Set(lost))
  for (let now = 0; now <= at; now += 100) agreement.tick(now)
  return agreement
}
const LATE = TIMING.standingMs + 200

describe('a unit whose members are all given up', () => {
  it('goes on with those who had it before, in one forced term that is the same at every peer that has the unit', () => {
    const [ada, bo, learner] = [ADA, BO, GUS].map((self) =>
      ticked(agreementOf(self, terms), [DEE, EVE, FAY], LATE),
    ) as [UnitAgreement, UnitAgreement, UnitAgreement]
    const { decision: _, ...kept } = third
    assert.deepEqual(ada.term, { ...kept, number: 4, view: 1, members: [ADA, BO, CY], membersOf: 1, forced: true })
    assert.deepEqual(bo.term, ada.term)
    assert.deepEqual(learner.term, ada.term)
    assert.ok(ada.isMember && !learner.isMember)
  })

  it('keeps the terms before, whose decisions are still to be applied', () => {
    assert.deepEqual(ticked(agreementOf(ADA, terms), [DEE, EVE, FAY], LATE).terms.slice(0, 3), terms)
  })

  it('is the same where terms that changed no member are forgotten', () => {
    const history = new TermHistory(terms)
    const before = history.afterLoss
    assert.deepEqual(history.trim(3), [2])
    assert.deepEqual(history.afterLoss, before)
  })

  it('waits as long as one of them may come back', () => {
    assert.equal(ticked(agreementOf(ADA, terms), [DEE, EVE], LATE).term, third)
  })

  it('waits until those who may know of a later term have had the time to say so', () => {
    assert.equal(ticked(agreementOf(ADA, terms), [DEE, EVE, FAY], TIMING.standingMs).term, third)
  })

  /** At ada, who was told by another peer that it is in term 4. */
  function toldBy(peer: PeerId): UnitAgreement {
    const agreement = agreementOf(ADA, terms)
    agreement.heard(0, peer, { ...agreementOf(peer, terms).standing, term: 4 })
    return agreement
  }

  it('follows whoever knows of a later term', () => {
    assert.equal(ticked(toldBy(GUS), [DEE, EVE, FAY], LATE).term, third)
  })

  it('follows no term that only those knew who are given up', () => {
    assert.equal(ticked(toldBy(DEE), [DEE, EVE, FAY], LATE).term.membersOf, 1)
  })

  it('stands still at a peer that is given up itself', () => {
    assert.equal(ticked(agreementOf(ADA, terms), [DEE, EVE, FAY, ADA], LATE).term, third)
  })

  it('goes back one more step where those before are all given up as well, and never in a circle', () => {
    const fourth: Term = { ...third, number: 4, view: 4, members: [GUS, BO, CY] }
    const lost = [GUS, BO, CY, DEE, EVE, FAY]
    const agreement = ticked(agreementOf(ADA, [...terms, fourth]), lost, 3 * LATE)
    assert.deepEqual(
      agreement.terms.slice(4).map(({ number, view, membersOf }) => [number, view, membersOf]),
      [
        [5, 3, 3],
        [6, 1, 1],
      ],
    )
    assert.ok(agreement.isMember)
    const none = ticked(
      agreementOf(EVE, [...terms, fourth]),
      [...lost, ADA].filter((each) => each !== EVE),
      9 * LATE,
    )
    assert.deepEqual(none.term.membersOf, 3)
    const history = new TermHistory([...terms, fourth])
    for (let step = 0; step < 2; step += 1) history.add(history.afterLoss ?? assert.fail('there were others before'))
    assert.equal(history.afterLoss, undefined)
  })
})
