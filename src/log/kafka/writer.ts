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
 * - A commit is asked for once. If no broker says what became of it, the outcome is unknown.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Kafka, type Producer, type TopicMessages, type Transaction } from 'kafkajs'
import type { LogPartition, LogRecord, Progress, TransactionalWriter } from '../log.ts'
import { WriterLife } from '../writer-life.ts'
import { ClientSockets, clientConfig } from './client-options.ts'
import { type KafkaCluster, unknownTopic } from './cluster.ts'
import { kafkaFailure, typeOf } from './failure.ts'
import { notTaken, ownPartition, requestsOf } from './produce.ts'
import { progressPartition, readProgress } from './progress.ts'

/** The broker aborts a transaction that takes longer. A commit gives up before. */
const TRANSACTION_TIMEOUT_MS = 60_000
const COMMIT_DEADLINE_MS = 50_000
/** How long an earlier writer's transaction may take to end. */
const CONCURRENT_DEADLINE_MS = 30_000
const CONCURRENT_WAIT_MS = 2
const CONCURRENT_WAIT_MAX_MS = 50

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
  const doing = `opening the writer "${transactionalId}"`
  try {
    await producer.connect()
    // Initialises the producer, which fences earlier ones; nothing is sent for the transaction itself.
    const transaction = await whileConcurrent(() => producer.transaction())
    const progress = await readProgress(cluster, progressTopic.topic, transactionalId, progressTopic.partitions)
    return new KafkaWriter({ cluster, transactionalId, progressTopic, producer, close, onClose }, transaction, progress)
  } catch (error) {
    await close()
    throw kafkaFailure(error, { settings: cluster.settings, doing })
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
    await whileConcurrent(() => this.#sendOne([this.#progressMessage(progress)]))
    for (const request of requestsOf(records)) await this.#sendOne(request)
  }

  async #sendOne(topicMessages: TopicMessages[]): Promise<void> {
    const answer = await this.#transaction.sendBatch({ acks: -1, topicMessages })
    const missing = notTaken(topicMessages, answer)
    if (missing !== undefined) throw unknownTopic(missing)
  }

  #progressMessage(progress: Progress): TopicMessages {
    const { transactionalId, progressTopic } = this.#parts
    const { topic, partitions } = progressTopic
    const partition = progressPartition(transactionalId, partitions)
    return { topic, messages: [{ partition, key: Buffer.from(transactionalId), value: Buffer.from(progress) }] }
  }

  async close(): Promise<void> {
    if (!this.#life.close()) return
    this.#parts.onClose(this)
    await this.#parts.close()
  }
}

/** Repeats a call that changes nothing as long as the answer is that an earlier transaction is still being ended. */
async function whileConcurrent<T>(call: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + CONCURRENT_DEADLINE_MS
  for (let wait = CONCURRENT_WAIT_MS; ; wait = Math.min(wait * 2, CONCURRENT_WAIT_MAX_MS)) {
    try {
      return await call()
    } catch (error) {
      if (typeOf(error) !== 'CONCURRENT_TRANSACTIONS' || performance.now() > deadline) throw error
    }
    await delay(wait)
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
