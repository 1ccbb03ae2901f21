/**
 * Peers that are gone for good, and what only they could tell or give: what they signed, and results that nobody can compute
 * again. A unit waits for those, until an operator says that they will not come back.
 */
import { isBehind, type PeerId, sealsNeeded, type UnitAgreement } from '../../mesh/index.ts'
import type { HostedUnit } from './hosted.ts'

/** What orders of an operator are judged by. */
export interface OrderParts {
  readonly hosted: HostedUnit
  readonly agreement: UnitAgreement
  readonly alive: ReadonlySet<PeerId>
  /** The members of the cluster. */
  readonly view: readonly PeerId[]
  /** Monotonic. */
  readonly now: number
}

/** Neither there nor expected. */
export const isGone = ({ view, alive }: Pick<OrderParts, 'view' | 'alive'>, peer: PeerId): boolean =>
  !view.includes(peer) && !alive.has(peer)

/**
 * Those that could say whether an open cut was certified. Where records that are gone are to be given up, those are all
 * members that are: what they hold is in nobody's way, and only lost.
 */
export function lostWitnesses(parts: OrderParts): readonly PeerId[] {
  const { agreement } = parts
  const members = waitsForAll(parts) ? agreement.term.members : []
  return [...new Set([...agreement.keptBackBy, ...members])].filter((peer) => isGone(parts, peer))
}

/** Those that may have results from before a gap that are found nowhere else: all that this replica still waits for. */
export function lostHolders(parts: OrderParts): readonly PeerId[] {
  const { missing, state } = parts.hosted
  const silent = state === 'joining' ? (missing?.silent ?? []) : []
  return silent.every((peer) => isGone(parts, peer)) ? silent : []
}

/**
 * Members that are gone, where those that are left are too few to choose the next term: only `quorate force` leads on.
 * @param lost whom an operator has given up so already
 */
export function lostMajority(parts: OrderParts, lost: readonly PeerId[]): readonly PeerId[] {
  const { members, write } = parts.agreement.term
  const gone = members.filter((member) => isGone(parts, member))
  const left = members.length - gone.length
  return left < sealsNeeded(members.length, write) ? gone.filter((member) => !lost.includes(member)) : []
}

/**
 * A gap was accepted, and comes only when every member was heard: cuts are open that nobody can compute again, or those who
 * can say that they cannot go on are too few while the others are counted on.
 */
export function waitsForAll({ hosted, agreement, now }: OrderParts): boolean {
  const { logStart, gapAccepted } = hosted.trouble
  if (logStart === undefined || !gapAccepted) return false
  return agreement.term.open.some((open) => isBehind(agreement.frontier, open)) || !agreement.isBlocked(now)
}

/** The others cannot certify without those whose records are gone; who is gone for good is not counted on. */
export function lacksRecords(parts: OrderParts): boolean {
  const { hosted, agreement, now } = parts
  const gone = agreement.term.members.filter((member) => isGone(parts, member))
  return hosted.trouble.logStart !== undefined && agreement.isBlocked(now, undefined, gone)
}
