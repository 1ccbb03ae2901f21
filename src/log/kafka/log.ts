/** The log in Kafka: topics through kafkajs's admin client, readers and writers of our own making around its connections. */
import { setTimeout as delay } from 'node:timers/promises'
import kafkajs, { type Admin, Kafka, type Producer, type RecordMetadata, type TopicMessages } from 'kafkajs'
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
import { ClientSockets, clientConfig, type KafkaSettings } from './client-options.ts'
import { KafkaCluster, unknownTopic } from './cluster.ts'
import { kafkaFailure, typeOf } from './failure.ts'
import { notTaken, ownPartition, requestsOf } from './produce.ts'
import { PROGRESS_CONFIG, PROGRESS_PARTITIONS } from './progress.ts'
import { KafkaReader } from './reader.ts'
import { openKafkaWriter } from './writer.ts'

/** Topics that are made here take slices and rows of several megabytes; a broker's default is 1 MiB. */
const MAX_MESSAGE_BYTES = 32 << 20
/** How long brokers may take to agree that a topic is there, or is not. */
const SETTLE_DEADLINE_MS = 15_000
const SETTLE_WAIT_MS = 20

export class KafkaLog implements Log {
  readonly #settings: KafkaSettings
  readonly #cluster: KafkaCluster
  readonly #sockets = new ClientSockets()
  readonly #kafka: Kafka
  readonly #readers = new Set<KafkaReader>()
  readonly #writers = new Set<TransactionalWriter>()
  readonly #progressPartitions = new Map<string, number>()
  #admin: Promise<Admin> | undefined
  #producer: Promise<Producer> | undefined
  #closed = false

  constructor(settings: KafkaSettings) {
    this.#settings = settings
    this.#cluster = new KafkaCluster(settings)
    this.#kafka = new Kafka(clientConfig(settings, this.#sockets))
  }

  async id(): Promise<string> {
    return this.#doing('asking for the cluster id', async () => (await this.#cluster.metadata([])).clusterId)
  }

  async describeTopic(topic: string): Promise<TopicDescription | undefined> {
    const found = await this.#cluster.topic(topic)
    if (found === undefined) return undefined
    const config = await this.#config(topic)
    return {
      name: topic,
      partitions: found.partitions.length,
      cleanupPolicy: config.get('cleanup.policy') ?? 'delete',
      retentionMs: Number(config.get('retention.ms') ?? -1),
    }
  }

  async createTopic(topic: string, settings: TopicSettings): Promise<void> {
    const { partitions, cleanupPolicy = 'delete', retentionMs = -1 } = settings
    const found = await this.#ensureTopic(topic, partitions, {
      'cleanup.policy': cleanupPolicy,
      'retention.ms': String(retentionMs),
      // Without limit is without limit, also where the brokers' default has one of bytes.
      ...(retentionMs === -1 ? { 'retention.bytes': '-1' } : {}),
    })
    if (found !== partitions) {
      throw new QuorateError(
        'QRT_LOG_TOPIC_MISMATCH',
        `expected topic "${topic}" with ${partitions} partitions, found ${found}; use another name, or delete the topic`,
      )
    }
  }

  async growTopic(topic: string, partitions: number): Promise<void> {
    const found = await this.#partitionsOf(topic)
    if (found > partitions) throw cannotShrink(topic, found, partitions)
    if (found === partitions) return
    const admin = await this.#connectedAdmin()
    await this.#doing(`giving topic "${topic}" ${partitions} partitions`, async () => {
      try {
        await admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] })
      } catch (error) {
        // Somebody may have been faster; how many there are now is looked at below.
        if (typeOf(error) !== 'INVALID_PARTITIONS') throw error
      }
    })
    const enough = async () => (await this.#partitionsOf(topic)) >= partitions
    await this.#settled(`topic "${topic}" has ${partitions} partitions`, enough)
    // What the controller knows, leaders know a little later: they answer then.
    const led = (await this.offsets(topic)).length
    if (led > partitions) throw cannotShrink(topic, led, partitions)
  }

  async #partitionsOf(topic: string): Promise<number> {
    const found = await this.#cluster.topic(topic)
    if (found === undefined) throw unknownTopic({ topic })
    return found.partitions.length
  }

  async deleteTopic(topic: string): Promise<void> {
    if ((await this.#cluster.topic(topic)) === undefined) return
    const admin = await this.#connectedAdmin()
    await this.#doing(`deleting topic "${topic}"`, async () => {
      try {
        await admin.deleteTopics({ topics: [topic] })
      } catch (error) {
        if (typeOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
      }
    })
    await this.#settled(`topic "${topic}" is gone`, async () => (await this.#cluster.topic(topic)) === undefined)
  }

  async trim(partition: LogPartition, offset: number): Promise<void> {
    const { topic, partition: number } = partition
    await this.#cluster.withLeaders(
      topic,
      `trimming ${topic}[${number}]`,
      async (leader) => {
        for (const { start, end } of await leader.ranges(topic, [number], 'stable end')) {
          const before = Math.min(offset, end)
          if (before > start) await leader.deleteRecords(topic, number, before)
        }
      },
      number,
    )
  }

  async offsets(topic: string): Promise<readonly OffsetRange[]> {
    const found = await this.#cluster.withLeaders(topic, `asking for the offsets of "${topic}"`, (leader, led) =>
      leader.ranges(topic, led, 'stable end'),
    )
    const byPartition = found.flat().sort((a, b) => a.partition - b.partition)
    return byPartition.map(({ start, end }) => ({ start, end }))
  }

  async append(partition: LogPartition, records: readonly LogRecord[]): Promise<number> {
    const topic = await this.#cluster.topic(partition.topic)
    if (topic === undefined || partition.partition >= topic.partitions.length) throw unknownTopic(partition)
    let first: number | undefined
    for (const request of requestsOf(new Map([[partition, records]]))) {
      const answer = await this.#doing(`appending to ${partition.topic}[${partition.partition}]`, () =>
        this.#produce(request),
      )
      const missing = notTaken(request, answer)
      if (missing !== undefined) throw unknownTopic(missing)
      first ??= Number(answer[0]?.baseOffset)
    }
    return first ?? (await this.offsets(partition.topic))[partition.partition]?.end ?? 0
  }

  /**
   * A producer of kafkajs that has ever written to a topic which is deleted since fails for all others, before it sends; and
   * one that knows a topic from before it grew sends nothing to the new partitions, and says nothing.
   * @param topicMessages of one partition
   */
  async #produce(topicMessages: TopicMessages[]): Promise<RecordMetadata[]> {
    const producer = await this.#connectedProducer()
    try {
      const answer = await producer.sendBatch({ acks: -1, topicMessages })
      if (notTaken(topicMessages, answer) === undefined) return answer
      this.#replaceProducer(producer)
    } catch (error) {
      this.#replaceProducer(producer)
      if (typeOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
    }
    return (await this.#connectedProducer()).sendBatch({ acks: -1, topicMessages })
  }

  #replaceProducer(producer: Producer): void {
    this.#producer = undefined
    producer.disconnect().catch(() => undefined)
  }

  reader(handler: LogReaderHandler): LogReader {
    const reader = new KafkaReader(this.#cluster, handler, (topic) => this.#isCompacted(topic))
    this.#readers.add(reader)
    return reader
  }

  async openWriter(transactionalId: string, progressTopic: string): Promise<TransactionalWriter> {
    const partitions =
      this.#progressPartitions.get(progressTopic) ??
      (await this.#ensureTopic(progressTopic, PROGRESS_PARTITIONS, PROGRESS_CONFIG))
    this.#progressPartitions.set(progressTopic, partitions)
    const writer = await openKafkaWriter(
      this.#cluster,
      transactionalId,
      { topic: progressTopic, partitions },
      (closed) => this.#writers.delete(closed),
    )
    this.#writers.add(writer)
    if (this.#closed) await writer.close()
    return writer
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#readers, ...this.#writers].map((each) => each.close()))
    const clients = await Promise.allSettled([this.#admin, this.#producer])
    const connected = clients.flatMap((each) => (each.status === 'fulfilled' && each.value ? [each.value] : []))
    await this.#sockets.close(connected)
    this.#cluster.close()
  }

  /** How many partitions the topic has, which is created if it is missing. */
  async #ensureTopic(topic: string, partitions: number, config: Readonly<Record<string, string>>): Promise<number> {
    const known = await this.#cluster.topic(topic)
    if (known !== undefined) return known.partitions.length
    const admin = await this.#connectedAdmin()
    const all = { 'max.message.bytes': String(MAX_MESSAGE_BYTES), ...config }
    const configEntries = Object.entries(all).map(([name, value]) => ({ name, value }))
    // Somebody may be faster: kafkajs answers false then.
    await this.#doing(`creating topic "${topic}"`, () =>
      admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }], waitForLeaders: false }),
    )
    await this.#settled(`topic "${topic}" is there`, async () => (await this.#cluster.topic(topic)) !== undefined)
    // What the controller knows, leaders know a little later: they answer then.
    return (await this.offsets(topic)).length
  }

  async #isCompacted(topic: string): Promise<boolean> {
    return (await this.#config(topic)).get('cleanup.policy')?.includes('compact') === true
  }

  async #config(topic: string): Promise<ReadonlyMap<string, string>> {
    const admin = await this.#connectedAdmin()
    const { resources } = await this.#doing(`asking for the settings of topic "${topic}"`, () =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [
          { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: ['cleanup.policy', 'retention.ms'] },
        ],
      }),
    )
    const entries = resources.flatMap(({ configEntries }) => configEntries)
    return new Map(entries.map(({ configName, configValue }) => [configName, configValue]))
  }

  async #settled(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + SETTLE_DEADLINE_MS
    while (!(await condition())) {
      if (performance.now() > deadline) {
        throw new QuorateError('QRT_LOG_UNREACHABLE', `not within ${SETTLE_DEADLINE_MS / 1000} s: ${what}`)
      }
      await delay(SETTLE_WAIT_MS)
    }
  }

  #connectedAdmin(): Promise<Admin> {
    this.#admin ??= this.#connected(this.#kafka.admin(), () => {
      this.#admin = undefined
    })
    return this.#admin
  }

  /** Idempotent: what it repeats by itself is there once. Each of its requests is about one partition (writer.ts). */
  #connectedProducer(): Promise<Producer> {
    const producer = () =>
      this.#kafka.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        allowAutoTopicCreation: false,
        createPartitioner: ownPartition,
        retry: { retries: 5 },
      })
    this.#producer ??= this.#connected(producer(), () => {
      this.#producer = undefined
    })
    return this.#producer
  }

  async #connected<Client extends { connect(): Promise<void> }>(client: Client, forget: () => void): Promise<Client> {
    try {
      await client.connect()
      return client
    } catch (error) {
      forget()
      throw kafkaFailure(error, { settings: this.#settings, doing: 'connecting to Kafka' })
    }
  }

  async #doing<T>(doing: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      throw kafkaFailure(error, { settings: this.#settings, doing })
    }
  }
}
