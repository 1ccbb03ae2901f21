/**
 * The replica worker: owns the record path of its units, consumer included, on a thread of its own (worker-thread.ts).
 * Commands come in, cuts and marks go out; nothing per record crosses the thread.
 */
import { parseUnitId, planted, type UnitId, type Verifier } from '../../mesh/index.ts'
import {
  createStage,
  OperatorError,
  type RecordBatch,
  type StagePlan,
  type StageProcessor,
} from '../../operators/index.ts'
import { QuorateError } from '../errors.ts'
import { LIMITS } from '../limits.ts'
import type { Log, LogPartition, LogReader } from '../log/log.ts'
import { DETERMINISM_VERSIONS } from './determinism.ts'
import { Mark } from './mark.ts'
import type { SliceTrust, UnitAssignment, WorkerCommand, WorkerReport } from './protocol.ts'
import { Readers } from './readers.ts'
import { checkedSlices } from './slice-batch.ts'
import { UnitReplica } from './unit-replica.ts'

interface Hosted {
  readonly epoch: number
  /** What the unit is called in the mark. */
  readonly slot: number
  /** The latest term whose decision is known here. */
  term: number
  readonly assignment: UnitAssignment
  /** Of the unit's stage, by revision. */
  plans: readonly StagePlan[]
  trust: readonly SliceTrust[] | undefined
  readonly replica: UnitReplica
  readonly source: LogPartition
  readonly reader: LogReader
  /** Monotonic time of the last record or restart; silence is measured from here by empty fetches. */
  quietSince: number
  records: number
  endOffset: number
  pendingReported: boolean
  idleReportedAt: number | undefined
  endReported: boolean
  reportedAt: number
}

const PROGRESS_EVERY_MS = 250

export interface ReplicaWorkerOptions {
  readonly log: Log
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Of the signatures on slices of the stage before. */
  readonly verifier: Verifier
  readonly report: (report: WorkerReport, transfer: readonly ArrayBuffer[]) => void
  /** Where it says what it is doing. */
  readonly mark?: Mark
  /** Another one only in tests that need a wrong one. */
  readonly createStage?: StageMaker
}

/** @param unit `version`: the determinism version that it is in */
export type StageMaker = (
  plan: StagePlan,
  unit: { readonly unit: UnitId; readonly partition: number; readonly version: number },
) => StageProcessor

export class ReplicaWorker {
  readonly #report: (report: WorkerReport, transfer: readonly ArrayBuffer[]) => void
  readonly #now: () => number
  readonly #readers: Readers<UnitId>
  readonly #log: Log
  readonly #verifier: Verifier
  readonly #createStage: StageMaker
  readonly #mark: Mark
  readonly #units = new Map<UnitId, Hosted>()
  #closed = false

  constructor({
    log,
    now,
    verifier,
    report,
    mark = new Mark(),
    createStage: make = stageOfVersion,
  }: ReplicaWorkerOptions) {
    this.#log = log
    this.#now = now
    this.#verifier = verifier
    this.#createStage = make
    this.#mark = mark
    this.#report = report
    this.#readers = new Readers((unitAt) =>
      log.reader({
        onBatch: (partition, batch, start) => {
          const hosted = this.#hosted(unitAt(partition))
          return hosted === undefined ? batch.length - start : this.#onBatch(hosted, batch, start)
        },
        onEmpty: (partition, position, end) => {
          const hosted = this.#hosted(unitAt(partition))
          if (hosted !== undefined) this.#onEmpty(hosted, position, end)
        },
        onHalt: (partition, error) => {
          const hosted = this.#hosted(unitAt(partition))
          if (hosted !== undefined) this.#onHalt(hosted, error)
        },
        onOutage: (since) => this.#report({ kind: 'outage', message: since?.message }, []),
      }),
    )
  }

  async command(command: WorkerCommand): Promise<void> {
    // A reader that is opened now would be closed by nobody, and its thread would never end.
    if (this.#closed) return
    switch (command.kind) {
      case 'assign':
        this.#assign(command.epoch, command.assignment, command.slot ?? 0)
        return
      case 'release':
        this.#release(command.unit)
        return
      case 'openRows': {
        const hosted = this.#units.get(command.unit)
        const body = hosted?.replica.stage.openRows(command.range) ?? new Uint8Array()
        this.#report({ kind: 'openRows', request: command.request, body }, [])
        return
      }
      case 'close':
        this.#closed = true
        await this.#readers.close()
        await this.#log.close()
        this.#report({ kind: 'closed' }, [])
        return
      default: {
        const hosted = this.#units.get(command.unit)
        if (hosted === undefined || hosted.epoch !== command.epoch) return
        try {
          this.#steer(hosted, command)
        } catch (error) {
          if (!(error instanceof QuorateError)) throw error
          this.#onHalt(hosted, error)
        }
      }
    }
  }

  #steer(hosted: Hosted, command: WorkerCommand & { kind: 'decide' | 'pause' | 'resume' | 'settled' | 'trust' }): void {
    const { replica, epoch } = hosted
    const { unit } = hosted.assignment
    const wasBlocked = replica.blocked
    switch (command.kind) {
      case 'decide': {
        const { decision, plans } = command
        hosted.term = decision.term
        hosted.plans = plans
        const passed = decision.offset < replica.offset
        if (passed && !planted('run-past-kept')) {
          this.#report({ kind: 'overtaken', unit, epoch, offset: replica.offset }, [])
          this.#release(unit)
          return
        }
        replica.decide(passed ? { ...decision, offset: replica.offset } : decision)
        break
      }
      case 'pause':
        this.#report({ kind: 'paused', unit, epoch, token: command.token, offset: replica.pause() }, [])
        return
      case 'resume':
        replica.resume()
        hosted.quietSince = this.#now()
        hosted.idleReportedAt = undefined
        hosted.endReported = false
        break
      case 'settled':
        replica.settled(command.position)
        break
      case 'trust':
        hosted.trust = command.trust
        break
    }
    this.#reportPending(hosted)
    const wasKept = wasBlocked || command.kind === 'trust'
    if (wasKept && !replica.blocked) hosted.reader.resume(hosted.source)
  }

  #assign(epoch: number, assignment: UnitAssignment, slot: number): void {
    this.#release(assignment.unit)
    try {
      this.#begin(epoch, assignment, slot)
    } catch (error) {
      this.#release(assignment.unit)
      if (!(error instanceof QuorateError)) throw error
      const { code, message } = error
      this.#report({ kind: 'halted', unit: assignment.unit, epoch, code, message, logStart: undefined }, [])
    }
  }

  #begin(epoch: number, assignment: UnitAssignment, slot: number): void {
    const { unit, plans, topic, partition, start, endOffset } = assignment
    const source: LogPartition = { topic, partition }
    const known = Math.max(0, ...start.decisions.map(({ term }) => term))
    const first = planOf(plans, 0, unit)
    const replica = new UnitReplica({
      cluster: assignment.cluster,
      unit,
      createStage: ({ version, revision }) => {
        const plan = planOf(this.#units.get(unit)?.plans ?? plans, revision, unit)
        return this.#createStage(withSources(plan), { unit, partition: parseUnitId(unit).partition, version })
      },
      snapshotEvery: first.cuts.snapshotEvery,
      endOffset,
      start,
      readsHeaders: first.input.kind === 'records' && first.input.envelope !== undefined,
      runAhead: { cuts: LIMITS.runAheadCuts, bytes: LIMITS.runAheadBytes },
      onCut: ({ content, bodies, deadLetters, watermark, snapshot }) => {
        const transfer = [...bodies, deadLetters].map((bytes) => bytes.buffer as ArrayBuffer)
        if (snapshot !== undefined) transfer.push(snapshot.buffer as ArrayBuffer)
        const cut = {
          kind: 'cut',
          unit,
          epoch,
          content,
          bodies,
          deadLetters,
          watermark,
          snapshot,
          term: this.#units.get(unit)?.term ?? known,
        } as const
        this.#report(
          cut,
          [...new Set(transfer)].filter((buffer) => buffer.byteLength > 0),
        )
      },
    })
    const hosted: Hosted = {
      epoch,
      slot,
      term: known,
      assignment,
      plans,
      trust: assignment.trust,
      replica,
      source,
      reader: this.#readers.claim(source, unit),
      quietSince: this.#now(),
      records: 0,
      endOffset: 0,
      pendingReported: false,
      idleReportedAt: undefined,
      endReported: false,
      reportedAt: Number.NEGATIVE_INFINITY,
    }
    this.#units.set(unit, hosted)
    if (!replica.finished) hosted.reader.add(source, replica.offset)
    this.#reportPending(hosted)
    this.#reportEnd(hosted)
    this.#reportProgress(hosted, replica.offset)
  }

  #release(unit: UnitId): void {
    const hosted = this.#units.get(unit)
    if (hosted === undefined) return
    this.#readers.release(hosted.source, hosted.reader)
    this.#units.delete(unit)
  }

  #hosted(unit: UnitId | undefined): Hosted | undefined {
    return unit === undefined ? undefined : this.#units.get(unit)
  }

  #onBatch(hosted: Hosted, batch: RecordBatch, start: number): number {
    const { replica } = hosted
    if (replica.blocked) return 0
    try {
      const records = this.#checked(hosted, batch, start)
      const taken = records.length > start ? this.#take(hosted, records, start) : 0
      hosted.records += taken
      if (taken > 0) hosted.quietSince = this.#now()
      hosted.idleReportedAt = undefined
      this.#reportPending(hosted)
      this.#reportEnd(hosted)
      this.#reportProgress(hosted, batch.offset(batch.length - 1) + 1)
      return taken
    } catch (error) {
      if (error instanceof QuorateError) this.#onHalt(hosted, error)
      else this.#crashed(hosted, error)
      return 0
    }
  }

  #take(hosted: Hosted, records: RecordBatch, start: number): number {
    const { replica, slot, assignment } = hosted
    let at = start
    while (at < records.length && records.offset(at) < assignment.carefulBelow) {
      this.#mark.enter(slot, records.offset(at))
      const taken = replica.take(firstOf(records, at + 1), at)
      at += taken
      if (taken === 0) break
    }
    let taken = at - start
    if (at < records.length && records.offset(at) >= assignment.carefulBelow) {
      this.#mark.enter(slot)
      taken += replica.take(records, at)
    }
    this.#mark.leave()
    return taken
  }

  /** The operators threw: what they did of the batch is not known, so the replica is given up. */
  #crashed(hosted: Hosted, error: unknown): void {
    const offset = this.#mark.at?.offset
    this.#mark.leave()
    const { unit } = hosted.assignment
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#report({ kind: 'crashed', unit, epoch: hosted.epoch, offset, message }, [])
    this.#release(unit)
  }

  /** Of slices, those whose certificates are good; the first one whose voters are not known here ends them. */
  #checked(hosted: Hosted, batch: RecordBatch, start: number): RecordBatch {
    const { trust, assignment, epoch } = hosted
    if (trust === undefined) return batch
    const checked = checkedSlices(batch, start, assignment.partition, trust, this.#verifier.verify)
    const { untrusted } = checked
    if (untrusted !== undefined) this.#report({ kind: 'untrusted', unit: assignment.unit, epoch, ...untrusted }, [])
    return checked.batch
  }

  #onEmpty(hosted: Hosted, position: number, end: number): void {
    const { replica, assignment, epoch } = hosted
    if (replica.blocked) return
    try {
      replica.passed(position)
    } catch (error) {
      // What is decided on the way may be beyond this release, or beyond the operators.
      if (error instanceof QuorateError) this.#onHalt(hosted, error)
      else this.#crashed(hosted, error)
      return
    }
    this.#reportPending(hosted)
    this.#reportEnd(hosted)
    this.#reportProgress(hosted, end)
    const now = this.#now()
    const due = now - (hosted.idleReportedAt ?? hosted.quietSince) >= assignment.idleAfterMs
    if (due && position >= end && !replica.finished && !replica.atEnd && replica.stage.canIdle) {
      hosted.idleReportedAt = now
      this.#report({ kind: 'idle', unit: assignment.unit, epoch, offset: replica.offset }, [])
    }
  }

  #onHalt(hosted: Hosted, error: Error): void {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'QRT_WORKER_FAILED'
    const { epoch, assignment, source } = hosted
    const { unit } = assignment
    const halted = { kind: 'halted', unit, epoch, code, message: error.message } as const
    this.#release(unit)
    if (code !== 'QRT_LOG_OFFSET_LOST') {
      this.#report({ ...halted, logStart: undefined }, [])
      return
    }
    this.#log.offsets(source.topic).then(
      (ranges) => this.#report({ ...halted, logStart: ranges[source.partition]?.start }, []),
      // Its host looks again when it tries again.
      () => this.#report({ ...halted, logStart: undefined }, []),
    )
  }

  #reportPending(hosted: Hosted): void {
    const { pending } = hosted.replica.stage
    if (pending === hosted.pendingReported) return
    hosted.pendingReported = pending
    this.#report({ kind: 'pending', unit: hosted.assignment.unit, epoch: hosted.epoch, pending }, [])
  }

  #reportEnd(hosted: Hosted): void {
    if (!hosted.replica.atEnd || hosted.endReported) return
    hosted.endReported = true
    const { unit } = hosted.assignment
    this.#report({ kind: 'end', unit, epoch: hosted.epoch, offset: hosted.replica.offset }, [])
  }

  #reportProgress(hosted: Hosted, endOffset: number): void {
    const now = this.#now()
    hosted.endOffset = Math.max(hosted.endOffset, endOffset)
    if (now - hosted.reportedAt < PROGRESS_EVERY_MS) return
    hosted.reportedAt = now
    const { replica, assignment, epoch } = hosted
    const progress = {
      kind: 'progress',
      unit: assignment.unit,
      epoch,
      offset: replica.offset,
      endOffset: hosted.endOffset,
      records: hosted.records,
      watermark: replica.stage.watermark,
      stateBytes: replica.stage.stateBytes,
      openWindows: replica.stage.openWindows,
      blocked: replica.blocked,
    } as const
    hosted.records = 0
    this.#report(progress, [])
  }
}

/** The records before an index, as a batch of its own. */
const firstOf = (batch: RecordBatch, length: number): RecordBatch => ({
  length,
  offset: (i) => batch.offset(i),
  timestamp: (i) => batch.timestamp(i),
  key: (i) => batch.key(i),
  value: (i) => batch.value(i),
})

/** @throws QuorateError QRT_REVISION_UNKNOWN when the body of the job has not come yet */
function planOf(plans: readonly StagePlan[], revision: number, unit: UnitId): StagePlan {
  const plan = plans[revision]
  if (plan !== undefined) return plan
  throw new QuorateError(
    'QRT_REVISION_UNKNOWN',
    `${unit} computes by revision ${revision} of its job, and this peer has only ${plans.length} so far: it goes on once it has heard of the upgrade`,
  )
}

/** @throws QuorateError QRT_VERSION_UNSUPPORTED when this release cannot compute in the version */
const stageOfVersion: StageMaker = (plan, { partition, version }) => {
  if (DETERMINISM_VERSIONS.includes(version)) return compiled(plan, partition)
  throw new QuorateError(
    'QRT_VERSION_UNSUPPORTED',
    `the unit computes in determinism version ${version}, and this release knows ${DETERMINISM_VERSIONS.join(', ')}: upgrade this peer`,
  )
}

/** @throws QuorateError QRT_FUNCTIONS_UNKNOWN when this peer was not started with the functions that the job calls */
function compiled(plan: StagePlan, partition: number): StageProcessor {
  try {
    return createStage(plan, { partition })
  } catch (cause) {
    if (!(cause instanceof OperatorError) || cause.code !== 'QRT_EXPR_FUNCTIONS') throw cause
    throw new QuorateError('QRT_FUNCTIONS_UNKNOWN', cause.message, { cause })
  }
}

/** As it is, unless a rule is broken on purpose: with no sources named, those that were seen are all that there are. */
const withSources = (plan: StagePlan): StagePlan =>
  plan.input.kind === 'slices' && planted('partitions-unseen')
    ? { ...plan, input: { ...plan.input, sources: 0 } }
    : plan
