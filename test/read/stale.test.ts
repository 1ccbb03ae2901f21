/** Reads where too few replicas answer. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CutPosition, MeshNode, PeerId, UnitAgreement, UnitId } from '../../mesh/index.ts'
import type { BatchCache } from '../../src/read/cache.ts'
import { Reader } from '../../src/read/quorum.ts'
import { BatchIndex } from '../../src/replica/batch.ts'
import type { ReplicaHost } from '../../src/replica/host.ts'

const UNIT = 'job-1:0:0' as UnitId
const [ADA, BO, CY] = ['a', 'b', 'c'].map((letter) => letter.repeat(32)) as [PeerId, PeerId, PeerId]
const QUORUM = { replicas: 3, write: 2, read: 2, allowForks: false }
const REQUEST = { q: 'rows', unit: UNIT, key: null, from: null, to: null, upTo: null, after: null, limit: 1 } as const

/** Ada, cut off from the others, with nothing certified yet. */
function cutOff(): Reader {
  const agreement = {
    term: { number: 4, base: undefined, members: [ADA, BO, CY] },
    isMember: true,
    sealed: false,
    frontier: undefined,
    acknowledged: undefined as CutPosition | undefined,
    standing: { stored: undefined },
  } as unknown as UnitAgreement
  const node = {
    self: ADA,
    unit: () => agreement,
    drive: () => assert.fail('there is nobody to repair'),
    request: async () => {
      throw new Error('no connection')
    },
  } as unknown as MeshNode
  const host = { units: new Map([[UNIT, { batches: new BatchIndex(), state: 'running' }]]) } as unknown as ReplicaHost
  const clock = { now: () => 0, after: (_delayMs: number, action: () => void) => queueMicrotask(action) }
  const hooks = { certificate: async () => undefined, onRepair: () => undefined }
  return new Reader(node, host, undefined as unknown as BatchCache, clock as never, hooks)
}

describe('a read that fewer than R replicas answer', () => {
  it('is an error that says how many did', async () => {
    await assert.rejects(cutOff().read(REQUEST, [ADA, BO, CY], QUORUM), {
      code: 'QRT_QUORUM_NOT_MET',
      message: /^1 of 2 replicas of unit job-1:0:0 answered/,
    })
  })

  it('is what is known, marked as such, where that is asked for', async () => {
    const read = await cutOff().read(REQUEST, [ADA, BO, CY], QUORUM, true)
    assert.deepEqual(read, { unit: UNIT, rows: [], certificates: [], mayBeStale: true })
  })
})
