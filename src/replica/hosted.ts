/** One unit at this peer as the main thread knows it: for its host, for status, for reads and commits. */
import type { CutPosition, PeerId, Term, UnitId } from '../../mesh/index.ts'
import type { StagePlan } from '../../operators/index.ts'
import type { UnitOrigin } from '../job/origin.ts'
import { BatchIndex } from './batch.ts'
import type { Handoff } from './handoff.ts'
import type { WorkerReport } from './protocol.ts'
import { type Course, FRESH } from './snapshots.ts'
import { Trouble } from './trouble.ts'
import type { PlacedDecision } from './unit-replica.ts'

/** What a unit is, from its job. */
export interface UnitDescription {
  readonly unit: UnitId
  /** What its results name: the first cluster that the job ran in. */
  readonly cluster: string
  /** Where it goes on from, when its job was restored, with the number of clusters before. */
  readonly origin: (UnitOrigin & { readonly restored: number }) | undefined
  readonly job: string
  readonly generation: string
  /** Of its stage, by the job's revisions: the first one that was submitted, and what it was upgraded to. */
  readonly plans: readonly StagePlan[]
  /** What it reads. */
  readonly topic: string
  readonly partition: number
  readonly startOffset: number
  readonly endOffset: number | undefined
  /** Of a unit that reads a source. */
  readonly idleAfterMs: number
  readonly maxCutAgeMs: number
  /** Of its first term, with the view that chose them. */
  readonly members: readonly PeerId[]
  readonly view: number
  /** N, W. */
  readonly replicas: number
  readonly write: number
  /** Reads the certified slices of the stage before. */
  readonly readsSlices: boolean
  /** How long results are kept for queries once they are at every sink; -1: for ever. */
  readonly retentionMs: number
}

export type ComputedReport = WorkerReport & { readonly kind: 'cut' }

export interface Halt {
  readonly code: string
  readonly message: string
}

/** Who should hold a unit, by a view. */
export interface Target {
  readonly view: number
  readonly members: readonly PeerId[]
}

/** A snapshot on disk: where replays can begin. */
export interface SnapshotPlace {
  readonly position: CutPosition
  readonly offset: number
  readonly course: Course
}

/** What a unit's members were told to bring about. */
export interface Orders {
  /** Take nothing until told otherwise. */
  readonly paused: boolean
  /** It is paused for good, and why. */
  readonly stopped?: Halt
}

const NO_ORDERS: Orders = { paused: false }

export class HostedUnit {
  description: UnitDescription
  readonly batches = new BatchIndex()
  target: Target | undefined
  /** The latest ones, in order. */
  snapshots: SnapshotPlace[] = []
  orders: Orders = NO_ORDERS
  readonly trouble = new Trouble()
  /** Monotonic: since when as many of the target as are needed could take over. */
  readySince: number | undefined
  epoch = 0
  /** Every decision so far. */
  decisions: PlacedDecision[] = []
  /** Cuts computed and waiting for their certificate, by position. */
  readonly waiting = new Map<string, ComputedReport>()
  /** `joining`: takes over from other peers what it lacks. */
  state: 'opening' | 'joining' | 'running' | 'halted' = 'opening'
  halt: Halt | undefined
  /** What it takes over, while it does. */
  handoff: Handoff | undefined
  /** It takes records one by one, in a thread that nobody else depends on. */
  careful = false
  /** What is on this disk of it is known: others can be given that, also while the replica itself waits to start again. */
  loaded = false
  /** Its present members hold all that this peer has of it. */
  released = false
  /** The latest term that this peer was told to be a member of, by others, while it did not have the unit. */
  namedIn = 0
  /** What cannot be read on this disk: certificates after a place, and batches that are not among `batches`. */
  damage: { readonly intact: CutPosition | undefined } | undefined
  /** What this disk had before some of it was damaged: others count on finding it here. */
  owes: CutPosition | undefined
  /** Times that it took over from others. */
  joins = 0
  /** Certified results up to here that it looks for, since they cannot be computed any more, and who has not answered. */
  missing: { readonly upTo: CutPosition; readonly silent: readonly PeerId[] } | undefined
  /** Certified results up to here that no member holds, and that cannot be computed again: they are given up with a gap. */
  lostUpTo: CutPosition | undefined
  /** Set while restored from a divergence, until the position is matched. */
  repairing: CutPosition | undefined
  offset: number
  endOffset = 0
  /** Of what was computed; Infinity after the end of a bounded input. */
  watermark = Number.NEGATIVE_INFINITY
  stateBytes = 0
  /** One for each key. */
  openWindows = 0
  blocked = false
  /** Monotonic: when something to emit began to wait. */
  pendingSince: number | undefined
  /** Monotonic: since when something is computed and not certified, counted from the last certificate. */
  uncertifiedSince: number | undefined
  /** Monotonic: when a record was last taken, or the replica started. */
  quietSince: number
  idleOffset: number | undefined
  endReached: number | undefined
  /** The last position certified here that the worker has not been given room for yet. */
  settled: CutPosition | undefined

  #course:
    | {
        readonly from: Course
        readonly decisions: readonly PlacedDecision[]
        readonly count: number
        readonly course: Course
      }
    | undefined

  constructor(description: UnitDescription, now: number) {
    this.description = description
    this.offset = description.startOffset
    this.quietSince = now
  }

  /** What decisions have made of the unit so far. Asked for in each tick, and made when a decision or a snapshot came. */
  get course(): Course {
    const { decisions, snapshots } = this
    const from = snapshots[0]?.course ?? FRESH
    const known = this.#course
    if (known?.from === from && known.decisions === decisions && known.count === decisions.length) return known.course
    const course = this.#courseAfter(from)
    this.#course = { from, decisions, count: decisions.length, course }
    return course
  }

  #courseAfter(from: Course): Course {
    const course = { ...from }
    for (const { term, kind, value } of this.decisions) {
      if (term <= course.applied) continue
      course.applied = term
      if (kind === 'pause') course.paused = true
      if (kind === 'resume') course.paused = false
      if (kind === 'version') course.version = value ?? course.version
      if (kind === 'revision') course.revision = value ?? course.revision
      if (kind === 'final') course.finished = true
    }
    return course
  }

  /** Where it may have to read again: its older snapshot, or where it began; undefined while it takes over from others. */
  get needed(): number | undefined {
    if (this.state === 'opening' || this.state === 'joining') return undefined
    const [oldest] = this.snapshots.length > 1 ? this.snapshots : []
    return oldest?.offset ?? this.description.startOffset
  }

  /**
   * Neither the term nor the view has the unit at this peer, and those who have it need nothing of it any more.
   * @param term the latest that this peer has, which may be behind the one that it was told to be a member of
   */
  isReleased(term: Term, self: PeerId): boolean {
    const named = term.members.includes(self) || term.number < this.namedIn
    return this.released && !named && this.target?.members.includes(self) !== true
  }

  /** The end of a bounded input was reached, and everything up to it is certified here. */
  get finished(): boolean {
    return this.state === 'running' && this.watermark === Number.POSITIVE_INFINITY && this.waiting.size === 0
  }
}

export const placeName = (position: CutPosition): string => `${position.seq}/${position.part}`
