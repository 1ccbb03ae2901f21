/** A read that too few replicas answer ends soon, and says so; those that are about to answer in full are waited for. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { MeshNode, PeerId, UnitId } from '../../mesh/index.ts'
import type { BatchCache } from '../../src/read/cache.ts'
import { Reader } from '../../src/read/quorum.ts'
import type { ReplicaHost } from '../../src/replica/host.ts'

const UNIT = 'job-1:0:0' as UnitId
const [ADA, BO, CY] = ['a', 'b', 'c'].map((letter) => letter.repeat(32)) as [PeerId, PeerId, PeerId]
const QUORUM = { replicas: 3, write: 2, read: 2, allowForks: false }
const REQUEST = { q: 'rows', unit: UNIT, key: null, from: null, to: null, upTo: null, after: null, limit: 1 } as const
/** A reader waits this long at the most: what the command line gives a peer is 10 s. */
const PATIENCE_MS = 5_000

interface Time {
  now: number
}

/** A read at ada, whose waits take no time but move the clock, of replicas that answer like this. */
function reading(request: (time: Time, timeoutMs: number) => Promise<unknown>) {
  const time: Time = { now: 0 }
  const node = {
    self: ADA,
    unit: () => undefined,
    request: (_peer: PeerId, _body: unknown, timeoutMs: number) => request(time, timeoutMs),
  } as unknown as MeshNode
  const host = { units: new Map() } as unknown as ReplicaHost
  const clock = {
    now: () => time.now,
    after: (delayMs: number, action: () => void) => {
      time.now += delayMs
      action()
      return () => undefined
    },
  }
  const hooks = { certificate: async () => undefined, onRepair: () => undefined }
  const reader = new Reader(node, host, undefined as unknown as BatchCache, clock, hooks)
  return { time, read: reader.read(REQUEST, [ADA, BO, CY], QUORUM) }
}

/** How long a read takes whose replicas fail after `failMs`; undefined: not at all, so that it waits as long as it will. */
async function readFor(failMs: number | undefined): Promise<{ readonly tookMs: number; readonly attempts: number }> {
  let asked = 0
  const { time, read } = reading(async (time, timeoutMs) => {
    asked += 1
    const until = time.now + (failMs ?? timeoutMs)
    await undefined
    time.now = Math.max(time.now, until)
    throw new Error('no answer')
  })
  await assert.rejects(read, { code: 'QRT_QUORUM_NOT_MET' })
  return { tookMs: time.now, attempts: asked / 2 }
}

it('behind a cut, where packets vanish, a reader is told while it still waits', async () => {
  const { tookMs } = await readFor(undefined)
  assert.ok(tookMs <= PATIENCE_MS, `it took ${tookMs} ms`)
})

it('replicas that fail at once, as while a term changes, are asked again before the reader is told', async () => {
  assert.deepEqual(await readFor(1), { tookMs: 405, attempts: 5 })
})

it('replicas that change their term for more than a second are waited for', async () => {
  const members = [ADA, BO, CY]
  const { time, read } = reading(async ({ now }) => {
    const complete = now >= 1_200
    return { term: 2, members, complete, stored: null, acknowledged: null, rows: [], certificates: [] }
  })
  const { mayBeStale } = await read
  assert.deepEqual([mayBeStale, time.now], [false, 1_500])
})
