/**
 * Writing to a log, for the Kafka sink and the shuffle: the records of a batch and the unit's progress commit in one
 * transaction of one transactional id. Opening it fences whoever wrote before and then reads the progress, so a batch
 * is there exactly if the progress says so.
 */
import { planted } from '../../../mesh/index.ts'
import { QuorateError } from '../../errors.ts'
import type { Log, LogPartition, LogRecord, TransactionalWriter } from '../../log/log.ts'
import type { CertifiedBatch, SinkProgress, UnitIdentity, UnitSink } from '../sink.ts'
import { decodeProgress, encodeProgress, isThere, progressOf } from './progress.ts'

export type RecordsOf = (batch: CertifiedBatch) => ReadonlyMap<LogPartition, readonly LogRecord[]>

/** `sink` is part of the transactional id: two sinks of a job that write to one log must not fence each other. */
export async function openLogSession(
  log: Log,
  sink: string,
  { cluster, unit }: UnitIdentity,
  recordsOf: RecordsOf,
): Promise<UnitSink> {
  const writer = await translated(sink, () =>
    log.openWriter(`quorate:${cluster}:${unit}:${sink}`, `quorate-progress-${cluster}`),
  )
  const { progress } = writer
  const known = progress !== undefined && !planted('progress-unread')
  return new LogSession(writer, sink, recordsOf, known ? decodeProgress(sink, progress) : undefined)
}

class LogSession implements UnitSink {
  readonly #writer: TransactionalWriter
  readonly #sink: string
  readonly #recordsOf: RecordsOf
  #progress: SinkProgress | undefined
  #failed = false

  constructor(writer: TransactionalWriter, sink: string, recordsOf: RecordsOf, progress: SinkProgress | undefined) {
    this.#writer = writer
    this.#sink = sink
    this.#recordsOf = recordsOf
    this.#progress = progress
  }

  get progress(): SinkProgress | undefined {
    return this.#progress
  }

  /** A transaction is there, or nothing of it. */
  async announced(): Promise<SinkProgress | undefined> {
    return undefined
  }

  /** One transaction, however many batches. */
  async write(batches: readonly CertifiedBatch[]): Promise<'written' | 'already'> {
    if (this.#failed) {
      throw new QuorateError('QRT_SINK_UNREACHABLE', `${this.#sink}: an earlier write failed; open the sink again`)
    }
    const missing = batches.filter((batch) => !isThere(this.#sink, this.#progress, batch))
    const last = missing[missing.length - 1]
    if (last === undefined) return 'already'
    const records = merged(missing.map((batch) => this.#recordsOf(batch)))
    const progress = progressOf(last)
    // What the log has after a failure is known again only from a new writer's progress.
    this.#failed = true
    const before = planted('progress-after-rows') ? this.#progress : undefined
    if (before !== undefined) await this.#commit(records, before)
    await this.#commit(before === undefined ? records : new Map(), progress)
    this.#failed = false
    this.#progress = progress
    return 'written'
  }

  #commit(records: ReturnType<RecordsOf>, progress: SinkProgress): Promise<void> {
    return translated(this.#sink, () => this.#writer.commit(records, encodeProgress(progress)))
  }

  close(): Promise<void> {
    return this.#writer.close()
  }
}

/** Records of several batches, each partition's in their order. */
function merged(parts: readonly ReadonlyMap<LogPartition, readonly LogRecord[]>[]) {
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return only
  const all = new Map<LogPartition, LogRecord[]>()
  for (const part of parts) {
    for (const [partition, records] of part) {
      const others = all.get(partition)
      if (others === undefined) all.set(partition, [...records])
      else for (const record of records) others.push(record)
    }
  }
  return all
}

/** The log's own errors in the words of a sink. Others are bugs and pass as they are. */
export async function translated<T>(sink: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof QuorateError)) throw error
    const { indefinite } = error
    const options = { cause: error, indefinite }
    if (error.code === 'QRT_LOG_FENCED') {
      throw new QuorateError('QRT_SINK_FENCED', `${sink}: another committer took over: ${error.message}`, options)
    }
    const passing = error.code === 'QRT_LOG_UNREACHABLE' || indefinite
    throw new QuorateError(passing ? 'QRT_SINK_UNREACHABLE' : 'QRT_SINK_REFUSED', `${sink}: ${error.message}`, options)
  }
}
