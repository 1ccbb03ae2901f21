/** Batches in memory: up to a bound, and the others from disk. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { unitId } from '../../mesh/index.ts'
import { BatchCache } from '../../src/read/cache.ts'
import type { Store } from '../../src/store/store.ts'

const UNIT = unitId('totals-1', 0, 0)
const at = (seq: number) => ({ seq, part: 0 })
const batchOf = (bytes: number) => ({ bodies: [new Uint8Array(bytes)], deadLetters: new Uint8Array(), watermark: 0 })
/** Knows of nothing: what is found is from memory. */
const empty = { get: async () => undefined } as unknown as Store

it('the oldest batches leave memory when there is no room for more', async () => {
  const cache = new BatchCache(empty, 100, () => undefined)
  for (const seq of [1, 2, 3]) cache.put(UNIT, at(seq), batchOf(40))
  assert.equal(await cache.load(UNIT, at(1)), undefined)
  assert.ok(await cache.load(UNIT, at(2)))
  assert.ok(await cache.load(UNIT, at(3)))
})

it('a batch that is computed again takes no more room than before', async () => {
  const cache = new BatchCache(empty, 100, () => undefined)
  cache.put(UNIT, at(1), batchOf(40))
  for (let again = 0; again < 10; again++) cache.put(UNIT, at(2), batchOf(40))
  assert.ok(await cache.load(UNIT, at(1)))
})
