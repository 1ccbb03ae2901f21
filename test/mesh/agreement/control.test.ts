/** A control document at a peer that lacks something of it: the body of a job, or documents that came after. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  ControlAgreement,
  type ControlEffect,
  type ControlMessage,
  controlScope,
} from '../../../mesh/agreement/control.ts'
import { type ControlDocument, genesis } from '../../../mesh/agreement/control-document.ts'
import { digestOf, sha256 } from '../../../mesh/agreement/encoding.ts'
import type { PeerId } from '../../../mesh/ids.ts'
import { seededRandom } from '../../../mesh/random.ts'

const [ADA, BO] = ['a', 'b'].map((letter) => letter.repeat(32)) as [PeerId, PeerId]
const body = new TextEncoder().encode('a job')

/** Ada is all that is left of the view: she came when her disk was empty, and Bo, who has the job, has just been let go. */
function scene() {
  const first = genesis([{ id: ADA, name: 'ada' }])
  const job = { name: 'delays', generation: 'delays-1', hash: sha256(body), earlier: [], view: first.view }
  const document: ControlDocument = { ...first, number: 9, jobs: [{ ...job, state: 'running' }], submissions: 1 }
  const agreement = new ControlAgreement(ADA, seededRandom(3), document, undefined, [])
  agreement.setAlive(new Set([ADA, BO]))
  return { agreement, document, hash: job.hash }
}

const answersIn = (effects: readonly ControlEffect[]): number[] =>
  effects.flatMap((effect) =>
    effect.kind === 'event' && effect.event.kind === 'changed' ? [effect.event.document.number] : [],
  )

it('is not held entire before the body is there, and asks one for it that is a member no more', () => {
  const { agreement, document, hash } = scene()
  assert.deepEqual([agreement.installed, agreement.has], [false, { forced: 0, number: 0 }])
  const asked = Array.from({ length: 100 }, (_, tick) => agreement.tick(tick)).flat()
  assert.ok(asked.length > 0, 'it asks')
  for (const effect of asked) {
    assert.deepEqual(effect, { kind: 'send', to: BO, body: { t: 'ask', number: 9, hashes: [hash] } })
  }
  agreement.message(200, BO, { t: 'bodies', bodies: [body] })
  assert.deepEqual([agreement.installed, agreement.has], [true, document])
})

//   ada: 9 ─ 10 paused ─ 11 ─ …       bo, who was away, is at 9 and asks for a pause
it('is no answer to a change that was asked for later, though it holds the change', () => {
  const { document } = scene()
  const job = document.jobs[0]!
  const paused: ControlDocument = { ...document, number: 10, jobs: [{ ...job, state: 'paused' }] }
  const bo = new ControlAgreement(BO, seededRandom(4), document, undefined, [body])
  bo.change(0, '1', { kind: 'state', name: 'delays', state: 'paused' })
  const heard = [paused, { ...paused, number: 11 }].flatMap((value) => bo.message(1, ADA, { t: 'chosen', value }))
  assert.deepEqual(answersIn(heard), [])
  const asked = bo.tick(1_000)
  const prepare = asked.flatMap((effect) => (effect.kind === 'send' ? [effect.body as unknown as ControlMessage] : []))
  const { ballot } = prepare.find((message) => message.t === 'prepare') ?? assert.fail('it asks those who know')
  const scope = controlScope(bo.document)
  const promise = { kind: 'promise', scope, ballot, body: digestOf('promise', { accepted: null }) } as const
  const [proposed] = bo.statement(ADA, promise, { accepted: null })
  const { value } = (proposed as unknown as { readonly body: ControlMessage & { t: 'propose' } }).body
  const accept = { kind: 'accept', scope, ballot, value: digestOf('control', value) } as const
  assert.deepEqual(answersIn(bo.statement(ADA, accept, null)), [12])
})

it('is not told to be on a disk that lacks the body, so that whoever has it stays', () => {
  const { agreement, document } = scene()
  const bo = new ControlAgreement(BO, seededRandom(4), document, undefined, [body])
  bo.heard(ADA, agreement.has)
  assert.deepEqual([bo.installed, bo.laggards([ADA])], [false, [ADA]])
  agreement.message(1, BO, { t: 'bodies', bodies: [body] })
  bo.heard(ADA, agreement.has)
  assert.deepEqual([bo.installed, bo.laggards([ADA])], [true, []])
})
