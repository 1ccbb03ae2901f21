/**
 * The replica worker: owns the record path of its units, consumer included, on a thread of its own (worker-thread.ts).
 * Commands come in, cuts and marks go out; nothing per record crosses the thread.
 */
import type { UnitId, Verifier } from '../../mesh/index.ts'
import { createStage, type RecordBatch } from '../../operators/index.ts'
import { LIMITS } from '../limits.ts'
import type { Log, LogPartition, LogReader } from '../log/log.ts'
import type { UnitAssignment, WorkerCommand, WorkerReport } from './protocol.ts'
import { Readers } from './readers.ts'
import { checkedSlices } from './slice-batch.ts'
import { UnitReplica } from './unit-replica.ts'

interface Hosted {
  readonly epoch: number
  /** The latest term whose decision is known here. */
  term: number
  readonly assignment: UnitAssignment
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
  /** Another one only in tests that need a wrong one. */
  readonly createStage?: typeof createStage
}

export class ReplicaWorker {
  readonly #report: (report: WorkerReport, transfer: readonly ArrayBuffer[]) => void
  readonly #now: () => number
  readonly #readers: Readers<UnitId>
  readonly #log: Log
  readonly #verifier: Verifier
  readonly #createStage: typeof createStage
  readonly #units = new Map<UnitId, Hosted>()

  constructor({ log, now, verifier, report, createStage: make = createStage }: ReplicaWorkerOptions) {
    this.#log = log
    this.#now = now
    this.#verifier = verifier
    this.#createStage = make
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
    switch (command.kind) {
      case 'assign':
        this.#assign(command.epoch, command.assignment)
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
        await this.#readers.close()
        await this.#log.close()
        this.#report({ kind: 'closed' }, [])
        return
      default: {
        const hosted = this.#units.get(command.unit)
        if (hosted === undefined || hosted.epoch !== command.epoch) return
        this.#steer(hosted, command)
      }
    }
  }

  #steer(hosted: Hosted, command: WorkerCommand & { kind: 'decide' | 'pause' | 'resume' | 'settled' }): void {
    const { replica, epoch } = hosted
    const { unit } = hosted.assignment
    const wasBlocked = replica.blocked
    switch (command.kind) {
      case 'decide':
        hosted.term = command.decision.term
        if (command.decision.offset < replica.offset) {
          this.#report({ kind: 'overtaken', unit, epoch, offset: replica.offset }, [])
          this.#release(unit)
          return
        }
        replica.decide(command.decision)
        break
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
    }
    this.#reportPending(hosted)
    if (wasBlocked && !replica.blocked) hosted.reader.resume(hosted.source)
  }

  #assign(epoch: number, assignment: UnitAssignment): void {
    this.#release(assignment.unit)
    const { unit, plan, topic, partition, start, endOffset } = assignment
    const source: LogPartition = { topic, partition }
    const known = Math.max(0, ...start.decisions.map(({ term }) => term))
    const replica = new UnitReplica({
      cluster: assignment.cluster,
      unit,
      stage: this.#createStage(plan, { partition }),
      snapshotEvery: plan.cuts.snapshotEvery,
      endOffset,
      start,
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
      term: known,
      assignment,
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
    const { replica, assignment } = hosted
    if (replica.blocked) return 0
    try {
      const { trust } = assignment
      const records =
        trust === undefined ? batch : checkedSlices(batch, assignment.partition, trust, this.#verifier.verify)
      const taken = replica.take(records, start)
      hosted.records += taken
      if (taken > 0) hosted.quietSince = this.#now()
      hosted.idleReportedAt = undefined
      this.#reportPending(hosted)
      this.#reportEnd(hosted)
      this.#reportProgress(hosted, batch.offset(batch.length - 1) + 1)
      return taken
    } catch (error) {
      this.#onHalt(hosted, error instanceof Error ? error : new Error(String(error)))
      return 0
    }
  }

  #onEmpty(hosted: Hosted, position: number, end: number): void {
    const { replica, assignment, epoch } = hosted
    if (replica.blocked) return
    replica.passed(position)
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
    const { unit } = hosted.assignment
    this.#report({ kind: 'halted', unit, epoch: hosted.epoch, code, message: error.message }, [])
    this.#release(unit)
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
