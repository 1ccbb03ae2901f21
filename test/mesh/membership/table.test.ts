/** The table converges: merging claims is commutative, associative and idempotent, and stays within its bound. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { announce } from '../../../mesh/membership/announcement.ts'
import { type Claim, compareClaims, type MemberState } from '../../../mesh/membership/member.ts'
import { MemberTable } from '../../../mesh/membership/table.ts'
import { fakeSigner } from '../../sim/identity.ts'

const RUNS = { seed: 21, numRuns: 200 }

function claimOf(name: string, incarnation: number, state: MemberState, version = '1'): Claim {
  const signer = fakeSigner(name)
  const { id, publicKey } = signer
  const words = { id, publicKey, name, address: `ws://${name}`, httpAddress: '', version, incarnation }
  return { ...announce(signer, { ...words, left: state === 'left' }), state }
}

/** Few names, incarnations and versions, so that claims meet often. */
const claims = fc.array(
  fc
    .tuple(
      fc.constantFrom('ada', 'bob', 'cyd'),
      fc.integer({ min: 0, max: 2 }),
      fc.constantFrom<MemberState>('alive', 'suspect', 'dead', 'left'),
      fc.constantFrom('1', '2'),
    )
    .map((parts) => claimOf(...parts)),
  { maxLength: 12 },
)

function tableOf(...lists: readonly (readonly Claim[])[]): MemberTable {
  const table = new MemberTable(100)
  for (const claim of lists.flat()) table.merge(0, claim, 0)
  return table
}

/** What a table says, whatever order it learned it in. */
const content = (table: MemberTable) =>
  [...table.entries()].map(({ claim }) => claim).sort((a, b) => (a.announcement.id < b.announcement.id ? -1 : 1))

/** A table as a list of claims: what a full exchange sends. */
const claimsIn = (...lists: readonly (readonly Claim[])[]): Claim[] => content(tableOf(...lists))

test('merging is commutative', () => {
  fc.assert(
    fc.property(claims, claims, (a, b) => assert.deepEqual(claimsIn(a, b), claimsIn(b, a))),
    RUNS,
  )
})

test('merging is associative', () => {
  fc.assert(
    fc.property(claims, claims, claims, (a, b, c) => {
      assert.deepEqual(claimsIn(claimsIn(a, b), c), claimsIn(a, claimsIn(b, c)))
    }),
    RUNS,
  )
})

test('merging is idempotent', () => {
  fc.assert(
    fc.property(claims, (a) => {
      const table = tableOf(a)
      const before = content(table)
      for (const claim of a) assert.notEqual(table.merge(0, claim, 0), 'newer')
      assert.deepEqual(content(table), before)
    }),
    RUNS,
  )
})

test('a higher incarnation overrides any state, and at one incarnation alive < suspect < dead < left', () => {
  const order = [
    claimOf('ada', 1, 'alive'),
    claimOf('ada', 1, 'suspect'),
    claimOf('ada', 1, 'dead'),
    claimOf('ada', 1, 'left'),
    claimOf('ada', 2, 'alive'),
  ]
  order.forEach((a, i) => {
    order.forEach((b, j) => {
      assert.equal(Math.sign(compareClaims(a, b)), Math.sign(i - j))
    })
  })
})

test('a full table gives up the longest dead for a newcomer, and refuses where all are alive', () => {
  const table = new MemberTable(3)
  table.merge(100, claimOf('ada', 0, 'alive'), 0)
  table.merge(100, claimOf('bob', 0, 'dead'), 10)
  table.merge(100, claimOf('cyd', 0, 'dead'), 50)
  assert.equal(table.merge(100, claimOf('dan', 0, 'alive'), 0), 'new')
  assert.deepEqual([...table.entries()].map(({ claim }) => claim.announcement.name).sort(), ['ada', 'bob', 'dan'])
  assert.equal(table.merge(100, claimOf('eve', 0, 'alive'), 0), 'new')
  assert.equal(table.merge(100, claimOf('fay', 0, 'alive'), 0), 'refused')
  assert.equal([...table.entries()].length, 3)
})

test('only the gone are forgotten, after their time', () => {
  const table = tableOf([claimOf('ada', 0, 'alive'), claimOf('bob', 0, 'suspect')])
  table.merge(0, claimOf('cyd', 0, 'dead'), 0)
  table.merge(0, claimOf('dan', 0, 'left'), 500)
  table.forget(1_000, 1_000)
  assert.equal([...table.entries()].length, 3)
  table.forget(1_001, 1_000)
  assert.deepEqual(
    [...table.entries()].map(({ claim }) => claim.announcement.name),
    ['ada', 'bob'],
  )
})
