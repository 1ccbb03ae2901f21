/**
 * What a peer tells of itself: log lines, metrics and live events, from the same moments, so that none of them knows what
 * the others do not.
 */
import {
  type Certificate,
  type CutPosition,
  type Member,
  type MeshError,
  type PeerId,
  parseUnitId,
  type UnitId,
} from '../../mesh/index.ts'
import { readRows } from '../../operators/index.ts'
import type { QuorateError } from '../errors.ts'
import type { LiveEvent } from '../http/api.ts'
import type { LogPartition } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { Metrics } from '../metrics.ts'
import type { Batch } from '../replica/batch.ts'
import type { Halt } from '../replica/hosted.ts'
import type { Written } from './commits.ts'
import type { Divergence } from './divergences.ts'
import type { Job } from './jobs.ts'

export interface ObserverOptions {
  readonly logger: Logger
  readonly metrics: Metrics
  /** Epoch milliseconds. */
  readonly wallClock: () => number
}

/** The same refusal of the same address is logged this often. */
const REPEAT_MS = 60_000

export class Observer {
  readonly #options: ObserverOptions
  readonly #listeners = new Set<(event: LiveEvent) => void>()
  readonly #jobOf = new Map<string, string>()
  readonly #refusedAt = new Map<string, number>()
  #names: (peer: PeerId) => string = (peer) => peer.slice(0, 8)

  constructor(options: ObserverOptions) {
    this.#options = options
  }

  /** How peers are called: the peer itself knows, once it runs. */
  naming(names: (peer: PeerId) => string): void {
    this.#names = names
  }

  subscribe(listener: (event: LiveEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  jobAdded({ entry, body }: Job): void {
    this.#jobOf.set(entry.generation, entry.name)
    this.#options.metrics.jobAdded(entry.name)
    this.#options.logger.info('job added', { job: entry.name, generation: entry.generation })
    // A peer that starts again finds its jobs: they were submitted when they were.
    this.#emit({ kind: 'job', at: body.submittedAt, job: entry.name, change: 'submitted' })
  }

  /** Its operator paused it, or had it go on; or it cannot go on any more. */
  jobOrdered({ entry }: Job): void {
    const { name: job, generation, state, stopped } = entry
    const change = stopped !== undefined ? 'stopped' : state === 'paused' ? 'paused' : 'resumed'
    const { logger } = this.#options
    if (stopped === undefined) logger.info(`job ${change}`, { job, generation })
    else logger.error(`job stopped for good: ${stopped.message}`, { job, generation, code: stopped.code })
    this.#emit({ kind: 'job', at: this.#at(), job: entry.name, change })
  }

  jobDeleted({ entry }: Job): void {
    this.#jobOf.delete(entry.generation)
    this.#options.logger.info('job deleted', { job: entry.name, generation: entry.generation })
    this.#emit({ kind: 'job', at: this.#at(), job: entry.name, change: 'deleted' })
    this.#options.metrics.forgetJob(entry.name).catch((error) => {
      this.#options.logger.warn('metrics of a deleted job were not removed', { job: entry.name, error })
    })
  }

  member(member: Member): void {
    this.#options.logger.info('member', { peer: member.id, name: member.name, state: member.state })
    this.#emit({ kind: 'member', at: this.#at(), peer: member.id, name: member.name, state: member.state })
  }

  refusedConnection(address: string, error: MeshError): void {
    const now = this.#options.wallClock()
    const what = `${address} ${error.code}`
    if (now - (this.#refusedAt.get(what) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return
    if (this.#refusedAt.size > 1_000) this.#refusedAt.clear()
    this.#refusedAt.set(what, now)
    const level = error.code === 'QRT_MESH_UNREACHABLE' ? 'info' : 'warn'
    this.#options.logger[level](`connection refused: ${error.message}`, { code: error.code })
  }

  malformed(from: PeerId, what: string): void {
    this.#options.logger.warn(`a malformed ${what} was dropped`, { from, name: this.#names(from) })
  }

  outage(message: string | undefined): void {
    if (message === undefined) this.#options.logger.info('the log can be read again')
    else this.#options.logger.warn(`the log cannot be read: ${message}`)
  }

  workerFailed(units: readonly UnitId[], error: Error): void {
    this.#options.logger.error('a replica worker ended; its units start again', { units, error })
  }

  /** @param replicas of the unit: whoever of them has cast no vote so far has cast none, and is not unknown */
  certified(unit: UnitId, { content, signers }: Certificate, replicas: readonly PeerId[]): void {
    const job = this.#job(unit)
    const { metrics } = this.#options
    metrics.certificate(job)
    for (const peer of replicas) metrics.voter(this.#names(peer))
    for (const { peer } of signers) metrics.vote(this.#names(peer), 'agreed')
    if (content.part === 0 && content.counts.late > 0) metrics.late(job, content.counts.late)
  }

  /** A vote that came after its certificate agrees with it. */
  confirmed(peer: PeerId): void {
    this.#options.metrics.vote(this.#names(peer), 'agreed')
  }

  held(unit: UnitId, { content, signers }: Certificate, rows: number, batch: Batch): void {
    const job = this.#job(unit)
    for (const [reason, count] of reasonsOf(batch)) this.#options.metrics.deadLetters(job, reason, count)
    this.#emit({
      kind: 'certified',
      at: this.#at(),
      unit,
      job,
      position: { seq: content.seq, part: content.part },
      rows,
      counts: content.counts,
      signers: signers.map(({ peer }) => this.#names(peer)),
    })
  }

  /** @param written what this peer brought to the sink, batch by batch; nothing when another had done so */
  committed(unit: UnitId, sink: string, position: CutPosition, written: readonly Written[], hedged: boolean): void {
    const job = this.#job(unit)
    const { metrics, wallClock } = this.#options
    if (hedged && written.length > 0) metrics.hedgedCommit(job, sink)
    for (const { rows, maxEnd } of written) {
      if (rows === 0) continue
      metrics.rowsOut(job, sink, rows)
      if (Number.isFinite(maxEnd)) metrics.eventToCommit(job, sink, Math.max(0, (wallClock() - maxEnd) / 1000))
    }
    this.#emit({
      kind: 'committed',
      at: this.#at(),
      unit,
      job,
      position: { seq: position.seq, part: position.part },
      sink,
    })
  }

  progress(unit: UnitId, records: number): void {
    if (parseUnitId(unit).stage === 0 && records > 0) this.#options.metrics.recordsIn(this.#job(unit), records)
  }

  readRepair(unit: UnitId): void {
    this.#options.metrics.readRepair(this.#job(unit))
  }

  roundTrip(durationMs: number): void {
    this.#options.metrics.gossipRoundTrip(durationMs / 1000)
  }

  diverged(divergence: Divergence): void {
    const { peer, unit, position, offset, cause } = divergence
    this.#options.metrics.divergence(this.#job(unit), cause)
    this.#options.metrics.vote(this.#names(peer), 'outvoted')
    this.#options.logger.error('a replica computed another result than was certified', {
      peer,
      name: this.#names(peer),
      unit,
      cut: `${position.seq}.${position.part}`,
      offset,
      cause,
    })
    this.#emit({ kind: 'diverged', at: this.#at(), divergence: { ...divergence, name: this.#names(peer) } })
  }

  repaired(unit: UnitId, position: CutPosition): void {
    this.#options.logger.info('this replica agrees again', { unit, cut: `${position.seq}.${position.part}` })
  }

  equivocated(unit: UnitId, peer: PeerId, position: CutPosition): void {
    this.#options.metrics.vote(this.#names(peer), 'equivocated')
    this.#options.logger.error('a peer voted twice for different results', {
      peer,
      name: this.#names(peer),
      unit,
      cut: `${position.seq}.${position.part}`,
    })
  }

  halted(unit: UnitId, { code, message }: Halt): void {
    this.#options.logger.error(`a unit halted: ${message}`, { unit, code })
  }

  sinkHalted(unit: UnitId, sink: string, error: QuorateError): void {
    this.#options.logger.error(`a sink takes nothing more of a unit: ${error.message}`, {
      unit,
      sink,
      code: error.code,
    })
  }

  checkpointed(unit: UnitId, seq: number): void {
    this.#options.logger.debug('a snapshot is in the checkpoint', { unit, seq })
  }

  /** @param unit one that cannot go on without it; undefined: nothing new is kept */
  checkpointProblem(unit: UnitId | undefined, problem: string): void {
    const what = unit === undefined ? 'checkpoints are not written' : 'a checkpoint is needed and not there'
    this.#options.logger.warn(`${what}; it is tried again`, { ...(unit === undefined ? {} : { unit }), problem })
  }

  /** Records that nobody needs stay in the topic between two stages. */
  trimProblem({ topic, partition }: LogPartition, error: unknown): void {
    this.#options.logger.warn('records that nobody needs any more could not be deleted; it is tried again', {
      topic,
      partition,
      error,
    })
  }

  sinkClosing(unit: UnitId, error: unknown): void {
    this.#options.logger.warn('a sink could not be closed', { unit, error })
  }

  #job(unit: UnitId): string {
    return this.#jobOf.get(parseUnitId(unit).generation) ?? ''
  }

  #at(): string {
    return new Date(this.#options.wallClock()).toISOString()
  }

  #emit(event: LiveEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

function reasonsOf({ deadLetters }: Batch): ReadonlyMap<string, number> {
  const reasons = new Map<string, number>()
  for (const { value } of readRows(deadLetters)) {
    const { error } = JSON.parse(Buffer.from(value).toString()) as { readonly error?: unknown }
    const reason = String(error)
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }
  return reasons
}
