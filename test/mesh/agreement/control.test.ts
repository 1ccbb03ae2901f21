/** A control document that names a job whose body has not come: whom it is asked of, and what waits for it. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ControlAgreement } from '../../../mesh/agreement/control.ts'
import { type ControlDocument, genesis } from '../../../mesh/agreement/control-document.ts'
import { sha256 } from '../../../mesh/agreement/encoding.ts'
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

it('is not told to be on a disk that lacks the body, so that whoever has it stays', () => {
  const { agreement, document } = scene()
  const bo = new ControlAgreement(BO, seededRandom(4), document, undefined, [body])
  bo.heard(ADA, agreement.has)
  assert.deepEqual([bo.installed, bo.laggards([ADA])], [false, [ADA]])
  agreement.message(1, BO, { t: 'bodies', bodies: [body] })
  bo.heard(ADA, agreement.has)
  assert.deepEqual([bo.installed, bo.laggards([ADA])], [true, []])
})
