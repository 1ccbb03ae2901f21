/** What an operator ordered, after the peer has started again: carried out all the same, and never for another reason. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import type { UnitAgreement } from '../../mesh/agreement/unit.ts'
import type { Decision, Digest, MeshNode, PeerId, Term, UnitId } from '../../mesh/index.ts'
import { Placement } from '../../src/peer/placement.ts'
import { ReplicaHost } from '../../src/replica/host.ts'
import type { UnitDescription } from '../../src/replica/hosted.ts'
import { keepOrders, loadOrders, recallOrders } from '../../src/replica/kept-orders.ts'
import { Trouble } from '../../src/replica/trouble.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store, StoreOp } from '../../src/store/store.ts'
import { agreementOf, termOf } from '../mesh/agreement/agreements.ts'

const UNIT = 'delays-1:0:3' as UnitId
const [ADA, BO, CY] = ['a', 'b', 'c'].map((letter) => letter.repeat(32)) as [PeerId, PeerId, PeerId]
const digest = (letter: string): Digest => letter.repeat(64) as Digest
const first: Term = termOf(UNIT, [ADA, BO, CY])
const votes = [
  { peer: ADA, digest: digest('1') },
  { peer: BO, digest: digest('2') },
  { peer: CY, digest: digest('3') },
]
const disputed: Term = { ...first, number: 2, dispute: { seq: 1, part: 0, votes, times: 2 } }
const folder = mkdtempSync(join(tmpdir(), 'quorate-orders-'))
after(() => rmSync(folder, { recursive: true }))

let store: Store
let stores = 0
beforeEach(() => {
  store = openSqliteStore(join(folder, `${stores++}.db`))
})

/** Ada's replicas after a start, in the last of these terms. */
async function started(terms: readonly Term[]) {
  const agreement = agreementOf(ADA, terms)
  let writing = Promise.resolve()
  const node = {
    ...{ self: ADA, unit: () => agreement, alive: () => new Set([ADA, BO, CY]) },
    ...{ document: { view: { members: [ADA, BO, CY] }, lost: [] } },
    persist: (ops: readonly StoreOp[]) => {
      writing = writing.then(() => store.write(ops))
    },
    durable: () => writing,
    openUnit: async () => ({ term: agreement.term, terms, frontier: undefined, damage: undefined }),
    drive: (_unit: UnitId, input: (agreement: UnitAgreement, now: number) => unknown) => input(agreement, 0),
  } as unknown as MeshNode
  const host = new ReplicaHost({
    ...{ node, store, now: () => 0, after: () => undefined, worker: () => ({ post: () => undefined }) },
    ...{
      released: () => undefined,
      trust: () => [],
      checkpoint: async () => ({}),
      versions: () => [1],
      revisions: () => 1,
    },
    ...{ untrusted: () => undefined, keepTerms: () => 0, congested: () => false, committed: () => undefined },
    onEvent: () => undefined,
  })
  const description = {
    ...{ unit: UNIT, job: 'delays', topic: 'flights', partition: 3, startOffset: 0, plans: [{}] },
    ...{ members: [ADA, BO, CY], view: 1, replicas: 3, write: 2 },
  } as unknown as UnitDescription
  await host.open(description)
  const { trouble } = host.units.get(UNIT)!
  return { host, trouble, durable: () => node.durable() }
}

const kept = () => store.range('meta', 'order/', 'order/~', 10)

describe('an order, after its peer has started again', () => {
  it('is carried out in the term that it was given in', async () => {
    const before = await started([first, disputed])
    assert.equal(before.host.resolve(UNIT, 'retry'), true)
    await before.durable()
    const { trouble } = await started([first, disputed])
    assert.deepEqual([trouble.retryWanted, trouble.settleWanted, trouble.gapAccepted], [true, false, false])
  })

  it('is void in the next term, and gone from the disk', async () => {
    const before = await started([first, disputed])
    before.host.resolve(UNIT, 'retry')
    await before.durable()
    const next: Term = { ...disputed, number: 3 }
    const { host, trouble, durable } = await started([first, disputed, next])
    assert.equal(trouble.retryWanted, false)
    assert.equal((await kept()).length, 1)
    host.tick()
    await durable()
    assert.deepEqual(await kept(), [])
  })

  it('goes from the disk when it was carried out', async () => {
    const { host, trouble, durable } = await started([first, disputed])
    host.resolve(UNIT, 'retry')
    host.tick()
    await durable()
    assert.equal((await kept()).length, 1, 'not before')
    trouble.term(undefined)
    host.tick()
    await durable()
    assert.deepEqual(await kept(), [])
  })

  it('that a unit did not wait for is not kept', async () => {
    const { host, durable } = await started([first])
    assert.equal(host.resolve(UNIT, 'retry'), false)
    await durable()
    assert.deepEqual(await kept(), [])
  })

  it('is not that of another unit whose name begins alike', async () => {
    const { host, durable } = await started([first, disputed])
    host.resolve(UNIT, 'retry')
    await durable()
    assert.equal(await loadOrders(store, 'delays-1:0' as UnitId), undefined)
    assert.equal((await loadOrders(store, UNIT))?.retryWanted, true)
  })

  it('goes with the unit, and with its job', async () => {
    const placement = new Placement(ADA)
    for (const forgotten of [placement.release(UNIT), placement.forget('delays-1')]) {
      const { host, durable } = await started([first, disputed])
      host.resolve(UNIT, 'retry')
      await durable()
      await store.write(forgotten)
      assert.deepEqual(await kept(), [])
    }
  })
})

describe('an order about lost records, after its peer has started again', () => {
  const frontier = { seq: 4, part: 0 }
  const wait = (term: Term, terms = [term], at = frontier) => ({ term, terms, frontier: at }) as never

  /** The order and one more beside it, given in term 2 behind cut 4; then this is so. */
  async function recalled(...now: Parameters<typeof wait>): Promise<Trouble> {
    const before = new Trouble()
    before.gapAccepted = true
    before.settleWanted = true
    await store.write([keepOrders(UNIT, before, wait(disputed))])
    const trouble = new Trouble()
    recallOrders((await loadOrders(store, UNIT))!, trouble, wait(...now))
    return trouble
  }
  const orders = ({ gapAccepted, settleWanted }: Trouble) => [gapAccepted, settleWanted]
  const decided = (decision: Decision): Term => ({ ...first, number: 3, decision })

  it('stands in later terms, with the one beside it', async () => {
    const trouble = await recalled(decided({ kind: 'cut', offset: 7 }))
    assert.deepEqual(orders(trouble), [true, true])
    // The replica has not met the end of what the log has yet.
    trouble.term('cut')
    assert.deepEqual(orders(trouble), [true, true])
    trouble.term('gap')
    assert.equal(trouble.settleWanted, false)
  })

  it('is void once the gap is decided', async () => {
    const gap = decided({ kind: 'gap', offset: 7, value: 20 })
    assert.deepEqual(orders(await recalled({ ...first, number: 4 }, [gap, { ...first, number: 4 }])), [false, false])
  })

  it('is void once more is certified', async () => {
    assert.deepEqual(orders(await recalled({ ...first, number: 3 }, undefined, { seq: 5, part: 0 })), [false, false])
    const trouble = await recalled({ ...first, number: 3 })
    trouble.moved()
    assert.deepEqual(orders(trouble), [false, false])
  })

  it('stands while others certify more, where the replica still lacks them', async () => {
    const trouble = await recalled({ ...first, number: 3 })
    trouble.logStart = 20
    trouble.moved()
    assert.deepEqual(orders(trouble), [true, true])
  })
})
