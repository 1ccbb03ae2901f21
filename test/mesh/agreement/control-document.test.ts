import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  applyChange,
  bodiesIn,
  type ControlChange,
  type ControlDocument,
  genesis,
  isControlDocument,
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

const put = (name: string): ControlChange => {
  return { kind: 'put', name, generation: `${name}-0123456789ab-1`, body: Buffer.from(`body of ${name}`) }
}
const GENERATION = 'orders-0123456789ab-1'
const RUNNING = changed(YOUNG, put('orders'))
const entryOf = ({ jobs }: ControlDocument) => jobs.find(({ name }) => name === 'orders')!

describe('a job that cannot go on', () => {
  const why = { code: 'QRT_SOURCE_GREW', message: 'its topic has grown' }
  const stop: ControlChange = { kind: 'stop', name: 'orders', generation: GENERATION, why }

  it('is paused for good, for the first reason that anybody gives', () => {
    const stopped = changed(RUNNING, stop)
    assert.deepEqual([entryOf(stopped).state, entryOf(stopped).stopped], ['paused', why])
    assert.ok(isDone(stop, stopped) && !isDone(stop, RUNNING))
    const again = { ...stop, why: { ...why, message: 'it has grown once more' } }
    assert.ok(isDone(again, stopped))
    assert.deepEqual(entryOf(changed(stopped, again)).stopped, why)
    assert.ok(isControlDocument(stopped))
    const endless = { code: 'Q', message: '.'.repeat(5_000) }
    assert.ok(!isControlDocument(changed(RUNNING, { ...stop, why: endless })))
  })

  it('is never resumed, and can be deleted', () => {
    const stopped = changed(RUNNING, stop)
    const resume = { kind: 'state', name: 'orders', state: 'running' } as const
    assert.equal(applyChange(stopped, resume, 1, NOBODY), 'stopped')
    assert.deepEqual(changed(stopped, { ...resume, state: 'paused' }).jobs, stopped.jobs)
    assert.deepEqual(changed(stopped, { kind: 'delete', name: 'orders' }).jobs, [])
    assert.equal(applyChange(YOUNG, stop, 0, NOBODY), 'unknown')
  })
})

describe('a body with more units than before', () => {
  const grow = (revision: number, text: string): ControlChange => {
    const body = Buffer.from(text)
    return { kind: 'upgrade', name: 'orders', generation: GENERATION, revision, body, grows: true }
  }

  it('keeps the view that it came under, which places them; a second one for the same revision is too late', () => {
    const later = { ...RUNNING, view: { number: 7, members: YOUNG.view.members.slice(1) } }
    const grown = changed(later, grow(1, 'three partitions'))
    assert.deepEqual(entryOf(grown).grown, [{ revision: 1, view: later.view }])
    assert.deepEqual(entryOf(grown).view, YOUNG.view)
    assert.ok(isControlDocument(grown))
    assert.ok(isDone(grow(1, 'three partitions'), grown))
    assert.equal(applyChange(grown, grow(1, 'four partitions'), 1, NOBODY), 'conflict')
    assert.deepEqual(
      entryOf(changed(grown, grow(2, 'four partitions'))).grown?.map(({ revision }) => revision),
      [1, 2],
    )
  })
})
