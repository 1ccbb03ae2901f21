/**
 * How a replica comes to run and to run again: from disk, from what other peers hand over, back to a snapshot after a
 * divergence, a crash of its worker, or a decision that it had run past. Each start has an epoch of its own, so what an
 * earlier one still says is told apart.
 */
import {
  type CutPosition,
  furthest,
  isBehind,
  type MeshNode,
  planted,
  type Term,
  type UnitId,
} from '../../mesh/index.ts'
import { HOST_TIMING } from '../limits.ts'
import type { Store } from '../store/store.ts'
import { beginningOf, placed } from './beginning.ts'
import type { Halt, HostedUnit } from './hosted.ts'
import { type CheckpointGiver, Joining } from './joining.ts'
import { loadUnit } from './loading.ts'
import type { SliceTrust, WorkerCommand } from './protocol.ts'
import { type Course, type StoredSnapshot, storedSnapshots } from './snapshots.ts'
import type { PlacedDecision, ReplicaStart } from './unit-replica.ts'

/** The main thread's end of a replica worker. */
export interface WorkerPort {
  post(command: WorkerCommand): void
}

export interface RunsOptions {
  readonly node: MeshNode
  readonly store: Store
  readonly now: () => number
  readonly after: (delayMs: number, action: () => void) => void
  /** `careful`: in a thread of its own, since a record that it takes may end it. */
  readonly worker: (unit: UnitId, careful: boolean) => WorkerPort
  /** The unit's place in a worker is free. */
  readonly released: (unit: UnitId) => void
  readonly trust: (unit: UnitId) => readonly SliceTrust[]
  /** What a restored unit goes on from, where no other peer has it. */
  readonly checkpoint: CheckpointGiver
  /** The unit is (still) here. */
  readonly hosts: (hosted: HostedUnit) => boolean
  readonly onHalt: (unit: UnitId, halt: Halt) => void
}

/** Whoever told of more may have had it from a peer that is not there any more. */
const BEHIND_TRIES = 10
/** More than a worker has fetched and said nothing about. */
const CAREFUL_RECORDS = 100_000
const RESCUE_TRIES = 3
/** Before the first cut: any snapshot lies after it. */
const NOWHERE: CutPosition = { seq: 0, part: 0 }

export class Runs {
  readonly #options: RunsOptions
  readonly #joining: Joining

  constructor(options: RunsOptions) {
    const { node, now, after, hosts, checkpoint } = options
    this.#options = options
    this.#joining = new Joining({
      node,
      now,
      after,
      checkpoint,
      wanted: (hosted) => hosts(hosted) && hosted.state === 'joining',
      onJoined: (hosted) => this.#reopen(hosted),
      onFailure: (hosted, error) => this.halt(hosted, { code: 'QRT_STORE_FAILED', message: String(error) }),
    })
  }

  /** From this disk; what is not on it, from other peers. */
  async load(hosted: HostedUnit): Promise<void> {
    const { node, store, now, hosts } = this.#options
    const { unit } = hosted.description
    // Its agreement says so anew: the terms that it goes on with may be others.
    hosted.released = false
    // What its agreement promised or voted for before it was closed may still be on its way there.
    await node.durable()
    const loaded = await loadUnit(hosted, node, store, now)
    if (loaded === undefined) return
    if (!hosts(hosted)) {
      // It was closed while it was read.
      node.closeUnit(unit)
      return
    }
    const { opened, snapshots, incomplete } = loaded
    hosted.loaded = true
    // By now: a term may have come while the disk was read.
    const terms = node.unit(unit)?.terms ?? opened.terms
    hosted.decisions = (planted('terms-skipped') ? [opened.term] : terms).flatMap(placed)
    const empty = snapshots.length === 0
    const learns = empty && !opened.term.members.includes(node.self)
    // Restored from a checkpoint: its state is there, or has been taken over by others already.
    const restores = empty && hosted.description.origin?.checkpoint !== undefined
    if (incomplete || restores || (learns && hosted.joins === 0)) {
      this.#join(hosted, undefined)
      return
    }
    const { last } = hosted.batches
    if (last !== undefined) {
      node.drive(unit, (agreement) => agreement.stored(last.position))
      // It answers no read before it counts as stored.
      await node.durable()
      if (!hosts(hosted)) return
    }
    this.#begin(hosted, snapshots)
  }

  /** Back to the last certified snapshot, and forward again under every decision. */
  rewind(hosted: HostedUnit): void {
    // One that takes over what is missing begins anew by itself, and not before it has that.
    if (!this.#options.hosts(hosted) || hosted.state === 'joining') return
    this.#stop(hosted, 'opening')
    const { epoch } = hosted
    const { node, store } = this.#options
    // A snapshot that was taken just now may still be on its way there, and decisions from before it are known no more.
    const stored = node.durable().then(() => storedSnapshots(store, hosted.description.unit))
    stored.then(
      (snapshots) => {
        // Closed, or sent back once more, while the disk was read.
        if (!this.#options.hosts(hosted) || hosted.epoch !== epoch) return
        if (snapshots.length === 0 && hosted.snapshots.length > 0) this.#join(hosted, undefined)
        else this.#begin(hosted, snapshots)
      },
      (error) => this.halt(hosted, { code: 'QRT_STORE_FAILED', message: String(error) }),
    )
  }

  /** Another result than was certified, or than this replica had voted for: again from the snapshot, each time later. */
  diverged(hosted: HostedUnit, position: CutPosition): void {
    hosted.repairing = position
    this.#rewindAfter(hosted, hosted.trouble.diverged())
  }

  /** The worker of the unit ended: at a record of its own, when `offset` says so, or at somebody else's. */
  workerEnded(hosted: HostedUnit, culprit: boolean, offset: number | undefined, message: string): void {
    if (hosted.state !== 'running') return
    const { trouble, description } = hosted
    const end = Math.max(hosted.endOffset, hosted.offset) + CAREFUL_RECORDS
    if (!culprit || !trouble.crashed(offset, end, this.#options.now())) {
      this.#rewindAfter(hosted, HOST_TIMING.workerRestartMs)
      return
    }
    this.#stop(hosted, 'halted')
    hosted.offset = trouble.stuckAt ?? hosted.offset
    this.halt(hosted, {
      code: 'QRT_RECORD_QUARANTINED',
      message: `the record at offset ${trouble.stuckAt} of ${description.topic}[${description.partition}] ends the worker that takes it: ${message}`,
    })
  }

  /** The log has lost what is needed next: somebody may have a snapshot past that. */
  lost(hosted: HostedUnit, logStart: number | undefined): void {
    hosted.trouble.logStart = logStart
    this.#join(hosted, latestPlace(hosted) ?? NOWHERE)
  }

  /** Something of it on this disk cannot be read: it is loaded anew, and what is missing comes from others. */
  damaged(hosted: HostedUnit): void {
    if (hosted.state !== 'running' && hosted.state !== 'halted') return
    this.#stop(hosted, 'opening')
    this.#reopen(hosted)
  }

  /** Others have forgotten what lies between: only a snapshot leads on. */
  behind(hosted: HostedUnit): void {
    if (hosted.state === 'running' || hosted.state === 'halted') this.#join(hosted, latestPlace(hosted), BEHIND_TRIES)
  }

  /**
   * A replica that cannot take a record: others may be past it by now; else it tries again, now and then. One that lacks a
   * revision of its job goes on as soon as that is here, which may be before its worker has said that it was not.
   */
  review(hosted: HostedUnit): void {
    const { trouble, state } = hosted
    if (state !== 'halted') return
    if (hasMissedRevision(hosted)) {
      this.rewind(hosted)
      return
    }
    if (trouble.stuckAt === undefined || this.#options.now() < trouble.retryAt) return
    const frontier = this.#options.node.unit(hosted.description.unit)?.frontier
    const passed = frontier !== undefined && frontier.offset > trouble.stuckAt
    trouble.unstick()
    if (passed) this.#join(hosted, latestPlace(hosted), RESCUE_TRIES)
    else this.rewind(hosted)
  }

  /** A new term; what its decision makes of the replica beyond what a running one does by itself. */
  term(hosted: HostedUnit, { decision, dispute }: Term): void {
    const { trouble } = hosted
    const kind = decision?.kind
    // It looked for a snapshot beyond what the log has lost, and needs none any more.
    if (kind === 'gap' && hosted.state === 'joining' && trouble.logStart !== undefined) this.#stop(hosted, 'halted')
    if (kind === 'skip' || kind === 'gap') trouble.unstick()
    // A replica votes in a disputed term only after it has computed anew, from what was certified.
    const again = kind === 'gap' || dispute !== undefined || (kind === 'skip' && hosted.state !== 'running')
    if (again && hosted.state !== 'opening') this.rewind(hosted)
  }

  halt(hosted: HostedUnit, halt: Halt): void {
    if (hosted.state === 'running') this.#stop(hosted, 'halted')
    hosted.state = 'halted'
    hosted.halt = halt
    this.#options.onHalt(hosted.description.unit, halt)
  }

  /** To be called when the unit is no longer here. */
  end(hosted: HostedUnit): void {
    this.#stop(hosted, 'halted')
    this.#options.node.closeUnit(hosted.description.unit)
  }

  #rewindAfter(hosted: HostedUnit, delayMs: number): void {
    if (delayMs === 0) {
      this.rewind(hosted)
      return
    }
    this.#stop(hosted, 'opening')
    const { epoch } = hosted
    this.#options.after(delayMs, () => {
      if (hosted.epoch === epoch) this.rewind(hosted)
    })
  }

  #stop(hosted: HostedUnit, state: HostedUnit['state']): void {
    const { worker, released } = this.#options
    const { unit } = hosted.description
    if (hosted.state === 'running') {
      worker(unit, hosted.careful).post({ kind: 'release', unit })
      released(unit)
    }
    hosted.state = state
    hosted.epoch += 1
    hosted.waiting.clear()
  }

  /** Takes over from other peers what is not here; nothing is computed meanwhile. */
  #join(hosted: HostedUnit, beyond: CutPosition | undefined, tries?: number): void {
    if (hosted.state === 'joining') return
    this.#stop(hosted, 'joining')
    hosted.joins += 1
    // Not inside an event of the agreement: it is closed on the way.
    queueMicrotask(() => {
      if (this.#options.hosts(hosted) && hosted.state === 'joining') this.#joining.start(hosted, beyond, tries)
    })
  }

  /** Results before a gap that were not computed here in time: nobody can compute them any more. */
  #fill(hosted: HostedUnit, upTo: CutPosition): void {
    this.#stop(hosted, 'joining')
    const terms = this.#options.node.unit(hosted.description.unit)?.terms ?? []
    queueMicrotask(() => {
      if (this.#options.hosts(hosted) && hosted.state === 'joining') this.#joining.fill(hosted, upTo, terms)
    })
  }

  /** What was taken over is on disk: the unit starts from there as it would after a restart of the peer. */
  #reopen(hosted: HostedUnit): void {
    hosted.state = 'opening'
    hosted.loaded = false
    hosted.halt = undefined
    hosted.trouble.found()
    this.#options.node.closeUnit(hosted.description.unit)
    this.load(hosted).catch((error) => this.halt(hosted, { code: 'QRT_STORE_FAILED', message: String(error) }))
  }

  /** Where a gap was decided after the latest snapshot, behind it; else right after that snapshot. */
  #begin(hosted: HostedUnit, snapshots: readonly StoredSnapshot[]): void {
    const { gap, snapshot, lacking } = beginningOf(snapshots, hosted.decisions)
    const { last } = hosted.batches
    const anew = gap !== undefined && snapshot === undefined
    if (lacking) this.#join(hosted, undefined)
    else if (gap?.base !== undefined && isBehind(furthest(last?.position, hosted.lostUpTo), gap.base)) {
      this.#fill(hosted, gap.base)
    } else this.#start(hosted, snapshot, gap, anew ? snapshots[0]?.course : undefined)
  }

  #start(
    hosted: HostedUnit,
    snapshot: StoredSnapshot | undefined,
    gap: PlacedDecision | undefined,
    before: Course | undefined,
  ): void {
    const { description, trouble } = hosted
    const { unit, plans, topic, partition, endOffset, idleAfterMs, startOffset } = description
    const { node, worker, trust, now } = this.#options
    const start: ReplicaStart = {
      offset: snapshot?.offset ?? startOffset,
      snapshot,
      decisions: [...hosted.decisions],
      ...(gap === undefined ? {} : { gap }),
      ...(before === undefined ? {} : { before }),
    }
    hosted.state = 'running'
    hosted.halt = undefined
    hosted.epoch += 1
    hosted.waiting.clear()
    hosted.offset = gap?.value ?? start.offset
    hosted.pendingSince = undefined
    hosted.uncertifiedSince = undefined
    hosted.quietSince = now()
    hosted.idleOffset = undefined
    hosted.endReached = undefined
    // What was computed before is void: a bounded input has not ended again.
    hosted.watermark = Number.NEGATIVE_INFINITY
    hosted.settled = undefined
    hosted.careful = start.offset < trouble.carefulBelow
    node.drive(unit, (agreement) => {
      agreement.rewound(gap === undefined ? snapshot?.position : gap.base)
      return []
    })
    worker(unit, hosted.careful).post({
      kind: 'assign',
      epoch: hosted.epoch,
      assignment: {
        cluster: description.cluster,
        unit,
        plans,
        topic,
        partition,
        start,
        endOffset,
        idleAfterMs,
        carefulBelow: trouble.carefulBelow,
        trust: description.readsSlices ? trust(unit) : undefined,
      },
    })
  }
}

/** It halted for want of a revision, and every one that was decided on is here by now. */
const hasMissedRevision = ({ halt, description, course }: HostedUnit): boolean =>
  halt?.code === 'QRT_REVISION_UNKNOWN' && description.plans.length > course.revision

const latestPlace = ({ snapshots }: HostedUnit): CutPosition | undefined => snapshots[snapshots.length - 1]?.position
