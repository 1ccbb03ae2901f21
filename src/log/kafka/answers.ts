/**
 * What an answer to a fetch means for each partition: records to deliver, a leader to look for, or a place that is not
 * there. An answer about an earlier position of a partition is dropped.
 */
import type { Delivery } from '../delivery.ts'
import { RecordSet } from '../records/record-set.ts'
import { RecordsUnreadable } from '../records/unreadable.ts'
import type { Subscription } from '../subscription.ts'
import { ERROR, type KafkaCluster } from './cluster.ts'
import type { FetchAnswer, FetchedPartition } from './fetch.ts'
import { type Asked, isCurrent } from './fetch-state.ts'

const RETRY_MS = 50
const RETRY_MAX_MS = 2_000

export interface AnswersOptions {
  readonly cluster: KafkaCluster
  readonly delivery: Delivery
  /** Leaders have to be looked for. */
  refresh(): void
  /** Something may be fetched that could not be before. */
  wake(): void
  isCompacted(topic: string): Promise<boolean>
}

export class Answers {
  readonly #options: AnswersOptions
  #served = 0

  constructor(options: AnswersOptions) {
    this.#options = options
  }

  /** Returns why nothing at all could be fetched; undefined if something could. */
  take(asked: readonly Asked[], answer: FetchAnswer): Error | undefined {
    let failure: Error | undefined
    let fetched = false
    for (const partition of answer.partitions) {
      const one = asked[partition.asked]
      if (one === undefined || !isCurrent(one)) continue
      if (partition.error === ERROR.none) {
        fetched = true
        this.#takeRecords(one, partition)
      } else {
        failure ??= this.#takeError(one, partition.error)
      }
    }
    return fetched ? undefined : failure
  }

  #takeRecords(one: Asked, { records, aborted, lastStableOffset, highWatermark }: FetchedPartition): void {
    const { subscription, state, generation, offset } = one
    const { delivery } = this.#options
    state.failures = 0
    let set: RecordSet
    try {
      const end = lastStableOffset >= 0 ? lastStableOffset : highWatermark
      set = new RecordSet([records], { end, aborted, position: offset })
    } catch (error) {
      if (!(error instanceof RecordsUnreadable)) throw error
      delivery.unreadable(subscription, error)
      return
    }
    if (set.gap !== undefined && !state.gapsAllowed) {
      this.#ask(one, () => this.#askAboutGap(one, set.gap))
      return
    }
    state.atEnd = set.reachesEnd ? generation : undefined
    if (!set.isEmpty) {
      this.#served += 1
      state.served = this.#served
    }
    // Neither records nor the end: the answer was full before this partition's turn came.
    if (!set.isEmpty || set.reachesEnd) delivery.offer(subscription, generation, set)
  }

  /** Returns what went wrong if it is about the brokers rather than the partition. */
  #takeError(one: Asked, error: number): Error | undefined {
    const { subscription, state } = one
    const { delivery, refresh } = this.#options
    switch (error) {
      case ERROR.offsetOutOfRange:
        this.#ask(one, () => this.#askAboutRange(one))
        return undefined
      case ERROR.topicAuthorizationFailed:
        delivery.halt(subscription, 'QRT_LOG_REFUSED', 'not allowed to read the topic')
        return undefined
      case ERROR.unsupportedCompressionType:
        delivery.halt(subscription, 'QRT_LOG_UNSUPPORTED', 'the broker cannot send their compression to this client')
        return undefined
      case ERROR.corruptMessage:
        delivery.unreadable(subscription, new RecordsUnreadable('corrupt', 'the broker itself finds them damaged'))
        return undefined
      default:
        // Mostly a leader that moved, or an epoch that it has and this reader does not, or the other way round.
        state.leader = undefined
        this.#backOff(one)
        refresh()
        return new Error(`the broker answered with error ${error} for ${subscription}`)
    }
  }

  #backOff({ subscription, state }: Asked): void {
    const wait = Math.min(RETRY_MS * 2 ** state.failures, RETRY_MAX_MS)
    state.failures += 1
    subscription.retryAt = performance.now() + wait
  }

  /** The partition is not fetched until the question is answered; if that fails, the fetch is repeated and asks again. */
  #ask(one: Asked, question: () => Promise<void>): void {
    const { state } = one
    state.asking = true
    this.#backOff(one)
    question()
      .catch(() => this.#options.refresh())
      .finally(() => {
        state.asking = false
        this.#options.wake()
      })
  }

  async #askAboutRange(one: Asked): Promise<void> {
    const { subscription, state, offset } = one
    const { topic, partition } = subscription.partition
    const { cluster, delivery } = this.#options
    const node = cluster.nodeOf(state.leader ?? -1)
    if (node === undefined) throw new Error('its leader is not known')
    const found = await cluster.topic(topic)
    const leader = await cluster.connectionTo(node)
    const [range] = await leader.ranges(topic, [partition], 'end')
    if (range === undefined || !isCurrent(one)) return
    const { start, end } = range
    if (found === undefined || isAnother(subscription, found.id)) {
      delivery.halt(subscription, 'QRT_LOG_TOPIC_GONE', 'the topic was deleted')
    } else if (offset < start) {
      delivery.halt(subscription, 'QRT_LOG_OFFSET_LOST', `its records are gone, it starts at ${start}`)
    } else if (offset > end) {
      delivery.halt(subscription, 'QRT_LOG_TRUNCATED', `it ends at ${end}`)
    }
  }

  /** Compaction leaves gaps. Anywhere else, records are missing that should be there. */
  async #askAboutGap(one: Asked, gap: RecordSet['gap']): Promise<void> {
    const { subscription, state } = one
    const compacted = await this.#options.isCompacted(subscription.partition.topic)
    if (!isCurrent(one)) return
    if (compacted) {
      state.gapsAllowed = true
      subscription.retryAt = 0
      return
    }
    const message = `the records from ${gap?.from} to ${gap?.to} are missing`
    this.#options.delivery.halt(subscription, 'QRT_LOG_OFFSET_LOST', message)
  }
}

const isAnother = ({ topicId }: Subscription, id: string): boolean =>
  topicId !== undefined && topicId !== '' && topicId !== id
