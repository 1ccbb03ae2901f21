/** How often a member asks for another term: each one stops the replicas for a moment. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contentDigest } from '../../../mesh/agreement/certificate.ts'
import type { Dispute } from '../../../mesh/agreement/types.ts'
import type { UnitEffect } from '../../../mesh/agreement/unit-contract.ts'
import type { PeerId, Term, UnitId } from '../../../mesh/index.ts'
import { TIMING } from '../../../mesh/limits.ts'
import { agreementOf, cutOf, hearVote, termOf } from './agreements.ts'

const UNIT = 'delays-1:0:0' as UnitId
const [ADA, BO, CY] = ['a', 'b', 'c'].map((letter) => letter.repeat(32)) as [PeerId, PeerId, PeerId]
/** Nobody can be done without. */
const first = termOf(UNIT, [ADA, BO, CY], { write: 3 })
const CUT = { decision: { kind: 'cut', offset: 0 } } as const

/** Two members vote, and not for the same. */
const VOTES = [ADA, BO].map((peer, offset) => ({ peer, content: cutOf(UNIT, { offset }) }))
const dispute: Dispute = {
  ...{ seq: 1, part: 0, times: 0 },
  votes: VOTES.map(({ peer, content }) => ({ peer, digest: contentDigest(content) })),
}

/** Whether a member has begun to look for promises. */
const asks = (effects: readonly UnitEffect[]): boolean =>
  effects.some((effect) => effect.kind === 'send' && (effect.body as { t?: unknown }).t === 'prepare')

/** At ada, who is the first to propose. */
function scene() {
  const agreement = agreementOf(ADA, [first])
  return {
    agreement,
    comes: (now: number, term: Term) => agreement.message(now, BO, { t: 'chosen', value: term }),
    differ: (now: number) => {
      for (const { peer, content } of VOTES) hearVote(agreement, now, peer, content)
    },
  }
}

describe('a wish', () => {
  it('is put forward', () => {
    const { agreement } = scene()
    agreement.wish(0, CUT)
    assert.ok(asks(agreement.tick(0)))
  })

  it('is put forward by each rank a while after the one before it', () => {
    const waits = [ADA, BO, CY].map((self) => {
      const agreement = agreementOf(self, [first], 400)
      agreement.setPeers(new Set([ADA, BO, CY]), new Set())
      agreement.wish(0, CUT)
      let now = 0
      while (!asks(agreement.tick(now)) && now < 5_000) now += 1
      return now
    })
    assert.deepEqual(waits, [0, 400, 800])
  })

  it('that was granted is not put forward again before it is wished for again', () => {
    const { agreement, comes } = scene()
    agreement.wish(0, CUT)
    comes(10, { ...first, number: 2, decision: { kind: 'cut', offset: 5 } })
    assert.equal(asks(agreement.tick(20)), false)
    agreement.wish(30, CUT)
    assert.ok(asks(agreement.tick(30)))
  })
})

describe('another term for a cut on which members differ', () => {
  it('is asked for at once', () => {
    const { agreement, differ } = scene()
    differ(0)
    assert.ok(asks(agreement.tick(0)))
  })

  it('is asked for at growing intervals while it fails and not everybody is heard', () => {
    const { agreement, comes, differ } = scene()
    const waits = [2, 3, 4, 5].map((number) => {
      const start = 100_000 * number
      comes(start, { ...first, number, dispute })
      differ(start)
      let now = start
      while (!asks(agreement.tick(now)) && now < start + TIMING.wishPauseMaxMs) now += 1
      return now - start
    })
    assert.deepEqual(waits, [0, TIMING.wishPauseMs, 2 * TIMING.wishPauseMs, 4 * TIMING.wishPauseMs])
  })
})
