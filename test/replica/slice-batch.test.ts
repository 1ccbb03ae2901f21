/** Slices of units that a reader knows, does not know yet, and can never know. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseUnitId, type UnitId, unitId } from '../../mesh/index.ts'
import { encodeSlice } from '../../src/commit/slice.ts'
import { checkedSlices } from '../../src/replica/slice-batch.ts'
import { batch, identity, oneBody } from '../contract/sink-batches.ts'
import { batchOf } from '../operators/stage-harness.ts'

const { unit } = identity()
const { generation, stage, partition } = parseUnitId(unit)
const { certificate } = batch(identity(), { seq: 7, part: 1 }, undefined, [], oneBody)
const slice = encodeSlice({ destination: 0, leaves: 1, path: [], certificate, body: new Uint8Array(3) })

/** Read by a unit that knows of these only. */
const read = (...known: readonly UnitId[]) => {
  const trust = known.map((each) => ({ unit: each, voters: [], latest: 1 }))
  return checkedSlices(batchOf([slice]), 0, 0, trust, () => true)
}

describe('a slice of a unit that its reader has not heard of', () => {
  it('waits when it may be of a new partition of the source: its job has grown, and word of that is on its way', () => {
    const { batch: taken, untrusted } = read(unitId(generation, stage, partition + 1))
    assert.equal(taken.length, 0)
    assert.deepEqual(untrusted, { source: unit, term: untrusted?.term })
  })

  it('is refused when it is of another job, or of another stage', () => {
    for (const other of [unitId(`${generation}1`, stage, 0), unitId(generation, stage + 1, 0)]) {
      assert.throws(() => read(other), { code: 'QRT_CERTIFICATE_INVALID', message: /no unit of the stage before/ })
    }
  })
})
