/**
 * What a sink with a condition does: it gets the body of its branch, certified by the digest of the whole cut, and is not asked
 * where a cut has nothing for it.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { leafDigest, merkleRoot } from '../../mesh/index.ts'
import type { CertifiedBatch } from '../../src/commit/sink.ts'
import type { SinkHarness } from './sink.contract.ts'
import { batch, bodyOf, expectedRows, identity, type Layout, STORY, sorted, type WindowRow } from './sink-batches.ts'

const unit = identity()
const isB = ({ key }: WindowRow): boolean => key === '"b"'

/** All rows, those of the branch, and the dead letters: one digest over the three. */
const branchLayout: Layout = (rows) => {
  const body = bodyOf(rows.filter(isB))
  return { body, outDigest: merkleRoot([bodyOf(rows), body, new Uint8Array()].map(leafDigest)) }
}

/** Those with rows for the branch: cut 2 part 1 has none. */
const BATCHES: readonly CertifiedBatch[] = STORY.flatMap(([position, rows], i) =>
  rows.some(isB) ? [batch(unit, position, STORY[i - 1]?.[0], rows, branchLayout)] : [],
)

export function branchContract(name: string, createHarness: () => Promise<SinkHarness>, skip: string | false = false) {
  describe(`${name}: sink of a branch`, { skip }, () => {
    it('has the rows of its branch once, whoever writes them and however often, over the cuts that have none', async () => {
      assert.ok(BATCHES.length > 1 && BATCHES.length < STORY.length)
      const harness = await createHarness()
      const sinks = [1, 2].map(() => harness.sink((call) => call()))
      try {
        for (const sink of sinks) {
          const session = await sink.open(unit)
          for (const each of BATCHES) {
            const first = sink === sinks[0]
            assert.equal(await session.write([each]), first ? 'written' : 'already')
          }
          const last = BATCHES.at(-1)
          assert.deepEqual(session.progress?.position, last?.position)
          assert.equal(session.progress?.outDigest, last?.outDigest)
          await session.close()
        }
        const expected = STORY.map(([, rows]) => rows.filter(isB))
        assert.deepEqual(sorted(await harness.rows()), expectedRows(expected, harness.keeps))
      } finally {
        for (const sink of sinks) await sink.close()
        await harness.dispose()
      }
    })
  })
}
