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
import type { Statement } from '../../../mesh/agreement/statement.ts'
import type { PeerId } from '../../../mesh/ids.ts'
import { seededRandom } from '../../../mesh/random.ts'
import type { Wire } from '../../../mesh/transport/transport.ts'

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

const messagesIn = (effects: readonly ControlEffect[]): ControlMessage[] =>
  effects.flatMap((effect) => (effect.kind === 'send' ? [effect.body as unknown as ControlMessage] : []))

const prepareIn = (effects: readonly ControlEffect[]): ControlMessage & { readonly t: 'prepare' } =>
  messagesIn(effects).find((message) => message.t === 'prepare') ?? assert.fail('it asks those who know')

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
  const { ballot } = prepareIn(bo.tick(1_000))
  const scope = controlScope(bo.document)
  const promise = { kind: 'promise', scope, ballot, body: digestOf('promise', { accepted: null }) } as const
  const proposed = messagesIn(bo.statement(ADA, promise, { accepted: null })).find(({ t }) => t === 'propose')
  const { value } = proposed as ControlMessage & { readonly t: 'propose' }
  const accept = { kind: 'accept', scope, ballot, value: digestOf('control', value) } as const
  assert.deepEqual(answersIn(bo.statement(ADA, accept, null)), [12])
})

it('that was accepted by a peer with the body of its job can be proposed by one without', () => {
  const { document, hash } = scene()
  const before: ControlDocument = { ...document, number: 8, jobs: [] }
  const accepted = { ballot: { round: 1, peer: ADA }, value: document }
  const bo = new ControlAgreement(BO, seededRandom(4), before, undefined, [])
  const answer = (asked: readonly ControlEffect[]): ControlMessage[] => {
    const { ballot } = prepareIn(asked)
    const attachment = { accepted }
    const statement = { kind: 'promise', scope: controlScope(before), ballot, body: digestOf('promise', attachment) }
    return messagesIn(bo.statement(ADA, statement as Statement, attachment as unknown as Wire))
  }
  const first = answer(bo.change(0, '1', { kind: 'delete', name: 'other' }))
  assert.deepEqual(first[0], { t: 'ask', number: 8, hashes: [hash] })
  bo.message(1, ADA, { t: 'bodies', bodies: [body] })
  // The attempt without the body runs out, and the next one has it.
  const again = [60_000, 120_000].flatMap((now) => bo.tick(now))
  const proposed = answer(again).find((message) => message.t === 'propose')
  assert.deepEqual(proposed?.bodies, [body])
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
