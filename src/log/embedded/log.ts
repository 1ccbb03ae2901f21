/**
 * A log inside one SQLite file, for demos, tests and single machines: the same meaning as Kafka, and nothing to install.
 * Appends and transactional commits are one SQLite transaction each, so what a reader sees is whole.
 */
import { QuorateError } from '../../errors.ts'
import {
  cannotShrink,
  type Log,
  type LogPartition,
  type LogReader,
  type LogReaderHandler,
  type LogRecord,
  type OffsetRange,
  type TopicDescription,
  type TopicSettings,
  type TransactionalWriter,
} from '../log.ts'
import { appendRecords, trimPartition } from './append.ts'
import { LogDatabase } from './database.ts'
import { EmbeddedReader } from './reader.ts'
import { createTopicRow, growTopicRow, partitionRow, topicRow, unknownTopic } from './topics.ts'
import { openEmbeddedWriter } from './writer.ts'

export class EmbeddedLog implements Log {
  readonly #directory: string
  readonly #database: LogDatabase
  readonly #readers = new Set<EmbeddedReader>()

  private constructor(directory: string, database: LogDatabase) {
    this.#directory = directory
    this.#database = database
  }

  static async open(directory: string): Promise<EmbeddedLog> {
    return new EmbeddedLog(directory, await LogDatabase.open(directory))
  }

  async id(): Promise<string> {
    return String(this.#database.get('SELECT id FROM identity')?.id)
  }

  async describeTopic(topic: string): Promise<TopicDescription | undefined> {
    const row = topicRow(this.#database, topic)
    if (row === undefined) return undefined
    const { partitions, cleanupPolicy, retentionMs } = row
    return { name: topic, partitions, cleanupPolicy, retentionMs }
  }

  createTopic(topic: string, settings: TopicSettings): Promise<void> {
    return this.#database.write(() => {
      const known = topicRow(this.#database, topic)
      if (known === undefined) {
        createTopicRow(this.#database, topic, settings)
      } else if (known.partitions !== settings.partitions) {
        throw new QuorateError(
          'QRT_LOG_TOPIC_MISMATCH',
          `expected topic "${topic}" with ${settings.partitions} partitions, found ${known.partitions}; use another name, or delete the topic`,
        )
      }
    })
  }

  growTopic(topic: string, partitions: number): Promise<void> {
    return this.#database.write(() => {
      const known = topicRow(this.#database, topic)
      if (known === undefined) throw unknownTopic(topic)
      if (known.partitions > partitions) throw cannotShrink(topic, known.partitions, partitions)
      growTopicRow(this.#database, known, partitions)
    })
  }

  deleteTopic(topic: string): Promise<void> {
    return this.#database.write(() => this.#database.run('DELETE FROM topics WHERE name = ?', topic))
  }

  trim(partition: LogPartition, offset: number): Promise<void> {
    return this.#database.write(() => {
      const { id, end } = partitionRow(this.#database, partition)
      trimPartition(this.#database, id, Math.min(offset, end))
    })
  }

  async offsets(topic: string): Promise<readonly OffsetRange[]> {
    const rows = this.#database.all(
      `SELECT start_offset AS start, end_offset AS end FROM partitions
       WHERE topic = (SELECT id FROM topics WHERE name = ?) ORDER BY number`,
      topic,
    )
    if (rows.length === 0) throw unknownTopic(topic)
    return rows.map(({ start, end }) => ({ start: Number(start), end: Number(end) }))
  }

  append(partition: LogPartition, records: readonly LogRecord[]): Promise<number> {
    return this.#database.write(() => appendRecords(this.#database, partition, records))
  }

  reader(handler: LogReaderHandler): LogReader {
    const reader = new EmbeddedReader(LogDatabase.reading(this.#directory), handler)
    this.#readers.add(reader)
    return reader
  }

  openWriter(transactionalId: string, progressTopic: string): Promise<TransactionalWriter> {
    return openEmbeddedWriter(this.#database, transactionalId, progressTopic)
  }

  async close(): Promise<void> {
    for (const reader of this.#readers) await reader.close()
    this.#database.close()
  }
}
