/** Results that a replica holds when it takes a unit over from one that keeps none as old as they are any more. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import {
  type Certificate,
  type CutContent,
  type Digest,
  GENESIS,
  type MeshNode,
  type PeerId,
  type Term,
  type UnitId,
} from '../../mesh/index.ts'
import { batchKey, describeBatch, encodeBatch } from '../../src/replica/batch.ts'
import type { HandoffRequest } from '../../src/replica/handoff.ts'
import { HostedUnit, type UnitDescription } from '../../src/replica/hosted.ts'
import { Joining } from '../../src/replica/joining.ts'
import { loadUnit } from '../../src/replica/loading.ts'
import { encodeState, FRESH, stateDigest, stateLeaves } from '../../src/replica/snapshots.ts'
import { outDigestOf } from '../../src/replica/unit-replica.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { StoreOp } from '../../src/store/store.ts'

const UNIT = 'job-1:0:0' as UnitId
const OTHER = 'job-1:0:00' as UnitId
const [ADA, BO] = ['a', 'b'].map((letter) => letter.repeat(32)) as [PeerId, PeerId]
const at = (seq: number) => ({ seq, part: 0 })
const EMPTY = { bodies: [], deadLetters: new Uint8Array(), watermark: 0 }
const STATE = encodeState(FRESH, new Uint8Array([1, 2, 3]))
const SNAPSHOT = 8
const terms: readonly Term[] = [
  { ...{ unit: UNIT, number: 1, view: 1, members: [ADA, BO], write: 2 }, base: undefined, open: [], floor: 0 },
]

function certificateAt(seq: number): Certificate {
  const content: CutContent = {
    ...{ cluster: 'c', unit: UNIT, ...at(seq), last: true, offset: seq, counts: { in: 1, late: 0, dead: 0 } },
    ...{ parent: GENESIS, inDigest: 'a'.repeat(64) as Digest, outDigest: outDigestOf(EMPTY) },
    ...(seq === SNAPSHOT ? { stateDigest: stateDigest(STATE) } : {}),
  }
  return { content, term: 1, signers: [] }
}

const folder = mkdtempSync(join(tmpdir(), 'quorate-outdated-'))
after(() => rmSync(folder, { recursive: true }))

/** Ada has results up to `held`, and takes over from Bo, who has a snapshot at 8 and keeps results from `keptFrom` on. */
async function takenOver(held: number, keptFrom: number) {
  const store = openSqliteStore(join(folder, `${held}-${keptFrom}.db`))
  after(() => store.close())
  const hosted = new HostedUnit({ unit: UNIT, members: [ADA, BO], startOffset: 0 } as unknown as UnitDescription, 0)
  const value = encodeBatch(EMPTY)
  const put = (key: string): StoreOp => ({ kind: 'put', table: 'batch', key, value })
  for (let seq = 1; seq <= held; seq++) {
    hosted.batches.add(describeBatch(at(seq), EMPTY, 0))
    await store.write([put(batchKey(UNIT, at(seq)))])
  }
  await store.write([put(batchKey(OTHER, at(1)))])
  const writes: Promise<void>[] = []
  const node = {
    ...{ self: ADA, alive: () => new Set([ADA, BO]), membersOf: () => [BO], holdersOf: () => [] },
    ...{ verifies: () => true, takeOver: () => [] },
    persist: (ops: readonly StoreOp[]) => writes.push(store.write(ops)),
    durable: () => Promise.all(writes),
    request: async (_peer: PeerId, request: HandoffRequest) => {
      if (request.q === 'chunk') return { bytes: STATE }
      if (request.q === 'batches') {
        const batches = []
        for (let seq = Math.max(keptFrom, (request.after?.seq ?? 0) + 1); seq <= request.upTo.seq; seq++) {
          batches.push({ certificate: certificateAt(seq), bytes: value })
        }
        return { batches }
      }
      return {
        terms,
        snapshot: { certificate: certificateAt(SNAPSHOT), size: STATE.length, leaves: stateLeaves(STATE) },
      }
    },
    openUnit: async () => ({ term: terms[0], terms, frontier: undefined, damage: undefined }),
  } as unknown as MeshNode
  await new Promise<void>((onJoined, onFailure) => {
    const joining = new Joining({
      ...{ node, now: () => 0, checkpoint: async () => ({}), wanted: () => true },
      after: () => onFailure(new Error('what was given leads nowhere')),
      ...{ onJoined: () => onJoined(), onFailure: (_hosted, error) => onFailure(error) },
    })
    joining.start(hosted, undefined)
  })
  const places = () => hosted.batches.entries.map(({ position }) => position.seq)
  const inMemory = places()
  const loaded = await loadUnit(hosted, node, store, () => 0)
  const others = await store.range('batch', `${OTHER}/`, `${OTHER}/~`, 10)
  return { incomplete: loaded?.incomplete, inMemory, onDisk: places(), others: others.length }
}

describe('results that are older than all that is handed over', () => {
  //   Ada  1 2 3 4 5                  was away for longer than results are kept
  //   Bo             …      (8) 9     the snapshot, and what is kept
  it('go, so that the unit starts from the snapshot instead of taking over again and again', async () => {
    assert.deepEqual(await takenOver(5, 9), { incomplete: false, inMemory: [], onDisk: [], others: 1 })
  })

  it('go where some of those between are kept, and not all: nothing is left out of what a unit has', async () => {
    assert.deepEqual(await takenOver(5, 7), { incomplete: false, inMemory: [7, 8], onDisk: [7, 8], others: 1 })
  })

  it('stay where those between are handed over', async () => {
    const all = [1, 2, 3, 4, 5, 6, 7, 8]
    assert.deepEqual(await takenOver(5, 6), { incomplete: false, inMemory: all, onDisk: all, others: 1 })
  })

  it('stay where they reach the snapshot', async () => {
    const all = [1, 2, 3, 4, 5, 6, 7, 8]
    assert.deepEqual(await takenOver(8, 9), { incomplete: false, inMemory: all, onDisk: all, others: 1 })
  })
})
