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
  contentDigest,
  type Digest,
  decodeStored,
  encodeStored,
  type MeshNode,
  type PeerId,
  sha256,
  type Term,
  type UnitEvent,
  type UnitId,
} from '../../mesh/index.ts'
import type { StagePlan } from '../../operators/index.ts'

import type { Store } from '../store/store.ts'
import { BatchIndex, batchKey, decodeBatch, describeBatch, encodeBatch, snapshotKey } from './batch.ts'
import type { SliceTrust, WorkerCommand, WorkerReport } from './protocol.ts'
import type { PlacedDecision, ReplicaStart } from './unit-replica.ts'

/** The main thread's end of a replica worker. */
export interface WorkerPort {
  post(command: WorkerCommand): void
}

/** What a unit is, from its job. */
export interface UnitDescription {
  readonly unit: UnitId
  readonly job: string
  readonly generation: string
  readonly plan: StagePlan
  readonly topic: string
  readonly partition: number
  readonly startOffset: number
  readonly endOffset: number | undefined
  readonly idleAfterMs: number
  readonly maxCutAgeMs: number
  readonly members: readonly PeerId[]
  readonly write: number
  readonly readsSlices: boolean
}

export type HostEvent =
  | { readonly kind: 'certified'; readonly unit: UnitId; readonly certificate: Certificate }
  /** A certified batch is on its way to this peer's disk and can be committed and read. */
  | { readonly kind: 'held'; readonly unit: UnitId; readonly certificate: Certificate; readonly rows: number }
  | {
      readonly kind: 'diverged'
      readonly unit: UnitId
      readonly computed: CutContent
      readonly certified: CutContent | undefined
    }
  | { readonly kind: 'repaired'; readonly unit: UnitId; readonly position: CutPosition }
  | { readonly kind: 'halted'; readonly unit: UnitId; readonly code: string; readonly message: string }
  | { readonly kind: 'progress'; readonly unit: UnitId; readonly records: number }

/** One unit at this peer: for status, reads and commits. */
export class HostedUnit {
  readonly description: UnitDescription
  readonly batches = new BatchIndex()
  epoch = 0
  /** Every decision so far. */
  decisions: PlacedDecision[] = []
  /** Cuts computed and waiting for their certificate, by position. */
  readonly waiting = new Map<string, WorkerReport & { kind: 'cut' }>()
  state: 'opening' | 'running' | 'halted' = 'opening'
  halt: { readonly code: string; readonly message: string } | undefined
  /** Set while restored from a divergence, until the position is matched. */
  repairing: CutPosition | undefined
  offset = 0
  endOffset = 0
  watermark = Number.NEGATIVE_INFINITY
  stateBytes = 0
  blocked = false
  pendingSince: number | undefined
  idleOffset: number | undefined
  endReached: number | undefined
  /** The final decision was applied and its last cut is certified here. */
  finished = false
  /** Positions certified here that the worker has not been given room for yet. */
  settled: CutPosition | undefined

  constructor(description: UnitDescription) {
    this.description = description
    this.offset = description.startOffset
  }
}

export interface ReplicaHostOptions {
  readonly node: MeshNode
  readonly store: Store
  readonly now: () => number
  readonly worker: (unit: UnitId) => WorkerPort
  readonly trust: (unit: UnitId) => SliceTrust
  /** Whether the unit's sinks are so far behind that its source should pause. */
  readonly congested: (unit: UnitId) => boolean
  readonly onEvent: (event: HostEvent) => void
}

const at = (position: CutPosition): string => `${position.seq}/${position.part}`

interface StoredSnapshot {
  readonly position: CutPosition
  readonly offset: number
  readonly digest: Digest
  readonly bytes: Uint8Array
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
    const hosted = new HostedUnit(description)
    this.#units.set(unit, hosted)
    const { node, store, now } = this.#options
    const snapshot = await this.#latestSnapshot(unit)
    const opened = await node.openUnit(unit, description.members, description.write, snapshot?.position)
    const entries = await store.range('batch', `${unit}/`, `${unit}/~`, Number.MAX_SAFE_INTEGER)
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
    if (!this.#units.delete(unit)) return
    this.#options.worker(unit).post({ kind: 'release', unit })
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
        hosted.blocked = report.blocked
        onEvent({ kind: 'progress', unit: report.unit, records: report.records })
        return
      case 'halted':
        hosted.state = 'halted'
        hosted.halt = { code: report.code, message: report.message }
        onEvent({ kind: 'halted', unit: report.unit, code: report.code, message: report.message })
    }
  }

  meshEvent(event: UnitEvent): void {
    switch (event.kind) {
      case 'pause':
        this.#pause(event.unit, event.token)
        return
      case 'certified':
        this.#options.onEvent({
          kind: 'certified',
          unit: event.certificate.content.unit,
          certificate: event.certificate,
        })
        return
      case 'matched':
        this.#matched(event.certificate)
        return
      case 'diverged':
        this.#diverged(event.computed, event.certified)
        return
      case 'term':
        this.#term(event.term)
        return
      case 'acknowledged':
      case 'equivocated':
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

  #wish(hosted: HostedUnit, now: number) {
    if (hosted.endReached !== undefined) return { kind: 'final', offset: hosted.endReached } as const
    if (hosted.idleOffset !== undefined) return { kind: 'idle', offset: hosted.idleOffset } as const
    const { pendingSince } = hosted
    if (pendingSince !== undefined && now - pendingSince >= hosted.description.maxCutAgeMs) {
      return { kind: 'cut', offset: 0 } as const
    }
    return undefined
  }

  #cut(hosted: HostedUnit, report: WorkerReport & { kind: 'cut' }): void {
    const latest = hosted.decisions[hosted.decisions.length - 1]
    // Cut before the worker heard of a decision that lies before it: void.
    if (latest !== undefined && report.term < latest.term && report.content.offset > latest.offset) return
    hosted.waiting.set(at(report.content), report)
    hosted.watermark = report.watermark
    hosted.offset = Math.max(hosted.offset, report.content.offset)
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
    const { unit } = certificate.content
    const hosted = this.#units.get(unit)
    const report = hosted?.waiting.get(at(certificate.content))
    if (hosted === undefined || report === undefined) return
    hosted.waiting.delete(at(certificate.content))
    const position: CutPosition = { seq: certificate.content.seq, part: certificate.content.part }
    const { node, now, onEvent } = this.#options
    const entry = describeBatch(position, report, now())
    if (hosted.batches.add(entry)) {
      node.persist([{ kind: 'put', table: 'batch', key: batchKey(unit, position), value: encodeBatch(report) }])
      node.drive(unit, (agreement) => agreement.stored(position))
      onEvent({ kind: 'held', unit, certificate, rows: entry.rows })
    }
    if (report.snapshot !== undefined) this.#keepSnapshot(unit, certificate, report.snapshot)
    if (hosted.repairing !== undefined && comparePositions(position, hosted.repairing) >= 0) {
      hosted.repairing = undefined
      onEvent({ kind: 'repaired', unit, position })
    }
    const finalDecision = hosted.decisions.find(({ kind }) => kind === 'final')
    if (finalDecision !== undefined && certificate.content.last && certificate.content.offset >= finalDecision.offset) {
      hosted.finished = report.watermark === Number.POSITIVE_INFINITY
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

  #keepSnapshot(unit: UnitId, certificate: Certificate, bytes: Uint8Array): void {
    const { seq, part } = certificate.content
    const meta = encodeStored({ content: certificate.content })
    const value = new Uint8Array(4 + meta.length + bytes.length)
    new DataView(value.buffer).setUint32(0, meta.length)
    value.set(meta, 4)
    value.set(bytes, 4 + meta.length)
    const key = snapshotKey(unit, { seq, part })
    this.#options.node.persist([
      { kind: 'deleteRange', table: 'snapshot', from: `${unit}/`, to: key },
      { kind: 'put', table: 'snapshot', key, value },
    ])
    this.#options.node.drive(unit, (agreement) => {
      agreement.trim({ seq, part })
      return []
    })
  }

  async #latestSnapshot(unit: UnitId): Promise<StoredSnapshot | undefined> {
    const entries = await this.#options.store.range('snapshot', `${unit}/`, `${unit}/~`, Number.MAX_SAFE_INTEGER)
    for (const entry of [...entries].reverse()) {
      if ('corrupt' in entry) continue
      const view = new DataView(entry.value.buffer, entry.value.byteOffset)
      const length = view.getUint32(0)
      const { content } = decodeStored(entry.value.subarray(4, 4 + length)) as { content: CutContent }
      const bytes = entry.value.subarray(4 + length)
      // What is on disk is believed only if it is what was certified.
      if (sha256(bytes) !== content.stateDigest) continue
      return {
        position: { seq: content.seq, part: content.part },
        offset: content.offset,
        digest: contentDigest(content),
        bytes,
      }
    }
    return undefined
  }

  #diverged(computed: CutContent, certified: CutContent | undefined): void {
    const hosted = this.#units.get(computed.unit)
    if (hosted === undefined) return
    hosted.repairing = { seq: computed.seq, part: computed.part }
    this.#options.onEvent({ kind: 'diverged', unit: computed.unit, computed, certified })
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
    const worker = this.#options.worker(unit)
    const { epoch } = hosted
    if (decision !== undefined) worker.post({ kind: 'decide', unit, epoch, decision })
    worker.post({ kind: 'resume', unit, epoch })
  }

  /** Back to the last certified snapshot, and forward again under every decision. */
  #rewind(hosted: HostedUnit): void {
    const { unit } = hosted.description
    hosted.epoch += 1
    hosted.waiting.clear()
    hosted.state = 'opening'
    this.#latestSnapshot(unit).then(
      (snapshot) => {
        if (this.#units.get(unit) !== hosted) return
        hosted.state = 'running'
        this.#restart(hosted, snapshot)
      },
      (error) => {
        hosted.state = 'halted'
        hosted.halt = { code: 'QRT_STORE_FAILED', message: String(error) }
        this.#options.onEvent({ kind: 'halted', unit, ...hosted.halt })
      },
    )
  }

  #restart(hosted: HostedUnit, snapshot: StoredSnapshot | undefined): void {
    const { description } = hosted
    const { unit, plan, topic, partition, endOffset, idleAfterMs, startOffset } = description
    const { node, worker, trust } = this.#options
    const start: ReplicaStart = { offset: snapshot?.offset ?? startOffset, snapshot, decisions: hosted.decisions }
    hosted.epoch += 1
    hosted.waiting.clear()
    hosted.offset = start.offset
    hosted.pendingSince = undefined
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
