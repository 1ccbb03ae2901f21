/** What a read may give as the newest: what every later read finds as well. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CutPosition, MeshNode, PeerId, UnitAgreement, UnitId, Wire } from '../../mesh/index.ts'
import { BatchCache } from '../../src/read/cache.ts'
import type { CertifiedRow } from '../../src/read/local.ts'
import { type ReadAnswer, Reader } from '../../src/read/quorum.ts'
import { type Batch, BatchIndex, describeBatch } from '../../src/replica/batch.ts'
import type { ReplicaHost } from '../../src/replica/host.ts'
import type { Store } from '../../src/store/store.ts'
import { bodyOf, row } from '../contract/sink-batches.ts'

const UNIT = 'job-1:0:0' as UnitId
const [ADA, BO, CY] = ['a', 'b', 'c'].map((letter) => letter.repeat(32)) as [PeerId, PeerId, PeerId]
const QUORUM = { replicas: 3, write: 2, read: 2, allowForks: false }
const REQUEST = { q: 'rows', unit: UNIT, key: null, from: null, to: null, upTo: null, after: null, limit: 9 } as const
const at = (seq: number): CutPosition => ({ seq, part: 0 })
const KEY = Buffer.from('"key"')
const certified = (seq: number): CertifiedRow => {
  return { start: 0, end: 3_600_000, key: KEY, value: KEY, revision: seq, final: true, position: at(seq) }
}

/** Ada reads; she holds a revision of one row in each cut, and the others answer as they are told to. */
function reader(stored: number, others: Readonly<Record<string, Partial<ReadAnswer>>>, owes?: number): Reader {
  const batches = new BatchIndex()
  const cache = new BatchCache(undefined as unknown as Store, 1 << 20, () => undefined)
  for (let seq = 1; seq <= 3; seq++) {
    const bodies = [bodyOf([row(0, '"key"', `${seq}`, seq)])]
    const batch: Batch = { bodies, deadLetters: new Uint8Array(), watermark: 0 }
    batches.add(describeBatch(at(seq), batch, 0))
    cache.put(UNIT, at(seq), batch)
  }
  const agreement = {
    term: { number: 4, base: undefined, members: [ADA, BO, CY] },
    isMember: true,
    sealed: false,
    frontier: at(3),
    acknowledged: at(1),
    standing: { stored: at(stored) },
    ask: () => [],
  } as unknown as UnitAgreement
  const like = { term: 4, members: [ADA, BO, CY], complete: true, stored: at(1), acknowledged: at(1) } as const
  const node = {
    self: ADA,
    unit: () => agreement,
    drive: () => undefined,
    request: async (peer: PeerId) => {
      const answer = others[peer]
      if (answer === undefined) throw new Error('no connection')
      const { stored } = { ...like, ...answer }
      return { ...like, rows: [certified(stored?.seq ?? 0)], certificates: [], ...answer } as unknown as Wire
    },
  } as unknown as MeshNode
  const host = {
    units: new Map([[UNIT, { batches, state: 'running', owes: owes && at(owes) }]]),
  } as unknown as ReplicaHost
  const clock = { now: () => 0, after: (_delayMs: number, action: () => void) => queueMicrotask(action) }
  const hooks = { certificate: async () => undefined, onRepair: () => undefined }
  return new Reader(node, host, cache, clock as never, hooks)
}

const read = async (stored: number, others: Readonly<Record<string, Partial<ReadAnswer>>>, owes?: number) => {
  const { rows, mayBeStale } = await reader(stored, others, owes).read(REQUEST, [ADA, BO, CY], QUORUM)
  return { revisions: rows.map(({ revision }) => revision), mayBeStale }
}

describe('the newest of R answers', () => {
  it('is what a later read finds too, when W of those that vote hold it', async () => {
    assert.deepEqual(await read(3, { [BO]: { stored: at(3) } }), { revisions: [3], mayBeStale: false })
  })

  it('may be found by no later read, when one of the W was sealed before it had it', async () => {
    const others = { [BO]: { stored: at(3), complete: false }, [CY]: { stored: at(1) } }
    assert.deepEqual(await read(3, others), { revisions: [3], mayBeStale: true })
  })

  it('is none of one whose disk was damaged, until it has again what others count on', async () => {
    const others = { [BO]: { stored: at(1) } }
    await assert.rejects(read(1, others, 3), { code: 'QRT_QUORUM_NOT_MET' })
    assert.deepEqual(await read(3, { [BO]: { stored: at(3) } }, 3), { revisions: [3], mayBeStale: false })
  })

  it('holds nothing that is only on its way to the disk', async () => {
    assert.deepEqual(await read(2, { [BO]: { stored: at(2) } }), { revisions: [2], mayBeStale: false })
  })
})
