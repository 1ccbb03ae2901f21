/**
 * Who writes a unit's certified batches to one sink, and when: the first alive of the preference list at once, each later
 * rank after a longer wait, unless it has heard that the batch is there. Hearing is only a hint; the truth is the sink's
 * own progress, read whenever a session is opened. So any number of committers is harmless, late ones and revived ones too.
 */
import { type CutPosition, comparePositions, type UnitId } from '../../mesh/index.ts'
import { QuorateError } from '../errors.ts'
import { HOST_TIMING } from '../limits.ts'
import type { BatchEntry, BatchIndex } from '../replica/batch.ts'
import type { CertifiedBatch, UnitSink } from './sink.ts'

export interface CommitterOptions {
  readonly unit: UnitId
  readonly sinkName: string
  readonly batches: BatchIndex
  readonly open: () => Promise<UnitSink>
  /** The batch as the sink wants it; undefined when it carries nothing for this sink. */
  readonly load: (entry: BatchEntry, previous: BatchEntry | undefined) => Promise<CertifiedBatch | undefined>
  readonly random: () => number
  readonly onCommitted: (position: CutPosition, hedged: boolean) => void
  readonly onHalt: (error: QuorateError) => void
}

export class Committer {
  readonly #options: CommitterOptions
  #session: UnitSink | undefined
  #busy = false
  #progress: CutPosition | undefined
  #notBefore = 0
  #retryMs: number = HOST_TIMING.retryMs
  #fencedMs: number = HOST_TIMING.fencedWaitMs
  #halted = false
  #closed = false
  /** What keeps the batches waiting, for `status`. */
  problem: string | undefined

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  get sinkName(): string {
    return this.#options.sinkName
  }
  get progress(): CutPosition | undefined {
    return this.#progress
  }

  /** Bytes that are certified and, as far as is known, not at the sink. */
  backlogBytes(): number {
    let bytes = 0
    const { entries } = this.#options.batches
    for (let i = entries.length - 1; i >= 0; i--) {
      const entry = entries[i]
      if (
        entry === undefined ||
        (this.#progress !== undefined && comparePositions(entry.position, this.#progress) <= 0)
      )
        break
      bytes += entry.bytes
    }
    return bytes
  }

  /** Another peer says that the sink has everything up to here. */
  heard(position: CutPosition): void {
    if (this.#progress !== undefined && comparePositions(position, this.#progress) <= 0) return
    this.#progress = position
    this.#fencedMs = HOST_TIMING.fencedWaitMs
  }

  /** @param rank this peer's place among the alive members of the unit */
  tick(now: number, rank: number): void {
    if (this.#busy || this.#halted || this.#closed || now < this.#notBefore) return
    const next = this.#options.batches.after(this.#progress)
    if (next === undefined || now < next.entry.readyAt + rank * HOST_TIMING.hedgeAfterMs) return
    this.#busy = true
    this.#step(next.entry, next.previous, rank > 0)
      .catch((error) => this.#failed(now, error))
      .finally(() => {
        this.#busy = false
      })
  }

  async close(): Promise<void> {
    this.#closed = true
    const session = this.#session
    this.#session = undefined
    await session?.close()
  }

  async #step(entry: BatchEntry, previous: BatchEntry | undefined, hedged: boolean): Promise<void> {
    if (this.#session === undefined) {
      const session = await this.#options.open()
      this.#session = session
      // The sink knows best: a hint that ran ahead of it is withdrawn.
      this.#progress = session.progress?.position
      if (session.progress !== undefined) this.#options.onCommitted(session.progress.position, false)
      return
    }
    const batch = await this.#options.load(entry, previous)
    if (batch !== undefined) await this.#session.write(batch)
    if (this.#progress === undefined || comparePositions(entry.position, this.#progress) > 0)
      this.#progress = entry.position
    this.#retryMs = HOST_TIMING.retryMs
    this.#fencedMs = HOST_TIMING.fencedWaitMs
    this.problem = undefined
    this.#options.onCommitted(entry.position, hedged)
  }

  #failed(now: number, error: unknown): void {
    if (this.#closed) return
    const failure =
      error instanceof QuorateError
        ? error
        : new QuorateError('QRT_SINK_UNREACHABLE', String(error), { cause: error, indefinite: true })
    this.problem = `${this.#options.sinkName}: ${failure.message}`
    switch (failure.code) {
      case 'QRT_SINK_FORK':
      case 'QRT_SINK_REFUSED':
      case 'QRT_SINK_UNSUPPORTED':
        this.#halted = true
        this.#options.onHalt(failure)
        return
      case 'QRT_SINK_FENCED':
        this.problem = undefined
        this.#dropSession()
        this.#notBefore = now + this.#fencedMs * (1 + this.#options.random())
        this.#fencedMs = Math.min(this.#fencedMs * 2, HOST_TIMING.fencedWaitMaxMs)
        return
      default:
        this.#dropSession()
        this.#notBefore = now + this.#retryMs * (1 + this.#options.random())
        this.#retryMs = Math.min(this.#retryMs * 2, HOST_TIMING.retryMaxMs)
    }
  }

  #dropSession(): void {
    const session = this.#session
    this.#session = undefined
    // It failed already; that its closing fails too says nothing new.
    session?.close().catch(() => undefined)
  }
}
