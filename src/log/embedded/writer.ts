/**
 * A transactional writer of the embedded log: a transactional id has an epoch, each writer that opens raises it, and a
 * commit looks inside its own transaction whether the epoch is still the writer's. So a zombie changes nothing, whenever
 * it wakes up.
 */
import { QuorateError } from '../../errors.ts'
import type { LogPartition, LogRecord, Progress, TransactionalWriter } from '../log.ts'
import { WriterLife } from '../writer-life.ts'
import { appendRecords } from './append.ts'
import type { LogDatabase } from './database.ts'
import { createTopicRow, topicRow } from './topics.ts'

const PROGRESS_SETTINGS = { partitions: 1, cleanupPolicy: 'compact' } as const

export function openEmbeddedWriter(
  database: LogDatabase,
  transactionalId: string,
  progressTopic: string,
): Promise<TransactionalWriter> {
  return database.write(() => {
    const topic = topicRow(database, progressTopic) ?? createTopicRow(database, progressTopic, PROGRESS_SETTINGS)
    database.run(
      'INSERT INTO writers (id, epoch) VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET epoch = epoch + 1',
      transactionalId,
    )
    const row = database.get('SELECT progress FROM progress WHERE topic = ? AND writer = ?', topic.id, transactionalId)
    const progress = row?.progress as Uint8Array | undefined
    return new EmbeddedWriter(database, transactionalId, epochOf(database, transactionalId), topic.id, progress)
  })
}

const epochOf = (database: LogDatabase, transactionalId: string): number =>
  Number(database.get('SELECT epoch FROM writers WHERE id = ?', transactionalId)?.epoch)

class EmbeddedWriter implements TransactionalWriter {
  readonly progress: Progress | undefined
  readonly #database: LogDatabase
  readonly #id: string
  readonly #epoch: number
  readonly #progressTopic: number
  readonly #life: WriterLife

  constructor(database: LogDatabase, id: string, epoch: number, topic: number, progress: Progress | undefined) {
    this.#database = database
    this.#id = id
    this.#life = new WriterLife(id)
    this.#epoch = epoch
    this.#progressTopic = topic
    this.progress = progress
  }

  commit(records: ReadonlyMap<LogPartition, readonly LogRecord[]>, progress: Progress): Promise<void> {
    return this.#life.during(() => this.#database.write(() => this.#write(records, progress)))
  }

  #write(records: ReadonlyMap<LogPartition, readonly LogRecord[]>, progress: Progress): void {
    const epoch = epochOf(this.#database, this.#id)
    if (epoch !== this.#epoch) {
      throw new QuorateError(
        'QRT_LOG_FENCED',
        `the writer "${this.#id}" of epoch ${this.#epoch} was fenced by one of epoch ${epoch}; nothing was written`,
      )
    }
    for (const [partition, added] of records) appendRecords(this.#database, partition, added)
    this.#database.run(
      `INSERT INTO progress (topic, writer, progress) VALUES (?, ?, ?)
       ON CONFLICT (topic, writer) DO UPDATE SET progress = excluded.progress`,
      ...[this.#progressTopic, this.#id, progress],
    )
  }

  async close(): Promise<void> {
    this.#life.close()
  }
}
