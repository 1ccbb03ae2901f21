/**
 * The log: what a unit's input is read from and where Kafka-like sinks and shuffles write. Two implementations, Kafka
 * through kafkajs and the embedded log on SQLite; one contract suite holds both.
 *
 * A log delivers committed records only: records of aborted transactions and control markers are no records, they only
 * leave gaps in the offsets.
 */
import type { RecordBatch } from '../../operators/index.ts'
import { QuorateError } from '../errors.ts'

export interface TopicDescription {
  readonly name: string
  readonly partitions: number
  /** `compact` anywhere in it means the topic is a table and cannot be a source. */
  readonly cleanupPolicy: string
  /** -1: unlimited. */
  readonly retentionMs: number
}

export interface TopicSettings {
  readonly partitions: number
  readonly cleanupPolicy?: 'delete' | 'compact'
  /** -1 (default): unlimited. */
  readonly retentionMs?: number
}

/** `start`: first offset still there. `end`: the offset after the last stable (committed or aborted) one. */
export interface OffsetRange {
  readonly start: number
  readonly end: number
}

export interface LogRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** Epoch milliseconds; the time of the append when absent. */
  readonly timestamp?: number
  readonly headers?: Readonly<Record<string, string>>
}

export interface LogPartition {
  readonly topic: string
  readonly partition: number
}

/** All of it synchronous, called from the event loop and never from inside a call to the reader. Must not throw. */
export interface LogReaderHandler {
  /**
   * Records [start, batch.length) in order. Returns how many of them were taken. Fewer than all means "paused": the
   * reader keeps the rest and delivers nothing more of this partition until `resume` or `seek`. The batch and its bytes
   * are the reader's: what is kept beyond the call is copied.
   */
  onBatch(partition: LogPartition, batch: RecordBatch, start: number): number
  /**
   * A successful fetch found no more records at `position` (the offset that the next record will have at least), with
   * the end of the partition at `end`. Called after each such fetch while not paused, also right after the batch that
   * reached the end, and some times a second while nothing comes. `position` passes aborted records and markers, so
   * position >= end means that everything up to `end` was delivered.
   */
  onEmpty(partition: LogPartition, position: number, end: number): void
  /**
   * The partition cannot be read on: QRT_LOG_OFFSET_LOST (the offset is below the start, or records are missing),
   * QRT_LOG_TRUNCATED (beyond the end), QRT_LOG_TOPIC_GONE (deleted, or another topic under the same name),
   * QRT_LOG_CORRUPT (bytes that do not match their checksum however often they are read), QRT_LOG_UNSUPPORTED (a format
   * or compression that is not read here), QRT_LOG_REFUSED (not allowed). Nothing more is delivered until `seek`, which
   * takes the topic as it is then. Outages of the log are not errors: the reader keeps trying and says so through
   * `onOutage`.
   */
  onHalt(partition: LogPartition, error: Error): void
  /** Nothing can be fetched, and why; undefined once it works again. */
  onOutage(cause: Error | undefined): void
}

/** Reads partitions of its own choosing. All calls are safe at any time, including inside the handler. */
export interface LogReader {
  /**
   * Starts delivering `partition` from `offset`, exactly: an offset that is not there is a halt, never a jump. Of one
   * that was added already it is a `seek`.
   */
  add(partition: LogPartition, offset: number): void
  remove(partition: LogPartition): void
  /** Drops what is buffered and delivers from `offset`; un-pauses. */
  seek(partition: LogPartition, offset: number): void
  /** Delivers what was left by an `onBatch` that took less than all, then goes on. Nothing if it is not paused. */
  resume(partition: LogPartition): void
  /** Nothing is delivered once it was called. */
  close(): Promise<void>
}

/** What a transactional writer stores with its records, and reads back after another writer may have been there. */
export type Progress = Uint8Array

/**
 * One writer per transactional id is alive at a time: `openWriter` fences every earlier one. A fenced writer's calls
 * fail with QRT_LOG_FENCED and change nothing. Calls are made one after another.
 */
export interface TransactionalWriter {
  /** The last committed progress of this id, read after earlier writers were fenced; undefined if there is none. */
  readonly progress: Progress | undefined
  /**
   * Appends the records and stores the progress, all or nothing. A rejection with `indefinite: true` means that the
   * outcome is unknown, any other that nothing was changed. After either the writer is of no more use: close it, open a
   * new one, go on from its progress.
   * @throws QuorateError QRT_LOG_FENCED, QRT_LOG_UNREACHABLE, QRT_TOPIC_UNKNOWN, QRT_LOG_REFUSED (too large, not allowed)
   */
  commit(records: ReadonlyMap<LogPartition, readonly LogRecord[]>, progress: Progress): Promise<void>
  close(): Promise<void>
}

export interface Log {
  /** Identity of the log as seen by any peer (the Kafka cluster id; a random id inside the embedded log's file). */
  id(): Promise<string>
  /** Undefined when there is no such topic. */
  describeTopic(topic: string): Promise<TopicDescription | undefined>
  /** Creates the topic, or checks that it exists with these partitions (QRT_LOG_TOPIC_MISMATCH). Idempotent. */
  createTopic(topic: string, settings: TopicSettings): Promise<void>
  /**
   * Gives a topic more partitions: new ones behind those that it has, empty. Nothing when it has so many.
   * @throws QuorateError QRT_TOPIC_UNKNOWN; QRT_LOG_TOPIC_MISMATCH when it has more
   */
  growTopic(topic: string, partitions: number): Promise<void>
  /** Deletes the topic with its records; nothing if there is none. Its readers halt with QRT_LOG_TOPIC_GONE. */
  deleteTopic(topic: string): Promise<void>
  /**
   * Deletes the records below `offset`, which becomes the start of the partition (its end, if it is beyond that);
   * nothing when it starts there or later already. Readers below halt with QRT_LOG_OFFSET_LOST.
   * @throws QuorateError QRT_TOPIC_UNKNOWN
   */
  trim(partition: LogPartition, offset: number): Promise<void>
  /** One range per partition. @throws QuorateError QRT_TOPIC_UNKNOWN */
  offsets(topic: string): Promise<readonly OffsetRange[]>
  /**
   * Plain appends (no transaction), for tools, the demo and tests; resolves when durable. Returns the first offset.
   * @throws QuorateError QRT_TOPIC_UNKNOWN
   */
  append(partition: LogPartition, records: readonly LogRecord[]): Promise<number>
  reader(handler: LogReaderHandler): LogReader
  /** `progressTopic` is created when missing (compacted). */
  openWriter(transactionalId: string, progressTopic: string): Promise<TransactionalWriter>
  close(): Promise<void>
}

/** How to reach a log: plain data, so that worker threads open their own. Secrets are resolved already. */
export type LogSettings =
  | { readonly kind: 'embedded'; readonly directory: string }
  | {
      readonly kind: 'kafka'
      readonly brokers: readonly string[]
      readonly clientId: string
      /** TLS; certificates and keys as PEM text. `true`: the certificate authorities that Node knows. */
      readonly ssl?: boolean | LogTls
      readonly sasl?: {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
        readonly username: string
        readonly password: string
      }
    }

export interface LogTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** A topic never loses partitions while it lives. */
export const cannotShrink = (topic: string, has: number, wanted: number): QuorateError =>
  new QuorateError(
    'QRT_LOG_TOPIC_MISMATCH',
    `expected topic "${topic}" with at most ${wanted} partitions, found ${has}; a topic keeps the partitions that it has: use another name`,
  )
