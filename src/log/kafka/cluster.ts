/**
 * The brokers behind a log: who they are, who leads what, and a connection to each for short questions. Whoever answers
 * first tells about all others; the bootstrap addresses are asked when nobody known does.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { QuorateError } from '../../errors.ts'
import type { LogPartition } from '../log.ts'
import { RecordsUnreadable } from '../records/unreadable.ts'
import { type KafkaSettings, parseAddress } from './client-options.ts'
import { type BrokerAddress, BrokerConnection } from './connection.ts'
import { kafkaFailure } from './failure.ts'
import {
  type BrokerNode,
  type ClusterMetadata,
  METADATA,
  metadataRequest,
  type PartitionMetadata,
  type TopicMetadata,
} from './metadata.ts'

/** Error codes of Kafka's protocol that mean something here. */
export const ERROR = {
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  invalidTopic: 17,
  topicAuthorizationFailed: 29,
  unsupportedCompressionType: 76,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
} as const

const LEADERLESS_DEADLINE_MS = 15_000
const LEADERLESS_WAIT_MS = 100

export class KafkaCluster {
  readonly settings: KafkaSettings
  readonly #bootstrap: readonly BrokerAddress[]
  #nodes: readonly BrokerNode[] = []
  readonly #connections = new Map<string, Promise<BrokerConnection>>()
  #asked = 0
  #closed = false

  constructor(settings: KafkaSettings) {
    this.settings = settings
    this.#bootstrap = settings.brokers.map(parseAddress)
  }

  /** @throws whatever the last broker's connection failed with, when none answers */
  async metadata(topics: readonly string[]): Promise<ClusterMetadata> {
    let failure: unknown = new Error('no broker is configured')
    for (const address of this.#candidates()) {
      if (this.#closed) break
      try {
        const connection = await this.connectionTo(address)
        const found = await connection.send(metadataRequest(topics, connection.maxVersion(METADATA)))
        if (found.nodes.length > 0) this.#nodes = found.nodes
        return found
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  /** Connected brokers first, then the others that are known, then the bootstrap addresses, each from another start. */
  #candidates(): BrokerAddress[] {
    this.#asked += 1
    const turned = <T>(list: readonly T[]): T[] => list.map((_, i) => list[(i + this.#asked) % list.length] as T)
    const unique = new Map<string, BrokerAddress>()
    for (const address of [...turned(this.#nodes), ...turned(this.#bootstrap)]) unique.set(keyOf(address), address)
    const connected = [...unique.values()].filter((address) => this.#connections.has(keyOf(address)))
    for (const address of connected) unique.delete(keyOf(address))
    return [...connected, ...unique.values()]
  }

  /** A connection for short questions, shared by whoever asks. */
  connectionTo(address: BrokerAddress): Promise<BrokerConnection> {
    const key = keyOf(address)
    const known = this.#connections.get(key)
    if (known !== undefined) return known.then((open) => (open.isOpen ? open : this.#replace(key, known, address)))
    return this.#open(key, address)
  }

  #replace(key: string, ended: Promise<BrokerConnection>, address: BrokerAddress): Promise<BrokerConnection> {
    const current = this.#connections.get(key)
    return current === undefined || current === ended ? this.#open(key, address) : current
  }

  #open(key: string, address: BrokerAddress): Promise<BrokerConnection> {
    if (this.#closed) return Promise.reject(new Error('the log was closed'))
    const opening = BrokerConnection.open(address, this.settings)
    this.#connections.set(key, opening)
    opening.then(
      (connection) => {
        if (this.#closed) connection.close()
      },
      () => {
        if (this.#connections.get(key) === opening) this.#connections.delete(key)
      },
    )
    return opening
  }

  nodeOf(id: number): BrokerNode | undefined {
    return this.#nodes.find((node) => node.id === id)
  }

  /** What is known of a topic now; undefined when there is none. */
  async topic(name: string): Promise<TopicMetadata | undefined> {
    const { topics } = await this.#answered(`asking for topic "${name}"`, () => this.metadata([name]))
    const found = topics.find((topic) => topic.name === name)
    if (found === undefined || found.error === ERROR.unknownTopicOrPartition) return undefined
    if (found.error === ERROR.invalidTopic || found.error === ERROR.topicAuthorizationFailed) {
      const why = found.error === ERROR.invalidTopic ? 'is no name that a topic can have' : 'may not be described'
      throw new QuorateError('QRT_LOG_REFUSED', `topic "${name}" ${why}`)
    }
    return found
  }

  /**
   * Calls with a connection to the leader of each of the topic's partitions that are meant (all of them by default), and
   * again for a while when leaders are moving or out of reach: what the call does may be done twice.
   * @throws QuorateError; RecordsUnreadable when the call does
   */
  async withLeaders<T>(
    topic: string,
    doing: string,
    call: (leader: BrokerConnection, partitions: readonly number[]) => Promise<T>,
    only?: number,
  ): Promise<T[]> {
    const deadline = performance.now() + LEADERLESS_DEADLINE_MS
    for (;;) {
      const found = await this.topic(topic)
      const partitions = found?.partitions.filter(({ partition }) => only === undefined || partition === only) ?? []
      if (partitions.length === 0) throw unknownTopic({ topic, ...(only === undefined ? {} : { partition: only }) })
      const led = [...byLeader(partitions)].map(([leader, numbers]) => ({ node: this.nodeOf(leader), numbers }))
      try {
        return await Promise.all(
          led.map(async ({ node, numbers }) => {
            if (node === undefined) throw new Error(`${topic}[${numbers.join(', ')}] has no leader at present`)
            return call(await this.connectionTo(node), numbers)
          }),
        )
      } catch (error) {
        if (error instanceof RecordsUnreadable) throw error
        const failure = kafkaFailure(error, { settings: this.settings, doing })
        // A broker that does not know a topic which is there leads it no more, or not yet.
        const passing = failure.code === 'QRT_LOG_UNREACHABLE' || failure.code === 'QRT_TOPIC_UNKNOWN'
        if (!passing || performance.now() > deadline || this.#closed) throw failure
      }
      await delay(LEADERLESS_WAIT_MS)
    }
  }

  /** A connection to the broker that coordinates a transactional id now. */
  async coordinatorOf(transactionalId: string): Promise<BrokerConnection> {
    const [node] = (await this.metadata([])).nodes
    if (node === undefined) throw new Error('the cluster has no broker at present')
    return this.connectionTo(await (await this.connectionTo(node)).coordinatorOf(transactionalId))
  }

  async #answered<T>(doing: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      throw kafkaFailure(error, { settings: this.settings, doing })
    }
  }

  close(): void {
    this.#closed = true
    for (const opening of this.#connections.values()) {
      opening.then(
        (connection) => connection.close(),
        () => undefined,
      )
    }
    this.#connections.clear()
  }
}

const keyOf = ({ host, port }: BrokerAddress): string => `${host}:${port}`

function byLeader(partitions: readonly PartitionMetadata[]): Map<number, number[]> {
  const leaders = new Map<number, number[]>()
  for (const { leader, partition } of partitions) leaders.set(leader, [...(leaders.get(leader) ?? []), partition])
  return leaders
}

export function unknownTopic({ topic, partition }: Partial<LogPartition> & { readonly topic: string }): QuorateError {
  const which = partition === undefined ? '' : `partition ${partition} of `
  return new QuorateError('QRT_TOPIC_UNKNOWN', `there is no ${which}topic "${topic}" in Kafka`)
}
