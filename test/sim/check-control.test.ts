/** What the check of the control document finds, in histories made for it: a check that finds nothing proves nothing. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ControlChange, type ControlDocument, encodeStored, type PeerId } from '../../mesh/index.ts'
import { ControlChecks } from './check-control.ts'
import { Violation } from './violation.ts'

const A = 'a'.repeat(32) as PeerId
const B = 'b'.repeat(32) as PeerId
const PAUSE: ControlChange = { kind: 'state', name: 'job', state: 'paused' }
const RESUME: ControlChange = { kind: 'state', name: 'job', state: 'running' }

const document = (number: number, state: 'paused' | 'running', members: readonly PeerId[] = [A]): ControlDocument => ({
  cluster: 'c',
  number,
  forced: 0,
  view: { number, members },
  names: {},
  banned: [],
  lost: [],
  acceptors: [A],
  jobs: [
    { name: 'job', generation: 'job-1', hash: 'h', state, view: { number: 1, members: [A] }, earlier: [] } as never,
  ],
  submissions: 1,
})
const isViolation = (text: RegExp) => (error: unknown) =>
  error instanceof Violation && error.check === 'changes in order' && text.test(error.message)

describe('the control document in one order', () => {
  //  pause  ├──── 2 ────┤        resume  ├──── 3 ────┤
  it('may answer one after the other, and two at once in any order', () => {
    const checks = new ControlChecks()
    for (const [number, state] of [
      [1, 'running'],
      [2, 'paused'],
      [3, 'running'],
    ] as const) {
      if (number === 2) checks.ask('p', PAUSE)(document(2, 'paused'))
      if (number === 3) checks.ask('p', RESUME)(document(3, 'running'))
      checks.chosen(document(number, state))
    }
    const first = checks.ask('p', PAUSE)
    const second = checks.ask('q', RESUME)
    second(document(5, 'running'))
    first(document(4, 'paused'))
    checks.chosen(document(4, 'paused'))
    checks.chosen(document(5, 'running'))
    checks.finish()
  })

  //  resume  ├── 3 ──┤   pause ├── 2 ──┤
  it('gives no answer from before what was answered earlier', () => {
    const checks = new ControlChecks()
    checks.ask('p', RESUME)(document(3, 'running'))
    assert.throws(() => checks.ask('q', PAUSE)(document(2, 'paused')), isViolation(/document 2 .* after document 3/))
  })

  it('gives no answer without the change', () => {
    const checks = new ControlChecks()
    assert.throws(() => checks.ask('p', PAUSE)(document(2, 'running')), isViolation(/is without it/))
  })

  it('gives no answer that was not chosen', () => {
    const checks = new ControlChecks()
    checks.ask('p', PAUSE)(document(2, 'paused'))
    checks.chosen(document(2, 'running'))
    assert.throws(() => checks.finish(), isViolation(/another document 2/))
  })

  it('changes by nothing that nobody asked for, and by one thing at a time', () => {
    const unasked = new ControlChecks()
    unasked.chosen(document(1, 'running'))
    assert.throws(() => unasked.chosen(document(2, 'paused')), isViolation(/differs .* by job job/))
    const two = new ControlChecks()
    two.ask('p', PAUSE)
    two.ask('p', { kind: 'view', step: { kind: 'admit', peer: B, name: 'b' } })
    two.chosen(document(2, 'paused', [A, B]))
    assert.throws(() => two.chosen(document(1, 'running')), isViolation(/job job, member b/))
  })

  it('is on no disk that goes back', () => {
    const checks = new ControlChecks()
    for (const number of [2, 3]) checks.held(A, 'p', encodeStored(document(number, 'running')))
    assert.throws(
      () => checks.held(A, 'p', encodeStored(document(1, 'running'))),
      isViolation(/went back from document 3 to 1/),
    )
  })
})
