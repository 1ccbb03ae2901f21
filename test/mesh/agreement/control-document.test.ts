import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  applyChange,
  bodiesIn,
  type ControlChange,
  type ControlDocument,
  genesis,
  isDone,
} from '../../../mesh/agreement/control-document.ts'
import { sha256 } from '../../../mesh/agreement/encoding.ts'
import type { PeerId } from '../../../mesh/ids.ts'

const peer = (letter: string) => ({ id: letter.repeat(32) as PeerId, name: letter })
const YOUNG = genesis([peer('a'), peer('b'), peer('c')])
const NOBODY = new Set<PeerId>()
const job = (name: string, state: 'running' | 'paused' = 'running') => ({
  ...{
    name,
    generation: `${name}-0123456789ab-5`,
    state,
    bodies: [Buffer.from(`first body of ${name}`), Buffer.from(`body of ${name}`)],
  },
})
const RESTORE = {
  kind: 'restore',
  jobs: [job('orders'), job('clicks', 'paused')],
  submissions: 7,
} as const satisfies ControlChange

function changed(document: ControlDocument, change: ControlChange): ControlDocument {
  const next = applyChange(document, change, document.submissions, NOBODY)
  if (typeof next === 'string') throw new Error(next)
  return next
}

describe('restoring the jobs of a lost cluster', () => {
  it('brings all of them at once, with their generations, placed by the view of the new cluster', () => {
    const restored = changed(YOUNG, RESTORE)
    assert.deepEqual(
      restored.jobs.map(({ name, generation, state }) => [name, generation, state]),
      [
        ['orders', 'orders-0123456789ab-5', 'running'],
        ['clicks', 'clicks-0123456789ab-5', 'paused'],
      ],
    )
    assert.deepEqual(restored.jobs[0]?.view, YOUNG.view)
    assert.deepEqual(
      bodiesIn(RESTORE).map((body) => sha256(body)),
      restored.jobs.flatMap(({ earlier, hash }) => [...earlier, hash]),
    )
    assert.ok(isDone(RESTORE, restored))
    assert.ok(!isDone(RESTORE, YOUNG))
  })

  it('uses up the numbers of the lost cluster, so that none of its generations comes back', () => {
    assert.equal(changed(YOUNG, RESTORE).submissions, 7)
  })

  it('happens once, and never where there was a job before', () => {
    const restored = changed(YOUNG, RESTORE)
    assert.equal(applyChange(restored, RESTORE, 7, NOBODY), 'conflict')
    const empty = RESTORE.jobs.reduce((document, { name }) => changed(document, { kind: 'delete', name }), restored)
    assert.deepEqual(empty.jobs, [])
    assert.equal(applyChange(empty, RESTORE, 7, NOBODY), 'conflict')
    const none: ControlChange = { kind: 'restore', jobs: [], submissions: 0 }
    assert.equal(applyChange(changed(YOUNG, none), RESTORE, 0, NOBODY), 'conflict')
  })
})
