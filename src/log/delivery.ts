/**
 * The half of a reader that both logs share: which partitions it was asked for, and handing over what was fetched of
 * them, piece by piece and in turn. It fetches nothing and waits for nothing: a reader calls `step` from its loop.
 *
 * The handler may call anything of the reader while it is being called. So after each call the subscription is looked at
 * anew: if it was sought or removed meanwhile, what the call returned is of no account.
 */
import { assert } from '../../mesh/index.ts'
import { QuorateError, type QuorateErrorCode } from '../errors.ts'
import type { LogPartition, LogReaderHandler } from './log.ts'
import { RecordColumns } from './records/columns.ts'
import type { RecordSet } from './records/record-set.ts'
import { RecordsUnreadable } from './records/unreadable.ts'
import { Subscription } from './subscription.ts'

/** How often bytes that do not match their checksum are read again before the partition halts, and how soon. */
const REREADS = 3
const REREAD_AFTER_MS = 50
/** Columns kept for the next piece; paused partitions hold their own. */
const SPARE_COLUMNS = 2

export class Delivery {
  readonly #handler: LogReaderHandler
  readonly #subscriptions = new Map<string, Subscription>()
  /** Those that may have something to deliver, in turn. */
  readonly #ready = new Set<Subscription>()
  readonly #spare: RecordColumns[] = []

  constructor(handler: LogReaderHandler) {
    this.#handler = handler
  }

  get subscriptions(): IterableIterator<Subscription> {
    return this.#subscriptions.values()
  }

  /** Adds or seeks; either way it flows. */
  start(partition: LogPartition, offset: number): Subscription {
    assert(Number.isSafeInteger(offset) && offset >= 0, `an offset is a whole number from 0 on, not ${offset}`)
    const key = keyOf(partition)
    const known = this.#subscriptions.get(key)
    if (known === undefined) {
      const added = new Subscription({ topic: partition.topic, partition: partition.partition }, offset)
      this.#subscriptions.set(key, added)
      return added
    }
    this.#giveBack(known)
    known.restart(offset)
    known.state = 'flowing'
    known.damage = 0
    known.retryAt = 0
    known.topicId = undefined
    return known
  }

  has(partition: LogPartition): boolean {
    return this.#subscriptions.has(keyOf(partition))
  }

  remove(partition: LogPartition): Subscription | undefined {
    const subscription = this.#subscriptions.get(keyOf(partition))
    if (subscription === undefined) return undefined
    this.#giveBack(subscription)
    subscription.restart(subscription.position)
    subscription.state = 'removed'
    this.#subscriptions.delete(keyOf(partition))
    this.#ready.delete(subscription)
    return subscription
  }

  removeAll(): void {
    for (const { partition } of [...this.#subscriptions.values()]) this.remove(partition)
  }

  resume(partition: LogPartition): void {
    const subscription = this.#subscriptions.get(keyOf(partition))
    if (subscription?.state !== 'paused') return
    subscription.state = 'flowing'
    this.#ready.add(subscription)
  }

  /** What was fetched for this generation of the subscription; older ones are dropped. */
  offer(subscription: Subscription, generation: number, set: RecordSet): void {
    if (subscription.generation !== generation || subscription.state === 'halted') return
    if (subscription.state === 'paused') set.detach()
    subscription.queue.push(set)
    subscription.fetchFrom = set.nextOffset
    if (subscription.deliverable) this.#ready.add(subscription)
  }

  halt(subscription: Subscription, code: QuorateErrorCode, message: string, cause?: unknown): void {
    if (subscription.state === 'halted' || subscription.state === 'removed') return
    this.#giveBack(subscription)
    subscription.restart(subscription.position)
    subscription.state = 'halted'
    const error = new QuorateError(
      code,
      `${subscription} cannot be read at offset ${subscription.position}: ${message}`,
      {
        ...(cause === undefined ? {} : { cause }),
      },
    )
    this.#handler.onHalt(subscription.partition, error)
  }

  /** Bytes of the subscription cannot be read: they are fetched again a few times, what is unsupported is not. */
  unreadable(subscription: Subscription, error: RecordsUnreadable): void {
    if (error.kind === 'unsupported') {
      this.halt(subscription, 'QRT_LOG_UNSUPPORTED', `the records there are not read here: ${error.message}`, error)
      return
    }
    subscription.damage += 1
    if (subscription.damage > REREADS) {
      const tries = `read ${subscription.damage} times`
      this.halt(subscription, 'QRT_LOG_CORRUPT', `the records there are damaged (${tries}): ${error.message}`, error)
      return
    }
    this.#giveBack(subscription)
    subscription.restart(subscription.position)
    subscription.retryAt = performance.now() + REREAD_AFTER_MS
  }

  /** Hands over one piece of one partition, or tells it that it is at its end. False: there is nothing to do. */
  step(): boolean {
    for (const subscription of this.#ready) {
      this.#ready.delete(subscription)
      if (!subscription.deliverable) continue
      this.#deliver(subscription)
      if (subscription.deliverable) this.#ready.add(subscription)
      return true
    }
    return false
  }

  #deliver(subscription: Subscription): void {
    const piece = subscription.left ?? this.#nextPiece(subscription)
    if (piece === undefined) return
    const { columns, start } = piece
    const { generation } = subscription
    // Whoever seeks inside the handler must not get these columns filled anew while it still reads them.
    subscription.left = undefined
    const taken = this.#handler.onBatch(subscription.partition, columns, start)
    assert(taken >= 0 && start + taken <= columns.length, `took ${taken} of ${columns.length - start} records`)
    if (subscription.generation !== generation) {
      this.#keep(columns)
      return
    }
    if (start + taken < columns.length) {
      subscription.left = { columns, start: start + taken }
      subscription.position = columns.offset(start + taken)
      subscription.state = 'paused'
      // It may be paused for long, and many may be.
      columns.detach()
      for (const set of subscription.queue) set.detach()
      return
    }
    subscription.position = columns.offset(columns.length - 1) + 1
    this.#keep(columns)
  }

  /** Undefined when the queue's first set has no more records; it is done with then. */
  #nextPiece(subscription: Subscription): Subscription['left'] {
    const [set] = subscription.queue
    if (set === undefined) return undefined
    const columns = this.#spare.pop() ?? new RecordColumns()
    try {
      set.next(subscription.position, columns)
    } catch (error) {
      this.#keep(columns)
      if (!(error instanceof RecordsUnreadable)) throw error
      this.unreadable(subscription, error)
      return undefined
    }
    if (columns.length > 0) {
      subscription.damage = 0
      return { columns, start: 0 }
    }
    this.#keep(columns)
    subscription.queue.shift()
    subscription.damage = 0
    subscription.position = Math.max(subscription.position, set.nextOffset)
    if (set.reachesEnd && subscription.queue.length === 0) {
      this.#handler.onEmpty(subscription.partition, subscription.position, set.end)
    }
    return undefined
  }

  #giveBack(subscription: Subscription): void {
    if (subscription.left !== undefined) this.#keep(subscription.left.columns)
  }

  #keep(columns: RecordColumns): void {
    if (this.#spare.length < SPARE_COLUMNS) this.#spare.push(columns)
  }
}

const keyOf = ({ topic, partition }: LogPartition): string => `${partition}/${topic}`
