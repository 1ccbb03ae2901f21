/**
 * A peer in memory, for tests of what stands in front of one: three members with real keys, one job, and certificates
 * really signed by two of them. What a route asked for is recorded; `emit` sends a live event.
 */

import { certifiedVote } from '../../mesh/agreement/certificate.ts'
import { signFlush } from '../../mesh/agreement/statement.ts'
import {
  type Certificate,
  type CutContent,
  contentDigest,
  type Digest,
  GENESIS,
  generateIdentity,
  type PeerId,
  type Signer,
  unitId,
} from '../../mesh/index.ts'
import { QuorateError } from '../../src/errors.ts'
import type {
  CertificateView,
  JobSummary,
  LeaveView,
  LiveEvent,
  LostView,
  MemberView,
  PeerApi,
  StatusView,
  WindowPage,
  WindowQuery,
} from '../../src/http/api.ts'
import type { Resolution } from '../../src/replica/resolution.ts'

export const AT = '2001-01-14T00:00:00.000Z'
const UNIT = unitId('flight-delays-0123456789ab-1', 0, 0)

const STAYING: LeaveView = { state: 'staying', waitingFor: [], units: { total: 1, left: 1 } }

export class FakePeer implements PeerApi {
  readonly version = '0.1.0'
  readonly signers: readonly Signer[] = [generateIdentity(), generateIdentity(), generateIdentity()]
  readonly listeners = new Set<(event: LiveEvent) => void>()
  readonly submitted: { text: string; format: string; file?: string }[] = []
  readonly queries: WindowQuery[] = []
  jobList: JobSummary[] = [jobNamed('flight-delays')]
  readonly orders: { job: string; unit: string; order: Resolution }[] = []
  readonly removed: { peer: string; ban: boolean }[] = []
  notReady: string[] = []
  /** What it says of its leaving, one after the other; the last of them for ever. */
  leaveViews: LeaveView[] = [STAYING]
  /** Thrown by the next call that answers with a promise. */
  failure: Error | undefined
  readonly certified: readonly CertificateView[]

  constructor() {
    const first = this.certificateOf(contentAt(1, GENESIS))
    const second = this.certificateOf(contentAt(2, contentDigest(first.content)))
    this.certified = [first, second].map((certificate) => this.viewOf(certificate))
  }

  get ids(): PeerId[] {
    return this.signers.map((signer) => signer.id)
  }

  certificateOf(content: CutContent): Certificate {
    const unsigned: Certificate = { content, term: 1, signers: [] }
    const proofs = this.signers
      .slice(0, 2)
      .flatMap((signer, index) => signFlush(signer, index + 1, [certifiedVote(unsigned)]))
    return { ...unsigned, signers: proofs.sort((a, b) => (a.peer < b.peer ? -1 : 1)) }
  }

  viewOf(certificate: Certificate): CertificateView {
    return { certificate, write: 2, members: this.ids, signerNames: ['ada', 'bo'] }
  }

  emit(event: LiveEvent): void {
    for (const listener of this.listeners) listener(event)
  }

  members(): MemberView[] {
    const states = ['alive', 'alive', 'suspect'] as const
    return this.signers.map((signer, index) => ({
      id: signer.id,
      name: ['ada', 'bo', 'cy'][index]!,
      address: `ws://127.0.0.1:${7501 + index}`,
      httpAddress: `http://127.0.0.1:${7401 + index}`,
      publicKey: Buffer.from(signer.publicKey).toString('hex'),
      state: states[index]!,
      incarnation: 0,
      member: true,
      leaving: false,
      self: index === 0,
      lastHeardMs: index * 1000,
      version: '0.1.0',
    }))
  }

  ring() {
    return {
      view: 1,
      members: this.ids,
      units: [{ unit: UNIT, job: 'flight-delays', stage: 0, topic: 'flights', partition: 0, replicas: this.ids }],
    }
  }

  async status(job?: string): Promise<StatusView> {
    const unit: StatusView['units'][number] = {
      unit: UNIT,
      job: 'flight-delays',
      stage: 0,
      topic: 'flights',
      partition: 0,
      replicas: this.members().map(({ id, name, state }) => ({
        peer: id,
        name,
        alive: state === 'alive',
        stored: { seq: 2, part: 0 },
        caughtUp: true,
      })),
      term: 1,
      revision: 0,
      version: 1,
      certified: { seq: 2, part: 0 },
      computed: { seq: 3, part: 0 },
      committed: { seq: 2, part: 0 },
      offset: 1200,
      endOffset: 20_000,
      watermark: AT,
      rows: 24,
      deadLetters: 3,
      lateRecords: 1,
      openWindows: 12,
      stateBytes: 4096,
      votes: { position: { seq: 3, part: 0 }, voters: this.ids.slice(0, 1), results: 1, waitingMs: 9000 },
      state: 'waiting',
      resolvable: [],
      reasons: ['seq 3 part 0: 1 of 2 votes, peer cy unreachable for 9 s'],
    }
    return {
      cluster: 'c0ffee',
      peer: this.ids[0]!,
      name: 'ada',
      version: '0.1.0',
      view: 1,
      reasons: this.notReady,
      notices: [],
      retired: [],
      units: job === undefined || job === 'flight-delays' ? [unit] : [],
      divergences: [divergenceAt(this.ids[2]!)],
    }
  }

  leave(): LeaveView {
    if (this.failure !== undefined) throw this.failure
    return this.leaving()
  }

  leaving(): LeaveView {
    return (this.leaveViews.length > 1 ? this.leaveViews.shift() : this.leaveViews[0]) ?? STAYING
  }

  jobNames(): string[] {
    return this.jobList.map(({ name }) => name)
  }

  async jobs(): Promise<JobSummary[]> {
    return this.jobList
  }

  async submit(document: { text: string; format: 'yaml' | 'toml' | 'json'; file?: string }): Promise<JobSummary> {
    this.#fail()
    this.submitted.push(document)
    const job = jobNamed('submitted')
    this.jobList = [...this.jobList, job]
    return job
  }

  async upgradeJob(
    name: string,
    document: { text: string; format: 'yaml' | 'toml' | 'json'; file?: string },
  ): Promise<JobSummary> {
    this.#fail()
    this.submitted.push(document)
    const job = { ...jobNamed(name), revision: 1 }
    this.jobList = [...this.jobList.filter((other) => other.name !== name), job]
    return job
  }

  async deleteJob(name: string): Promise<void> {
    this.#fail()
    if (!this.jobList.some((job) => job.name === name)) throw new QuorateError('QRT_JOB_UNKNOWN', `no job "${name}"`)
    this.jobList = this.jobList.filter((job) => job.name !== name)
  }

  pauseJob(name: string): Promise<JobSummary> {
    return this.#setState(name, 'paused')
  }

  resumeJob(name: string): Promise<JobSummary> {
    return this.#setState(name, 'running')
  }

  async #setState(name: string, state: JobSummary['state']): Promise<JobSummary> {
    this.#fail()
    const job = this.jobList.find((candidate) => candidate.name === name)
    if (job === undefined) throw new QuorateError('QRT_JOB_UNKNOWN', `no job "${name}"`)
    this.jobList = this.jobList.map((candidate) => (candidate === job ? { ...job, state } : candidate))
    return { ...job, state }
  }

  async resolveUnit(job: string, unit: string, order: Resolution): Promise<void> {
    this.#fail()
    this.orders.push({ job, unit, order })
  }

  async removeMember(peer: string, ban: boolean): Promise<void> {
    this.#fail()
    this.removed.push({ peer, ban })
  }

  async loseMembers(peers: readonly string[]): Promise<LostView> {
    this.#fail()
    return { lost: peers as PeerId[], forced: true }
  }

  async windows(query: WindowQuery): Promise<WindowPage> {
    this.#fail()
    this.queries.push(query)
    const row = (key: string, certificate: number, flights: unknown) => ({
      window: { start: AT, end: '2001-01-15T00:00:00.000Z' },
      key,
      values: { flights, meanDelay: 7.5 },
      revision: 0,
      final: true,
      certified: true,
      unit: UNIT,
      certificate,
    })
    if (query.cursor === undefined && query.limit === 1) {
      return { rows: [row('ORD', 0, 12)], certificates: [this.certified[0]!], next: 'page-2', mayBeStale: false }
    }
    if (query.cursor !== undefined) {
      return { rows: [row('SFO', 0, 9_007_199_254_740_993n)], certificates: [this.certified[1]!], mayBeStale: false }
    }
    return {
      rows: [row('ORD', 0, 12), row('SFO', 1, 9_007_199_254_740_993n)],
      certificates: this.certified,
      mayBeStale: false,
    }
  }

  async deadLetters() {
    this.#fail()
    return { rows: [{ topic: 'flights', partition: 0, offset: 7, code: 'not-json' }] }
  }

  async certificates() {
    this.#fail()
    return { certificates: this.certified }
  }

  async metrics(): Promise<string> {
    return 'quorate_certificates_total 2\n'
  }

  ready() {
    return { ready: this.notReady.length === 0, reasons: this.notReady }
  }

  subscribe(listener: (event: LiveEvent) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  #fail(): void {
    if (this.failure !== undefined) throw this.failure
  }
}

export function contentAt(seq: number, parent: Digest): CutContent {
  return {
    cluster: 'c0ffee',
    unit: UNIT,
    seq,
    part: 0,
    last: true,
    offset: seq * 100,
    counts: { in: 100, late: 0, dead: 0 },
    parent,
    inDigest: 'a'.repeat(64) as Digest,
    outDigest: 'b'.repeat(64) as Digest,
  }
}

export function jobNamed(name: string): JobSummary {
  return {
    name,
    generation: `${name}-0123456789ab-1`,
    revision: 0,
    submittedAt: AT,
    sources: ['flights'],
    sinks: ['kafka:flight-delays'],
    quorum: { replicas: 3, write: 2, read: 2, allowForks: false },
    stages: 1,
    units: 1,
    state: 'running',
    document: `name: ${name}\n`,
    format: 'yaml',
    graph: [
      { id: 'source', kind: 'source', name: 'flights', partitions: 1, to: ['stage-0'] },
      {
        id: 'stage-0',
        kind: 'stage',
        name: 'stage 0',
        partitions: 1,
        steps: [{ step: 'window', text: 'tumbling 1d' }],
        window: { sizeMs: 86_400_000, slideMs: 86_400_000, allowedLatenessMs: 0 },
        to: ['kafka:flight-delays'],
      },
      { id: 'kafka:flight-delays', kind: 'sink', name: 'kafka:flight-delays', to: [] },
    ],
  }
}

export function certifiedEvent(seq: number): LiveEvent {
  return {
    kind: 'certified',
    at: AT,
    unit: UNIT,
    job: 'flight-delays',
    position: { seq, part: 0 },
    rows: 3,
    counts: { in: 100, late: 0, dead: 0 },
    signers: ['ada', 'bo'],
  }
}

function divergenceAt(peer: PeerId): StatusView['divergences'][number] {
  return {
    at: AT,
    peer,
    name: 'cy',
    unit: UNIT,
    position: { seq: 1, part: 0 },
    offset: 100,
    cause: 'computation',
    repaired: true,
  }
}
