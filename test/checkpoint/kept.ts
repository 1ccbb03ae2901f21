/** Certified snapshots, terms and results as a unit of a lost cluster left them, for tests of what is made of them. */
import {
  type Certificate,
  type CutContent,
  type Decision,
  encodeStored,
  GENESIS,
  type PeerId,
  type Term,
  type UnitId,
} from '../../mesh/index.ts'
import { encodeState, FRESH, snapshotOps, stateDigest } from '../../src/replica/snapshots.ts'

export const OLD = ['a', 'b', 'c'].map((letter) => letter.repeat(32) as PeerId)

export function contentOf(unit: UnitId, seq: number, fields: Partial<CutContent> = {}): CutContent {
  return {
    ...{ cluster: 'lost', unit, seq, part: 0, last: true, offset: 100 * seq, counts: { in: 100, late: 0, dead: 0 } },
    ...{ parent: GENESIS, inDigest: GENESIS, outDigest: GENESIS },
    ...fields,
  }
}

/** Of the right shape; who checks signatures is told so by the test. */
export const certificateOf = (content: CutContent, term: number): Certificate => ({ content, term, signers: [] })

/** The state after a cut, with the decisions of terms up to `applied`, as a store has it. */
export function snapshotOf(unit: UnitId, seq: number, applied: number, stage = `state ${seq}`) {
  const bytes = encodeState({ ...FRESH, applied }, Buffer.from(stage))
  const content = contentOf(unit, seq, { stateDigest: stateDigest(bytes) })
  const put = snapshotOps(content, bytes, content).find((op) => op.kind === 'put')
  if (put?.kind !== 'put') throw new Error('a snapshot is written by one put')
  return { content, certificate: certificateOf(content, Math.max(1, applied)), stored: put.value, bytes }
}

export function termOf(unit: UnitId, number: number, decision?: Decision): Term {
  const floor = decision?.offset ?? 0
  const term = { unit, number, view: 1, members: OLD, write: 2, base: undefined, open: [], floor }
  return decision === undefined ? term : { ...term, decision }
}

/** As a sink keeps it. */
export const recordOf = (certificate: Certificate, terms: readonly Term[]): Uint8Array =>
  encodeStored({ ...certificate, terms })
