/** What the host of a unit would like its next term to bring: a decision, other members, or nothing. */
import { type Decision, isBehind, type PeerId, type Wish } from '../../mesh/index.ts'
import { HOST_TIMING } from '../limits.ts'
import { isGone, lacksRecords, lostWitnesses, type OrderParts, waitsForAll } from './gone.ts'
import type { HostedUnit, Target } from './hosted.ts'

export interface WishParts extends OrderParts {
  /** Determinism versions that every member can compute in. */
  readonly versions: readonly number[]
  /** So many revisions of its job may be gone over to: no sink gets a result of one that the checkpoints do not name. */
  readonly revisions: number
}

export function wishOf(parts: WishParts): Wish | undefined {
  const { hosted, agreement } = parts
  const settle = hosted.trouble.settleWanted ? lostWitnesses(parts) : []
  if (settle.length > 0) {
    const gap = acceptedGap(parts)
    if (gap !== undefined) return { settle, decision: gap }
    if (!waitsForAll(parts)) return { settle }
  }
  const members = wishedMembers(parts)
  const wished = wishedDecision(parts)
  // Those who come may not know the version: that is asked of them when they are members.
  const decision = members !== undefined && wished?.kind === 'version' ? undefined : wished
  if (decision === undefined && members === undefined) {
    return hosted.trouble.retryWanted && agreement.deadlocked ? {} : undefined
  }
  return { ...(decision === undefined ? {} : { decision }), ...(members === undefined ? {} : { members }) }
}

/** One at a time, the most urgent first. */
function wishedDecision(parts: WishParts): Decision | undefined {
  const { hosted, agreement, now } = parts
  const { trouble, state } = hosted
  if (trouble.blocked && hosted.course.paused) {
    // Whoever cannot pass a record can still say that the unit is to go on: perhaps nobody else is left to.
    return hosted.orders.paused ? undefined : { kind: 'resume', offset: 0 }
  }
  if (trouble.blocked) {
    const { stuckAt } = trouble
    if (stuckAt !== undefined && agreement.isBlocked(now, stuckAt)) return { kind: 'skip', offset: stuckAt }
    // Where members are counted on that are gone, it takes an order about these as well.
    const gap = agreement.isBlocked(now) ? acceptedGap(parts) : undefined
    if (gap !== undefined) return gap
  }
  // Nothing that is decided after the end is ever applied.
  if (state !== 'running' || hosted.course.finished) return undefined
  return wishedCourse(parts) ?? wishedCut(hosted, now)
}

/** What the job's orders and the peers' versions ask for. */
function wishedCourse({ hosted, versions, revisions }: WishParts): Decision | undefined {
  const { orders, course, description } = hosted
  if (orders.paused !== course.paused) return { kind: orders.paused ? 'pause' : 'resume', offset: 0 }
  const version = Math.max(...versions)
  if (version > course.version) return { kind: 'version', offset: 0, value: version }
  const revision = Math.min(description.plans.length, revisions) - 1
  return revision > course.revision ? { kind: 'revision', offset: 0, value: revision } : undefined
}

function wishedCut(
  { endReached, idleOffset, pendingSince, description }: HostedUnit,
  now: number,
): Decision | undefined {
  if (endReached !== undefined) return { kind: 'final', offset: endReached }
  if (idleOffset !== undefined) return { kind: 'idle', offset: idleOffset }
  if (pendingSince !== undefined && now - pendingSince >= description.maxCutAgeMs) return { kind: 'cut', offset: 0 }
  return undefined
}

/** The order went to every replica: one that has less than others would have them give up what they can go on from. */
function acceptedGap(parts: OrderParts): Decision | undefined {
  const { hosted, agreement, now } = parts
  const { trouble, snapshots, batches } = hosted
  const { gapAccepted, logStart } = trouble
  const { frontier } = agreement
  if (!gapAccepted || logStart === undefined || hosted.course.paused || !lacksRecords(parts)) return undefined
  trouble.gapSince ??= now
  const hasLess = snapshots.length === 0 || isBehind(batches.last?.position, frontier)
  if (hasLess && now - trouble.gapSince < HOST_TIMING.gapGraceMs) return undefined
  return wishedGap(hosted, frontier?.offset, logStart)
}

/**
 * From the last snapshot on; what windows it had closed since then is known from the last batch.
 * @param certified up to which offset; where others turn out to have more, it is not granted
 */
function wishedGap(
  { snapshots, batches, description }: HostedUnit,
  certified: number | undefined,
  logStart: number,
): Decision {
  const latest = snapshots[snapshots.length - 1]
  const floor = batches.last?.watermark
  return {
    kind: 'gap',
    offset: certified ?? latest?.offset ?? description.startOffset,
    value: logStart,
    snapshot: latest === undefined ? null : latest.position,
    floor: floor === undefined || !Number.isFinite(floor) ? null : floor,
  }
}

/**
 * The target set, once as many of it as certify have caught up. Those of it that are alive and not so far yet are waited
 * for a while: with all of them a failure right after the change costs nothing.
 */
function wishedMembers(parts: WishParts): Target | undefined {
  const { hosted, agreement, alive, now } = parts
  const { target, description } = hosted
  const { term } = agreement
  if (target === undefined || target.view <= term.view || sameMembers(target.members, term.members)) return undefined
  const ready = readyFor(parts, target.members)
  if (ready.length < description.write) {
    hosted.readySince = undefined
    return undefined
  }
  hosted.readySince ??= now
  const complete = target.members.every((member) => ready.includes(member) || !alive.has(member))
  return complete || now - hosted.readySince >= HOST_TIMING.learnerGraceMs ? target : undefined
}

/**
 * Those that miss nothing which is certified. Who stands before a record that it cannot take is among them only where the
 * present members do not certify anything without it either: its word on that record counts only once it is a member.
 */
export function readyFor(parts: OrderParts, target: readonly PeerId[]): readonly PeerId[] {
  const { agreement, now } = parts
  const { following, term } = agreement
  const stuck = following.stuck(now, [...new Set([...target, ...term.members])])
  const able = term.members.filter((member) => !stuck.has(member) && !isGone(parts, member))
  const ready = following.caughtUp(now, target)
  return able.length < term.write ? ready : ready.filter((peer) => !stuck.has(peer))
}

export const sameMembers = (a: readonly PeerId[], b: readonly PeerId[]): boolean =>
  a.length === b.length && a.every((member) => b.includes(member))
