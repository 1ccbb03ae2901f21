/**
 * The reader of one process on the simulated log: fetches of random size, nothing in the order of partitions that a real
 * one would promise, positions that pass gaps, and halts where offsets are gone.
 */
import type { RecordBatch } from '../../operators/index.ts'
import { QuorateError } from '../../src/errors.ts'
import type { LogPartition, LogReader, LogReaderHandler } from '../../src/log/log.ts'
import type { SimulatedLog, StoredRecord } from './log.ts'
import type { SimulatedProcess } from './process.ts'

interface Subscription {
  readonly at: LogPartition
  /** Of the next record to deliver at least. */
  position: number
  /** Rises with each change from outside: what was under way is dropped. */
  epoch: number
  /** What an `onBatch` left. */
  rest: { readonly batch: RecordBatch; readonly start: number } | undefined
  fetching: boolean
}

/** Records of a fetch at most. */
const MOST_RECORDS = 40
/** An idle partition is asked again after this long: more often says nothing new, and is a tenth of what a run costs. */
const IDLE_MS = 2_000
/** A log that is down, after this long. */
const OUTAGE_MS = 500

const nameOf = ({ topic, partition }: LogPartition): string => `${topic}/${partition}`

export class SimulatedLogReader implements LogReader {
  readonly #log: SimulatedLog
  readonly #process: SimulatedProcess
  readonly #handler: LogReaderHandler
  readonly #subscriptions = new Map<string, Subscription>()
  #outage = false
  #closed = false

  constructor(log: SimulatedLog, process: SimulatedProcess, handler: LogReaderHandler) {
    this.#log = log
    this.#process = process
    this.#handler = handler
  }

  add(at: LogPartition, offset: number): void {
    this.remove(at)
    const subscription = { at, position: offset, epoch: 0, rest: undefined, fetching: false }
    this.#subscriptions.set(nameOf(at), subscription)
    this.#fetch(subscription, 0)
  }

  remove(at: LogPartition): void {
    const known = this.#subscriptions.get(nameOf(at))
    if (known !== undefined) known.epoch += 1
    this.#subscriptions.delete(nameOf(at))
  }

  seek(at: LogPartition, offset: number): void {
    const known = this.#subscriptions.get(nameOf(at))
    if (known === undefined) return
    known.epoch += 1
    known.position = offset
    known.rest = undefined
    known.fetching = false
    this.#fetch(known, 0)
  }

  resume(at: LogPartition): void {
    const known = this.#subscriptions.get(nameOf(at))
    if (known?.rest === undefined) return
    const { epoch } = known
    this.#process.after(0, () => {
      const { rest } = known
      if (known.epoch !== epoch || rest === undefined) return
      known.rest = undefined
      this.#deliver(known, rest.batch, rest.start)
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { at } of [...this.#subscriptions.values()]) this.remove(at)
  }

  /** One fetch under way per partition; the next begins when it was delivered in full. */
  #fetch(subscription: Subscription, delayMs: number): void {
    if (subscription.fetching || subscription.rest !== undefined || this.#closed) return
    subscription.fetching = true
    const { epoch } = subscription
    this.#process.after(delayMs + 2 * this.#log.delay(), () => {
      if (subscription.epoch !== epoch) return
      subscription.fetching = false
      this.#fetched(subscription)
    })
  }

  #fetched(subscription: Subscription): void {
    const { at, position } = subscription
    this.#sayOutage()
    if (this.#log.outage) {
      this.#fetch(subscription, OUTAGE_MS)
      return
    }
    const partition = this.#log.partition(at)
    const lost = whyLost(at, position, partition)
    if (partition === undefined || lost !== undefined) {
      this.#handler.onHalt(at, lost ?? new QuorateError('QRT_LOG_TOPIC_GONE', `there is no topic ${at.topic}`))
      return
    }
    const from = partition.indexOf(position)
    const count = 1 + this.#log.random.below(MOST_RECORDS)
    const records = partition.records.slice(from, from + count)
    if (records.length > 0) {
      this.#deliver(subscription, batchOf(records), 0)
      return
    }
    subscription.position = partition.end
    const { epoch } = subscription
    this.#handler.onEmpty(at, partition.end, partition.end)
    if (subscription.epoch !== epoch || !this.#subscriptions.has(nameOf(at))) return
    // Woken by the next append, or after a while.
    const again = () => {
      partition.waiting.delete(wake)
      cancel()
      if (subscription.epoch === epoch) this.#fetch(subscription, 0)
    }
    const wake = () => this.#process.run(again)
    partition.waiting.add(wake)
    const cancel = this.#process.after(IDLE_MS, again)
  }

  #deliver(subscription: Subscription, batch: RecordBatch, start: number): void {
    const { epoch, at } = subscription
    const taken = this.#handler.onBatch(at, batch, start)
    if (subscription.epoch !== epoch || !this.#subscriptions.has(nameOf(at))) return
    const next = start + taken
    if (next < batch.length) {
      subscription.rest = { batch, start: next }
      subscription.position = batch.offset(next)
      return
    }
    subscription.position = batch.offset(batch.length - 1) + 1
    this.#fetch(subscription, 0)
  }

  #sayOutage(): void {
    if (this.#log.outage === this.#outage) return
    this.#outage = this.#log.outage
    this.#handler.onOutage(
      this.#outage ? new QuorateError('QRT_LOG_UNREACHABLE', 'the simulated log is down') : undefined,
    )
  }
}

/** Why an offset cannot be read; undefined when it can. */
function whyLost(
  at: LogPartition,
  position: number,
  partition: { readonly start: number; readonly end: number } | undefined,
): QuorateError | undefined {
  if (partition === undefined) return undefined
  const { start, end } = partition
  if (position < start) {
    return new QuorateError('QRT_LOG_OFFSET_LOST', `offset ${position} is below the start ${start} of ${nameOf(at)}`)
  }
  if (position <= end) return undefined
  return new QuorateError('QRT_LOG_TRUNCATED', `offset ${position} is beyond the end ${end} of ${nameOf(at)}`)
}

const batchOf = (records: readonly StoredRecord[]): RecordBatch => ({
  length: records.length,
  offset: (i) => records[i]?.offset ?? -1,
  timestamp: (i) => records[i]?.timestamp ?? 0,
  key: (i) => records[i]?.key ?? null,
  value: (i) => records[i]?.value ?? null,
})
