/** Terms, cuts and agreements of a unit as tests begin with them: nothing is certified yet, and W is 2. */
import { contentDigest } from '../../../mesh/agreement/certificate.ts'
import type { CutContent, StatementProof } from '../../../mesh/agreement/types.ts'
import { UnitAgreement } from '../../../mesh/agreement/unit.ts'
import type { UnitEffect } from '../../../mesh/agreement/unit-contract.ts'
import { GENESIS } from '../../../mesh/ids.ts'
import { type PeerId, seededRandom, type Term, type UnitId, type Wire } from '../../../mesh/index.ts'

/** The first one, unless told otherwise. */
export const termOf = (unit: UnitId, members: readonly PeerId[], others: Partial<Term> = {}): Term => ({
  ...{ unit, number: 1, view: 1, members, write: 2, base: undefined, open: [], floor: 0 },
  ...others,
})

/** The first one, of ten records, unless told otherwise. */
export const cutOf = (unit: UnitId, others: Partial<CutContent> = {}): CutContent => ({
  ...{ cluster: 'test', unit, seq: 1, part: 0, last: true, offset: 10 },
  ...{ counts: { in: 10, late: 0, dead: 0 }, parent: GENESIS, inDigest: GENESIS, outDigest: GENESIS },
  ...others,
})

/** At this peer, in the last of these terms. Every certificate is taken for a sound one. */
export const agreementOf = (self: PeerId, terms: readonly Term[], staggerMs = 150): UnitAgreement =>
  new UnitAgreement({
    ...{ self, random: seededRandom(1), staggerMs, verify: () => true },
    ...{ terms, certificates: [], votes: [], successions: new Map() },
  })

export const proofOf = (peer: PeerId) => ({ peer }) as unknown as StatementProof

/** A member has voted for the content, in the term of the agreement, which hears of it. */
export function hearVote(agreement: UnitAgreement, now: number, peer: PeerId, content: CutContent): UnitEffect[] {
  const { unit, seq, part } = content
  const term = agreement.term.number
  const vote = { kind: 'vote', unit, term, seq, part, digest: contentDigest(content) } as const
  return agreement.statement(now, peer, vote, content as unknown as Wire, proofOf(peer))
}

/** Cuts that a member votes for, again or for the first time. */
export const votedFor = (effects: readonly UnitEffect[]): number[] =>
  effects.flatMap((effect) =>
    effect.kind === 'sign' && effect.statement.kind === 'vote' ? [effect.statement.seq] : [],
  )
