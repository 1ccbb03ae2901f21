/**
 * The log: what a unit's input is read from and where Kafka-like sinks and shuffles write. Two implementations, Kafka
 * through kafkajs and the embedded log on SQLite; one contract suite holds both.
 *
 * A log delivers committed records only: records of aborted transactions and control markers are no records, they only
 * leave gaps in the offsets.
 */
import type { RecordBatch } from '../../operators/index.ts'

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
  /** Epoch milliseconds; the log's own time when absent. */
  readonly timestamp?: number
  readonly headers?: Readonly<Record<string, string>>
}

export interface LogPartition {
  readonly topic: string
  readonly partition: number
}

export interface LogReaderHandler {
  /**
   * Records [start, batch.length) in order. Returns how many of them were taken. Fewer than all means "paused": the
   * reader keeps the rest and delivers nothing more of this partition until `resume`. Synchronous; must not throw.
   */
  onBatch(partition: LogPartition, batch: RecordBatch, start: number): number
  /**
   * A successful fetch found nothing at `position` (the offset that the next record will have at least), with the end
   * of the partition at `end`. Called after each such fetch while not paused; `position` passes aborted records and
   * markers, so position >= end means that everything up to `end` was delivered.
   */
  onEmpty(partition: LogPartition, position: number, end: number): void
  /**
   * The partition cannot be read on: QRT_LOG_OFFSET_LOST, QRT_LOG_TRUNCATED, QRT_LOG_TOPIC_GONE. Nothing more is
   * delivered until `seek`. Outages of the log are not errors: the reader keeps trying and says so through `onOutage`.
   */
  onHalt(partition: LogPartition, error: Error): void
  /** The log became unreachable (`since` set) or reachable again (undefined). */
  onOutage(since: Error | undefined): void
}

/** Reads partitions of its own choosing. All calls are safe at any time, including inside the handler. */
export interface LogReader {
  /** Starts delivering `partition` from `offset` (exactly: a first record below or a jump above is a halt). */
  add(partition: LogPartition, offset: number): void
  remove(partition: LogPartition): void
  /** Drops what is buffered and delivers from `offset`; un-pauses. */
  seek(partition: LogPartition, offset: number): void
  /** Delivers what was left by an `onBatch` that took less than all, then goes on. */
  resume(partition: LogPartition): void
  close(): Promise<void>
}

/** What a transactional writer stores with its records, and reads back after another writer may have been there. */
export type Progress = Uint8Array

/**
 * One writer per transactional id is alive at a time: `openWriter` fences every earlier one. A fenced writer's calls
 * fail with QRT_LOG_FENCED and change nothing.
 */
export interface TransactionalWriter {
  /** The last committed progress of this id, read after earlier writers were fenced; undefined if there is none. */
  readonly progress: Progress | undefined
  /**
   * Appends the records and stores the progress, all or nothing. A rejection other than QRT_LOG_FENCED with
   * `indefinite: true` means the outcome is unknown: close this writer, open a new one, read its progress.
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
  offsets(topic: string): Promise<readonly OffsetRange[]>
  /** Plain appends (no transaction), for tools, the demo and tests; resolves when durable. Returns the first offset. */
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
      readonly ssl?: boolean
      readonly sasl?: {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
        readonly username: string
        readonly password: string
      }
    }
