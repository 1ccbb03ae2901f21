/** What a host wishes for its unit: which members, when those that are to come cannot take a record. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GENESIS, type PeerId, type Term, type UnitId } from '../../mesh/index.ts'
import { HOST_TIMING } from '../../src/limits.ts'
import { HostedUnit, type UnitDescription } from '../../src/replica/hosted.ts'
import { readyFor, wishOf } from '../../src/replica/wishes.ts'
import { agreementOf, termOf } from '../mesh/agreement/agreements.ts'

const UNIT = 'delays-1:0:3' as UnitId
const [ADA, BO, CY, DEE, EVE] = ['a', 'b', 'c', 'd', 'e'].map((letter) => letter.repeat(32)) as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
  PeerId,
]
const NOW = 10_000
const MOVED = { view: 2, members: [ADA, DEE, EVE] }

interface Around {
  readonly alive: readonly PeerId[]
  readonly view: readonly PeerId[]
  /** Of the job: those that are known, and those that the checkpoints name. */
  readonly revisions?: readonly [number, number]
}

/** Ada's replica of a unit that ada, bo and cy vote on, and that ada, dee and eve are to hold. */
function scene({ alive, view, revisions: [known, kept] = [1, 1] }: Around) {
  const first: Term = termOf(UNIT, [ADA, BO, CY])
  const agreement = agreementOf(ADA, [first])
  const plans = Array.from({ length: known }, () => ({}))
  const description = { unit: UNIT, write: 2, plans, startOffset: 0, maxCutAgeMs: 200 } as unknown as UnitDescription
  const hosted = new HostedUnit(description, NOW)
  hosted.target = MOVED
  const parts = { hosted, agreement, alive: new Set(alive), view, now: NOW, versions: [1], revisions: kept }
  /** What a peer says of itself: it misses nothing that is certified, and cannot take a record. */
  const says = (peer: PeerId, stuck: number | undefined, now = NOW) =>
    agreement.following.heard(now, peer, {
      ...{
        term: 1,
        frontier: undefined,
        stored: undefined,
        votesIn: undefined,
        caughtUp: true,
        stuck,
        needed: undefined,
      },
    })
  const ready = () => readyFor(parts, MOVED.members)
  return { hosted, agreement, says, ready, wish: (now = NOW) => wishOf({ ...parts, now }) }
}

describe('a unit that is to move to peers which cannot take a record', () => {
  //   ada votes, bo and cy are gone for good; dee and eve have all that is certified, and stand before a poisoned record.
  //   ada alone never certifies anything, so nobody will ever be past it: their word is needed to pass it over.
  it('moves where those that vote are too few to certify anything', () => {
    const there = scene({ alive: [ADA, DEE, EVE], view: [ADA, DEE, EVE] })
    there.says(DEE, 190)
    assert.equal(there.wish(), undefined, 'one of them is not enough')
    there.agreement.following.caughtUpHere = true
    assert.equal(there.wish(), undefined, 'the third is waited for')
    there.says(EVE, 190)
    assert.deepEqual(there.wish(), { members: MOVED })
  })

  it('moves where those that vote cannot take it either', () => {
    const there = scene({ alive: [ADA, BO, DEE, EVE], view: [ADA, BO, DEE, EVE] })
    there.says(BO, 190)
    there.says(DEE, 190)
    there.says(EVE, undefined)
    assert.deepEqual(there.ready(), [DEE, EVE])
  })

  it('stays while enough of those that vote may pass it, also when they are away for a while', () => {
    const away = scene({ alive: [ADA, DEE, EVE], view: [ADA, BO, CY, DEE, EVE] })
    away.says(DEE, 190)
    away.says(EVE, 190)
    assert.deepEqual(away.ready(), [])
    assert.equal(away.wish(), undefined)
  })

  it('does not wait for one that is stuck where enough others are ready', () => {
    const there = scene({ alive: [ADA, BO, CY, DEE, EVE], view: [ADA, BO, CY, DEE, EVE] })
    there.agreement.following.caughtUpHere = true
    there.says(DEE, undefined)
    there.says(EVE, 190)
    assert.deepEqual(there.ready(), [ADA, DEE])
  })
})

describe('an upgraded job', () => {
  const all = [ADA, BO, CY]
  const wishes = (known: number, kept: number) => {
    const there = scene({ alive: all, view: all, revisions: [known, kept] })
    there.hosted.state = 'running'
    return there.wish()?.decision
  }

  it('goes over to its latest revision', () => {
    assert.deepEqual(wishes(3, 3), { kind: 'revision', offset: 0, value: 2 })
  })

  it('goes over to none that the checkpoints do not name', () => {
    assert.deepEqual(wishes(3, 2), { kind: 'revision', offset: 0, value: 1 })
    assert.equal(wishes(3, 1), undefined)
    assert.equal(wishes(3, 0), undefined)
  })
})

describe('records that the log has lost and an operator gives up', () => {
  const all = [ADA, BO, CY]
  const snapshot = { position: { seq: 4, part: 0 }, offset: 40 }
  /** The gap that ada wants so long after the order, where she and bo wait for records from before offset 90. */
  function wishedAfter(
    snapshots: readonly (typeof snapshot)[],
    passedMs: readonly number[],
    there = scene({ alive: all, view: all }),
  ) {
    there.hosted.target = undefined
    there.hosted.snapshots.push(...(snapshots as unknown as typeof there.hosted.snapshots))
    there.hosted.trouble.logStart = 90
    there.hosted.trouble.gapAccepted = true
    there.agreement.following.stuckHere = 40
    return passedMs.map((ms) => {
      there.says(BO, 40, NOW + ms)
      return there.wish(NOW + ms)?.decision
    })
  }

  it('are given up at once by a replica with a snapshot, from there on', () => {
    const gap = { kind: 'gap', offset: 40, value: 90, snapshot: snapshot.position, floor: null }
    assert.deepEqual(wishedAfter([snapshot], [0]), [gap])
  })

  it('are given up by one without a snapshot only when nobody with one has done so', () => {
    const gap = { kind: 'gap', offset: 0, value: 90, snapshot: null, floor: null }
    const { gapGraceMs } = HOST_TIMING
    assert.deepEqual(wishedAfter([], [0, gapGraceMs - 1, gapGraceMs]), [undefined, undefined, gap])
  })

  it('are left to others by one that lacks results which are certified: its snapshot may be older than what they keep', () => {
    const there = scene({ alive: all, view: all })
    const content = {
      ...{ cluster: 'test', unit: UNIT, seq: 1, part: 0, last: true, offset: 60 },
      ...{ counts: { in: 10, late: 0, dead: 0 }, parent: GENESIS, inDigest: GENESIS, outDigest: GENESIS },
    }
    there.agreement.message(NOW, BO, { t: 'tell', terms: [], certificates: [{ content, term: 1, signers: [] }] })
    const { gapGraceMs } = HOST_TIMING
    const gap = { kind: 'gap', offset: 60, value: 90, snapshot: snapshot.position, floor: null }
    assert.deepEqual(wishedAfter([snapshot], [0, gapGraceMs - 1, gapGraceMs], there), [undefined, undefined, gap])
  })
})

describe('a unit whose input has ended', () => {
  const all = [ADA, BO, CY]
  const wished = (finished: boolean) => {
    const there = scene({ alive: all, view: all })
    there.hosted.state = 'running'
    there.hosted.pendingSince = 0
    if (finished) there.hosted.decisions.push({ term: 2, base: undefined, kind: 'final', offset: 7 })
    return there.wish()
  }

  it('wants nothing decided any more: it would never be applied', () => {
    assert.deepEqual(wished(false), { decision: { kind: 'cut', offset: 0 } })
    assert.equal(wished(true), undefined)
  })
})
