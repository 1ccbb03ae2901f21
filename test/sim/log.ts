/**
 * A log on simulated time, shared by all processes: partitions of records with gaps where transactions were aborted or
 * marked, retention, fencing of writers, outages, and answers that are lost after the work was done. `open` gives one
 * process its client.
 */
import type { Random } from '../../mesh/random.ts'
import { QuorateError } from '../../src/errors.ts'
import type {
  Log,
  LogPartition,
  LogReader,
  LogReaderHandler,
  LogRecord,
  OffsetRange,
  TopicDescription,
  TopicSettings,
  TransactionalWriter,
} from '../../src/log/log.ts'
import type { SimulatedClock } from './clock.ts'
import { SimulatedLogReader } from './log-reader.ts'
import type { SimulatedProcess } from './process.ts'
import { firstNot } from './sorted.ts'

export interface StoredRecord {
  readonly offset: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestamp: number
  readonly headers: Readonly<Record<string, string>>
}

export class StoredPartition {
  /** Those that can be read. */
  readonly records: StoredRecord[] = []
  /** Those that could once: for checkers. */
  readonly history: StoredRecord[] = []
  start = 0
  end = 0
  readonly waiting = new Set<() => void>()

  append(records: readonly LogRecord[], timestamp: number): number {
    const first = this.end
    for (const record of records) {
      const { key, value, headers = {} } = record
      const stored = { offset: this.end, key, value, timestamp: record.timestamp ?? timestamp, headers }
      this.records.push(stored)
      this.history.push(stored)
      this.end += 1
    }
    this.wake()
    return first
  }

  /** A marker, or records of an aborted transaction: offsets without records. */
  skip(offsets: number): void {
    this.end += offsets
    this.wake()
  }

  wake(): void {
    const waiting = [...this.waiting]
    this.waiting.clear()
    for (const wake of waiting) wake()
  }

  /** Index of the first record at or above an offset. */
  indexOf(offset: number): number {
    return firstAtOrAbove(this.records, offset)
  }
}

/** Index in records that are in order. */
export function firstAtOrAbove(records: readonly StoredRecord[], offset: number): number {
  return firstNot((record) => record.offset < offset, records)
}

interface StoredTopic {
  readonly description: TopicDescription
  readonly partitions: readonly StoredPartition[]
}

export interface LogFaults {
  /** One way of a call, in milliseconds. */
  readonly delayMs: readonly [number, number]
  /** Share of commits whose answer is lost after they were applied. */
  readonly lostAnswers: number
  /** Share of commits that leave an aborted transaction and fail. */
  readonly aborts: number
}

const CALM: LogFaults = { delayMs: [0.5, 3], lostAnswers: 0, aborts: 0 }

export class SimulatedLog {
  readonly clock: SimulatedClock
  readonly random: Random
  faults: LogFaults = CALM
  /** Nothing can be reached while this holds. */
  outage = false
  /** A writer was found to be one no more: for whoever counts. */
  onFenced: () => void = () => undefined
  readonly #topics = new Map<string, StoredTopic>()
  readonly #writers = new Map<string, number>()
  readonly #progress = new Map<string, Uint8Array>()

  constructor(clock: SimulatedClock, random: Random) {
    this.clock = clock
    this.random = random
  }

  delay(): number {
    const [least, most] = this.faults.delayMs
    return least + this.random.next() * (most - least)
  }

  partition({ topic, partition }: LogPartition): StoredPartition | undefined {
    return this.#topics.get(topic)?.partitions[partition]
  }

  topics(): readonly string[] {
    return [...this.#topics.keys()].sort()
  }

  partitionsOf(topic: string): readonly StoredPartition[] {
    return this.#topics.get(topic)?.partitions ?? []
  }

  createTopic(name: string, { partitions, cleanupPolicy = 'delete', retentionMs = -1 }: TopicSettings): void {
    const known = this.#topics.get(name)
    if (known !== undefined) {
      if (known.partitions.length === partitions) return
      throw new QuorateError('QRT_LOG_TOPIC_MISMATCH', `${name} has ${known.partitions.length} partitions`)
    }
    this.#topics.set(name, {
      description: { name, partitions, cleanupPolicy, retentionMs },
      partitions: Array.from({ length: partitions }, () => new StoredPartition()),
    })
  }

  /** New partitions behind those that it has. */
  growTopic(name: string, partitions: number): void {
    const known = this.#topics.get(name)
    if (known === undefined) throw new QuorateError('QRT_TOPIC_UNKNOWN', `there is no topic ${name}`)
    const { length } = known.partitions
    if (length > partitions) throw new QuorateError('QRT_LOG_TOPIC_MISMATCH', `${name} has ${length} partitions`)
    const added = Array.from({ length: partitions - length }, () => new StoredPartition())
    this.#topics.set(name, {
      description: { ...known.description, partitions },
      partitions: [...known.partitions, ...added],
    })
  }

  describe(topic: string): TopicDescription | undefined {
    return this.#topics.get(topic)?.description
  }

  deleteTopic(topic: string): void {
    const known = this.#topics.get(topic)
    this.#topics.delete(topic)
    for (const partition of known?.partitions ?? []) partition.wake()
  }

  /** Deletes what is below an offset. */
  trim(at: LogPartition, offset: number): void {
    const partition = this.partition(at)
    if (partition === undefined || offset <= partition.start) return
    partition.start = Math.min(offset, partition.end)
    partition.records.splice(0, partition.indexOf(partition.start))
  }

  /** What each writer has committed last, by its id. */
  get progress(): ReadonlyMap<string, Uint8Array> {
    return this.#progress
  }

  /** Becomes the writer of an id. */
  fence(id: string): { readonly epoch: number; readonly progress: Uint8Array | undefined } {
    const epoch = (this.#writers.get(id) ?? 0) + 1
    this.#writers.set(id, epoch)
    return { epoch, progress: this.#progress.get(id) }
  }

  /** @returns false for a writer that was fenced */
  commit(
    id: string,
    epoch: number,
    records: ReadonlyMap<LogPartition, readonly LogRecord[]>,
    progress: Uint8Array,
  ): boolean {
    if (this.#writers.get(id) !== epoch) {
      this.onFenced()
      return false
    }
    for (const [at, added] of records) {
      const partition = this.partition(at)
      if (partition === undefined) throw new QuorateError('QRT_TOPIC_UNKNOWN', `there is no topic ${at.topic}`)
      partition.append(added, this.clock.now())
      // The marker of the transaction.
      partition.skip(1)
    }
    this.#progress.set(id, progress)
    return true
  }

  /** What a transaction leaves that was given up. */
  abort(records: ReadonlyMap<LogPartition, readonly LogRecord[]>): void {
    for (const [at, added] of records) this.partition(at)?.skip(added.length + 1)
  }

  /** The client of a process. */
  open(process: SimulatedProcess): Log {
    return new SimulatedLogClient(this, process)
  }
}

class SimulatedLogClient implements Log {
  readonly #log: SimulatedLog
  readonly #process: SimulatedProcess

  constructor(log: SimulatedLog, process: SimulatedProcess) {
    this.#log = log
    this.#process = process
  }

  id = (): Promise<string> => this.#call(() => 'simulated')
  describeTopic = (topic: string) => this.#call(() => this.#log.describe(topic))
  createTopic = (topic: string, settings: TopicSettings) => this.#call(() => this.#log.createTopic(topic, settings))
  growTopic = (topic: string, partitions: number) => this.#call(() => this.#log.growTopic(topic, partitions))
  deleteTopic = (topic: string) => this.#call(() => this.#log.deleteTopic(topic))
  trim = (at: LogPartition, offset: number) => this.#call(() => this.#log.trim(at, offset))
  offsets = (topic: string): Promise<readonly OffsetRange[]> =>
    this.#call(() => this.#log.partitionsOf(topic).map(({ start, end }) => ({ start, end })))

  append(at: LogPartition, records: readonly LogRecord[]): Promise<number> {
    return this.#call(() => {
      const partition = this.#log.partition(at)
      if (partition === undefined) throw new QuorateError('QRT_TOPIC_UNKNOWN', `there is no topic ${at.topic}`)
      return partition.append(records, this.#log.clock.now())
    })
  }

  reader(handler: LogReaderHandler): LogReader {
    return new SimulatedLogReader(this.#log, this.#process, handler)
  }

  async openWriter(id: string): Promise<TransactionalWriter> {
    const { epoch, progress } = await this.#call(() => this.#log.fence(id))
    return {
      progress,
      commit: (records, next) => this.#commit(id, epoch, records, next),
      close: async () => undefined,
    }
  }

  close = async (): Promise<void> => undefined

  #commit(
    id: string,
    epoch: number,
    records: ReadonlyMap<LogPartition, readonly LogRecord[]>,
    progress: Uint8Array,
  ): Promise<void> {
    const { faults, random } = this.#log
    const aborts = random.next() < faults.aborts
    const lost = random.next() < faults.lostAnswers
    return this.#call(() => {
      if (aborts) {
        this.#log.abort(records)
        throw new QuorateError('QRT_LOG_UNREACHABLE', 'the simulated transaction was aborted', { indefinite: true })
      }
      if (!this.#log.commit(id, epoch, records, progress)) {
        throw new QuorateError('QRT_LOG_FENCED', `${id} has another writer`)
      }
      if (lost) throw new QuorateError('QRT_LOG_UNREACHABLE', 'the simulated answer was lost', { indefinite: true })
    })
  }

  /**
   * There, done by the log, and back. What the process asked for is done even if it dies meanwhile; it hears of it only if
   * it lives.
   */
  #call<T>(action: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const answer = (settle: () => void) => this.#log.clock.after(this.#log.delay(), () => this.#process.run(settle))
      this.#log.clock.after(this.#log.delay(), () => {
        if (this.#log.outage) {
          const error = new QuorateError('QRT_LOG_UNREACHABLE', 'the simulated log is down', { indefinite: true })
          answer(() => reject(error))
          return
        }
        try {
          const value = action()
          answer(() => resolve(value))
        } catch (error) {
          answer(() => reject(error))
        }
      })
    })
  }
}
