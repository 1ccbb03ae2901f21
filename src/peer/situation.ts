/**
 * What a unit is in that is not the plain course of records: paused or stopped for good, being taken over or handed over, stuck at a record,
 * without records that the log has lost, disputed, or kept back by an open cut; in sentences, each with whom it waits for or
 * the command that goes on.
 */
import type { CutPosition, PeerId, UnitAgreement } from '../../mesh/index.ts'
import type { UnitStatus } from '../http/api.ts'
import { lostMajority, waitsForAll } from '../replica/gone.ts'
import type { HandoffProgress } from '../replica/handoff.ts'
import type { HostedUnit } from '../replica/hosted.ts'
import { type Resolution, resolvable } from '../replica/resolution.ts'
import { readyFor, sameMembers } from '../replica/wishes.ts'
import type { StatusParts } from './status.ts'

export interface Situation {
  /** Worse than what records alone would make of it; undefined: nothing is. */
  readonly state: Extract<UnitStatus['state'], 'halted' | 'stalled' | 'taking-over' | 'paused'> | undefined
  readonly reasons: readonly string[]
  /** What an operator can order. */
  readonly resolvable: readonly Resolution[]
}

export function situationOf(hosted: HostedUnit, parts: StatusParts): Situation {
  const { node, now } = parts
  const agreement = node.unit(hosted.description.unit)
  if (agreement === undefined) {
    const joining = hosted.state === 'joining'
    return { state: joining ? 'taking-over' : undefined, reasons: takingOver(hosted, parts), resolvable: [] }
  }
  const view = node.document?.view.members ?? []
  const judged = { hosted, agreement, alive: node.alive(), view, now }
  const orders = resolvable(judged)
  const reasons = [
    ...tooFew(lostMajority(judged, node.document?.lost ?? []), agreement, parts),
    ...quarantine(hosted, agreement, parts),
    ...lostRecords(hosted, agreement, parts, orders),
    ...dispute(hosted, agreement, parts, orders),
    ...openCut(hosted, agreement, parts, orders),
    ...missingResults(hosted, parts, orders),
    ...takingOver(hosted, parts),
    ...pausing(hosted),
    ...moving(hosted, agreement, parts),
  ]
  return { state: stateIn(hosted, agreement, parts, orders), reasons, resolvable: orders }
}

function stateIn(
  { state, course, orders }: HostedUnit,
  { keptBackBy }: UnitAgreement,
  { node }: StatusParts,
  resolvable: readonly Resolution[],
): Situation['state'] {
  if (resolvable.length > 0) return 'halted'
  const alive = node.alive()
  if (keptBackBy.some((peer) => !alive.has(peer))) return 'stalled'
  if (state === 'joining') return 'taking-over'
  if (!course.paused || !orders.paused) return undefined
  return orders.stopped === undefined ? 'paused' : 'halted'
}

function tooFew(gone: readonly PeerId[], { term }: UnitAgreement, { nameOf }: StatusParts): string[] {
  if (gone.length === 0) return []
  const what = `${gone.length} of its ${term.members.length} replicas are members no more, and the others are too few to go on: ${gone.map(nameOf).join(', ')}`
  const lost = gone.map((peer) => `--lost ${peer}`).join(' ')
  return [`${what}; bring one back, or, where their disks are gone for good: quorate force ${lost} --yes`]
}

/**
 * What brings on a unit that waits for these: members that are away are expected back for as long as they are members, and
 * with `removeAfter: never` that is until an operator says otherwise. Only those that are members no more can be given up.
 */
function expected(peers: readonly PeerId[], { node, nameOf }: StatusParts): string {
  const alive = node.alive()
  const members = node.document?.view.members ?? []
  const away = peers.filter((peer) => members.includes(peer) && !alive.has(peer)).map(nameOf)
  if (away.length === 0) return ''
  const remove = away.map((name) => `quorate remove ${name}`).join(', ')
  return `: bring ${away.join(', ')} back, or, where the disk is gone for good, take that member out first: ${remove}`
}

/** As typed by whoever reads the sentence. */
function command({ description }: HostedUnit, order: Resolution): string {
  const [, stage, partition] = description.unit.split(':')
  return `quorate resolve ${description.job} --unit ${stage}:${partition} ${order}`
}

function quarantine({ trouble }: HostedUnit, agreement: UnitAgreement, { now }: StatusParts): string[] {
  const { stuckAt } = trouble
  const { following, term } = agreement
  if (stuckAt === undefined) return []
  const stuck = [...following.stuck(now, term.members).values()].filter((offset) => offset === stuckAt).length
  const needed = term.members.length - term.write + 1
  if (!agreement.isMember) {
    return [
      `this peer, to which the unit moves, cannot take the record at offset ${stuckAt}: it is passed over, as a dead letter, once ${needed} of ${term.members.length} replicas cannot, and this one counts when it votes`,
    ]
  }
  return [
    `${stuck} of ${term.members.length} replicas cannot take the record at offset ${stuckAt}: it is passed over, as a dead letter, once ${needed} cannot`,
  ]
}

function lostRecords(
  hosted: HostedUnit,
  agreement: UnitAgreement,
  parts: StatusParts,
  orders: readonly Resolution[],
): string[] {
  const { trouble, description, offset } = hosted
  const { following, term } = agreement
  const { node, now } = parts
  const { logStart } = trouble
  if (logStart === undefined) return []
  const stuck = following.stuck(now, term.members).size
  const what = `records ${offset} to ${logStart - 1} of ${description.topic}[${description.partition}] are gone from the log before they were read, which ${stuck} of ${term.members.length} replicas need`
  if (!orders.includes('accept-gap')) return [`${what}: another replica is asked for its snapshot beyond them`]
  const judged = { hosted, agreement, alive: node.alive(), view: node.document?.view.members ?? [], now }
  if (waitsForAll(judged)) return [`${what}: ${gapWaits(hosted, agreement, parts, orders)}`]
  if (trouble.gapAccepted) return [`${what}: it is about to go on without them, as was ordered`]
  return [
    `${what}, and no replica that is alive has a snapshot beyond them: bring back a peer that has one, or go on without them: ${command(hosted, 'accept-gap')}`,
  ]
}

/** Whom a gap still waits for. */
function gapWaits(
  hosted: HostedUnit,
  { term }: UnitAgreement,
  parts: StatusParts,
  orders: readonly Resolution[],
): string {
  const { node, nameOf } = parts
  const alive = node.alive()
  const silent = term.members.filter((member) => member !== node.self && !alive.has(member))
  const all =
    'it goes on without them, as was ordered, once each of its replicas has said that it has no result beyond them'
  if (silent.length === 0) return all
  const waits = `${all}; ${silent.map(nameOf).join(', ')} cannot be asked`
  const first = expected(silent, parts)
  if (first !== '' || !orders.includes('settle')) return `${waits}${first}`
  const then = hosted.trouble.settleWanted
    ? 'it is about to go on without the word of those that are members no more, as was ordered'
    : `bring them back, or go on without those that are members no more: ${command(hosted, 'settle')}`
  return `${waits}: ${then}`
}

function dispute(
  hosted: HostedUnit,
  { term }: UnitAgreement,
  { nameOf }: StatusParts,
  orders: readonly Resolution[],
): string[] {
  const { dispute } = term
  if (dispute === undefined || !orders.includes('retry')) return []
  const byDigest = new Map<string, PeerId[]>()
  for (const { peer, digest } of dispute.votes) byDigest.set(digest, [...(byDigest.get(digest) ?? []), peer])
  const votes = [...byDigest].map(([digest, peers]) => `${peers.map(nameOf).join(' and ')} for ${digest.slice(0, 8)}`)
  const again = hosted.trouble.retryWanted
    ? 'it is about to vote again, as was ordered'
    : `vote again with: ${command(hosted, 'retry')}`
  return [
    `cut ${placeText(dispute)} is disputed, no result can have ${term.write} votes: ${votes.join(', ')}; once the cause is found, ${again}`,
  ]
}

function openCut(
  hosted: HostedUnit,
  { keptBackBy, poll }: UnitAgreement,
  parts: StatusParts,
  orders: readonly Resolution[],
): string[] {
  if (keptBackBy.length === 0) return []
  const what = `cut ${placeText(poll.position)} waits for ${keptBackBy.map(parts.nameOf).join(', ')} to say whether another result was certified in an earlier term`
  const first = expected(keptBackBy, parts)
  if (first !== '' || !orders.includes('settle')) return [`${what}${first}`]
  const then = hosted.trouble.settleWanted
    ? 'it is about to go on without them, as was ordered'
    : `bring them back, or go on without them: ${command(hosted, 'settle')}`
  return [`${what}, and not all of them are members any more: ${then}`]
}

/** Certified results from before a gap that are on no disk here: only those who have not answered may have them. */
function missingResults(hosted: HostedUnit, parts: StatusParts, orders: readonly Resolution[]): string[] {
  const { missing, state, trouble } = hosted
  if (state !== 'joining' || missing === undefined || missing.silent.length === 0) return []
  const silent = missing.silent.map(parts.nameOf).join(', ')
  const what = `results up to cut ${placeText(missing.upTo)} were made of records that are gone, and only ${silent} may still have them`
  if (!orders.includes('settle')) {
    return [`${what}: they are asked for until all have answered${expected(missing.silent, parts)}`]
  }
  const then = trouble.settleWanted
    ? 'it is about to go on without them, as was ordered'
    : `bring them back, or go on without those results: ${command(hosted, 'settle')}`
  return [`${what}; they are members no more: ${then}`]
}

const NO_PROGRESS: HandoffProgress = { from: undefined, chunks: undefined, batches: 0, putOff: [] }

function takingOver({ state, handoff, missing }: HostedUnit, { nameOf }: StatusParts): string[] {
  if (state !== 'joining' || missing !== undefined) return []
  const { from, chunks, batches, putOff } = handoff?.progress ?? NO_PROGRESS
  if (putOff.length > 0) {
    return [
      `it is taken over by this peer, and what ${putOff.map(nameOf).join(', ')} handed over does not check: others are asked, and the same again after a while`,
    ]
  }
  if (from === undefined) return ['it is taken over by this peer, and nobody who has it has answered yet']
  const snapshot = chunks === undefined ? '' : `: ${chunks.done} of ${chunks.total} pieces of the snapshot`
  const results = batches === 0 ? '' : `${snapshot === '' ? ':' : ','} ${batches} batches of results`
  return [`it is taken over by this peer from ${nameOf(from)}${snapshot}${results}`]
}

function pausing({ orders, course, description }: HostedUnit): string[] {
  const { stopped } = orders
  if (stopped !== undefined) {
    const where = course.paused ? 'it has stopped for good' : 'its replicas agree on where it stops for good'
    return [`${where}: ${stopped.message} [${stopped.code}]`]
  }
  if (orders.paused && course.paused) return [`it is paused; let it go on with: quorate resume ${description.job}`]
  if (orders.paused) return ['it is about to pause: its replicas agree on where']
  return course.paused ? ['it was paused, and is about to go on'] : []
}

/** The view gives the unit to other peers than those that vote on it now. */
function moving(hosted: HostedUnit, agreement: UnitAgreement, parts: StatusParts): string[] {
  const { node, nameOf, now } = parts
  const { target } = hosted
  const { term, following, frontier } = agreement
  if (target === undefined || target.view <= term.view || sameMembers(target.members, term.members)) return []
  const comers = target.members.filter((member) => !term.members.includes(member))
  const leavers = term.members.filter((member) => !target.members.includes(member)).map(nameOf)
  const view = node.document?.view.members ?? []
  const ready = readyFor({ hosted, agreement, alive: node.alive(), view, now }, target.members)
  const stuck = following.stuck(now, target.members)
  const standings = comers.map((member) => {
    if (ready.includes(member)) return `${nameOf(member)} is ready`
    const offset = stuck.get(member)
    if (offset !== undefined) return `${nameOf(member)} cannot pass offset ${offset}`
    const stored = member === node.self ? undefined : following.standingOf(member)?.stored
    const of = frontier === undefined ? '' : ` of ${placeText(frontier)}`
    return `${nameOf(member)} has ${stored === undefined ? 'nothing yet' : `cut ${placeText(stored)}`}${of}`
  })
  const away = leavers.length === 0 ? '' : `, away from ${leavers.join(', ')}`
  return [
    `it moves to ${target.members.map(nameOf).join(', ')}${away}${standings.length === 0 ? '' : `: ${standings.join('; ')}`}`,
  ]
}

const placeText = ({ seq, part }: CutPosition): string => `${seq}.${part}`
