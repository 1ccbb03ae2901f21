/**
 * Reads partitions of its own choosing, without a consumer group (docs/decisions/kafka-reader.md): a loop that delivers, a
 * loop that keeps up with leaders (leaders.ts), and two lanes to each broker that leads one of the partitions (lane.ts).
 * While one answer is delivered the next one is fetched, and no more: a partition has at most two answers here.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Delivery } from '../delivery.ts'
import type { LogPartition, LogReader, LogReaderHandler } from '../log.ts'
import { MAX_QUEUED_SETS, type Subscription } from '../subscription.ts'
import { Wakeup } from '../wakeup.ts'
import { Answers } from './answers.ts'
import type { KafkaCluster } from './cluster.ts'
import type { FetchAnswer } from './fetch.ts'
import { type Asked, type FetchState, newFetchState } from './fetch-state.ts'
import { Lane, type LaneOwner, LONG_POLL_MS, type Plan, SHORT_POLL_MS } from './lane.ts'
import { Leaders } from './leaders.ts'
import { Outage } from './outage.ts'

export class KafkaReader implements LogReader, LaneOwner {
  readonly #cluster: KafkaCluster
  readonly #delivery: Delivery
  readonly #outage: Outage
  readonly #leaders: Leaders
  readonly #answers: Answers
  /** By node, two each. */
  readonly #lanes = new Map<number, readonly Lane[]>()
  #states = new WeakMap<Subscription, FetchState>()
  readonly #wakeup = new Wakeup()
  readonly #delivering: Promise<void>
  #closed = false

  constructor(cluster: KafkaCluster, handler: LogReaderHandler, isCompacted: (topic: string) => Promise<boolean>) {
    this.#cluster = cluster
    this.#delivery = new Delivery(handler)
    this.#outage = new Outage(handler, cluster.settings)
    this.#leaders = new Leaders({
      cluster,
      delivery: this.#delivery,
      stateOf: (subscription) => this.#stateOf(subscription),
      onMetadata: () => this.#useLeaders(),
      onFailure: (error) => this.#outage.failed(error),
    })
    this.#answers = new Answers({
      cluster,
      delivery: this.#delivery,
      refresh: () => this.#leaders.refresh(),
      wake: () => this.#wakeLanes(),
      isCompacted,
    })
    this.#delivering = this.#deliver()
  }

  add(partition: LogPartition, offset: number): void {
    if (this.#closed) return
    if (![...this.#delivery.subscriptions].some(({ state }) => state === 'flowing')) this.#outage.began()
    const subscription = this.#delivery.start(partition, offset)
    // Which topic it is now, nobody has been asked yet.
    this.#states.set(subscription, newFetchState(this.#leaders.requests))
    this.#leaders.refresh()
  }

  remove(partition: LogPartition): void {
    this.#delivery.remove(partition)
  }

  seek(partition: LogPartition, offset: number): void {
    if (this.#delivery.has(partition)) this.add(partition, offset)
  }

  resume(partition: LogPartition): void {
    this.#delivery.resume(partition)
    this.#wakeup.wake()
    this.#wakeLanes()
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      this.#delivery.removeAll()
      this.#leaders.close()
      for (const lanes of this.#lanes.values()) for (const lane of lanes) lane.close()
      this.#wakeup.wake()
    }
    await this.#delivering
  }

  async #deliver(): Promise<void> {
    while (!this.#closed) {
      if (this.#delivery.step()) {
        this.#wakeLanes()
        await nextTurn()
      } else {
        await this.#wakeup.sleep()
      }
    }
  }

  #stateOf(subscription: Subscription): FetchState {
    const known = this.#states.get(subscription)
    if (known !== undefined) return known
    const made = newFetchState(0)
    this.#states.set(subscription, made)
    return made
  }

  #wakeLanes(): void {
    for (const lanes of this.#lanes.values()) for (const lane of lanes) lane.wakeup.wake()
  }

  /** Lanes to where the leaders are now. */
  #useLeaders(): void {
    for (const [id, lanes] of this.#lanes) {
      const node = this.#cluster.nodeOf(id)
      const [{ node: used }] = lanes as readonly [Lane]
      if (node?.host === used.host && node.port === used.port) continue
      for (const lane of lanes) lane.close()
      this.#lanes.delete(id)
    }
    for (const subscription of this.#delivery.subscriptions) {
      const { leader } = this.#stateOf(subscription)
      const node = leader === undefined || this.#lanes.has(leader) ? undefined : this.#cluster.nodeOf(leader)
      if (node === undefined) continue
      const { settings } = this.#cluster
      // A lane plans when it is made, and looks for the other one then.
      const lanes: Lane[] = []
      this.#lanes.set(node.id, lanes)
      lanes.push(new Lane(node, settings, this), new Lane(node, settings, this))
    }
    this.#wakeLanes()
  }

  plan(lane: Lane): Plan {
    const now = performance.now()
    const ready: Asked[] = []
    let wakeAt = Number.POSITIVE_INFINITY
    for (const subscription of this.#delivery.subscriptions) {
      const state = this.#stateOf(subscription)
      const { generation, fetchFrom: offset, retryAt, topicId } = subscription
      const { leader, leaderEpoch } = state
      if (leader !== lane.node.id || topicId === undefined) continue
      if (state.asking || state.inFlight === generation) continue
      if (subscription.wants(now)) {
        ready.push({ subscription, state, generation, topicId, leaderEpoch, offset })
      } else if (subscription.state === 'flowing' && subscription.queue.length < MAX_QUEUED_SETS) {
        wakeAt = Math.min(wakeAt, retryAt)
      }
    }
    if (ready.length === 0) return { kind: 'wait', ms: wakeAt === Number.POSITIVE_INFINITY ? undefined : wakeAt - now }
    const maxWaitMs = this.#waitOf(lane, ready, now)
    // The other lane is about to come back, and takes these along.
    if (maxWaitMs === undefined) return { kind: 'wait', ms: undefined }
    for (const { state, generation } of ready) state.inFlight = generation
    // The broker fills its answer in this order.
    ready.sort((a, b) => a.state.served - b.state.served)
    return { kind: 'fetch', asked: ready, maxWaitMs }
  }

  /** One lane of a broker may wait long; the other one is back soon, for what may be added. */
  #waitOf(lane: Lane, ready: readonly Asked[], now: number): number | undefined {
    const other = this.#lanes.get(lane.node.id)?.find((each) => each !== lane)
    if (other === undefined || other.pollEndsAt === 0) return LONG_POLL_MS
    const allAtEnd = ready.every(({ state, generation }) => state.atEnd === generation)
    return allAtEnd && other.pollEndsAt - now <= SHORT_POLL_MS ? undefined : SHORT_POLL_MS
  }

  answered(asked: readonly Asked[], answer: FetchAnswer): void {
    this.#release(asked)
    const failure = this.#answers.take(asked, answer)
    if (failure === undefined) this.#outage.succeeded()
    else this.#outage.failed(failure)
    this.#wakeup.wake()
    this.#wakeLanes()
  }

  failed(asked: readonly Asked[], error: unknown): void {
    this.#release(asked)
    this.#outage.failed(error)
    this.#leaders.refresh()
    this.#wakeLanes()
  }

  abandoned(asked: readonly Asked[]): void {
    this.#release(asked)
    this.#wakeLanes()
  }

  #release(asked: readonly Asked[]): void {
    for (const { state, generation } of asked) if (state.inFlight === generation) state.inFlight = undefined
  }
}
