/** Reads hand what they find to the replicas that lack it. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { CutPosition, MeshNode, PeerId, UnitAgreement, UnitId, Wire } from '../../mesh/index.ts'
import type { BatchCache } from '../../src/read/cache.ts'
import { type ReadAnswer, Reader } from '../../src/read/quorum.ts'
import { BatchIndex, describeBatch } from '../../src/replica/batch.ts'
import type { ReplicaHost } from '../../src/replica/host.ts'

const UNIT = 'job-1:0:0' as UnitId
const [ADA, BO, CY] = ['a', 'b', 'c'].map((letter) => letter.repeat(32)) as [PeerId, PeerId, PeerId]
const QUORUM = { replicas: 3, write: 2, read: 3, allowForks: false }
const REQUEST = { q: 'rows', unit: UNIT, key: null, from: null, to: null, upTo: null, after: null, limit: 1 } as const
const at = (seq: number): CutPosition => ({ seq, part: 0 })

/** A reader at ada; each replica has stored so many cuts, and ada's certificates go as far as `frontier`. */
async function read(stored: Readonly<Record<string, number>>, frontier: number) {
  const effects: unknown[] = []
  const repaired: UnitId[] = []
  const agreement = {
    term: { number: 4, base: undefined, members: [ADA, BO, CY] },
    isMember: true,
    sealed: false,
    frontier: at(frontier),
    acknowledged: at(9),
    standing: { stored: at(stored[ADA]!) },
    ask: (_now: number, to: PeerId) => [{ kind: 'ask', to }],
  } as unknown as UnitAgreement
  const batches = new BatchIndex()
  batches.add(describeBatch(at(stored[ADA]!), { bodies: [], deadLetters: new Uint8Array(), watermark: 0 }, 0))
  const answer = (peer: PeerId): ReadAnswer => ({
    complete: true,
    term: 4,
    members: [ADA, BO, CY],
    stored: at(stored[peer]!),
    acknowledged: at(9),
    rows: [],
    certificates: [],
  })
  const node = {
    self: ADA,
    unit: () => agreement,
    drive: (_unit: UnitId, input: (agreement: UnitAgreement, now: number) => readonly unknown[]) =>
      effects.push(...input(agreement, 0)),
    request: async (peer: PeerId) => answer(peer) as unknown as Wire,
  } as unknown as MeshNode
  const host = { units: new Map([[UNIT, { batches, state: 'running' }]]) } as unknown as ReplicaHost
  const clock = { now: () => 0, after: () => assert.fail('this read needs no second attempt') }
  const hooks = { certificate: async () => undefined, onRepair: (unit: UnitId) => repaired.push(unit) }
  const reader = new Reader(node, host, undefined as unknown as BatchCache, clock, hooks)
  await reader.read(REQUEST, [ADA, BO, CY], QUORUM)
  return { effects, repaired }
}

it('a replica that is behind is told what follows on what it has', async () => {
  const { effects, repaired } = await read({ [ADA]: 9, [BO]: 6, [CY]: 9 }, 9)
  assert.deepEqual(effects, [{ kind: 'tell', to: BO, term: 4, after: at(6) }])
  assert.deepEqual(repaired, [UNIT])
})

it('a reader that is behind itself asks the one that is ahead', async () => {
  const { effects, repaired } = await read({ [ADA]: 6, [BO]: 9, [CY]: 6 }, 6)
  assert.deepEqual(effects, [{ kind: 'ask', to: BO }])
  assert.deepEqual(repaired, [UNIT])
})

it('where all have everything, nothing is done', async () => {
  assert.deepEqual(await read({ [ADA]: 9, [BO]: 9, [CY]: 9 }, 9), { effects: [], repaired: [] })
})
