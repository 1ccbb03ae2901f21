/**
 * Reads partitions of the embedded log from one loop: a piece is handed over, the event loop has its turn, what ran out is
 * read anew. When all is read the loop sleeps until a call of its owner, or until SQLite says that somebody committed:
 * that question costs microseconds and is asked every few milliseconds, and only then.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { QuorateErrorCode } from '../../errors.ts'
import { Delivery } from '../delivery.ts'
import type { LogPartition, LogReader, LogReaderHandler } from '../log.ts'
import { RecordSet } from '../records/record-set.ts'
import { RecordsUnreadable } from '../records/unreadable.ts'
import type { Subscription } from '../subscription.ts'
import { Wakeup } from '../wakeup.ts'
import { isBusy, type LogDatabase } from './database.ts'
import { findPartition } from './topics.ts'

/** How soon a commit is seen; and how soon once nothing has come for a while, which costs a third of that. */
const POLL_EVERY_MS = 4
const QUIET_POLL_EVERY_MS = 15
const QUIET_AFTER_MS = 1_000
/** How often a partition at its end is told so. */
const EMPTY_EVERY_MS = 40
/** One read ends with the batch that brings it to this. */
const READ_BYTES = 1 << 20

/** What is known of a partition that was read to its end: nothing changes until the data version does. */
interface AtEnd {
  readonly generation: number
  readonly version: number
  readonly end: number
  /** When its handler was told. */
  toldAt: number
}

export class EmbeddedReader implements LogReader {
  readonly #database: LogDatabase
  readonly #handler: LogReaderHandler
  readonly #delivery: Delivery
  readonly #wakeup = new Wakeup()
  readonly #loop: Promise<void>
  readonly #atEnd = new Map<Subscription, AtEnd>()
  /** When records were last read. */
  #foundAt = 0
  #outage = false
  #closed = false

  constructor(database: LogDatabase, handler: LogReaderHandler) {
    this.#database = database
    this.#handler = handler
    this.#delivery = new Delivery(handler)
    this.#loop = this.#run()
  }

  add(partition: LogPartition, offset: number): void {
    if (this.#closed) return
    this.#delivery.start(partition, offset)
    this.#wakeup.wake()
  }

  remove(partition: LogPartition): void {
    const removed = this.#delivery.remove(partition)
    if (removed !== undefined) this.#atEnd.delete(removed)
  }

  seek(partition: LogPartition, offset: number): void {
    if (this.#delivery.has(partition)) this.add(partition, offset)
  }

  resume(partition: LogPartition): void {
    this.#delivery.resume(partition)
    this.#wakeup.wake()
  }

  async close(): Promise<void> {
    if (!this.#closed) this.#delivery.removeAll()
    this.#closed = true
    this.#atEnd.clear()
    this.#wakeup.wake()
    await this.#loop
    this.#database.close()
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      if (this.#delivery.step() || this.#refill()) await nextTurn()
      else await this.#wakeup.sleep(this.#pollAfterMs())
    }
  }

  /** Undefined: nobody waits for records to come, and only a call of the owner can make a difference. */
  #pollAfterMs(): number | undefined {
    for (const { state } of this.#delivery.subscriptions) {
      if (state === 'flowing')
        return performance.now() - this.#foundAt < QUIET_AFTER_MS ? POLL_EVERY_MS : QUIET_POLL_EVERY_MS
    }
    return undefined
  }

  /** Reads on wherever all that was read is delivered. False: there is nothing new to tell anybody. */
  #refill(): boolean {
    let found = false
    try {
      const version = this.#database.dataVersion()
      const now = performance.now()
      for (const subscription of [...this.#delivery.subscriptions]) {
        if (subscription.wants(now) && !subscription.deliverable)
          found = this.#look(subscription, version, now) || found
      }
      this.#say(undefined)
    } catch (error) {
      if (!isBusy(error)) this.#say(this.#database.unreachable('cannot be read', error))
    }
    return found
  }

  #look(subscription: Subscription, version: number, now: number): boolean {
    const known = this.#atEnd.get(subscription)
    const { generation, fetchFrom } = subscription
    if (known === undefined || known.generation !== generation || known.version !== version) {
      if (!this.#read(subscription)) return true
      const end = subscription.fetchFrom
      this.#atEnd.set(subscription, { generation, version, end, toldAt: known?.toldAt ?? 0 })
    }
    const atEnd = this.#atEnd.get(subscription)
    if (atEnd === undefined || now - atEnd.toldAt < EMPTY_EVERY_MS) return false
    atEnd.toldAt = now
    this.#delivery.offer(subscription, generation, new RecordSet([], { end: atEnd.end, position: fetchFrom }))
    return true
  }

  /** Reads what comes next. True: there is nothing, it is at its end. */
  #read(subscription: Subscription): boolean {
    const { partition, generation, fetchFrom, topicId } = subscription
    const found = this.#database.snapshot(() => {
      const row = findPartition(this.#database, partition)
      return row === undefined ? undefined : { ...row, parts: this.#batches(row.id, fetchFrom) }
    })
    const halt = (code: QuorateErrorCode, message: string): false => {
      this.#delivery.halt(subscription, code, message)
      return false
    }
    if (found === undefined)
      return halt('QRT_LOG_TOPIC_GONE', 'there is no such partition; create the topic, then seek')
    const { topic, start, end, parts } = found
    if (topicId !== undefined && topicId !== String(topic)) {
      return halt('QRT_LOG_TOPIC_GONE', 'the topic was deleted, and there is another one of its name')
    }
    subscription.topicId = String(topic)
    if (fetchFrom < start) return halt('QRT_LOG_OFFSET_LOST', `its records are gone, it starts at ${start}`)
    if (fetchFrom > end) return halt('QRT_LOG_TRUNCATED', `it ends at ${end}`)
    if (fetchFrom === end) return true
    try {
      const set = new RecordSet(parts, { end, position: fetchFrom })
      const missing = set.gap ?? (parts.length === 0 ? { from: fetchFrom, to: end } : undefined)
      if (missing !== undefined) {
        return halt('QRT_LOG_OFFSET_LOST', `the records from ${missing.from} to ${missing.to} are missing in its file`)
      }
      this.#foundAt = performance.now()
      this.#delivery.offer(subscription, generation, set)
    } catch (error) {
      if (!(error instanceof RecordsUnreadable)) throw error
      this.#delivery.unreadable(subscription, error)
    }
    return false
  }

  #batches(partition: number, position: number): Uint8Array[] {
    const parts: Uint8Array[] = []
    let bytes = 0
    const rows = this.#database.iterate(
      'SELECT bytes FROM batches WHERE partition = ? AND next_offset > ? ORDER BY next_offset',
      ...[partition, position],
    )
    for (const row of rows) {
      const part = row.bytes as Uint8Array
      parts.push(part)
      bytes += part.length
      if (bytes >= READ_BYTES) break
    }
    return parts
  }

  #say(outage: Error | undefined): void {
    if (this.#outage === (outage !== undefined)) return
    this.#outage = outage !== undefined
    this.#handler.onOutage(outage)
  }
}
