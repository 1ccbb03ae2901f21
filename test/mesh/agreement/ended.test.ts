/** What counts as a proof that an open cut was never certified. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '../../../mesh/agreement/encoding.ts'
import { EndedTerms } from '../../../mesh/agreement/ended.ts'
import { Succession } from '../../../mesh/agreement/succession.ts'
import type { Seal } from '../../../mesh/agreement/term.ts'
import type { OpenCut, Term } from '../../../mesh/agreement/types.ts'
import type { Digest, PeerId, UnitId } from '../../../mesh/ids.ts'
import { seededRandom } from '../../../mesh/random.ts'
import type { Wire } from '../../../mesh/transport/transport.ts'
import { termOf } from './agreements.ts'

const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(32) as PeerId) as [PeerId, PeerId, PeerId]
const D = 'd'.repeat(64) as Digest
const TERM: Term = termOf('job-1:0:0' as UnitId, [A, B, C], { number: 7 })
const OPEN: OpenCut = { seq: 1, part: 0, digest: D, offset: 10, term: 7 }

const nothing: Seal = { frontier: undefined, votes: [], offset: 0 }
const votedFor: Seal = { frontier: undefined, votes: [{ seq: 1, part: 0, digest: D, offset: 10 }], offset: 10 }
/** It is certified there, and so no vote beyond the frontier any more. */
const certified: Seal = { frontier: { seq: 1, part: 0, digest: D, last: true, offset: 10 }, votes: [], offset: 10 }

/** At B, after it has heard these. */
function disproved(seals: ReadonlyMap<PeerId, Seal>): boolean {
  const chain = { frontier: undefined, certificates: () => [] }
  const knowledge = { isDisproved: () => false, unheard: () => [], isLost: () => false }
  const pacing = { random: seededRandom(1), staggerMs: 150 }
  const succession = new Succession({ self: B, chain, pacing, knowledge }, TERM, undefined)
  for (const [peer, seal] of seals) {
    const attachment = { seal, certificates: [], accepted: null }
    const body = digestOf('promise', attachment)
    const statement = { kind: 'promise', scope: succession.scope, ballot: { round: 1, peer: B }, body } as const
    succession.statement(0, peer, statement, attachment as unknown as Wire, new Set())
  }
  const ended = new EndedTerms()
  ended.add(succession)
  return ended.isDisproved(OPEN)
}

describe('an open cut is disproved', () => {
  it('by M − W + 1 seals that hold no vote for it', () => {
    assert.equal(disproved(new Map([[A, nothing]])), false)
    assert.equal(
      disproved(
        new Map([
          [A, nothing],
          [C, nothing],
        ]),
      ),
      true,
    )
  })

  it('not by a seal that holds one', () => {
    assert.equal(
      disproved(
        new Map([
          [A, votedFor],
          [C, nothing],
        ]),
      ),
      false,
    )
  })

  it('not by the seal of a member that has it certified, and so keeps no vote for it', () => {
    assert.equal(
      disproved(
        new Map([
          [A, certified],
          [C, nothing],
        ]),
      ),
      false,
    )
  })
})
