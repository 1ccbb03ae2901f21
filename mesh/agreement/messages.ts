/**
 * The unsigned messages of agreement, and the shape checks of everything that comes over the wire. What is signed
 * travels in flushes (statement.ts); an authenticated peer of another version can still send anything, so nothing is
 * trusted before it was checked here.
 *
 *   unit messages     prepare   seal this term; my frontier is `after`       proposer -> members
 *                     refused   a higher ballot was promised                 member -> proposer
 *                     propose   accept this successor; here is its base      proposer -> members
 *                     chosen    the successor is decided                     proposer -> members
 *                     ask       what is there beyond term and position?      anyone -> members
 *                     tell      terms and certificates, in order             answer to ask
 *                     stored    every result up to here is on my disk        member -> members
 *                     seals     repeat your promise in this term             member -> members
 */
import { isDigest, isPeerId } from '../ids.ts'
import { isCertificate } from './certificate.ts'
import type { Seal } from './term.ts'
import { type Ballot, type Certificate, type CutPosition, DECISION_KINDS, type Term } from './types.ts'

export type UnitMessage =
  | { readonly t: 'prepare'; readonly term: number; readonly ballot: Ballot; readonly after: CutPosition | null }
  | { readonly t: 'refused'; readonly term: number; readonly ballot: Ballot }
  | {
      readonly t: 'propose'
      readonly term: number
      readonly ballot: Ballot
      readonly value: Term
      readonly certificates: readonly Certificate[]
    }
  | { readonly t: 'chosen'; readonly value: Term }
  | { readonly t: 'ask'; readonly term: number; readonly after: CutPosition | null }
  | {
      readonly t: 'tell'
      /** What was asked; absent where nothing was: what comes then is not all that there is. */
      readonly asked?: { readonly term: number; readonly after: CutPosition | null }
      readonly terms: readonly Term[]
      readonly certificates: readonly Certificate[]
    }
  | { readonly t: 'stored'; readonly position: CutPosition; readonly votesIn?: number }
  | { readonly t: 'seals'; readonly term: number }

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isList = (value: unknown, most: number): value is unknown[] => Array.isArray(value) && value.length <= most

export const isPosition = (value: unknown): value is CutPosition =>
  isObject(value) && isCount(value.seq) && isCount(value.part)

/** A position, or null for "before the first". */
const isPlace = (value: unknown): boolean => value === null || isPosition(value)

const isAsked = (value: unknown): boolean =>
  value === undefined || (isObject(value) && isCount(value.term) && isPlace(value.after))

export const isBallot = (value: unknown): value is Ballot =>
  isObject(value) && isCount(value.round) && isPeerId(value.peer)

const isBase = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (isPosition(value) &&
    isDigest((value as { digest?: unknown }).digest) &&
    typeof (value as { last?: unknown }).last === 'boolean' &&
    isCount((value as { offset?: unknown }).offset))

const isDecision = (value: unknown): boolean =>
  value === undefined ||
  (isObject(value) &&
    (DECISION_KINDS as readonly unknown[]).includes(value.kind) &&
    isCount(value.offset) &&
    (value.value === undefined || isCount(value.value)) &&
    (value.snapshot === undefined || isPlace(value.snapshot)) &&
    (value.floor === undefined || value.floor === null || Number.isFinite(value.floor)))

const isDispute = (value: unknown): boolean =>
  value === undefined ||
  (isPosition(value) &&
    isCount((value as { times?: unknown }).times) &&
    isList((value as { votes?: unknown }).votes, 64) &&
    ((value as { votes?: unknown }).votes as unknown[]).every(
      (vote) => isObject(vote) && isPeerId(vote.peer) && isDigest(vote.digest),
    ))

const isCertificates = (value: unknown): value is readonly Certificate[] =>
  isList(value, 1024) && value.every(isCertificate)

const isMark = (value: unknown): boolean =>
  isPosition(value) &&
  isDigest((value as { digest?: unknown }).digest) &&
  isCount((value as { offset?: unknown }).offset)

export function isTerm(value: unknown): value is Term {
  return (
    isObject(value) &&
    typeof value.unit === 'string' &&
    isCount(value.number) &&
    isCount(value.view) &&
    isCount(value.floor) &&
    isCount(value.write) &&
    isList(value.members, 64) &&
    value.members.every(isPeerId) &&
    isBase(value.base) &&
    isList(value.open, 4096) &&
    value.open.every((cut) => isMark(cut) && isCount((cut as { term?: unknown }).term)) &&
    isDecision(value.decision) &&
    isDispute(value.dispute) &&
    (value.forced === undefined || value.forced === true) &&
    (value.restored === undefined || isCount(value.restored))
  )
}

/** Terms of one unit as another peer gave them, in order. */
export const isTermList = (value: unknown): value is readonly Term[] =>
  isList(value, 65_536) && value.length > 0 && value.every(isTerm)

export function isSeal(value: unknown): value is Seal {
  return (
    isObject(value) &&
    isBase(value.frontier) &&
    isCount(value.offset) &&
    isList(value.votes, 4096) &&
    value.votes.every(isMark) &&
    (value.stuck === undefined || value.stuck === true)
  )
}

export function isUnitMessage(value: unknown): value is UnitMessage {
  if (!isObject(value)) return false
  switch (value.t) {
    case 'prepare':
      return isCount(value.term) && isBallot(value.ballot) && isPlace(value.after)
    case 'refused':
      return isCount(value.term) && isBallot(value.ballot)
    case 'propose':
      return isCount(value.term) && isBallot(value.ballot) && isTerm(value.value) && isCertificates(value.certificates)
    case 'chosen':
      return isTerm(value.value)
    case 'ask':
      return isCount(value.term) && isPlace(value.after)
    case 'tell':
      return (
        isAsked(value.asked) &&
        isList(value.terms, 1024) &&
        value.terms.every(isTerm) &&
        isCertificates(value.certificates)
      )
    case 'stored':
      return isPosition(value.position) && (value.votesIn === undefined || isCount(value.votesIn))
    case 'seals':
      return isCount(value.term)
    default:
      return false
  }
}

/** What belongs to a promise: the statement carries its digest. */
export interface UnitPromise {
  readonly seal: Seal
  /** From the proposer's frontier to that of the sealed member or of the value it accepted, whichever is further. */
  readonly certificates: readonly Certificate[]
  readonly accepted: { readonly ballot: Ballot; readonly value: Term } | null
}

/** A promise as it came over the wire, in its normal form; undefined when it has not that shape. */
export function readPromise(value: unknown): UnitPromise | undefined {
  if (!isObject(value) || !isSeal(value.seal) || !isCertificates(value.certificates)) return undefined
  const { accepted } = value as { readonly accepted?: { readonly ballot?: unknown; readonly value?: unknown } | null }
  const seal = normalSeal(value.seal)
  const { certificates } = value
  if (accepted === null || accepted === undefined) return { seal, certificates, accepted: null }
  if (!isBallot(accepted.ballot) || !isTerm(accepted.value)) return undefined
  return { seal, certificates, accepted: { ballot: accepted.ballot, value: normalTerm(accepted.value) } }
}

/** JSON has no undefined: an absent base or frontier travels as an absent field or null, and is undefined inside. */
export const normalTerm = (term: Term): Term => ({ ...term, base: term.base ?? undefined })
const normalSeal = (seal: Seal): Seal => ({ ...seal, frontier: seal.frontier ?? undefined })
