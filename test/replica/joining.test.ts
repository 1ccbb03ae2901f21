/** Results from before a gap, which nobody can compute again: whom a replica waits for that lacks them, and until when. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MeshNode, PeerId, Term, UnitId } from '../../mesh/index.ts'
import { lostHolders } from '../../src/replica/gone.ts'
import { HostedUnit, type UnitDescription } from '../../src/replica/hosted.ts'
import { Joining } from '../../src/replica/joining.ts'

const UNIT = 'job-1:0:0' as UnitId
const [ADA, BO, CY] = ['a', 'b', 'c'].map((letter) => letter.repeat(32)) as [PeerId, PeerId, PeerId]
const BASE = { seq: 3, part: 0 }
const term = { unit: UNIT, number: 8, members: [ADA, BO, CY] } as unknown as Term

/** Ada looks for results that Bo does not have either; Cy does not answer. */
function scene({ view = [ADA, BO, CY], lost = [] }: { view?: readonly PeerId[]; lost?: readonly PeerId[] } = {}) {
  const hosted = new HostedUnit({ unit: UNIT } as unknown as UnitDescription, 0)
  const waiting: (() => void)[] = []
  const alive = new Set([ADA, BO])
  let joined = 0
  const node = {
    ...{ self: ADA, alive: () => alive, document: { view: { members: view }, lost } },
    ...{ persist: () => undefined, durable: async () => undefined, membersOf: () => [], holdersOf: () => [] },
    request: async (peer: PeerId) => {
      if (peer === CY) throw new Error('no answer')
      return { batches: [] }
    },
  } as unknown as MeshNode
  const joining = new Joining({
    ...{ node, now: () => 0, checkpoint: async () => ({}), wanted: () => joined === 0 },
    after: (_delayMs, action) => waiting.push(action),
    onJoined: () => {
      joined += 1
    },
    onFailure: (_hosted, error) => assert.fail(error),
  })
  /** One attempt; the next one waits. */
  const attempt = async (begin: () => void) => {
    begin()
    const before = joined
    for (let turns = 0; turns < 100 && waiting.length === 0 && joined === before; turns++) await Promise.resolve()
  }
  return {
    hosted,
    begin: () => attempt(() => joining.fill(hosted, BASE, [term])),
    again: () => attempt(() => waiting.pop()?.()),
    joined: () => joined,
    holders: () => lostHolders({ hosted, agreement: undefined as never, view, alive, now: 0 }),
  }
}

describe('results that only a silent member may have', () => {
  it('are waited for while it is expected to come back', async () => {
    const { hosted, begin, again, joined, holders } = scene()
    await begin()
    assert.deepEqual(hosted.missing, { upTo: BASE, silent: [CY] })
    assert.deepEqual([joined(), holders()], [0, []])
    hosted.trouble.settleWanted = true
    await again()
    assert.deepEqual([joined(), hosted.lostUpTo], [0, undefined])
  })

  it('are given up by an order once it is a member no more', async () => {
    const { hosted, begin, again, joined, holders } = scene({ view: [ADA, BO] })
    await begin()
    assert.deepEqual([joined(), holders()], [0, [CY]])
    hosted.trouble.settleWanted = true
    await again()
    assert.deepEqual([joined(), hosted.lostUpTo, hosted.missing], [1, BASE, undefined])
    // The order was for this, and for nothing that comes later.
    assert.equal(hosted.trouble.settleWanted, false)
  })

  it('are given up with a member that an operator has given up', async () => {
    const { hosted, begin, joined } = scene({ view: [ADA, BO], lost: [CY] })
    await begin()
    assert.deepEqual([joined(), hosted.lostUpTo], [1, BASE])
  })
})

describe('what is handed over and cannot be gone on from', () => {
  it('is asked of another peer, and of the same one only after a while', async () => {
    const hosted = new HostedUnit({ unit: UNIT, members: [BO, CY] } as unknown as UnitDescription, 0)
    const asked: PeerId[] = []
    const waiting: (() => void)[] = []
    const terms = [
      { ...{ unit: UNIT, number: 1, view: 1, members: [BO, CY], write: 2 }, base: null, open: [], floor: 0 },
    ]
    const node = {
      ...{ self: ADA, alive: () => new Set([ADA, BO, CY]), membersOf: () => [], holdersOf: () => [] },
      takeOver: () => undefined,
      request: async (peer: PeerId) => {
        asked.push(peer)
        return { terms, snapshot: null }
      },
    } as unknown as MeshNode
    const joining = new Joining({
      ...{ node, now: () => 0, checkpoint: async () => ({}), wanted: () => true },
      after: (_delayMs, action) => waiting.push(action),
      onJoined: () => assert.fail('nothing was taken over'),
      onFailure: (_hosted, error) => assert.fail(error),
    })
    joining.start(hosted, undefined)
    for (let attempts = 0; attempts < 3; attempts++) {
      for (let turns = 0; turns < 100 && waiting.length === 0; turns++) await Promise.resolve()
      waiting.pop()?.()
    }
    assert.deepEqual(asked, [BO, CY])
  })
})

describe('a unit that begins to join anew', () => {
  //   asks for the state │ a gap is decided │ asks for the results before it │ the state comes
  it('takes nothing more of what it asked for before', async () => {
    const hosted = new HostedUnit({ unit: UNIT, members: [BO] } as unknown as UnitDescription, 0)
    const terms = [{ ...{ unit: UNIT, number: 1, view: 1, members: [BO], write: 1 }, base: null, open: [], floor: 0 }]
    let give: ((answer: unknown) => void) | undefined
    const node = {
      ...{ self: ADA, alive: () => new Set([ADA, BO]), membersOf: () => [], holdersOf: () => [] },
      takeOver: () => assert.fail('an answer to what is not asked any more'),
      request: async (_peer: PeerId, { q }: { q: string }) => {
        if (q !== 'handoff') throw new Error('no answer')
        return new Promise((resolve) => {
          give = resolve
        })
      },
    } as unknown as MeshNode
    const joining = new Joining({
      ...{ node, now: () => 0, checkpoint: async () => ({}), wanted: () => true, after: () => undefined },
      onJoined: () => assert.fail('what is missing has not come'),
      onFailure: (_hosted, error) => assert.fail(error),
    })
    joining.start(hosted, undefined)
    for (let turns = 0; turns < 100 && give === undefined; turns++) await Promise.resolve()
    const first = hosted.handoff
    joining.fill(hosted, BASE, [term])
    give?.({ terms, snapshot: null })
    for (let turns = 0; turns < 100; turns++) await Promise.resolve()
    assert.notEqual(hosted.handoff, first)
    assert.equal(hosted.state, 'joining')
  })
})
