/** What an index says of the batches that it was given: the counts of `quorate status`. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type BatchEntry, BatchIndex } from '../../src/replica/batch.ts'

const at = (seq: number) => ({ seq, part: 0 })
const entryOf = (seq: number): BatchEntry => ({
  ...{ position: at(seq), bytes: 10, rows: 3, branchRows: [], deadRows: 2, lateRows: 1 },
  ...{ minStart: 0, maxEnd: 1, watermark: 1, readyAt: 0 },
})
const indexOf = (...seqs: readonly number[]): BatchIndex => {
  const index = new BatchIndex()
  for (const seq of seqs) index.add(entryOf(seq))
  return index
}

describe('the totals of an index', () => {
  it('count a batch once that comes again after a replica went back', () => {
    const index = indexOf(1, 2, 3)
    index.cut(at(1))
    assert.deepEqual(index.totals, { rows: 3, deadRows: 2, lateRows: 1 })
    for (const seq of [2, 3]) index.add(entryOf(seq))
    assert.deepEqual(index.totals, { rows: 9, deadRows: 6, lateRows: 3 })
  })

  it('count once what is loaded anew', () => {
    const index = indexOf(1, 2)
    index.cut(undefined)
    for (const seq of [1, 2]) index.add(entryOf(seq))
    assert.deepEqual(index.totals, { rows: 6, deadRows: 4, lateRows: 2 })
  })

  it('keep what is forgotten for its age', () => {
    const index = indexOf(1, 2)
    index.drop(1)
    assert.deepEqual(index.totals, { rows: 6, deadRows: 4, lateRows: 2 })
  })
})
