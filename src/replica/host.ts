/**
 * The replicas of one peer, seen from the main thread: starts each unit from its last certified snapshot, hands cuts to
 * the mesh, stores what is certified, applies decisions, and restores a replica that diverged or ran past a decision.
 */
import {
  type Certificate,
  type CutContent,
  type CutPosition,
  comparePositions,
  isBehind,
  type PeerId,
  planted,
  positionKey,
  type Term,
  type UnitEvent,
  type UnitId,
} from '../../mesh/index.ts'
import { HOST_TIMING } from '../limits.ts'
import { type Batch, batchKey, describeBatch, encodeBatch } from './batch.ts'
import { placed } from './beginning.ts'
import {
  type ComputedReport,
  type Halt,
  HostedUnit,
  type Orders,
  placeName,
  type Target,
  type UnitDescription,
} from './hosted.ts'
import { dropOrders, keepOrders, loadOrders, recallOrders } from './kept-orders.ts'
import type { Culprit } from './mark.ts'
import type { WorkerReport } from './protocol.ts'
import { type Resolution, resolvable } from './resolution.ts'
import { expired } from './retention.ts'
import { Runs, type RunsOptions } from './runs.ts'
import { decodeState, snapshotOps } from './snapshots.ts'
import { wishOf } from './wishes.ts'

export type HostEvent =
  | { readonly kind: 'certified'; readonly unit: UnitId; readonly certificate: Certificate }
  /** A certified batch is on its way to this peer's disk and can be committed and read. */
  | {
      readonly kind: 'held'
      readonly unit: UnitId
      readonly certificate: Certificate
      readonly rows: number
      readonly batch: Batch
    }
  /** A replica computed something else than was certified, or than it had voted for (`certified` undefined). */
  | {
      readonly kind: 'diverged'
      readonly peer: PeerId
      readonly computed: CutContent
      readonly certified: CutContent | undefined
    }
  /** This peer's own replica of a unit computes what is certified again. */
  | { readonly kind: 'repaired'; readonly unit: UnitId; readonly position: CutPosition }
  | { readonly kind: 'equivocated'; readonly unit: UnitId; readonly peer: PeerId; readonly position: CutPosition }
  | { readonly kind: 'confirmed'; readonly peer: PeerId }
  | { readonly kind: 'halted'; readonly unit: UnitId; readonly halt: Halt }
  | { readonly kind: 'progress'; readonly unit: UnitId; readonly records: number }
  /** The unit has moved to other peers, which hold all that this one has of it. */
  | { readonly kind: 'released'; readonly unit: UnitId }

export interface ReplicaHostOptions extends Omit<RunsOptions, 'hosts' | 'onHalt'> {
  /** Determinism versions that these peers can all compute in. */
  readonly versions: (members: readonly PeerId[]) => readonly number[]
  /** How many revisions of the unit's job it may go over to. */
  readonly revisions: (unit: UnitId) => number
  /** The unit reads slices that were certified in a term of `source` whose voters are not known here. */
  readonly untrusted: (unit: UnitId, source: UnitId, term: number) => void
  /** Terms from this one on are kept: no checkpoint holds what was decided in them. */
  readonly keepTerms: (unit: UnitId) => number
  /** Whether the unit's sinks are so far behind that its source should pause. */
  readonly congested: (unit: UnitId) => boolean
  /** What all of the unit's sinks are known to have; undefined: nothing. */
  readonly committed: (unit: UnitId) => CutPosition | undefined
  readonly onEvent: (event: HostEvent) => void
}

export class ReplicaHost {
  readonly #options: ReplicaHostOptions
  readonly #units = new Map<UnitId, HostedUnit>()
  readonly #runs: Runs
  #trimAt = 0

  constructor(options: ReplicaHostOptions) {
    this.#options = options
    this.#runs = new Runs({
      ...options,
      hosts: (hosted) => this.#units.get(hosted.description.unit) === hosted,
      onHalt: (unit, halt) => options.onEvent({ kind: 'halted', unit, halt }),
    })
  }

  get units(): ReadonlyMap<UnitId, HostedUnit> {
    return this.#units
  }

  /** Starts a replica, from the last certified snapshot on this disk if there is one, else from what others hand over. */
  async open(description: UnitDescription): Promise<void> {
    const { unit } = description
    if (this.#units.has(unit)) return
    const hosted = new HostedUnit(description, this.#options.now())
    this.#units.set(unit, hosted)
    await this.#runs.load(hosted)
    const kept = await loadOrders(this.#options.store, unit)
    const agreement = this.#options.node.unit(unit)
    if (kept === undefined || agreement === undefined || this.#units.get(unit) !== hosted) return
    hosted.trouble.ordersKept = true
    recallOrders(kept, hosted.trouble, agreement)
  }

  /** Who should hold the unit, by the present view, and what its members should bring about. */
  steer(description: UnitDescription, target: Target, orders: Orders): void {
    this.#onUnit(description.unit, (hosted) => {
      hosted.description = description
      hosted.target = target
      hosted.orders = orders
    })
  }

  /** A term names this peer that it may not have heard of: the unit stays until it has. */
  named(unit: UnitId, term: number): void {
    this.#onUnit(unit, (hosted) => {
      hosted.namedIn = Math.max(hosted.namedIn, term)
    })
  }

  /** See HostedUnit. */
  isReleased(unit: UnitId): boolean {
    const { node } = this.#options
    const agreement = node.unit(unit)
    return agreement !== undefined && this.#units.get(unit)?.isReleased(agreement.term, node.self) === true
  }

  /** Something of the unit on this disk cannot be read. */
  damaged(unit: UnitId): void {
    this.#onUnit(unit, (hosted) => this.#runs.damaged(hosted))
  }

  /** An operator's word on what the unit cannot decide by itself: it is on its way to the disk. False: it waits for no such word. */
  resolve(unit: UnitId, what: Resolution): boolean {
    const { node, now } = this.#options
    const hosted = this.#units.get(unit)
    const agreement = node.unit(unit)
    if (hosted === undefined || agreement === undefined) return false
    const view = node.document?.view.members ?? []
    if (!resolvable({ hosted, agreement, alive: node.alive(), view, now: now() }).includes(what)) return false
    const { trouble } = hosted
    trouble.gapAccepted ||= what === 'accept-gap'
    trouble.retryWanted ||= what === 'retry'
    trouble.settleWanted ||= what === 'settle'
    trouble.ordersKept = true
    node.persist([keepOrders(unit, trouble, agreement)])
    return true
  }

  close(unit: UnitId): void {
    const hosted = this.#units.get(unit)
    if (hosted === undefined) return
    this.#units.delete(unit)
    this.#runs.end(hosted)
  }

  report(report: WorkerReport): void {
    if (!('unit' in report)) return
    const hosted = this.#units.get(report.unit)
    if (hosted === undefined) return
    if (report.epoch !== hosted.epoch && !planted('epoch-unchecked')) return
    const { node, now, onEvent } = this.#options
    switch (report.kind) {
      case 'cut':
        this.#cut(hosted, report)
        return
      case 'overtaken':
        this.#runs.rewind(hosted)
        return
      case 'crashed':
        this.#runs.workerEnded(hosted, true, report.offset, report.message)
        return
      case 'paused':
        hosted.offset = report.offset
        node.drive(report.unit, (agreement, time) => agreement.paused(time, report.token, report.offset, false))
        return
      case 'pending':
        hosted.pendingSince = report.pending ? now() : undefined
        return
      case 'idle':
        hosted.idleOffset = report.offset
        return
      case 'end':
        hosted.endReached = report.offset
        return
      case 'progress':
        if (hosted.idleOffset !== undefined && report.offset > hosted.idleOffset) hosted.idleOffset = undefined
        hosted.offset = report.offset
        hosted.endOffset = report.endOffset
        hosted.watermark = report.watermark
        hosted.stateBytes = report.stateBytes
        hosted.openWindows = report.openWindows
        hosted.blocked = report.blocked
        if (report.records > 0) hosted.quietSince = now()
        onEvent({ kind: 'progress', unit: report.unit, records: report.records })
        return
      case 'untrusted':
        this.#options.untrusted(report.unit, report.source, report.term)
        return
      case 'halted':
        this.#runs.halt(hosted, { code: report.code, message: report.message })
        if (report.code === 'QRT_LOG_OFFSET_LOST') this.#runs.lost(hosted, report.logStart)
    }
  }

  /** More is known of who may have signed what the unit reads. */
  trustLearned(unit: UnitId): void {
    const hosted = this.#units.get(unit)
    if (hosted?.state !== 'running') return
    const { worker, trust } = this.#options
    worker(unit, hosted.careful).post({ kind: 'trust', unit, epoch: hosted.epoch, trust: trust(unit) })
  }

  meshEvent(event: UnitEvent): void {
    const { node, onEvent } = this.#options
    switch (event.kind) {
      case 'pause':
        this.#pause(event.unit, event.token)
        return
      case 'certified':
        this.#onUnit(event.certificate.content.unit, ({ trouble }) => trouble.moved())
        onEvent({ kind: 'certified', unit: event.certificate.content.unit, certificate: event.certificate })
        return
      case 'matched':
        this.#matched(event.certificate)
        return
      case 'diverged':
        this.#diverged(event.computed)
        onEvent({ kind: 'diverged', peer: node.self, computed: event.computed, certified: event.certified })
        return
      case 'outvoted':
        onEvent({ kind: 'diverged', peer: event.peer, computed: event.computed, certified: event.certified })
        return
      case 'term':
        this.#term(event.term)
        return
      case 'equivocated':
        onEvent({ kind: 'equivocated', unit: event.unit, peer: event.peer, position: event.position })
        return
      case 'confirmed':
        onEvent({ kind: 'confirmed', peer: event.peer })
        return
      case 'behind':
        this.#onUnit(event.unit, (hosted) => this.#runs.behind(hosted))
        return
      case 'released': {
        this.#onUnit(event.unit, (hosted) => {
          hosted.released = true
        })
        onEvent(event)
        return
      }
      case 'named':
        return
    }
  }

  /** What each unit would like decided, and room for what was held back. Call it every few tens of milliseconds. */
  tick(): void {
    const { node, versions, revisions } = this.#options
    const now = this.#options.now()
    const alive = node.alive()
    const view = node.document?.view.members ?? []
    for (const [unit, hosted] of this.#units) {
      this.#runs.review(hosted)
      if (hosted.trouble.ordersKept && !hosted.trouble.ordered) {
        hosted.trouble.ordersKept = false
        node.persist([dropOrders(unit)])
      }
      const running = hosted.state === 'running'
      node.drive(unit, (agreement, time) => {
        agreement.following.stuckHere = hosted.trouble.blocked ? hosted.offset : undefined
        agreement.following.neededHere = hosted.needed
        // It contradicted itself beyond what is certified: nobody can say before others vote whether it is right now.
        const repaired = hosted.repairing === undefined || isBehind(agreement.frontier, hosted.repairing)
        // Nor does one miss anything that is certified which stands before a record that it cannot take.
        const standing = running || hosted.trouble.stuckAt !== undefined
        agreement.following.caughtUpHere = standing && repaired && agreement.complete
        const may = { versions: versions(agreement.term.members), revisions: revisions(unit) }
        const parts = { hosted, agreement, alive, now, view, ...may }
        agreement.wish(time, wishOf(parts))
        return []
      })
      if (running) this.#settle(hosted)
    }
    if (now < this.#trimAt) return
    this.#trimAt = now + HOST_TIMING.trimMs
    for (const hosted of this.#units.values()) if (hosted.state === 'running') this.#trim(hosted, now)
  }

  /** The worker of these units ended: they start again from their snapshots, after a moment. */
  workerFailed(units: readonly UnitId[], error: Error, culprit: Culprit | undefined): void {
    for (const unit of units) {
      const own = culprit?.unit === unit
      this.#onUnit(unit, (hosted) =>
        this.#runs.workerEnded(hosted, own, own ? culprit.offset : undefined, error.message),
      )
    }
  }

  #onUnit(unit: UnitId, action: (hosted: HostedUnit) => void): void {
    const hosted = this.#units.get(unit)
    if (hosted !== undefined) action(hosted)
  }

  /** Deletes results whose time is over, and what lies before the older snapshot. */
  #trim(hosted: HostedUnit, now: number): void {
    const { node, committed } = this.#options
    const { unit } = hosted.description
    const [oldest] = hosted.snapshots.length > 1 ? hosted.snapshots : []
    if (oldest === undefined) return
    const dropped = expired(hosted, committed(unit), now)
    const first = hosted.batches.entries[dropped]
    if (first === undefined) return
    hosted.batches.drop(dropped)
    const kept = isBehind(first.position, oldest.position) ? first.position : oldest.position
    node.persist([
      { kind: 'deleteRange', table: 'batch', from: `${unit}/`, to: batchKey(unit, first.position) },
      { kind: 'deleteRange', table: 'certificate', from: `${unit}/`, to: positionKey(unit, kept) },
    ])
  }

  #cut(hosted: HostedUnit, report: ComputedReport): void {
    const { offset } = report.content
    // Cut before the worker heard of a decision that lies before it: void.
    if (hosted.decisions.some((decision) => decision.term > report.term && offset > decision.offset)) return
    hosted.waiting.set(placeName(report.content), report)
    hosted.uncertifiedSince ??= this.#options.now()
    // A part of a cut says nothing of the parts that are still to come.
    if (report.content.last) hosted.watermark = report.watermark
    hosted.offset = Math.max(hosted.offset, offset)
    this.#options.node.drive(report.unit, (agreement, now) => agreement.computed(now, report.content))
  }

  #pause(unit: UnitId, token: number): void {
    const hosted = this.#units.get(unit)
    if (hosted === undefined) return
    if (hosted.state === 'running') {
      this.#options.worker(unit, hosted.careful).post({ kind: 'pause', unit, epoch: hosted.epoch, token })
      return
    }
    // No worker runs: what it took last is where it stands. Answered after this event, never inside it.
    const { offset, trouble } = hosted
    const stuck = trouble.blocked
    queueMicrotask(() =>
      this.#options.node.drive(unit, (agreement, now) => agreement.paused(now, token, offset, stuck)),
    )
  }

  #matched(certificate: Certificate): void {
    const { content } = certificate
    const { unit } = content
    const hosted = this.#units.get(unit)
    const report = hosted?.waiting.get(placeName(content))
    if (hosted === undefined || report === undefined) return
    hosted.waiting.delete(placeName(content))
    hosted.uncertifiedSince = hosted.waiting.size === 0 ? undefined : this.#options.now()
    const position: CutPosition = { seq: content.seq, part: content.part }
    const { node, now, onEvent } = this.#options
    const entry = describeBatch(position, report, now())
    if (hosted.batches.add(entry)) {
      node.persist([{ kind: 'put', table: 'batch', key: batchKey(unit, position), value: encodeBatch(report) }])
      node.drive(unit, (agreement) => agreement.stored(position))
      onEvent({ kind: 'held', unit, certificate, rows: entry.rows, batch: report })
    }
    if (report.snapshot !== undefined) this.#snapshotTaken(hosted, content, report.snapshot)
    if (hosted.repairing !== undefined && comparePositions(position, hosted.repairing) >= 0) {
      hosted.repairing = undefined
      hosted.trouble.agreed()
      onEvent({ kind: 'repaired', unit, position })
    }
    hosted.settled = position
    this.#settle(hosted)
  }

  /** The latest two are kept; what lies before the older one is never replayed again. */
  #snapshotTaken(hosted: HostedUnit, content: CutContent, bytes: Uint8Array): void {
    const { node, keepTerms } = this.#options
    const { seq, part, unit, offset } = content
    const latest = hosted.snapshots[hosted.snapshots.length - 1]
    if (!isBehind(latest?.position, content)) return
    node.persist(snapshotOps(content, bytes, latest?.position ?? content))
    const taken = { position: { seq, part }, offset, course: decodeState(bytes).course }
    hosted.snapshots = latest === undefined ? [taken] : [latest, taken]
    if (latest === undefined) return
    const term = Math.min(latest.course.applied, keepTerms(unit))
    node.drive(unit, (agreement) => agreement.trim(latest.position, term))
    hosted.decisions = hosted.decisions.filter(({ term }) => term > latest.course.applied)
  }

  /** Gives the worker room again, unless the sinks are behind. */
  #settle(hosted: HostedUnit): void {
    const { unit } = hosted.description
    if (hosted.settled === undefined || this.#options.congested(unit)) return
    this.#options
      .worker(unit, hosted.careful)
      .post({ kind: 'settled', unit, epoch: hosted.epoch, position: hosted.settled })
    hosted.settled = undefined
  }

  #diverged({ unit, seq, part }: CutContent): void {
    this.#onUnit(unit, (hosted) => this.#runs.diverged(hosted, { seq, part }))
  }

  #term(term: Term): void {
    const hosted = this.#units.get(term.unit)
    if (hosted === undefined) return
    const { unit } = term
    const decisions = placed(term)
    hosted.released = false
    hosted.decisions.push(...decisions)
    hosted.idleOffset = undefined
    if (hosted.pendingSince !== undefined) hosted.pendingSince = this.#options.now()
    const [decision] = decisions
    if (decision?.kind === 'final') hosted.endReached = undefined
    hosted.trouble.term(decision?.kind)
    this.#runs.term(hosted, term)
    if (hosted.state !== 'running') return
    for (const [key, report] of hosted.waiting) {
      if (decision !== undefined && report.content.offset > decision.offset) hosted.waiting.delete(key)
    }
    if (hosted.waiting.size === 0) hosted.uncertifiedSince = undefined
    const worker = this.#options.worker(unit, hosted.careful)
    const { epoch } = hosted
    const { plans } = hosted.description
    if (decision !== undefined) worker.post({ kind: 'decide', unit, epoch, decision, plans })
    worker.post({ kind: 'resume', unit, epoch })
  }
}
