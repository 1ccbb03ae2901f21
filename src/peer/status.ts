/**
 * Where a unit stands at this peer and, in sentences, why it has no newer result. Each sentence names what is waited for:
 * a peer, a partition, a sink, an operator.
 */
import { isBehind, type MeshNode, type PeerId, type UnitAgreement } from '../../mesh/index.ts'
import { formatInstant, type WindowPlan } from '../../operators/index.ts'
import type { Checkpointer } from '../checkpoint/checkpointer.ts'
import type { UnitStatus, VotesView } from '../http/api.ts'
import type { HostedUnit } from '../replica/hosted.ts'
import type { Commits } from './commits.ts'
import type { PlacedUnit } from './jobs.ts'
import { type Situation, situationOf } from './situation.ts'

export interface StatusParts {
  readonly node: MeshNode
  readonly commits: Commits
  readonly checkpointer: Checkpointer | undefined
  /** Monotonic. */
  readonly now: number
  readonly nameOf: (peer: PeerId) => string
  /** Why the log cannot be read at present. */
  readonly outage: string | undefined
}

/** A replica this far behind the end of its partition is catching up, not waiting. */
const BEHIND_RECORDS = 1_000
/** Votes that are missing for less than this are on their way. */
const PATIENCE_MS = 1_000
/** A member that was not heard of for so long may never come back. */
const LONG_GONE_MS = 600_000

export function unitStatus(placed: PlacedUnit, hosted: HostedUnit, parts: StatusParts): UnitStatus {
  const { node, commits } = parts
  const { description } = hosted
  const { unit } = description
  const agreement = node.unit(unit)
  const members = agreement?.term.members ?? description.members
  const certified = agreement?.frontier
  const computed = agreement?.computedPosition
  const committed = commits.committed(unit)
  const { watermark, batches, openWindows, stateBytes } = hosted
  return {
    unit,
    job: description.job,
    stage: placed.stage,
    topic: description.topic,
    partition: description.partition,
    replicas: members.map((peer) => replicaView(peer, agreement, parts)),
    term: agreement?.term.number ?? 1,
    revision: hosted.course.revision,
    version: hosted.course.version,
    ...(certified === undefined ? {} : { certified: { seq: certified.seq, part: certified.part } }),
    ...(computed === undefined ? {} : { computed }),
    ...(committed === undefined ? {} : { committed: { seq: committed.seq, part: committed.part } }),
    offset: hosted.offset,
    endOffset: Math.max(hosted.endOffset, hosted.offset),
    ...(Number.isFinite(watermark) ? { watermark: formatInstant(watermark) } : {}),
    rows: batches.totals.rows,
    deadLetters: batches.totals.deadRows,
    lateRecords: batches.totals.lateRows,
    openWindows,
    stateBytes,
    ...(agreement === undefined ? {} : { votes: pollView(agreement.poll, parts.now) }),
    ...stateOf(hosted, members, parts),
  }
}

function replicaView(
  peer: PeerId,
  agreement: UnitAgreement | undefined,
  { node, nameOf, now }: StatusParts,
): UnitStatus['replicas'][number] {
  const { stored } = (peer === node.self ? agreement?.standing : agreement?.following.standingOf(peer)) ?? {}
  const place = stored === undefined ? {} : { stored: { seq: stored.seq, part: stored.part } }
  const caughtUp = agreement !== undefined && agreement.following.caughtUp(now, [peer]).length > 0
  return { peer, name: nameOf(peer), alive: node.alive().has(peer), ...place, caughtUp }
}

function stateOf(
  hosted: HostedUnit,
  members: readonly PeerId[],
  parts: StatusParts,
): Pick<UnitStatus, 'state' | 'reasons' | 'resolvable'> {
  const situation = situationOf(hosted, parts)
  const { state, reasons } = plainStateOf(hosted, members, situation, parts)
  return { state, reasons: [...reasons, ...situation.reasons], resolvable: situation.resolvable }
}

/** A halt is told first, then what records and votes alone explain. */
function plainStateOf(
  hosted: HostedUnit,
  members: readonly PeerId[],
  situation: Situation,
  parts: StatusParts,
): Pick<UnitStatus, 'state' | 'reasons'> {
  const { description, halt } = hosted
  const { commits, outage } = parts
  const unreachable = members.filter((member) => !parts.node.alive().has(member))
  const missing = unreachable.map((peer) => unreachableText(peer, parts))
  const reasons = [...votes(hosted, parts), ...commits.problems(description.unit)]
  if (halt !== undefined) return { state: 'halted', reasons: [`${halt.message} [${halt.code}]`, ...reasons] }
  if (situation.state === 'halted') return { state: 'halted', reasons }
  const answering = members.length - unreachable.length
  if (answering < description.write) {
    const needed = `${description.write} of ${members.length} replicas must agree and ${answering} can be reached`
    return {
      state: 'stalled',
      reasons: [`${needed}: ${missing.join('; ')}`, ...longGone(unreachable, parts), ...reasons],
    }
  }
  if (hosted.repairing !== undefined) {
    const { seq, part } = hosted.repairing
    const what = `this replica computed another result at cut ${seq}.${part} than was certified; it replays from its last snapshot`
    return { state: 'diverged', reasons: [what, ...reasons] }
  }
  if (situation.state === 'stalled' || situation.state === 'taking-over') return { state: situation.state, reasons }
  if (outage !== undefined) reasons.push(`the log cannot be read: ${outage}`)
  if (hosted.finished && isKept(hosted, parts)) return { state: 'finished', reasons }
  if (hosted.finished)
    reasons.push(`its end is certified, and fewer than ${description.write} replicas hold all of it yet`)
  if (parts.commits.congested(description.unit)) {
    reasons.push('the source pauses until the sinks have taken what is certified')
  }
  if (situation.state === 'paused') return { state: 'paused', reasons: [...missing, ...reasons] }
  if (parts.checkpointer?.congested(description.unit) === true) {
    const why = parts.checkpointer.problem ?? 'none was written since'
    reasons.push(`the source pauses until a checkpoint holds what was decided: ${why}`)
  }
  const behind = hosted.endOffset - hosted.offset
  if (behind > BEHIND_RECORDS) {
    return {
      state: 'catching-up',
      reasons: [`${behind} records of ${sourceName(hosted)} are not read yet`, ...reasons],
    }
  }
  reasons.push(...silence(hosted, parts))
  if (missing.length > 0) return { state: 'degraded', reasons: [...missing, ...reasons] }
  return { state: reasons.length > 0 ? 'waiting' : 'running', reasons }
}

/** What is certified here is held by W replicas, so that every read sees it. */
const isKept = ({ description, batches }: HostedUnit, { node }: StatusParts): boolean => {
  const last = batches.last?.position
  return last === undefined || !isBehind(node.unit(description.unit)?.acknowledged, last)
}

const sourceName = ({ description }: HostedUnit): string => `${description.topic}[${description.partition}]`

function unreachableText(peer: PeerId, { node, now, nameOf }: StatusParts): string {
  const member = node.members().find(({ id }) => id === peer)
  if (member === undefined) return `peer ${nameOf(peer)} was never heard of`
  if (member.state === 'left') return `peer ${nameOf(peer)} left`
  return `peer ${nameOf(peer)} has been unreachable for ${seconds(now - member.lastHeardAt)}`
}

/** Two that do not hear each other must never both go on: the order is named when nobody takes it for the way out of an outage. */
function longGone(peers: readonly PeerId[], { node, now }: StatusParts): string[] {
  const members = node.document?.view.members ?? []
  const gone = node
    .members()
    .filter(({ id, lastHeardAt }) => peers.includes(id) && members.includes(id) && now - lastHeardAt >= LONG_GONE_MS)
  if (gone.length === 0) return []
  const lost = gone.map(({ id }) => `--lost ${id}`).join(' ')
  return [`bring one back, or, where their disks are gone for good: quorate force ${lost} --yes`]
}

function pollView({ position, voters, values, since }: UnitAgreement['poll'], now: number): VotesView {
  return { position, voters, results: values, waitingMs: since === undefined ? 0 : Math.round(now - since) }
}

/** Why the next cut has no certificate. */
function votes({ description }: HostedUnit, { node, now, nameOf }: StatusParts): string[] {
  const agreement = node.unit(description.unit)
  if (agreement === undefined) return []
  const { position, voters, values, since } = agreement.poll
  const place = `cut ${position.seq}.${position.part}`
  if (values > 1) return [`${place}: ${voters.length} votes for ${values} different results`]
  if (voters.length === 0 || since === undefined || now - since < PATIENCE_MS) return []
  const absent = agreement.term.members.filter((member) => !voters.includes(member)).map(nameOf)
  return [`${place}: ${voters.length} of ${agreement.term.write} votes, none from ${absent.join(', ')}`]
}

/** An open window waits for the partition's next record, or for its silence to count. */
function silence(hosted: HostedUnit, { now }: StatusParts): string[] {
  const { description, quietSince } = hosted
  const quietMs = now - quietSince
  if (quietMs < PATIENCE_MS || hosted.watermark === Number.NEGATIVE_INFINITY) return []
  const { idleAfterMs, plans } = description
  const plan = plans[hosted.course.revision] ?? plans[0]
  if (plan === undefined) return []
  const left = idleAfterMs - quietMs
  const policy =
    plan.onIdle === 'wait' || description.readsSlices
      ? ''
      : left > 0
        ? `, counts as idle in ${seconds(left)}`
        : ', counts as idle'
  const { window } = plan
  const silent = `${sourceName(hosted)} has been silent for ${seconds(quietMs)}${policy}`
  if (window === undefined || !Number.isFinite(hosted.watermark)) return [silent]
  return [`${openWindow(window, hosted.watermark)} open: ${silent}`]
}

function openWindow(window: WindowPlan, watermark: number): string {
  if (window.kind === 'calendar') return `the ${window.unit} of ${formatInstant(watermark)} in ${window.zone} is`
  if (window.kind === 'global') return 'the window of all time is'
  if (window.kind === 'session') return `sessions with records since ${formatInstant(watermark - window.gapMs)} are`
  const start = Math.floor((watermark - window.offsetMs) / window.slideMs) * window.slideMs + window.offsetMs
  return `window [${formatInstant(start)}, ${formatInstant(start + window.sizeMs)}) is`
}

const seconds = (ms: number): string => `${Math.max(1, Math.round(ms / 1000))} s`
