/** Who counts as leaving or staying: whoever says so of itself, until it is gone; and what a peer still knows after a pause. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { genesis } from '../../mesh/agreement/control-document.ts'
import type { Member, PeerId } from '../../mesh/index.ts'
import { DEFAULT_VIEW_SETTINGS, ViewKeeper } from '../../mesh/view-keeper.ts'

const [ADA, BO, CY] = ['a', 'b', 'c'].map((letter) => letter.repeat(32)) as [PeerId, PeerId, PeerId]
const document = genesis([ADA, BO, CY].map((id) => ({ id, name: id[0]! })))
const membersWith = (state: Member['state']) =>
  [ADA, BO, CY].map((id) => ({ id, name: id[0], state: id === BO ? state : 'alive' })) as unknown as Member[]

for (const state of ['dead', 'left'] as const) {
  it(`a peer that said it leaves is leaving until it is ${state}`, () => {
    const keeper = new ViewKeeper(ADA, DEFAULT_VIEW_SETTINGS)
    keeper.heard(BO, [], true)
    keeper.tick(0, document, membersWith('alive'))
    keeper.tick(100, document, membersWith('suspect'))
    assert.deepEqual([...keeper.leaving], [BO])
    keeper.tick(200, document, membersWith(state))
    assert.deepEqual([...keeper.leaving], [])
  })
}

it('a peer that says it no more stays', () => {
  const keeper = new ViewKeeper(ADA, DEFAULT_VIEW_SETTINGS)
  keeper.heard(BO, [], true)
  keeper.heard(BO, [], false)
  assert.deepEqual([...keeper.leaving], [])
})

//   0 … 60 s: bo, alive, is a member │ 60 s: the view is without bo, whose last words ada has not heard yet
it('a peer that has just been let go is not taken in again for what was heard of it before', () => {
  const keeper = new ViewKeeper(ADA, DEFAULT_VIEW_SETTINGS)
  const without = { ...document, view: { number: 2, members: [ADA, CY] } }
  const { admitAfterMs } = DEFAULT_VIEW_SETTINGS
  keeper.tick(0, document, membersWith('alive'))
  for (let at = 1_000; at < 60_000; at += 1_000) keeper.tick(at, document, membersWith('alive'))
  keeper.heard(BO, [], false)
  assert.equal(keeper.tick(60_000, without, membersWith('alive')), undefined)
  keeper.tick(60_000 + admitAfterMs / 2, without, membersWith('alive'))
  assert.equal(keeper.tick(60_000 + admitAfterMs - 1, without, membersWith('alive')), undefined)
  // It came back, and stays.
  assert.deepEqual(keeper.tick(60_000 + admitAfterMs, without, membersWith('alive')), {
    ...{ kind: 'admit', peer: BO, name: 'b' },
  })
})

//   bo leaves, and stands still │ it is taken for dead │ it goes on, contradicts that, finds that it has left, and is gone
it('a peer is admitted on its own word only, which it gives anew after it was taken for dead', () => {
  const keeper = new ViewKeeper(ADA, DEFAULT_VIEW_SETTINGS)
  const without = { ...document, view: { number: 2, members: [ADA, CY] } }
  const { admitAfterMs } = DEFAULT_VIEW_SETTINGS
  const admitted = { kind: 'admit', peer: BO, name: 'b' }
  let now = 0
  const after = (state: Member['state'], ms: number) => {
    let step: ReturnType<typeof keeper.tick>
    for (const until = now + ms; now < until; now += 200) step = keeper.tick(now, without, membersWith(state))
    return step
  }
  keeper.heard(BO, [], false)
  keeper.heard(BO, [], true)
  assert.equal(after('alive', 2 * admitAfterMs), undefined)
  after('dead', 1_000)
  assert.equal(after('alive', 2 * admitAfterMs), undefined)
  keeper.heard(BO, [], false)
  assert.deepEqual(after('alive', 200), admitted)
  after('dead', 1_000)
  assert.equal(after('alive', 2 * admitAfterMs), undefined)
})

describe('a peer that stood still', () => {
  const { admitAfterMs } = DEFAULT_VIEW_SETTINGS

  //   0 s: bo comes │ ada stands still; bo goes, and another takes its name │ 60 s: ada goes on and has heard of neither
  it('admits nobody for having been there before', () => {
    const keeper = new ViewKeeper(ADA, DEFAULT_VIEW_SETTINGS)
    const without = { ...document, view: { number: 2, members: [ADA, CY] } }
    keeper.heard(BO, [], false)
    keeper.tick(0, without, membersWith('alive'))
    assert.equal(keeper.tick(60_000, without, membersWith('alive')), undefined)
    assert.equal(keeper.tick(60_100, without, membersWith('dead')), undefined)
    assert.equal(keeper.tick(60_000 + admitAfterMs, without, membersWith('dead')), undefined)
  })

  //   0 s: all hold bo dead │ ada stands still; bo comes back │ 120 s: ada goes on and still holds it dead
  it('removes nobody for having been missed before', () => {
    const keeper = new ViewKeeper(ADA, { ...DEFAULT_VIEW_SETTINGS, removeAfterMs: 60_000 })
    keeper.heard(CY, [BO], false)
    keeper.tick(0, document, membersWith('dead'))
    assert.equal(keeper.tick(120_000, document, membersWith('dead')), undefined)
    keeper.heard(CY, [], false)
    assert.equal(keeper.tick(120_200, document, membersWith('dead')), undefined)
  })

  it('removes whoever is missed for as long after it', () => {
    const keeper = new ViewKeeper(ADA, { ...DEFAULT_VIEW_SETTINGS, removeAfterMs: 2_000 })
    keeper.tick(0, document, membersWith('dead'))
    keeper.tick(120_000, document, membersWith('dead'))
    keeper.heard(CY, [BO], false)
    assert.equal(keeper.tick(120_200, document, membersWith('dead')), undefined)
    assert.deepEqual(keeper.tick(122_200, document, membersWith('dead')), { kind: 'remove', peer: BO, ban: false })
  })
})
