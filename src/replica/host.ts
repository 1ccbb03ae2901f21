/**
 * The replicas of one peer, seen from the main thread: starts each unit from its last certified snapshot, hands cuts to
 * the mesh, stores what is certified, applies decisions, and restores a replica that diverged or ran past a decision.
 */
import {
  assert,
  type Certificate,
  type CutContent,
  type CutPosition,
  comparePositions,
  type MeshNode,
  type PeerId,
  type Term,
  type UnitEvent,
  type UnitId,
} from '../../mesh/index.ts'
import { HOST_TIMING } from '../limits.ts'
import type { Store } from '../store/store.ts'
import { type Batch, batchKey, decodeBatch, describeBatch, encodeBatch } from './batch.ts'
import { type ComputedReport, type Halt, HostedUnit, placeName, type UnitDescription } from './hosted.ts'
import type { SliceTrust, WorkerCommand, WorkerReport } from './protocol.ts'
import { latestSnapshot, type StoredSnapshot, snapshotOps } from './snapshots.ts'
import type { PlacedDecision, ReplicaStart } from './unit-replica.ts'

/** The main thread's end of a replica worker. */
export interface WorkerPort {
  post(command: WorkerCommand): void
}

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

export interface ReplicaHostOptions {
  readonly node: MeshNode
  readonly store: Store
  readonly now: () => number
  readonly after: (delayMs: number, action: () => void) => void
  readonly worker: (unit: UnitId) => WorkerPort
  /** The unit is no longer here: its place in a worker is free. */
  readonly released: (unit: UnitId) => void
  readonly trust: (unit: UnitId) => readonly SliceTrust[]
  /** Whether the unit's sinks are so far behind that its source should pause. */
  readonly congested: (unit: UnitId) => boolean
  readonly onEvent: (event: HostEvent) => void
}

export class ReplicaHost {
  readonly #options: ReplicaHostOptions
  readonly #units = new Map<UnitId, HostedUnit>()

  constructor(options: ReplicaHostOptions) {
    this.#options = options
  }

  get units(): ReadonlyMap<UnitId, HostedUnit> {
    return this.#units
  }

  /** Starts a replica, from the last certified snapshot on this disk if there is one. */
  async open(description: UnitDescription): Promise<void> {
    const { unit } = description
    if (this.#units.has(unit)) return
    const { node, store, now } = this.#options
    const hosted = new HostedUnit(description, now())
    this.#units.set(unit, hosted)
    const snapshot = await latestSnapshot(store, unit)
    const opened = await node.openUnit(unit, description.members, description.write, snapshot?.position)
    const entries = await store.range('batch', `${unit}/`, `${unit}/~`, Number.MAX_SAFE_INTEGER)
    if (this.#units.get(unit) !== hosted) {
      // It was closed while it opened.
      node.closeUnit(unit)
      return
    }
    for (const entry of entries) {
      if ('corrupt' in entry) break
      const [, seq, part] = entry.key.split('/')
      const position = { seq: Number(seq), part: Number(part) }
      hosted.batches.add(describeBatch(position, decodeBatch(entry.value), now()))
    }
    const { last } = hosted.batches
    if (last !== undefined) node.drive(unit, (agreement) => agreement.stored(last.position))
    hosted.decisions = opened.terms.flatMap(placed)
    hosted.state = 'running'
    this.#restart(hosted, snapshot)
  }

  close(unit: UnitId): void {
    const hosted = this.#units.get(unit)
    if (hosted === undefined) return
    this.#units.delete(unit)
    if (hosted.state === 'running') this.#options.worker(unit).post({ kind: 'release', unit })
    this.#options.released(unit)
    this.#options.node.closeUnit(unit)
  }

  report(report: WorkerReport): void {
    if (!('unit' in report)) return
    const hosted = this.#units.get(report.unit)
    if (hosted === undefined || report.epoch !== hosted.epoch) return
    const { node, now, onEvent } = this.#options
    switch (report.kind) {
      case 'cut':
        this.#cut(hosted, report)
        return
      case 'overtaken':
        this.#rewind(hosted)
        return
      case 'paused':
        hosted.offset = report.offset
        node.drive(report.unit, (agreement, time) => agreement.paused(time, report.token, report.offset))
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
      case 'halted':
        this.#halt(hosted, { code: report.code, message: report.message })
    }
  }

  meshEvent(event: UnitEvent): void {
    const { node, onEvent } = this.#options
    switch (event.kind) {
      case 'pause':
        this.#pause(event.unit, event.token)
        return
      case 'certified':
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
      case 'acknowledged':
        return
    }
  }

  /** What each unit would like decided, and room for what was held back. Call it every few tens of milliseconds. */
  tick(): void {
    const now = this.#options.now()
    for (const [unit, hosted] of this.#units) {
      if (hosted.state !== 'running') continue
      this.#options.node.drive(unit, (agreement, time) => {
        agreement.wish(time, this.#wish(hosted, now))
        return []
      })
      this.#settle(hosted)
    }
  }

  /** The worker of these units ended: they start again from their snapshots, after a moment. */
  workerFailed(units: readonly UnitId[]): void {
    for (const unit of units) {
      const hosted = this.#units.get(unit)
      if (hosted === undefined || hosted.state === 'halted') continue
      hosted.epoch += 1
      hosted.waiting.clear()
      hosted.state = 'opening'
      this.#options.after(HOST_TIMING.workerRestartMs, () => this.#rewind(hosted))
    }
  }

  #wish(hosted: HostedUnit, now: number) {
    if (hosted.endReached !== undefined) return { kind: 'final', offset: hosted.endReached } as const
    if (hosted.idleOffset !== undefined) return { kind: 'idle', offset: hosted.idleOffset } as const
    const { pendingSince } = hosted
    if (pendingSince !== undefined && now - pendingSince >= hosted.description.maxCutAgeMs) {
      return { kind: 'cut', offset: 0 } as const
    }
    return undefined
  }

  #cut(hosted: HostedUnit, report: ComputedReport): void {
    const { offset } = report.content
    // Cut before the worker heard of a decision that lies before it: void.
    if (hosted.decisions.some((decision) => decision.term > report.term && offset > decision.offset)) return
    hosted.waiting.set(placeName(report.content), report)
    hosted.uncertifiedSince ??= this.#options.now()
    hosted.watermark = report.watermark
    hosted.offset = Math.max(hosted.offset, offset)
    this.#options.node.drive(report.unit, (agreement, now) => agreement.computed(now, report.content))
  }

  #pause(unit: UnitId, token: number): void {
    const hosted = this.#units.get(unit)
    if (hosted === undefined) return
    if (hosted.state === 'running') {
      this.#options.worker(unit).post({ kind: 'pause', unit, epoch: hosted.epoch, token })
      return
    }
    // No worker runs: what it took last is where it stands. Answered after this event, never inside it.
    const { offset } = hosted
    queueMicrotask(() => this.#options.node.drive(unit, (agreement, now) => agreement.paused(now, token, offset)))
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
    if (report.snapshot !== undefined) {
      node.persist(snapshotOps(unit, content, report.snapshot))
      node.drive(unit, (agreement) => {
        agreement.trim(position)
        return []
      })
    }
    if (hosted.repairing !== undefined && comparePositions(position, hosted.repairing) >= 0) {
      hosted.repairing = undefined
      onEvent({ kind: 'repaired', unit, position })
    }
    hosted.settled = position
    this.#settle(hosted)
  }

  /** Gives the worker room again, unless the sinks are behind. */
  #settle(hosted: HostedUnit): void {
    const { unit } = hosted.description
    if (hosted.settled === undefined || this.#options.congested(unit)) return
    this.#options.worker(unit).post({ kind: 'settled', unit, epoch: hosted.epoch, position: hosted.settled })
    hosted.settled = undefined
  }

  #diverged(computed: CutContent): void {
    const hosted = this.#units.get(computed.unit)
    if (hosted === undefined) return
    hosted.repairing = { seq: computed.seq, part: computed.part }
    this.#rewind(hosted)
  }

  #term(term: Term): void {
    const hosted = this.#units.get(term.unit)
    if (hosted === undefined) return
    const { unit } = term
    const decisions = placed(term)
    hosted.decisions.push(...decisions)
    hosted.idleOffset = undefined
    if (hosted.pendingSince !== undefined) hosted.pendingSince = this.#options.now()
    const [decision] = decisions
    if (decision?.kind === 'final') hosted.endReached = undefined
    if (hosted.state !== 'running') return
    for (const [key, report] of hosted.waiting) {
      if (decision !== undefined && report.content.offset > decision.offset) hosted.waiting.delete(key)
    }
    if (hosted.waiting.size === 0) hosted.uncertifiedSince = undefined
    const worker = this.#options.worker(unit)
    const { epoch } = hosted
    if (decision !== undefined) worker.post({ kind: 'decide', unit, epoch, decision })
    worker.post({ kind: 'resume', unit, epoch })
  }

  #halt(hosted: HostedUnit, halt: Halt): void {
    hosted.state = 'halted'
    hosted.halt = halt
    this.#options.onEvent({ kind: 'halted', unit: hosted.description.unit, halt })
  }

  /** Back to the last certified snapshot, and forward again under every decision. */
  #rewind(hosted: HostedUnit): void {
    const { unit } = hosted.description
    if (this.#units.get(unit) !== hosted) return
    hosted.epoch += 1
    hosted.waiting.clear()
    hosted.state = 'opening'
    const { epoch } = hosted
    latestSnapshot(this.#options.store, unit).then(
      (snapshot) => {
        // Closed, or sent back once more, while the disk was read.
        if (this.#units.get(unit) !== hosted || hosted.epoch !== epoch) return
        hosted.state = 'running'
        this.#restart(hosted, snapshot)
      },
      (error) => this.#halt(hosted, { code: 'QRT_STORE_FAILED', message: String(error) }),
    )
  }

  #restart(hosted: HostedUnit, snapshot: StoredSnapshot | undefined): void {
    const { description } = hosted
    const { unit, plan, topic, partition, endOffset, idleAfterMs, startOffset } = description
    const { node, worker, trust, now } = this.#options
    const start: ReplicaStart = { offset: snapshot?.offset ?? startOffset, snapshot, decisions: hosted.decisions }
    hosted.epoch += 1
    hosted.waiting.clear()
    hosted.offset = start.offset
    hosted.pendingSince = undefined
    hosted.uncertifiedSince = undefined
    hosted.quietSince = now()
    hosted.idleOffset = undefined
    hosted.endReached = undefined
    hosted.settled = undefined
    node.drive(unit, (agreement) => {
      agreement.rewound(snapshot?.position)
      return []
    })
    const cluster = node.document?.cluster
    assert(cluster !== undefined, 'a unit runs in a cluster')
    worker(unit).post({
      kind: 'assign',
      epoch: hosted.epoch,
      assignment: {
        cluster,
        unit,
        plan,
        topic,
        partition,
        start,
        endOffset,
        idleAfterMs,
        trust: description.readsSlices ? trust(unit) : undefined,
      },
    })
  }
}

const placed = (term: Term): PlacedDecision[] =>
  term.decision === undefined ? [] : [{ ...term.decision, term: term.number }]
