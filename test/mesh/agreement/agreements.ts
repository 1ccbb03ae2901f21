/** Terms and agreements of a unit as tests begin with them: nothing is certified yet, and W is 2. */
import { UnitAgreement } from '../../../mesh/agreement/unit.ts'
import { type PeerId, seededRandom, type Term, type UnitId } from '../../../mesh/index.ts'

/** The first one, unless told otherwise. */
export const termOf = (unit: UnitId, members: readonly PeerId[], others: Partial<Term> = {}): Term => ({
  ...{ unit, number: 1, view: 1, members, write: 2, base: undefined, open: [], floor: 0 },
  ...others,
})

/** At this peer, in the last of these terms. Every certificate is taken for a sound one. */
export const agreementOf = (self: PeerId, terms: readonly Term[]): UnitAgreement =>
  new UnitAgreement({
    ...{ self, random: seededRandom(1), verify: () => true },
    ...{ terms, certificates: [], votes: [], successions: new Map() },
  })
