/** What status says of a unit that is not in the plain course of records: whom it waits for, and the command that goes on. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type CutContent, type Digest, GENESIS, type PeerId, type Term, type UnitId } from '../../mesh/index.ts'
import { situationOf } from '../../src/peer/situation.ts'
import type { StatusParts } from '../../src/peer/status.ts'
import { HostedUnit, type UnitDescription } from '../../src/replica/hosted.ts'
import { agreementOf, termOf } from '../mesh/agreement/agreements.ts'

const UNIT = 'delays-1:0:3' as UnitId
const NAMES = ['ada', 'bo', 'cy', 'dee'] as const
const [ADA, BO, CY, DEE] = NAMES.map((name) => name[0]!.repeat(32)) as [PeerId, PeerId, PeerId, PeerId]
const NOW = 10_000

const first: Term = termOf(UNIT, [ADA, BO, CY])
const digest = (letter: string): Digest => letter.repeat(64) as Digest

/** Ada's replica of the unit, in the last of these terms. */
function scene(
  terms: readonly Term[],
  around: {
    readonly alive?: readonly PeerId[]
    readonly view?: readonly PeerId[]
    readonly lost?: readonly PeerId[]
  } = {},
) {
  const { alive = [ADA, BO, CY], view = [ADA, BO, CY], lost = [] } = around
  const agreement = agreementOf(ADA, terms)
  const description = {
    ...{ unit: UNIT, job: 'delays', topic: 'flights', partition: 3, startOffset: 0 },
    ...{ members: [ADA, BO, CY], view: 1, replicas: 3, write: 2 },
  } as unknown as UnitDescription
  const hosted = new HostedUnit(description, NOW)
  hosted.state = 'running'
  const node = {
    ...{ self: ADA, unit: () => agreement, alive: () => new Set(alive), document: { view: { members: view }, lost } },
  }
  const parts = {
    ...{ node, now: NOW, nameOf: (peer: PeerId) => NAMES.find((name) => peer.startsWith(name[0]!)) },
  } as unknown as StatusParts
  const stuckAt = (peer: PeerId, stuck: number) =>
    agreement.following.heard(NOW, peer, {
      term: 1,
      frontier: undefined,
      stored: undefined,
      votesIn: undefined,
      caughtUp: false,
      stuck,
      needed: undefined,
    })
  return { hosted, agreement, stuckAt, told: () => situationOf(hosted, parts) }
}

describe('a unit in its plain course', () => {
  it('has nothing to tell, and waits for no order', () => {
    assert.deepEqual(scene([first]).told(), { state: undefined, reasons: [], resolvable: [] })
  })
})

describe('a disputed cut', () => {
  const votes = [
    { peer: ADA, digest: digest('1') },
    { peer: BO, digest: digest('2') },
    { peer: CY, digest: digest('3') },
  ]
  const disputed = (times: number): Term => ({ ...first, number: 2, dispute: { seq: 1, part: 0, votes, times } })

  it('that may still be settled is no operator business', () => {
    assert.deepEqual(scene([first, disputed(1)]).told().resolvable, [])
  })

  it('names who voted for what, and waits to be tried again', () => {
    const { state, reasons, resolvable } = scene([first, disputed(2)]).told()
    assert.deepEqual([state, resolvable], ['halted', ['retry']])
    assert.match(reasons.join('\n'), /cut 1\.0 is disputed.*ada for 11111111, bo for 22222222, cy for 33333333/)
    assert.match(reasons.join('\n'), /quorate resolve delays --unit 0:3 retry$/)
  })
})

describe('an open cut that another result would contradict', () => {
  const opened: Term = {
    ...{ ...first, number: 2, members: [ADA, BO, DEE], view: 2 },
    open: [{ seq: 1, part: 0, digest: digest('9'), offset: 5, term: 1 }],
  }
  const content: CutContent = {
    ...{ cluster: 'c', unit: UNIT, seq: 1, part: 0, last: true, offset: 5, counts: { in: 5, late: 0, dead: 0 } },
    ...{ parent: GENESIS, inDigest: digest('a'), outDigest: digest('b') },
  }

  it('waits for those who may have certified it', () => {
    const { agreement, told } = scene([first, opened], { alive: [ADA, BO, CY, DEE], view: [ADA, BO, CY, DEE] })
    agreement.computed(NOW, content)
    const { state, reasons, resolvable } = told()
    assert.deepEqual([state, resolvable], [undefined, []])
    assert.match(reasons.join('\n'), /^cut 1\.0 waits for .*cy to say whether another result was certified/m)
  })

  it('stalls while one of them is away, and can be settled only once it is a member no more', () => {
    const away = scene([first, opened], { alive: [ADA, BO, DEE], view: [ADA, BO, CY, DEE] })
    away.agreement.computed(NOW, content)
    assert.deepEqual([away.told().state, away.told().resolvable], ['stalled', []])
    assert.match(away.told().reasons.join('\n'), /: bring cy back, .* take that member out first: quorate remove cy$/m)
    const gone = scene([first, opened], { alive: [ADA, BO, DEE], view: [ADA, BO, DEE] })
    gone.agreement.computed(NOW, content)
    const { state, reasons, resolvable } = gone.told()
    assert.deepEqual([state, resolvable], ['halted', ['settle']])
    assert.match(reasons.join('\n'), /not all of them are members any more.*quorate resolve delays --unit 0:3 settle$/m)
  })
})

describe('members that are away and never removed', () => {
  //   removeAfter: never. Of those who may have certified the open cut, cy is a member no more and bo still is one; both are
  //   gone for good. Only an operator can say that of bo, and until then the other order leads nowhere.
  it('are to be taken out before what only they could say is given up', () => {
    const opened: Term = {
      ...{ ...first, number: 2, members: [ADA, DEE], view: 2 },
      open: [{ seq: 1, part: 0, digest: digest('9'), offset: 5, term: 1 }],
    }
    const content: CutContent = {
      ...{ cluster: 'c', unit: UNIT, seq: 1, part: 0, last: true, offset: 5, counts: { in: 5, late: 0, dead: 0 } },
      ...{ parent: GENESIS, inDigest: digest('a'), outDigest: digest('b') },
    }
    const alive = [ADA, DEE]
    const there = scene([first, opened], { alive, view: [ADA, BO, DEE] })
    there.agreement.computed(NOW, content)
    const sentence = there.told().reasons.join('\n')
    assert.match(sentence, /waits for .*bo, cy .*: bring bo back, .*: quorate remove bo$/m)
    assert.doesNotMatch(sentence, /quorate resolve/)
    const removed = scene([first, opened], { alive, view: [ADA, DEE] })
    removed.agreement.computed(NOW, content)
    assert.match(removed.told().reasons.join('\n'), /quorate resolve delays --unit 0:3 settle$/m)
  })
})

describe('a record that ends whoever takes it', () => {
  it('says how many cannot take it, and how many it takes to pass it over', () => {
    const { hosted, agreement, stuckAt, told } = scene([first])
    hosted.trouble.crashed(42, 50, NOW)
    hosted.trouble.crashed(42, 50, NOW)
    agreement.following.stuckHere = 42
    assert.match(told().reasons.join('\n'), /^1 of 3 replicas cannot take the record at offset 42: .* once 2 cannot$/)
    stuckAt(BO, 42)
    assert.match(told().reasons.join('\n'), /^2 of 3 replicas cannot take/)
    assert.deepEqual(told().resolvable, [])
  })

  it('says of a peer that is to become a replica that its word does not count yet', () => {
    const others: Term = { ...first, members: [BO, CY, DEE] }
    const { hosted, told } = scene([others], { alive: [ADA, BO, CY, DEE], view: [ADA, BO, CY, DEE] })
    hosted.trouble.crashed(42, 50, NOW)
    hosted.trouble.crashed(42, 50, NOW)
    assert.match(
      told().reasons.join('\n'),
      /^this peer, to which the unit moves, cannot take the record at offset 42: /,
    )
  })

  it('is named where the unit is to move to a peer that cannot take it', () => {
    const { hosted, stuckAt, told } = scene([first], { alive: [ADA, BO, CY, DEE], view: [ADA, BO, CY, DEE] })
    hosted.target = { view: 2, members: [ADA, BO, DEE] }
    stuckAt(DEE, 42)
    assert.match(told().reasons.join('\n'), /away from cy: dee cannot pass offset 42$/)
  })
})

describe('records that the log has lost', () => {
  it('are got from another replica while one may have them, and wait for an operator where none has', () => {
    const { hosted, agreement, stuckAt, told } = scene([first])
    hosted.offset = 7
    hosted.trouble.logStart = 20
    agreement.following.stuckHere = 7
    assert.deepEqual(told().resolvable, [])
    assert.match(told().reasons.join('\n'), /^records 7 to 19 of flights\[3\] are gone .*another replica is asked/m)
    stuckAt(CY, 7)
    assert.deepEqual([told().state, told().resolvable], ['halted', ['accept-gap']])
    assert.match(told().reasons.join('\n'), /quorate resolve delays --unit 0:3 accept-gap$/m)
  })
})

describe('records that the log has lost, and an open cut that was made of them', () => {
  const opened: Term = {
    ...{ ...first, number: 2 },
    open: [{ seq: 1, part: 0, digest: digest('9'), offset: 9, term: 1 }],
  }
  const stuck = (around: Parameters<typeof scene>[1]) => {
    const there = scene([first, opened], around)
    there.hosted.offset = 7
    there.hosted.trouble.logStart = 20
    there.agreement.following.stuckHere = 7
    there.stuckAt(BO, 7)
    there.hosted.trouble.gapAccepted = true
    return there
  }

  it('are given up once every replica was asked, also one that is away', () => {
    const { reasons, resolvable } = stuck({ alive: [ADA, BO] }).told()
    assert.deepEqual(resolvable, ['accept-gap'])
    assert.match(reasons.join('\n'), /once each of its replicas has said .*; cy cannot be asked: bring cy back, or/)
    assert.match(reasons.join('\n'), /take that member out first: quorate remove cy$/m)
  })

  it('are given up without the word of a peer that is a member no more by one more order', () => {
    const gone = stuck({ alive: [ADA, BO], view: [ADA, BO, DEE] })
    const { state, reasons, resolvable } = gone.told()
    assert.deepEqual([state, resolvable], ['halted', ['accept-gap', 'settle']])
    assert.match(
      reasons.join('\n'),
      /cy cannot be asked: bring them back, .*quorate resolve delays --unit 0:3 settle$/m,
    )
    gone.hosted.trouble.settleWanted = true
    assert.match(gone.told().reasons.join('\n'), /cy cannot be asked: it is about to go on without the word/)
  })

  it('wait for both orders where a member that is gone is all that others could count on', () => {
    const { agreement, hosted, told } = scene([first], { alive: [ADA, BO], view: [ADA, BO, DEE] })
    hosted.trouble.logStart = 20
    agreement.following.stuckHere = 7
    assert.deepEqual(told().resolvable, ['accept-gap'])
    hosted.trouble.gapAccepted = true
    assert.deepEqual(told().resolvable, ['accept-gap', 'settle'])
    assert.match(
      told().reasons.join('\n'),
      /cy cannot be asked: bring them back, .*quorate resolve delays --unit 0:3 settle$/m,
    )
  })
})

describe('results from before a gap that are on no disk', () => {
  const missing = (view: readonly PeerId[]) => {
    const there = scene([first], { alive: [ADA, BO], view })
    there.hosted.state = 'joining'
    there.hosted.missing = { upTo: { seq: 3, part: 0 }, silent: [CY] }
    return there.told()
  }

  it('are asked for while whoever may have them is a member', () => {
    const { state, reasons, resolvable } = missing([ADA, BO, CY])
    assert.deepEqual([state, resolvable], ['taking-over', []])
    assert.match(reasons.join('\n'), /^results up to cut 3\.0 were made of records that are gone, and only cy may/)
    assert.match(reasons.join('\n'), /until all have answered: bring cy back, .*: quorate remove cy$/m)
  })

  it('wait for an order once that one is gone', () => {
    const { state, reasons, resolvable } = missing([ADA, BO, DEE])
    assert.deepEqual([state, resolvable], ['halted', ['settle']])
    assert.match(reasons.join('\n'), /members no more: bring them back, .*quorate resolve delays --unit 0:3 settle$/m)
  })
})

describe('a unit whose members are gone for good', () => {
  //   of ada, bo and cy two sealed are needed; cy and bo are replaced one after the other
  it('goes on while those that are left can choose the next term', () => {
    assert.deepEqual(scene([first], { alive: [ADA, BO], view: [ADA, BO, DEE] }).told().reasons, [])
    assert.deepEqual(scene([first], { alive: [ADA] }).told().reasons, [], 'those that are away are expected back')
  })

  it('says which to give up where they are too few', () => {
    const { reasons } = scene([first], { alive: [ADA, DEE], view: [ADA, DEE] }).told()
    assert.match(reasons.join('\n'), /^2 of its 3 replicas are members no more, .*: bo, cy; bring one back/)
    assert.match(reasons.join('\n'), /quorate force --lost b{32} --lost c{32} --yes$/)
  })

  it('does not name them again once they are given up', () => {
    const { reasons } = scene([first], { alive: [ADA, DEE], view: [ADA, DEE], lost: [BO, CY] }).told()
    assert.deepEqual(reasons, [])
  })
})

describe('a unit on the move', () => {
  it('says where to, and how far those have come who are to take it over', () => {
    const { hosted, agreement, told } = scene([first], { alive: [ADA, BO, CY, DEE], view: [ADA, BO, DEE] })
    hosted.target = { view: 2, members: [ADA, BO, DEE] }
    assert.deepEqual(told().reasons, ['it moves to ada, bo, dee, away from cy: dee has nothing yet'])
    agreement.following.heard(NOW, DEE, {
      ...{
        term: 1,
        frontier: undefined,
        stored: { seq: 4, part: 0 },
        votesIn: undefined,
        caughtUp: false,
        stuck: undefined,
        needed: undefined,
      },
    })
    assert.match(told().reasons.join('\n'), /dee has cut 4\.0/)
    agreement.following.heard(NOW, DEE, {
      ...{
        term: 1,
        frontier: undefined,
        stored: { seq: 4, part: 0 },
        votesIn: undefined,
        caughtUp: true,
        stuck: undefined,
        needed: undefined,
      },
    })
    assert.match(told().reasons.join('\n'), /dee is ready/)
  })

  it('is being taken over by a peer that has nothing of it yet', () => {
    const { hosted, told } = scene([first])
    hosted.state = 'joining'
    assert.deepEqual(told(), {
      state: 'taking-over',
      reasons: ['it is taken over by this peer, and nobody who has it has answered yet'],
      resolvable: [],
    })
  })
})

describe('a pause', () => {
  it('is told from the order on, with the command that ends it', () => {
    const { hosted, told } = scene([first])
    hosted.orders = { ...hosted.orders, paused: true }
    assert.deepEqual([told().state, told().reasons], [undefined, ['it is about to pause: its replicas agree on where']])
    hosted.decisions = [{ kind: 'pause', offset: 9, term: 2, base: undefined }]
    assert.deepEqual(
      [told().state, told().reasons],
      ['paused', ['it is paused; let it go on with: quorate resume delays']],
    )
    hosted.orders = { ...hosted.orders, paused: false }
    assert.deepEqual([told().state, told().reasons], [undefined, ['it was paused, and is about to go on']])
  })
})

describe('a job that cannot go on', () => {
  it('stops at a place that its replicas agree on, and is halted there, with the reason', () => {
    const { hosted, told } = scene([first])
    hosted.orders = { paused: true, stopped: { code: 'QRT_SOURCE_GREW', message: 'the topic has grown' } }
    assert.deepEqual(
      [told().state, told().reasons],
      [undefined, ['its replicas agree on where it stops for good: the topic has grown [QRT_SOURCE_GREW]']],
    )
    hosted.decisions = [{ kind: 'pause', offset: 9, term: 2, base: undefined }]
    assert.deepEqual(
      [told().state, told().reasons],
      ['halted', ['it has stopped for good: the topic has grown [QRT_SOURCE_GREW]']],
    )
  })
})
