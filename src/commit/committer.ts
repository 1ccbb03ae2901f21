/**
 * Who writes a unit's certified batches to one sink, and when: the first alive of the preference list at once, each later
 * rank after a longer time without progress. Hearing of progress is only a hint; the truth is the sink's own, read whenever
 * a session is opened. So any number of committers is harmless, late ones and revived ones too; but each costs the sink
 * work, so a rank whose help was not needed waits longer the next time.
 */
import { type CutPosition, comparePositions, type UnitId } from '../../mesh/index.ts'
import { QuorateError } from '../errors.ts'
import { HOST_TIMING, LIMITS } from '../limits.ts'
import type { BatchEntry, BatchIndex } from '../replica/batch.ts'
import type { CertifiedBatch, UnitSink } from './sink.ts'

export interface CommitterOptions {
  readonly unit: UnitId
  readonly sinkName: string
  readonly batches: BatchIndex
  /** Monotonic. */
  readonly now: () => number
  /** Each replica writes to a place of its own, until told otherwise. */
  readonly apart?: boolean
  readonly open: () => Promise<UnitSink>
  /** The batch as the sink wants it; undefined when it carries nothing for this sink. */
  readonly load: (entry: BatchEntry, previous: BatchEntry | undefined) => Promise<CertifiedBatch | undefined>
  readonly random: () => number
  /** The sink has everything up to here; `entries` are those that this committer put there just now. */
  readonly onCommitted: (position: CutPosition, entries: readonly BatchEntry[], hedged: boolean) => void
  readonly onHalt: (error: QuorateError) => void
}

export class Committer {
  readonly #options: CommitterOptions
  #session: UnitSink | undefined
  #busy = false
  #rank = Number.POSITIVE_INFINITY
  #progress: CutPosition | undefined
  /** When progress was last made or heard of. */
  #progressAt = Number.NEGATIVE_INFINITY
  #hedgeMs: number = HOST_TIMING.hedgeAfterMs
  #notBefore = 0
  #retryMs: number = HOST_TIMING.retryMs
  /** So many batches go together. A sink that cannot take as many before the call is given up would get the same again for ever. */
  #together: number = LIMITS.commitBatches
  #fencedMs: number = HOST_TIMING.fencedWaitMs
  #halted = false
  #closed = false
  #apart: boolean
  /** What keeps the batches waiting, for `status`. */
  problem: string | undefined

  constructor(options: CommitterOptions) {
    this.#options = options
    this.#apart = options.apart ?? false
  }

  /** Nobody else writes to where this replica does: it waits for nobody, and what others have is not here. */
  get apart(): boolean {
    return this.#apart
  }
  set apart(apart: boolean) {
    if (apart && !this.#apart) {
      // What was heard may be true of another place.
      this.#progress = undefined
      this.#dropSession()
    }
    this.#apart = apart
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
      if (entry === undefined || this.#has(entry.position)) break
      bytes += entry.bytes
    }
    return bytes
  }

  /** Another peer says that the sink has everything up to here. */
  heard(position: CutPosition): void {
    if (this.#apart || this.#has(position)) return
    this.#progress = position
    this.#progressAt = this.#options.now()
    this.#fencedMs = HOST_TIMING.fencedWaitMs
  }

  /** @param rank this peer's place among the alive members of the unit */
  tick(rank: number): void {
    this.#rank = rank
    this.poke()
  }

  /** Looks whether something is due; to be called when a batch came. */
  poke(): void {
    if (this.#busy || this.#due.length === 0) return
    this.#busy = true
    this.#run()
      .catch((error) => this.#failed(error))
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

  #has(position: CutPosition): boolean {
    return this.#progress !== undefined && comparePositions(position, this.#progress) <= 0
  }

  get #waits(): boolean {
    return this.#rank > 0 && !this.#apart
  }

  /** The next entries that this rank may write now, as many as go together. */
  get #due(): readonly BatchEntry[] {
    const now = this.#options.now()
    if (this.#halted || this.#closed || now < this.#notBefore) return []
    const due: BatchEntry[] = []
    let bytes = 0
    for (const entry of this.#options.batches.allAfter(this.#progress, this.#together)) {
      if (this.#waits && now < Math.max(entry.readyAt, this.#progressAt) + this.#rank * this.#hedgeMs) break
      bytes += entry.bytes
      if (due.length > 0 && bytes > LIMITS.commitBytes) break
      due.push(entry)
    }
    return due
  }

  async #run(): Promise<void> {
    for (;;) {
      if (this.#session === undefined) await this.#open()
      const entries = this.#due
      if (entries.length === 0) return
      await this.#write(entries)
    }
  }

  async #open(): Promise<void> {
    const session = await this.#options.open()
    if (this.#closed) {
      await session.close()
      return
    }
    this.#session = session
    // The sink knows best: a hint that ran ahead of it is withdrawn.
    this.#progress = session.progress?.position
    if (session.progress !== undefined) this.#options.onCommitted(session.progress.position, [], false)
  }

  async #write(entries: readonly BatchEntry[]): Promise<void> {
    const hedged = this.#waits
    const { batches, load, onCommitted } = this.#options
    const loaded: CertifiedBatch[] = []
    for (const entry of entries) {
      const batch = await load(entry, batches.before(entry.position))
      if (batch !== undefined) loaded.push(batch)
    }
    const outcome = loaded.length === 0 ? undefined : await this.#session?.write(loaded)
    if (hedged && outcome === 'already') this.#hedgeMs = Math.min(this.#hedgeMs * 2, HOST_TIMING.hedgeMaxMs)
    if (hedged && outcome === 'written') this.#hedgeMs = HOST_TIMING.hedgeAfterMs
    const last = entries[entries.length - 1]
    if (last === undefined || this.#closed) return
    if (!this.#has(last.position)) this.#progress = last.position
    this.#progressAt = this.#options.now()
    this.#retryMs = HOST_TIMING.retryMs
    this.#fencedMs = HOST_TIMING.fencedWaitMs
    this.#together = Math.min(this.#together * 2, LIMITS.commitBatches)
    this.problem = undefined
    onCommitted(last.position, outcome === 'already' ? [] : entries, hedged)
  }

  #failed(error: unknown): void {
    if (this.#closed) return
    const now = this.#options.now()
    const failure =
      error instanceof QuorateError
        ? error
        : new QuorateError('QRT_SINK_UNREACHABLE', String(error), { cause: error, indefinite: true })
    this.problem = `${this.#options.sinkName}: ${failure.message}`
    switch (failure.code) {
      case 'QRT_SINK_FORK':
      case 'QRT_SINK_TAKEN':
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
        this.#together = Math.max(1, Math.floor(this.#together / 2))
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
