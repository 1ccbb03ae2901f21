/**
 * The API of a peer: what HTTP, the command line and the dashboard ask for, answered from this peer or, where that is
 * elsewhere, from others.
 */
import { type JobEntry, MeshError, type PeerId, type UnitId, type Wire } from '../../mesh/index.ts'
import type { SinkPlan } from '../commit/sink.ts'
import { sinkName } from '../commit/thread.ts'
import { QuorateError } from '../errors.ts'
import type {
  JobSummary,
  LeaveView,
  LiveEvent,
  LostView,
  MemberView,
  PeerApi,
  RingView,
  StatusView,
  UnitStatus,
  WindowPage,
  WindowQuery,
} from '../http/api.ts'
import type { Resolution } from '../replica/resolution.ts'
import { sameMembers } from '../replica/wishes.ts'
import { jobGraph } from './graph.ts'
import type { Job, PlacedUnit } from './jobs.ts'
import { noticesOf } from './notices.ts'
import type { Observer } from './observer.ts'
import { Operations } from './operations.ts'
import type { Peer } from './peer.ts'
import { Queries } from './queries.ts'
import { Replicas } from './replicas.ts'
import type { PeerRequest } from './requests.ts'
import type { DocumentText, Submissions } from './submissions.ts'
import { Unanswered } from './unanswered.ts'
import { Windows } from './windows.ts'

const ASK_TIMEOUT_MS = 1_000
const CHANGE_TIMEOUT_MS = 10_000

export interface FrontOptions {
  readonly peer: Peer
  readonly submissions: Submissions
  readonly observer: Observer
  /** In the text format of Prometheus. */
  readonly metrics: () => Promise<string>
  readonly name: string
  readonly version: string
  /** Monotonic. */
  readonly now: () => number
}

export class Front implements PeerApi {
  readonly version: string
  readonly #options: FrontOptions
  readonly #queries: Queries
  readonly #windows: Windows
  readonly #operations: Operations
  readonly #unanswered = new Unanswered()

  constructor(options: FrontOptions) {
    const { peer } = options
    this.version = options.version
    this.#options = options
    const replicas = new Replicas(peer.node, (request) => peer.answers.answer(request as unknown as Wire))
    const queries = new Queries(replicas, (id) => peer.nameOf(id))
    this.#queries = queries
    this.#operations = new Operations(peer, replicas)
    this.#windows = new Windows({
      reader: peer.reader,
      replicas,
      view: (certificate, unit) => queries.view(certificate, unit),
    })
  }

  members(): readonly MemberView[] {
    const { peer, now } = this.#options
    const view = peer.node.document?.view.members ?? []
    return peer.node.members().map((member) => {
      const self = member.id === peer.node.self
      return {
        id: member.id,
        name: member.name,
        address: member.address,
        httpAddress: member.httpAddress,
        publicKey: Buffer.from(member.publicKey).toString('hex'),
        state: member.state,
        incarnation: member.incarnation,
        member: view.includes(member.id),
        leaving: peer.node.leaving.has(member.id),
        self,
        lastHeardMs: self ? 0 : Math.max(0, Math.round(now() - member.lastHeardAt)),
        version: member.version,
      }
    })
  }

  ring(): RingView {
    const { node, jobs } = this.#options.peer
    const view = node.document?.view
    return {
      view: view?.number ?? 0,
      members: view?.members ?? [],
      units: jobs.all.flatMap(({ units }) =>
        units.map(({ description, stage }) => ({
          unit: description.unit,
          job: description.job,
          stage,
          topic: description.topic,
          partition: description.partition,
          replicas: this.#membersOf(description),
        })),
      ),
    }
  }

  async status(job?: string): Promise<StatusView> {
    const { peer, name, version, now } = this.#options
    const { node } = peer
    const jobs = peer.jobs.all.filter(({ entry }) => job === undefined || entry.name === job)
    const units = await Promise.all(jobs.flatMap(({ units }) => units.map((unit) => this.#unitStatus(unit))))
    // Of units that are not here, this is how the end of a divergence is heard.
    for (const { unit, replicas } of units) {
      for (const { peer: id, stored, caughtUp } of replicas) {
        if (caughtUp && stored !== undefined) peer.divergences.caughtUp(unit as UnitId, id, stored, now())
      }
    }
    return {
      cluster: node.document?.cluster,
      peer: node.self,
      name,
      version,
      view: node.document?.view.number ?? 0,
      reasons: this.ready().reasons,
      notices: noticesOf(node),
      retired: node.document?.banned ?? [],
      units,
      divergences: peer.divergences.all
        .filter(({ unit }) => job === undefined || peer.jobs.ofUnit(unit)?.job.entry.name === job)
        .map((divergence) => ({ ...divergence, name: peer.nameOf(divergence.peer) })),
    }
  }

  jobNames(): readonly string[] {
    return this.#options.peer.jobs.all.map(({ entry }) => entry.name)
  }

  async jobs(): Promise<readonly JobSummary[]> {
    const { all } = this.#options.peer.jobs
    this.#unanswered.keep(new Set(all.flatMap(({ units }) => units.map(({ description }) => description.unit))))
    return Promise.all(all.map((job) => this.#summary(job)))
  }

  async upgradeJob(name: string, document: DocumentText): Promise<JobSummary> {
    return this.#summary(await this.#options.submissions.upgrade(this.#job(name), document, CHANGE_TIMEOUT_MS))
  }

  async submit(document: DocumentText): Promise<JobSummary> {
    return this.#summary(await this.#options.submissions.submit(document, CHANGE_TIMEOUT_MS))
  }

  async deleteJob(name: string): Promise<void> {
    await this.#options.submissions.delete(this.#job(name), CHANGE_TIMEOUT_MS)
  }

  async pauseJob(name: string): Promise<JobSummary> {
    await this.#operations.setState(this.#job(name), 'paused', CHANGE_TIMEOUT_MS)
    return this.#summary(this.#job(name))
  }

  async resumeJob(name: string): Promise<JobSummary> {
    await this.#operations.setState(this.#job(name), 'running', CHANGE_TIMEOUT_MS)
    return this.#summary(this.#job(name))
  }

  resolveUnit(job: string, unit: string, order: Resolution): Promise<void> {
    return this.#operations.resolve(this.#job(job), unit, order)
  }

  removeMember(peer: string, ban: boolean): Promise<void> {
    return this.#operations.remove(peer, ban, CHANGE_TIMEOUT_MS)
  }

  loseMembers(peers: readonly string[]): Promise<LostView> {
    return this.#operations.lose(peers, CHANGE_TIMEOUT_MS)
  }

  leave(): LeaveView {
    const { leaving } = this.#options.peer
    if (!leaving.begun) leaving.check()
    leaving.begin()
    return leaving.view
  }

  leaving(): LeaveView {
    return this.#options.peer.leaving.view
  }

  windows(query: WindowQuery): Promise<WindowPage> {
    return this.#windows.page(this.#job(query.job), query)
  }

  async deadLetters({ job, limit, cursor }: { job: string; limit: number; cursor?: string }) {
    const { items, ...next } = await this.#queries.deadLetters(this.#job(job), limit, cursor)
    return { rows: items, ...next }
  }

  async certificates({ job, limit, cursor }: { job: string; limit: number; cursor?: string }) {
    const { items, ...next } = await this.#queries.certificates(this.#job(job), limit, cursor)
    return { certificates: items, ...next }
  }

  metrics(): Promise<string> {
    return this.#options.metrics()
  }

  ready() {
    const { peer } = this.#options
    const reasons: string[] = []
    const { waitingFor } = peer.node
    if (waitingFor !== undefined) reasons.push(waitingFor)
    if (peer.leaving.begun) reasons.push('it is leaving the cluster')
    if (peer.outage !== undefined) reasons.push(`the log cannot be read: ${peer.outage}`)
    return { ready: reasons.length === 0, reasons }
  }

  subscribe(listener: (event: LiveEvent) => void): () => void {
    return this.#options.observer.subscribe(listener)
  }

  #job(name: string): Job {
    const job = this.#options.peer.jobs.named(name)
    if (job !== undefined) return job
    throw new QuorateError('QRT_JOB_UNKNOWN', `there is no job "${name}"`)
  }

  async #summary(job: Job): Promise<JobSummary> {
    const { entry, body, units } = job
    const { sources, sinks, quorum, stages } = body.compiled
    const statuses = await Promise.all(units.map((unit) => this.#unitStatus(unit)))
    return {
      name: entry.name,
      generation: entry.generation,
      revision: entry.earlier.length,
      submittedAt: body.submittedAt,
      sources: sources.map(({ topic }) => topic),
      sinks: sinks.map((sink: SinkPlan) => sinkName(sink)),
      quorum,
      stages: stages.length,
      units: units.length,
      state: jobState(entry, statuses),
      ...(entry.stopped === undefined ? {} : { stopped: entry.stopped }),
      document: body.document.text,
      format: body.document.format,
      graph: jobGraph(body.compiled),
    }
  }

  /** From here, or from a replica that answers; what can be said without either, otherwise. */
  async #unitStatus(unit: PlacedUnit): Promise<UnitStatus> {
    const { peer, now } = this.#options
    const { description } = unit
    const request: PeerRequest = { q: 'status', unit: description.unit, limit: 1 }
    const answered = (answer: unknown): UnitStatus => {
      this.#unanswered.answered(description.unit)
      return answer as UnitStatus
    }
    if (peer.host.units.has(description.unit)) {
      return answered(await peer.answers.answer(request as unknown as Wire))
    }
    const alive = peer.node.alive()
    const members = this.#membersOf(description)
    const reached = members.filter((id) => alive.has(id))
    for (const member of reached) {
      try {
        return answered(await peer.node.request(member, request as unknown as Wire, ASK_TIMEOUT_MS))
      } catch (error) {
        // The next replica may know; that none did is said below.
        if (!(error instanceof MeshError)) throw error
      }
    }
    return {
      unit: description.unit,
      job: description.job,
      stage: unit.stage,
      topic: description.topic,
      partition: description.partition,
      replicas: members.map((id) => ({ peer: id, name: peer.nameOf(id), alive: alive.has(id), caughtUp: false })),
      term: 0,
      revision: 0,
      offset: 0,
      endOffset: 0,
      rows: 0,
      deadLetters: 0,
      lateRecords: 0,
      openWindows: 0,
      stateBytes: 0,
      resolvable: [],
      ...this.#unanswered.stateOf({ unit: description.unit, alive: reached.length, write: description.write }, now()),
    }
  }

  /** In one order on every peer, whether it knows the unit's term or has only heard who its members are. */
  #membersOf({ unit, members }: PlacedUnit['description']): readonly PeerId[] {
    const known = this.#options.peer.node.membersOf(unit)
    return known.length === 0 || sameMembers(known, members) ? members : [...known].sort()
  }
}

/** The worst that can be said of any of its units, with what its operator wants of all of them. */
function jobState({ state, stopped }: JobEntry, units: readonly UnitStatus[]): JobSummary['state'] {
  const has = (state: UnitStatus['state']) => units.some((unit) => unit.state === state)
  if (has('halted') || stopped !== undefined) return 'halted'
  if (has('stalled')) return 'stalled'
  if (state === 'paused') return 'paused'
  if (has('degraded')) return 'degraded'
  return units.length > 0 && units.every(({ state }) => state === 'finished') ? 'finished' : 'running'
}
