/**
 * The part of a log that sinks write to, as obviously as can be: records in arrays, one living writer per transactional
 * id. The sinks' contract runs on it as well as on the real logs, so that a failure shows whose it is.
 */
import { QuorateError } from '../../src/errors.ts'
import type {
  Log,
  LogPartition,
  LogRecord,
  Progress,
  TopicDescription,
  TopicSettings,
  TransactionalWriter,
} from '../../src/log/log.ts'

export type WritableLog = Pick<Log, 'describeTopic' | 'createTopic' | 'openWriter' | 'close'>

export class MemoryLog implements WritableLog {
  readonly #topics = new Map<string, TopicDescription>()
  readonly #records = new Map<string, LogRecord[]>()
  readonly #progress = new Map<string, Progress>()
  readonly #alive = new Map<string, symbol>()

  async describeTopic(topic: string): Promise<TopicDescription | undefined> {
    return this.#topics.get(topic)
  }

  async createTopic(name: string, settings: TopicSettings): Promise<void> {
    const { partitions, cleanupPolicy = 'delete', retentionMs = -1 } = settings
    this.#topics.set(name, { name, partitions, cleanupPolicy, retentionMs })
  }

  async openWriter(id: string): Promise<TransactionalWriter> {
    const me = Symbol(id)
    this.#alive.set(id, me)
    return {
      progress: this.#progress.get(id),
      commit: async (records, progress) => {
        if (this.#alive.get(id) !== me) throw new QuorateError('QRT_LOG_FENCED', `${id} has another writer`)
        for (const [partition, added] of records) this.recordsOf(partition).push(...added)
        this.#progress.set(id, progress)
      },
      close: async () => undefined,
    }
  }

  async close(): Promise<void> {}

  recordsOf({ topic, partition }: LogPartition): LogRecord[] {
    const place = `${topic}/${partition}`
    const records = this.#records.get(place) ?? []
    this.#records.set(place, records)
    return records
  }
}
