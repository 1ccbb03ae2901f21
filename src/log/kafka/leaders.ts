/**
 * Keeps up with who leads the partitions that are read, and with which topics they are. Asks when somebody wants to know,
 * and again while something is not settled; a topic that stays unknown, or has become another one, halts its readers.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Delivery } from '../delivery.ts'
import type { Subscription } from '../subscription.ts'
import { Wakeup } from '../wakeup.ts'
import { ERROR, type KafkaCluster } from './cluster.ts'
import type { FetchState } from './fetch-state.ts'
import type { ClusterMetadata, TopicMetadata } from './metadata.ts'

/** Between two questions. */
const SETTLED_WAIT_MS = 20
const UNSETTLED_WAIT_MS = 100
const RETRY_MS = 100
const RETRY_MAX_MS = 2_000
/** A topic that was just created may be unknown to a broker for a moment. */
const MISSING_AFTER_MS = 3_000

export interface LeadersOptions {
  readonly cluster: KafkaCluster
  readonly delivery: Delivery
  stateOf(subscription: Subscription): FetchState
  /** Something about leaders is known now that was not. */
  onMetadata(): void
  onFailure(error: unknown): void
}

export class Leaders {
  readonly #options: LeadersOptions
  readonly #wakeup = new Wakeup()
  #wanted = false
  #requests = 0
  #closed = false

  constructor(options: LeadersOptions) {
    this.#options = options
    this.#run()
  }

  /** The number of the last request; only later ones know of what happened since. */
  get requests(): number {
    return this.#requests
  }

  refresh(): void {
    this.#wanted = true
    this.#wakeup.wake()
  }

  close(): void {
    this.#closed = true
    this.#wakeup.wake()
  }

  async #run(): Promise<void> {
    let retryMs = RETRY_MS
    while (!this.#closed) {
      if (!this.#wanted) {
        await this.#wakeup.sleep()
        continue
      }
      this.#wanted = false
      const { cluster, delivery, onMetadata, onFailure } = this.#options
      const topics = new Set([...delivery.subscriptions].filter(isRead).map(({ partition }) => partition.topic))
      if (topics.size === 0) continue
      this.#requests += 1
      const request = this.#requests
      let found: ClusterMetadata
      try {
        found = await cluster.metadata([...topics])
        retryMs = RETRY_MS
      } catch (error) {
        if (this.#closed) return
        this.#wanted = true
        onFailure(error)
        await delay(retryMs, undefined, { ref: false })
        retryMs = Math.min(retryMs * 2, RETRY_MAX_MS)
        continue
      }
      if (this.#closed) return
      const settled = this.#apply(found, request)
      onMetadata()
      // What came meanwhile does not wait for what takes its time.
      const soon = settled || this.#wanted
      if (!settled) this.#wanted = true
      await delay(soon ? SETTLED_WAIT_MS : UNSETTLED_WAIT_MS, undefined, { ref: false })
    }
  }

  #apply({ topics }: ClusterMetadata, request: number): boolean {
    const byName = new Map(topics.map((topic) => [topic.name, topic]))
    let settled = true
    for (const subscription of [...this.#options.delivery.subscriptions]) {
      if (!isRead(subscription)) continue
      const topic = byName.get(subscription.partition.topic)
      if (!this.#applyTo(subscription, topic, request)) settled = false
    }
    return settled
  }

  /** False: it has to be asked for again. */
  #applyTo(subscription: Subscription, topic: TopicMetadata | undefined, request: number): boolean {
    const { delivery, stateOf } = this.#options
    const state = stateOf(subscription)
    if (request <= state.metadataAfter) return false
    if (topic?.error === ERROR.topicAuthorizationFailed || topic?.error === ERROR.invalidTopic) {
      const why = topic.error === ERROR.invalidTopic ? 'no topic can have that name' : 'not allowed to read the topic'
      delivery.halt(subscription, 'QRT_LOG_REFUSED', why)
      return true
    }
    const partition = topic?.partitions.find((each) => each.partition === subscription.partition.partition)
    if (topic === undefined || partition === undefined) {
      state.missingSince ??= performance.now()
      if (performance.now() - state.missingSince < MISSING_AFTER_MS) return false
      delivery.halt(subscription, 'QRT_LOG_TOPIC_GONE', 'there is no such partition; create the topic, then seek')
      return true
    }
    state.missingSince = undefined
    // Brokers know no ids before 2.8; one that is upgraded tells the id of the topic that was read all along.
    if (subscription.topicId !== undefined && subscription.topicId !== '' && subscription.topicId !== topic.id) {
      delivery.halt(subscription, 'QRT_LOG_TOPIC_GONE', 'the topic was deleted, and there is another one of its name')
      return true
    }
    subscription.topicId = topic.id
    state.leader = partition.leader < 0 ? undefined : partition.leader
    state.leaderEpoch = partition.leaderEpoch
    return state.leader !== undefined
  }
}

const isRead = ({ state }: Subscription): boolean => state === 'flowing' || state === 'paused'
