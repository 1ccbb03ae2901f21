/** What a peer takes from its own disk of a unit, when some of it cannot be read. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CutPosition, MeshNode, OpenedUnit, UnitId } from '../../mesh/index.ts'
import { batchKey, encodeBatch } from '../../src/replica/batch.ts'
import { HostedUnit, type UnitDescription } from '../../src/replica/hosted.ts'
import { loadUnit } from '../../src/replica/loading.ts'
import type { Store, StoreEntry, StoreOp } from '../../src/store/store.ts'

const UNIT = 'job-1:0:0' as UnitId
const at = (seq: number): CutPosition => ({ seq, part: 0 })
const EMPTY = encodeBatch({ bodies: [], deadLetters: new Uint8Array(), watermark: 0 })

/** A disk with these terms and batches 1 to 5, of which those cannot be read, and what is known of certificates. */
async function load(
  corrupt: readonly number[],
  damage?: OpenedUnit['damage'],
  numbers: readonly number[] = [1],
  { batches = [1, 2, 3, 4, 5], notes = new Map<string, Uint8Array>() } = {},
) {
  const description = { unit: UNIT, startOffset: 0, members: [], write: 2, view: 1 } as unknown as UnitDescription
  const hosted = new HostedUnit(description, 0)
  const entries = batches.map((seq): StoreEntry => {
    const key = batchKey(UNIT, at(seq))
    return corrupt.includes(seq) ? { key, corrupt: true } : { key, value: EMPTY }
  })
  const tables: Record<string, readonly StoreEntry[]> = {
    batch: entries,
    meta: [...notes].map(([key, value]) => ({ key, value })),
  }
  const store = { range: async (table: string) => tables[table] ?? [] } as unknown as Store
  const persist = (ops: readonly StoreOp[]) => {
    for (const op of ops) {
      if (op.kind === 'put') notes.set(op.key, op.value)
      if (op.kind === 'delete') notes.delete(op.key)
    }
  }
  const opened = {
    term: {},
    terms: numbers.map((number) => ({ number })),
    frontier: at(5),
    damage,
  } as unknown as OpenedUnit
  const node = { openUnit: async () => opened, persist } as unknown as MeshNode
  const loaded = await loadUnit(hosted, node, store, () => 0)
  return { hosted, incomplete: loaded?.incomplete }
}

describe('a unit that is loaded from disk', () => {
  it('has what is there, and owes nobody anything', async () => {
    const { hosted, incomplete } = await load([])
    assert.deepEqual([hosted.batches.last?.position, hosted.owes, incomplete], [at(5), undefined, false])
  })

  it('has what comes before a damaged batch, and owes what was there after it', async () => {
    const { hosted, incomplete } = await load([3])
    assert.deepEqual([hosted.batches.last?.position, hosted.owes, incomplete], [at(2), at(5), true])
  })

  it('owes what it had beyond a certificate that is damaged', async () => {
    const { hosted, incomplete } = await load([], { intact: at(4) })
    assert.deepEqual([hosted.batches.last?.position, hosted.owes, incomplete], [at(4), at(5), true])
  })

  it('owes that also after a restart, until it has as much again', async () => {
    const notes = new Map<string, Uint8Array>()
    await load([3], undefined, [1], { notes })
    // What was damaged made room, and others gave what comes before.
    const restarted = await load([], undefined, [1], { notes, batches: [1, 2, 3] })
    assert.deepEqual([restarted.hosted.owes, restarted.incomplete], [at(5), false])
    const whole = await load([], undefined, [1], { notes })
    assert.deepEqual([whole.hosted.owes, notes.size], [undefined, 0])
  })

  it('begins at the first record, without a snapshot, only when every decision since then is known', async () => {
    const whole = await load([], undefined, [1, 2, 3])
    // Released once, named again, and stopped before it had taken over a state: the decision of term 2 was in a snapshot.
    const released = await load([], undefined, [1, 3, 4])
    assert.deepEqual([whole.incomplete, released.incomplete], [false, true])
  })
})
