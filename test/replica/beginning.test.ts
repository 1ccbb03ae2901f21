/** Where a replica begins that has snapshots, and decisions that they do not hold. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { beginningOf } from '../../src/replica/beginning.ts'

const at = (seq: number, applied: number) => ({ position: { seq, part: 0 }, course: { applied } })
const gap = (term: number, seq: number | undefined) => {
  const snapshot = seq === undefined ? null : { seq, part: 0 }
  return { kind: 'gap', offset: 50, value: 67, term, base: undefined, snapshot } as const
}
const cut = { kind: 'cut', offset: 9, term: 30, base: undefined } as const
const older = at(24, 6)
const newer = at(32, 11)

describe('where a replica begins', () => {
  it('is its latest snapshot, or the first record', () => {
    assert.deepEqual(beginningOf([older, newer], [cut]), { gap: undefined, snapshot: newer, lacking: false })
    assert.deepEqual(beginningOf([], []), { gap: undefined, snapshot: undefined, lacking: false })
  })

  it('is behind a gap, with the state that the gap names', () => {
    assert.deepEqual(beginningOf([older, newer], [gap(19, 24), cut]), {
      gap: gap(19, 24),
      snapshot: older,
      lacking: false,
    })
    assert.deepEqual(beginningOf([newer], [gap(19, undefined)]), {
      gap: gap(19, undefined),
      snapshot: undefined,
      lacking: false,
    })
  })

  it('is behind the latest of several gaps', () => {
    assert.deepEqual(beginningOf([older, newer], [gap(19, 24), gap(21, 32)]).snapshot, newer)
  })

  it('is nowhere while that state is not here', () => {
    assert.deepEqual(beginningOf([newer], [gap(19, 24)]), { gap: gap(19, 24), snapshot: undefined, lacking: true })
  })

  it('is the latest snapshot once that holds the gap', () => {
    assert.deepEqual(beginningOf([at(40, 19)], [gap(19, 24)]), { gap: undefined, snapshot: at(40, 19), lacking: false })
  })
})
