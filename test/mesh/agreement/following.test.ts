/** What a unit's members do about one that does not have the unit and that a term names: the present one, or one that ended. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contentDigest } from '../../../mesh/agreement/certificate.ts'
import { termKey } from '../../../mesh/agreement/effects.ts'
import { digestOf } from '../../../mesh/agreement/encoding.ts'
import type { UnitAgreement } from '../../../mesh/agreement/unit.ts'
import type { Digest } from '../../../mesh/ids.ts'
import type { PeerId, Term, UnitId, Wire } from '../../../mesh/index.ts'
import { TIMING } from '../../../mesh/limits.ts'
import { agreementOf, cutOf, proofOf, termOf } from './agreements.ts'

const UNIT = 'delays-1:0:0' as UnitId
const [ADA, BO, CY, DEE] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(32)) as [PeerId, PeerId, PeerId, PeerId]
const first: Term = termOf(UNIT, [ADA, BO, CY])
/** Chosen after dee had caught up, and had let the unit go again. */
const second: Term = { ...first, number: 2, view: 2, members: [ADA, BO, DEE] }

const agreementAt = (self: PeerId): UnitAgreement => agreementOf(self, [first, second])

/** Instants at which a peer is told of the term, when each of its heartbeats leaves the unit out. */
function toldAt(agreement: UnitAgreement, peer: PeerId, forMs: number): number[] {
  const beats = Array.from({ length: forMs / TIMING.heartbeatMs }, (_, beat) => beat * TIMING.heartbeatMs)
  return beats.filter((now) => {
    const effects = agreement.gone(now, peer)
    for (const effect of effects)
      assert.deepEqual(effect, { kind: 'send', to: peer, body: { t: 'chosen', value: second } })
    return effects.length > 0
  })
}

describe('a member that does not have the unit', () => {
  it('is told at once of the term that names it, and now and then again until it has the unit', () => {
    const { askMs, heartbeatMs } = TIMING
    const every = Math.ceil(askMs / heartbeatMs) * heartbeatMs
    assert.deepEqual(toldAt(agreementAt(ADA), DEE, 3 * every), [0, every, 2 * every])
  })

  it('is told by former members as well, who wait for it', () => {
    assert.deepEqual(toldAt(agreementAt(CY), DEE, TIMING.heartbeatMs), [0])
  })

  it('is told at once when it is a member again under a later term', () => {
    const agreement = agreementAt(ADA)
    assert.equal(agreement.gone(0, DEE).length, 1)
    const third = { ...second, number: 3 }
    agreement.message(1, BO, { t: 'chosen', value: third })
    assert.deepEqual(agreement.gone(2, DEE), [{ kind: 'send', to: DEE, body: { t: 'chosen', value: third } }])
  })

  it('is left alone when it is a member no more', () => {
    assert.deepEqual(toldAt(agreementAt(ADA), CY, 10 * TIMING.heartbeatMs), [])
  })
})

describe('a peer that was named by a term which left a cut open', () => {
  const cut = cutOf(UNIT)
  const another = 'd'.repeat(64) as Digest

  /** At ada, who has computed the cut; under a view without dee, who let the unit go and knows nothing of the second term. */
  function waiting(open: Digest): UnitAgreement {
    const position = { seq: 1, part: 0, offset: 10 }
    const third = { ...first, number: 3, view: 3, open: [{ ...position, digest: open, term: 2 }] }
    const agreement = agreementOf(ADA, [first, second, third])
    agreement.computed(0, cut)
    return agreement
  }

  it('is told of it as long as its word is missing, since it says nothing about a unit that it does not have', () => {
    const agreement = waiting(another)
    assert.deepEqual(agreement.keptBackBy, [ADA, BO, DEE])
    assert.deepEqual(toldAt(agreement, DEE, TIMING.heartbeatMs), [0])
  })

  it('is left alone when it has said what it voted for', () => {
    const agreement = waiting(another)
    const attachment = { seal: { frontier: undefined, votes: [], offset: 0 }, certificates: [], accepted: null }
    const body = digestOf('promise', attachment)
    const statement = { kind: 'promise', scope: termKey(UNIT, 2), ballot: { round: 1, peer: DEE }, body } as const
    agreement.statement(0, DEE, statement, attachment as unknown as Wire, proofOf(DEE))
    assert.deepEqual(agreement.keptBackBy, [ADA, BO])
    assert.deepEqual(toldAt(agreement, DEE, TIMING.heartbeatMs), [])
  })

  it('is left alone when what is open forbids nothing', () => {
    assert.deepEqual(toldAt(waiting(contentDigest(cut)), DEE, TIMING.heartbeatMs), [])
  })
})
