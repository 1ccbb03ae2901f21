/** Taking a unit over from peers of which one hands over other bytes than it has. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type CutContent, type Digest, GENESIS, type PeerId, type Term, type UnitId } from '../../mesh/index.ts'
import type { Wire } from '../../mesh/transport/transport.ts'
import { HOST_TIMING } from '../../src/limits.ts'
import { Handoff, type HandoffRequest } from '../../src/replica/handoff.ts'
import { encodeState, FRESH, stateDigest, stateLeaves } from '../../src/replica/snapshots.ts'

const UNIT = 'delays-1:0:3' as UnitId
const [BO, CY] = ['b', 'c'].map((letter) => letter.repeat(32)) as [PeerId, PeerId]
const digest = (letter: string): Digest => letter.repeat(64) as Digest
const STATE = encodeState({ ...FRESH, applied: 3 }, new Uint8Array([1, 2, 3]))
const content: CutContent = {
  ...{ cluster: 'c', unit: UNIT, seq: 8, part: 0, last: true, offset: 50, counts: { in: 50, late: 0, dead: 0 } },
  ...{ parent: GENESIS, inDigest: digest('a'), outDigest: digest('b'), stateDigest: stateDigest(STATE) },
}
const terms: readonly Term[] = [
  { ...{ unit: UNIT, number: 1, view: 1, members: [BO, CY], write: 2 }, base: undefined, open: [], floor: 0 },
]

/** Bo hands over a state that is not the one it names; Cy the right one, where it answers. */
function scene(cyAnswers: () => boolean) {
  const asked: string[] = []
  let now = 0
  const handoff = new Handoff({
    ...{ unit: UNIT, givers: () => [BO, CY], checks: () => true, wanted: () => true, now: () => now },
    ...{ held: () => undefined, onBatch: () => assert.fail('there is none') },
    ask: async (peer: PeerId, request: HandoffRequest) => {
      asked.push(`${peer === BO ? 'bo' : 'cy'} ${request.q}`)
      if (peer === CY && !cyAnswers()) throw new Error('no answer')
      if (request.q === 'batches') return { batches: [] }
      if (request.q === 'chunk') return { bytes: peer === BO ? STATE.map((byte) => byte ^ 1) : STATE }
      const certificate = { content, term: 1, signers: [] }
      return { terms, snapshot: { certificate, size: STATE.length, leaves: stateLeaves(STATE) } } as unknown as Wire
    },
  })
  /** Who was asked in one attempt. */
  const attempt = async (at: number) => {
    now = at
    asked.length = 0
    const taken = await handoff.attempt(undefined)
    return { asked: [...asked], from: taken?.from }
  }
  return { handoff, attempt }
}

describe('a peer that hands over other bytes than it has', () => {
  it('is passed over for one that does not', async () => {
    const { asked, from } = await scene(() => true).attempt(0)
    assert.deepEqual(asked, ['bo handoff', 'bo chunk', 'cy handoff', 'cy chunk', 'cy batches'])
    assert.equal(from, CY)
  })

  it('is left out for a while, longer each time, and the others are asked meanwhile', async () => {
    const { attempt, handoff } = scene(() => false)
    const wait = HOST_TIMING.unsoundWaitMs
    assert.deepEqual((await attempt(0)).asked, ['bo handoff', 'bo chunk', 'cy handoff'])
    assert.deepEqual(handoff.progress.putOff, [BO])
    assert.deepEqual((await attempt(wait - 1)).asked, ['cy handoff'])
    assert.deepEqual((await attempt(wait)).asked, ['bo handoff', 'bo chunk', 'cy handoff'])
    assert.deepEqual((await attempt(3 * wait - 1)).asked, ['cy handoff'])
    assert.deepEqual((await attempt(3 * wait)).asked, ['bo handoff', 'bo chunk', 'cy handoff'])
  })

  it('is asked again within the longest wait, however often it failed', async () => {
    const { attempt } = scene(() => false)
    let now = 0
    for (let times = 0; times < 40; times++) {
      assert.equal((await attempt(now)).asked[0], 'bo handoff')
      now += HOST_TIMING.unsoundWaitMaxMs
    }
  })

  it('that only does not answer is asked each time', async () => {
    let answers = false
    const { attempt } = scene(() => answers)
    await attempt(0)
    answers = true
    assert.equal((await attempt(1)).from, CY)
  })
})
