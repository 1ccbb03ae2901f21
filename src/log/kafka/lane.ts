/**
 * A connection to a broker with the loop that fetches over it. A broker answers the requests of one connection in order,
 * and a request that finds nothing waits at the broker; so each broker has two lanes, and at most one of them waits long:
 * what is added or sought meanwhile goes over the other one at once. Which partitions a lane asks for is its owner's plan.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Wakeup } from '../wakeup.ts'
import type { KafkaSettings } from './client-options.ts'
import { BrokerConnection } from './connection.ts'
import { FETCH, type FetchAnswer, fetchRequest, ISOLATION } from './fetch.ts'
import type { Asked } from './fetch-state.ts'
import type { BrokerNode } from './metadata.ts'

const MAX_BYTES = 8 << 20
const MAX_PARTITION_BYTES = 1 << 20
/** How long a broker holds back an answer that has nothing, and how long while the other lane waits that long. */
export const LONG_POLL_MS = 250
export const SHORT_POLL_MS = 50
const RETRY_MS = 50
const RETRY_MAX_MS = 2_000

/** What to ask for next; or how long to wait for something to ask for (undefined: until woken). */
export type Plan =
  | { readonly kind: 'fetch'; readonly asked: readonly Asked[]; readonly maxWaitMs: number }
  | { readonly kind: 'wait'; readonly ms: number | undefined }

export interface LaneOwner {
  plan(lane: Lane): Plan
  answered(asked: readonly Asked[], answer: FetchAnswer): void
  /** Nothing was fetched. The lane goes on by itself, after a while. */
  failed(asked: readonly Asked[], error: unknown): void
  /** Nothing was fetched, and never will be: the lane was closed. */
  abandoned(asked: readonly Asked[]): void
}

export class Lane {
  readonly node: BrokerNode
  /** When the request under way is answered at the latest; 0: there is none. */
  pollEndsAt = 0
  readonly wakeup = new Wakeup()
  readonly #settings: KafkaSettings
  readonly #owner: LaneOwner
  #connection: BrokerConnection | undefined
  #closed = false

  constructor(node: BrokerNode, settings: KafkaSettings, owner: LaneOwner) {
    this.node = node
    this.#settings = settings
    this.#owner = owner
    this.#run()
  }

  close(): void {
    this.#closed = true
    this.#connection?.close()
    this.wakeup.wake()
  }

  async #run(): Promise<void> {
    let retryMs = RETRY_MS
    let asked: readonly Asked[] = []
    while (!this.#closed) {
      const plan = this.#owner.plan(this)
      if (plan.kind === 'wait') {
        await this.wakeup.sleep(plan.ms)
        continue
      }
      asked = plan.asked
      let answer: FetchAnswer
      try {
        answer = await this.#fetch(plan.asked, plan.maxWaitMs)
        retryMs = RETRY_MS
      } catch (error) {
        this.#connection?.close()
        this.#connection = undefined
        if (this.#closed) break
        this.#owner.failed(plan.asked, error)
        await delay(retryMs, undefined, { ref: false })
        retryMs = Math.min(retryMs * 2, RETRY_MAX_MS)
        continue
      }
      if (!this.#closed) this.#owner.answered(plan.asked, answer)
    }
    this.#owner.abandoned(asked)
  }

  async #fetch(asked: readonly Asked[], maxWaitMs: number): Promise<FetchAnswer> {
    this.pollEndsAt = performance.now() + maxWaitMs
    try {
      if (this.#connection?.isOpen !== true) this.#connection = await BrokerConnection.open(this.node, this.#settings)
      if (this.#closed) this.#connection.close()
      const connection = this.#connection
      const partitions = asked.map(({ subscription, topicId, leaderEpoch, offset }) => ({
        ...subscription.partition,
        topicId,
        leaderEpoch,
        offset,
      }))
      const options = {
        isolation: ISOLATION.readCommitted,
        maxWaitMs,
        maxBytes: MAX_BYTES,
        maxPartitionBytes: MAX_PARTITION_BYTES,
      }
      const answer = await connection.send(fetchRequest(partitions, options, connection.maxVersion(FETCH)), maxWaitMs)
      if (answer.error !== 0) throw new Error(`the broker answered a fetch with error ${answer.error}`)
      return answer
    } finally {
      this.pollEndsAt = 0
    }
  }
}
