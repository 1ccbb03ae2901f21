import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { CutPosition, UnitId } from '../../mesh/index.ts'
import { type RowRange, readUnit } from '../../src/read/local.ts'
import { type Batch, BatchIndex, describeBatch } from '../../src/replica/batch.ts'
import { bodyOf, row, type WindowRow } from '../contract/sink-batches.ts'

const UNIT = 'job-1:0:0' as UnitId
const ALL: RowRange = {
  key: undefined,
  from: Number.NEGATIVE_INFINITY,
  to: Number.POSITIVE_INFINITY,
  upTo: undefined,
  after: undefined,
  limit: 10,
}

/** Values of the rows that a reader gets from cuts of these rows. */
async function valuesOf(cuts: readonly (readonly WindowRow[])[], range: Partial<RowRange> = {}): Promise<string[]> {
  const index = new BatchIndex()
  const batches = cuts.map((rows): Batch => ({ bodies: [bodyOf(rows)], deadLetters: new Uint8Array(), watermark: 0 }))
  batches.forEach((each, i) => {
    index.add(describeBatch({ seq: i + 1, part: 0 }, each, 0))
  })
  const load = async (_: UnitId, { seq }: CutPosition) => batches[seq - 1]
  const rows = await readUnit(UNIT, index, load, { ...ALL, ...range })
  return rows.map(({ value }) => Buffer.from(value).toString())
}

const removed = (hour: number, key: string, revision: number): WindowRow => ({
  ...row(hour, key, '{"removed":true}', revision),
  removed: true,
})

it('a window that was taken back is not read, and takes no place on a page', async () => {
  const cuts = [
    [row(0, '"a"', '"early"', 0, false), row(1, '"a"', '"later"')],
    [removed(0, '"a"', 1), row(2, '"a"', '"merged"')],
  ]
  assert.deepEqual(await valuesOf(cuts), ['"later"', '"merged"'])
  assert.deepEqual(await valuesOf(cuts, { limit: 1 }), ['"later"'])
  assert.deepEqual(await valuesOf(cuts.toReversed()), ['"later"', '"merged"'], 'in whatever order cuts are read')
  assert.deepEqual(await valuesOf(cuts, { upTo: { seq: 1, part: 0 } }), ['"early"', '"later"'])
})

it('rows are not passed over because earlier ones expire while they are read', async () => {
  const index = new BatchIndex()
  const batches = ['"first"', '"second"', '"third"'].map((value, hour): Batch => {
    return { bodies: [bodyOf([row(hour, '"a"', value)])], deadLetters: new Uint8Array(), watermark: 0 }
  })
  batches.forEach((each, i) => {
    index.add(describeBatch({ seq: i + 1, part: 0 }, each, 0))
  })
  const load = async (_: UnitId, { seq }: CutPosition) => {
    if (seq === 1) index.drop(2)
    return seq === 2 ? undefined : batches[seq - 1]
  }
  const rows = await readUnit(UNIT, index, load, ALL)
  assert.deepEqual(
    rows.map(({ value }) => Buffer.from(value).toString()),
    ['"first"', '"third"'],
  )
})
