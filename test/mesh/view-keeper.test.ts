/** Who counts as leaving: whoever says so of itself, until it is gone. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
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
  keeper.tick(59_900, document, membersWith('alive'))
  assert.equal(keeper.tick(60_000, without, membersWith('alive')), undefined)
  assert.equal(keeper.tick(60_000 + admitAfterMs - 1, without, membersWith('alive')), undefined)
  // It came back, and stays.
  assert.deepEqual(keeper.tick(60_000 + admitAfterMs, without, membersWith('alive')), {
    ...{ kind: 'admit', peer: BO, name: 'b' },
  })
})
