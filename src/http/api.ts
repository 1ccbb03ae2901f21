/**
 * What the HTTP API (and so the CLI and the dashboard) asks of a peer. Any peer answers any request: the implementation
 * forwards or gathers where needed. Errors are QuorateError or MeshError with their stable codes. Times are ISO 8601, UTC.
 */
import type { Certificate, CutPosition, PeerId } from '../../mesh/index.ts'
import type { Resolution } from '../replica/resolution.ts'

export interface MemberView {
  readonly id: PeerId
  readonly name: string
  readonly address: string
  readonly httpAddress: string
  /** Raw Ed25519 public key, hex. */
  readonly publicKey: string
  readonly state: 'alive' | 'suspect' | 'dead' | 'left'
  readonly incarnation: number
  /** In the view that places units. */
  readonly member: boolean
  /** It was asked to leave, and goes on until others hold what it holds. */
  readonly leaving: boolean
  readonly self: boolean
  /** Milliseconds since this peer last heard of it. */
  readonly lastHeardMs: number
  readonly version: string
}

export interface LostView {
  readonly lost: readonly PeerId[]
  /** No majority was left: the peer that was asked went on alone, and the others follow it. */
  readonly forced: boolean
}

/** How far a peer has come that was asked to leave. */
export interface LeaveView {
  /** `left`: the cluster needs nothing of it any more, and its process is about to end. */
  readonly state: 'staying' | 'leaving' | 'left'
  /** Sentences; empty unless it is leaving. */
  readonly waitingFor: readonly string[]
  /** Units that it held, and those of them that others do not hold yet. */
  readonly units: { readonly total: number; readonly left: number }
}

export interface RingView {
  readonly view: number
  readonly members: readonly PeerId[]
  readonly units: readonly {
    readonly unit: string
    readonly job: string
    readonly stage: number
    /** What it reads: a source, or the internal topic before its stage. */
    readonly topic: string
    readonly partition: number
    readonly replicas: readonly PeerId[]
  }[]
}

export interface JobSummary {
  readonly name: string
  readonly generation: string
  /** How often it was upgraded, or went on with more partitions of a source. */
  readonly revision: number
  readonly submittedAt: string
  /** Topics. */
  readonly sources: readonly string[]
  readonly sinks: readonly string[]
  readonly quorum: {
    readonly replicas: number
    readonly write: number
    readonly read: number
    readonly allowForks: boolean
  }
  readonly stages: number
  readonly units: number
  readonly state: 'running' | 'paused' | 'degraded' | 'stalled' | 'halted' | 'finished'
  /** It was stopped for good, and why; absent: it was not. */
  readonly stopped?: { readonly code: string; readonly message: string }
  /** The document as submitted (no secrets can be in it). */
  readonly document: string
  readonly format: 'yaml' | 'toml' | 'json'
  readonly graph: readonly GraphNode[]
}

/** One thing that records pass through; `to` holds the ids of those that come next. */
export interface GraphNode {
  readonly id: string
  readonly kind: 'source' | 'stage' | 'shuffle' | 'sink' | 'deadLetters'
  readonly name: string
  /** Of a topic; of a stage, its units. */
  readonly partitions?: number
  /** What a stage does, or what is done for one source only, in order. */
  readonly steps?: readonly { readonly step: string; readonly text: string }[]
  readonly window?: {
    /** Of a session its gap, of a calendar the longest. */
    readonly sizeMs: number
    /** Absent: windows do not come at fixed steps. */
    readonly slideMs?: number
    readonly allowedLatenessMs: number
  }
  readonly to: readonly string[]
}

/** Votes on the cut after the last certified one. */
export interface VotesView {
  readonly position: CutPosition
  readonly voters: readonly PeerId[]
  /** How many different results they are for. */
  readonly results: number
  /** Since the first of them. */
  readonly waitingMs: number
}

/** One replica of a unit, as the peer that answers has last heard of it. */
export interface ReplicaView {
  readonly peer: PeerId
  readonly name: string
  readonly alive: boolean
  /** Everything that is certified up to here is on its disk. */
  readonly stored?: CutPosition
  /** It has computed all that is certified. */
  readonly caughtUp: boolean
}

export interface UnitStatus {
  readonly unit: string
  readonly job: string
  readonly stage: number
  /** What it reads: a source, or the internal topic before its stage. */
  readonly topic: string
  readonly partition: number
  readonly replicas: readonly ReplicaView[]
  readonly term: number
  /** Which revision of its job it computes by. */
  readonly revision: number
  /** Determinism version that it computes in; absent where no replica answers. */
  readonly version?: number
  /** Last position certified here; absent before the first. */
  readonly certified?: CutPosition
  /** Last position that this peer computed. */
  readonly computed?: CutPosition
  /** Last position known to be at every sink. */
  readonly committed?: CutPosition
  readonly offset: number
  readonly endOffset: number
  /** ISO 8601, absent before the first record. */
  readonly watermark?: string
  /** Certified rows that the replica holds, dead letters among its results, and records that came too late. */
  readonly rows: number
  readonly deadLetters: number
  readonly lateRecords: number
  /** Windows that records may still change, one for each key; without windows, what steps keep of keys. */
  readonly openWindows: number
  /** Of the operators, approximately. */
  readonly stateBytes: number
  /** Absent where no replica answers. */
  readonly votes?: VotesView
  readonly state:
    | 'running'
    | 'catching-up'
    | 'taking-over'
    | 'paused'
    | 'waiting'
    | 'degraded'
    | 'stalled'
    | 'halted'
    | 'finished'
    | 'diverged'
  /** Orders that would bring it on now; it waits for an operator while there are any. */
  readonly resolvable: readonly Resolution[]
  /** Sentences that answer "why is there no result". */
  readonly reasons: readonly string[]
}

export interface DivergenceView {
  readonly at: string
  readonly peer: PeerId
  readonly name: string
  readonly unit: string
  readonly position: CutPosition
  readonly offset: number
  readonly cause: 'input' | 'computation'
  readonly repaired: boolean
}

export interface StatusView {
  readonly cluster: string | undefined
  readonly peer: PeerId
  readonly name: string
  readonly version: string
  readonly view: number
  /** Why this peer is not ready; empty when it is. */
  readonly reasons: readonly string[]
  /** Sentences about members: who is leaving, which identity was replaced or removed. */
  readonly notices: readonly string[]
  /** Identities that were replaced or removed for good, the latest last. */
  readonly retired: readonly PeerId[]
  readonly units: readonly UnitStatus[]
  readonly divergences: readonly DivergenceView[]
}

export interface WindowQuery {
  readonly job: string
  /** A JSON value; absent: all keys. */
  readonly key?: unknown
  /** Only windows with end > from and start < to, epoch milliseconds. */
  readonly from?: number
  readonly to?: number
  /** Also windows that are still open, marked `certified: false`. */
  readonly open?: boolean
  /** Where fewer than R replicas answer, what the newest of them has, marked `mayBeStale`; else that is an error. */
  readonly stale?: boolean
  /** At most this many rows; default 100, at most 1,000. */
  readonly limit: number
  readonly cursor?: string
}

export interface WindowRow {
  readonly window: { readonly start: string; readonly end: string }
  readonly key: unknown
  /** Aggregates by name. Integers beyond 2^53 are strings of digits in JSON output. */
  readonly values: Readonly<Record<string, unknown>>
  readonly revision: number
  readonly final: boolean
  readonly certified: boolean
  readonly unit: string
  /** The cut whose certificate proves the row; index into `certificates`. */
  readonly certificate?: number
}

export interface WindowPage {
  readonly rows: readonly WindowRow[]
  readonly certificates: readonly CertificateView[]
  readonly next?: string
  /** R + W > N and R + majority > N do not both hold, or fewer than R replicas answered in full. */
  readonly mayBeStale: boolean
}

/** A certificate with what is needed to check it offline, given the members' public keys. */
export interface CertificateView {
  readonly certificate: Certificate
  readonly write: number
  readonly members: readonly PeerId[]
  readonly signerNames: readonly string[]
}

export type LiveEvent =
  | {
      readonly kind: 'certified'
      readonly at: string
      readonly unit: string
      readonly job: string
      readonly position: CutPosition
      readonly rows: number
      /** Records of the whole cut, the same in each of its parts. */
      readonly counts: { readonly in: number; readonly late: number; readonly dead: number }
      readonly signers: readonly string[]
    }
  | {
      readonly kind: 'committed'
      readonly at: string
      readonly unit: string
      readonly job: string
      readonly position: CutPosition
      readonly sink: string
    }
  | {
      readonly kind: 'member'
      readonly at: string
      readonly peer: PeerId
      readonly name: string
      readonly state: string
    }
  | { readonly kind: 'diverged'; readonly at: string; readonly divergence: DivergenceView }
  | { readonly kind: 'job'; readonly at: string; readonly job: string; readonly change: JobChange }

type JobChange = 'submitted' | 'paused' | 'resumed' | 'stopped' | 'deleted'

export interface PeerApi {
  readonly version: string
  members(): readonly MemberView[]
  ring(): RingView
  /** Units that this peer does not replicate are asked for. */
  status(job?: string): Promise<StatusView>
  jobNames(): readonly string[]
  jobs(): Promise<readonly JobSummary[]>
  /** Text as posted, with its media type's format; errors carry pointer, line and column (JobInvalidError). */
  submit(document: { text: string; format: 'yaml' | 'toml' | 'json'; file?: string }): Promise<JobSummary>
  upgradeJob(
    name: string,
    document: { text: string; format: 'yaml' | 'toml' | 'json'; file?: string },
  ): Promise<JobSummary>
  deleteJob(name: string): Promise<void>
  /** Replicas stop to take records, or go on; when they do so already, nothing changes. */
  pauseJob(name: string): Promise<JobSummary>
  resumeJob(name: string): Promise<JobSummary>
  /**
   * An operator's word on what a unit cannot decide by itself.
   * @param unit `STAGE:PARTITION`, or the partition alone where there is one stage
   */
  resolveUnit(job: string, unit: string, order: Resolution): Promise<void>
  /** @param ban its identity does not come back */
  removeMember(peer: string, ban: boolean): Promise<void>
  /** Goes on without members that are gone for good, disks and all; what only they knew is given up. */
  loseMembers(peers: readonly string[]): Promise<LostView>
  /** Asks this peer out of the cluster; again: nothing more. */
  leave(): LeaveView
  leaving(): LeaveView
  windows(query: WindowQuery): Promise<WindowPage>
  deadLetters(query: {
    job: string
    limit: number
    cursor?: string
  }): Promise<{ rows: readonly unknown[]; next?: string }>
  /** Certificates of a job's cuts in (unit, position) order; of units that are not here, from a replica that answers. */
  certificates(query: {
    job: string
    limit: number
    cursor?: string
  }): Promise<{ certificates: readonly CertificateView[]; next?: string }>
  /** Prometheus text exposition. */
  metrics(): Promise<string>
  ready(): { ready: boolean; reasons: readonly string[] }
  /** Live events from now on; the returned function unsubscribes. */
  subscribe(listener: (event: LiveEvent) => void): () => void
}
