/** A row that takes another back says so wherever it is kept: beside the row, and never by being absent. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ROW_DEAD_LETTER, RowWriter, readRows } from '../../../operators/index.ts'
import { rowDocuments } from '../../../src/commit/sinks/mongodb-documents.ts'
import { placeFields, placeOf } from '../../../src/commit/sinks/row-text.ts'
import { batch, bodyOf, identity, oneBody, row } from '../../contract/sink-batches.ts'

const GIVEN = row(0, '"SFO"', '{"n":1}', 0, false)
const TAKEN_BACK = { ...row(0, '"SFO"', '{"removed":true}', 1), removed: true } as const

describe('a dead letter', () => {
  it('of a row that a stage made, or of what it reads, is not that of a record of the same numbers', () => {
    const letters = new RowWriter()
    for (const flags of [0, 1, 2, 17]) {
      letters.append(ROW_DEAD_LETTER, flags, 3, 7, 0, new Uint8Array(), Buffer.from('{}'))
    }
    const body = letters.take()
    const documents = rowDocuments(
      batch(identity(), { seq: 1, part: 0 }, undefined, [], () => ({ ...oneBody([]), body })),
    )
    assert.deepEqual(
      documents.map(({ id }) => id.replace(/^[^/]+/, '')),
      ['/deadLetter/3/7/0', '/deadLetter/1:3/7/0', '/deadLetter/2:3/7/0', '/deadLetter/17:3/7/0'],
    )
  })
})

describe('a row that takes another back', () => {
  it('says so beside its place, and others do not', () => {
    const [given, removed] = [...readRows(bodyOf([GIVEN, TAKEN_BACK]))].map((each) => placeFields(placeOf(each)))
    assert.equal(given?.removed, undefined)
    assert.equal(removed?.removed, true)
    assert.deepEqual(removed?.window, given?.window)
  })

  it('stays as a document of the same identity that nothing older replaces', () => {
    const [given, removed] = rowDocuments(
      batch(identity(), { seq: 1, part: 0 }, undefined, [GIVEN, TAKEN_BACK], oneBody),
    )
    assert.equal(removed?.id, given?.id)
    assert.equal(removed?.document.removed, true)
    assert.ok(!('removed' in (given?.document ?? {})))
    assert.equal(removed?.document.quorate.revision, 1)
  })
})
