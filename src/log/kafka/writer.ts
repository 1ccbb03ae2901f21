/**
 * A transactional writer: kafkajs's producer, one per writer, used so that what it does on its own can neither duplicate
 * nor lose nor reorder anything.
 *
 * - It retries nothing. A retry of kafkajs sends a request again by the leaders known then: if one moved meanwhile, records
 *   are left out or written twice, and the call succeeds. Any failure ends this writer instead; the next one's
 *   initialisation aborts what was left open. So no abort is sent either: one that overtakes a request still under way
 *   would leave a transaction hanging (KIP-890).
 * - The exception is CONCURRENT_TRANSACTIONS, which says that the markers of the transaction before are still being
 *   written (kafkajs issue 430). It can only come while a transaction has no partition yet. So the progress record goes
 *   first, alone, and is sent again until it is taken; after that there is nothing to wait for.
 * - kafkajs drops records for a partition that it does not know. So every answer is compared with what was sent, before the
 *   commit.
 * - A coordinator may call a transaction complete without writing its markers. So a transaction begins only when the one
 *   before is seen to have its own; and opening a writer ends what was left without (unmarked.ts).
 * - A commit is asked for once. If no broker says what became of it, the outcome is unknown.
 */
import { Kafka, type Producer, type RecordMetadata, type TopicMessages, type Transaction } from 'kafkajs'
import type { LogPartition, LogRecord, Progress, TransactionalWriter } from '../log.ts'
import { WriterLife } from '../writer-life.ts'
import { ClientSockets, clientConfig } from './client-options.ts'
import { type KafkaCluster, unknownTopic } from './cluster.ts'
import { whileConcurrent } from './concurrent.ts'
import { kafkaFailure } from './failure.ts'
import { notTaken, ownPartition, requestsOf } from './produce.ts'
import { progressPartition, readProgress } from './progress.ts'
import { contentsHeader } from './progress-search.ts'
import { endUnmarked, staysOpen } from './unmarked.ts'
import { untilMarked } from './until-marked.ts'

/** How often opening a writer ends a transaction that was left without a marker. */
const ENDINGS = 3
/** The broker aborts a transaction that takes longer. A commit gives up before. */
const TRANSACTION_TIMEOUT_MS = 60_000
const COMMIT_DEADLINE_MS = 50_000

export interface ProgressTopic {
  readonly topic: string
  readonly partitions: number
}

export async function openKafkaWriter(
  cluster: KafkaCluster,
  transactionalId: string,
  progressTopic: ProgressTopic,
  onClose: (writer: TransactionalWriter) => void,
): Promise<TransactionalWriter> {
  const doing = `opening the writer "${transactionalId}"`
  const { topic, partitions } = progressTopic
  try {
    for (let endings = 0; ; endings++) {
      const opened = await initialised(cluster, transactionalId, progressTopic, onClose)
      if (opened !== undefined) return opened
      const partition = progressPartition(transactionalId, partitions)
      if (endings === ENDINGS) throw new Error(`the last transaction in ${topic}[${partition}] cannot be ended`)
      await endUnmarked(cluster, transactionalId, { topic, partition })
    }
  } catch (error) {
    throw kafkaFailure(error, { settings: cluster.settings, doing })
  }
}

/** A writer; undefined when a transaction has to be ended before there can be one. */
async function initialised(
  cluster: KafkaCluster,
  transactionalId: string,
  progressTopic: ProgressTopic,
  onClose: (writer: TransactionalWriter) => void,
): Promise<KafkaWriter | undefined> {
  const sockets = new ClientSockets()
  const producer = new Kafka(clientConfig(cluster.settings, sockets)).producer({
    transactionalId,
    transactionTimeout: TRANSACTION_TIMEOUT_MS,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: ownPartition,
    retry: { retries: 0 },
  })
  const close = () => sockets.close([producer])
  try {
    await producer.connect()
    // Initialises the producer, which fences earlier ones; nothing is sent for the transaction itself.
    const transaction = await whileConcurrent(() => producer.transaction())
    const { topic, partitions } = progressTopic
    const { committed, undecided } = await readProgress(cluster, topic, transactionalId, partitions)
    if (undecided === undefined && (committed === undefined || !(await staysOpen(cluster, committed)))) {
      const parts = { cluster, transactionalId, progressTopic, producer, close, onClose }
      return new KafkaWriter(parts, transaction, committed?.progress)
    }
    await close()
    return undefined
  } catch (error) {
    await close()
    throw error
  }
}

interface WriterParts {
  readonly cluster: KafkaCluster
  readonly transactionalId: string
  readonly progressTopic: ProgressTopic
  readonly producer: Producer
  readonly close: () => Promise<void>
  readonly onClose: (writer: TransactionalWriter) => void
}

class KafkaWriter implements TransactionalWriter {
  readonly progress: Progress | undefined
  readonly #parts: WriterParts
  #transaction: Transaction
  readonly #life: WriterLife
  /** The last progress record, and where else its transaction wrote. */
  #written: { readonly offset: number; readonly others: readonly LogPartition[] } | undefined

  constructor(parts: WriterParts, transaction: Transaction, progress: Progress | undefined) {
    this.#parts = parts
    this.#life = new WriterLife(parts.transactionalId)
    this.#transaction = transaction
    this.progress = progress
  }

  commit(records: ReadonlyMap<LogPartition, readonly LogRecord[]>, progress: Progress): Promise<void> {
    return this.#life.during(() => this.#commit(records, progress))
  }

  async #commit(records: ReadonlyMap<LogPartition, readonly LogRecord[]>, progress: Progress): Promise<void> {
    const { transactionalId, producer, cluster } = this.#parts
    const { settings } = cluster
    const deadline = performance.now() + COMMIT_DEADLINE_MS
    const doing = `committing as "${transactionalId}"`
    try {
      await within(deadline, this.#send(records, progress))
    } catch (error) {
      throw kafkaFailure(error, { settings, doing })
    }
    try {
      await within(deadline, this.#transaction.commit())
    } catch (error) {
      throw kafkaFailure(error, { settings, doing, indefinite: true })
    }
    this.#transaction = await producer.transaction()
  }

  async #send(records: ReadonlyMap<LogPartition, readonly LogRecord[]>, progress: Progress): Promise<void> {
    await this.#untilMarked()
    const [written] = await whileConcurrent(() => this.#sendOne([this.#progressMessage(progress, records)]))
    this.#written = { offset: Number(written?.baseOffset), others: [...records.keys()] }
    for (const request of requestsOf(records)) await this.#sendOne(request)
  }

  /** What has no marker yet would be aborted with the next transaction, were that one aborted. */
  async #untilMarked(): Promise<void> {
    const { cluster, transactionalId, progressTopic } = this.#parts
    const { topic, partitions } = progressTopic
    if (this.#written === undefined) return
    const { offset, others } = this.#written
    const partition = progressPartition(transactionalId, partitions)
    await untilMarked(cluster, { topic, partition }, offset, others)
  }

  async #sendOne(topicMessages: TopicMessages[]): Promise<readonly RecordMetadata[]> {
    const answer = await this.#transaction.sendBatch({ acks: -1, topicMessages })
    const missing = notTaken(topicMessages, answer)
    if (missing !== undefined) throw unknownTopic(missing)
    return answer
  }

  #progressMessage(progress: Progress, records: ReadonlyMap<LogPartition, readonly LogRecord[]>): TopicMessages {
    const { transactionalId, progressTopic } = this.#parts
    const { topic, partitions } = progressTopic
    const partition = progressPartition(transactionalId, partitions)
    const key = Buffer.from(transactionalId)
    return { topic, messages: [{ partition, key, value: Buffer.from(progress), headers: contentsHeader(records) }] }
  }

  async close(): Promise<void> {
    if (!this.#life.close()) return
    this.#parts.onClose(this)
    await this.#parts.close()
  }
}

async function within<T>(deadline: number, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const left = Math.max(0, deadline - performance.now())
  const timer = setTimeout(() => reject(new Error(`it took longer than ${COMMIT_DEADLINE_MS} ms`)), left)
  work.catch(() => undefined)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
