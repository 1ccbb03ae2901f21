/** Producers of a workload: they append records to its sources while time passes, and fall silent now and then. */
import type { Random } from '../../mesh/random.ts'
import { pick } from '../pick.ts'
import type { SimulatedClock } from './clock.ts'
import type { SimulatedLog } from './log.ts'
import { POISONS } from './stages.ts'
import { EPOCH_MS, growsOn, inputAt, isSpread, reachOf, type Workload } from './workload.ts'

/** Partitions that a source may get later. */
const MOST_GROWTH = 2

/** Appends records until it is stopped; a partition falls silent now and then. */
export class Producers {
  readonly #log: SimulatedLog
  readonly #clock: SimulatedClock
  readonly #random: Random
  readonly #workload: Workload
  #running = true
  /** Of the source, at present. */
  #partitions: number
  /** Partitions that say nothing for a while. */
  readonly #silentUntil: number[]
  /** Event times of what a producer has yet to send, since it cannot at present. */
  readonly #backlogs: number[][]

  constructor(log: SimulatedLog, random: Random, workload: Workload) {
    this.#log = log
    this.#clock = log.clock
    this.#random = random
    this.#workload = workload
    this.#partitions = workload.sourcePartitions
    this.#silentUntil = Array.from({ length: workload.sourcePartitions }, () => 0)
    this.#backlogs = Array.from({ length: workload.sourcePartitions }, () => [])
  }

  start(): void {
    for (let partition = 0; partition < this.#partitions; partition++) this.#schedule(partition)
  }

  /** The source has had more partitions since the job was submitted. */
  get grown(): boolean {
    return this.#partitions > this.#workload.sourcePartitions
  }

  /** The source gets another partition, to which a producer writes from now on. False: the job could not go on, or has several more. */
  grow(): boolean {
    const { sourcePartitions } = this.#workload
    if (!growsOn(this.#workload) || this.#partitions >= sourcePartitions + MOST_GROWTH) return false
    const added = this.#partitions
    this.#partitions += 1
    this.#silentUntil.push(0)
    this.#backlogs.push([])
    const { topic, partition } = inputAt(this.#workload, added)
    this.#log.growTopic(topic, partition + 1)
    this.#append(added, this.#eventTime())
    this.#schedule(added)
    return true
  }

  stop(): void {
    this.#running = false
  }

  /** The next record of a partition ends whoever takes it, in one way or another. */
  poison(partition: number): void {
    const poison = pick(POISONS, this.#random)
    const value = Buffer.from(JSON.stringify({ poison, key: 'none', amount: 0, at: EPOCH_MS }))
    this.#log.partition(inputAt(this.#workload, partition))?.append([{ key: null, value }], this.#clock.now())
  }

  /** The producer of a partition says nothing for so long; half of the time it sends afterwards what it could not. */
  silence(partition: number, forMs: number): void {
    const now = this.#clock.now()
    // One that begins within another makes that longer: what it keeps back is later than all that is kept back already.
    const from = Math.max(now, this.#silentUntil[partition] ?? 0)
    const until = Math.max(from, now + forMs)
    this.#silentUntil[partition] = until
    const keeps = this.#random.below(2) === 0
    for (let at = from; keeps && at < until; at += this.#workload.everyMs) {
      this.#backlogs[partition]?.push(EPOCH_MS + Math.round(at))
    }
  }

  /**
   * One record far ahead in every partition: every window that any record so far is in closes, and its lateness expires.
   * Windows that start at the answer or later may hold this record.
   */
  flush(): number {
    const reach = reachOf(this.#workload)
    const now = EPOCH_MS + Math.round(this.#clock.now())
    const at = now + 2 * reach
    for (let partition = 0; partition < this.#partitions; partition++) {
      this.#sendBacklog(partition, now)
      this.#append(partition, at, false)
    }
    return at - reach
  }

  #schedule(partition: number): void {
    const { everyMs } = this.#workload
    this.#clock.after(everyMs * (0.25 + 1.5 * this.#random.next()), () => {
      if (!this.#running) return
      if (this.#clock.now() >= (this.#silentUntil[partition] ?? 0)) {
        this.#sendBacklog(partition)
        this.#append(partition, this.#eventTime())
      }
      this.#schedule(partition)
    })
  }

  /** @param until what has not happened yet is not sent */
  #sendBacklog(partition: number, until = Number.POSITIVE_INFINITY): void {
    for (const at of this.#backlogs[partition]?.splice(0) ?? []) if (at <= until) this.#append(partition, at)
  }

  #eventTime(): number {
    const { disorderMs, lateRecords, windowMs, latenessMs } = this.#workload
    const now = EPOCH_MS + Math.round(this.#clock.now())
    if (lateRecords && this.#random.below(12) === 0)
      return now - this.#random.below(disorderMs + latenessMs + 2 * windowMs)
    return now - (disorderMs === 0 ? 0 : this.#random.below(disorderMs))
  }

  #append(partition: number, at: number, mayBeBad = true): void {
    const { keys, sourcePartitions } = this.#workload
    const number = this.#random.below(keys)
    // A source that is partitioned by its key has each key in one partition only.
    const key = isSpread(this.#workload) ? `k${number}` : `k${number * sourcePartitions + partition}`
    const record = { key, amount: this.#random.below(1_000), at }
    const bad = mayBeBad && this.#random.below(40) === 0
    const value = Buffer.from(bad ? 'no record' : JSON.stringify(record))
    this.#log
      .partition(inputAt(this.#workload, partition))
      ?.append([{ key: Buffer.from(key), value }], this.#clock.now())
    // Now and then another producer's transaction was aborted here.
    if (this.#random.below(15) === 0) this.#log.partition(inputAt(this.#workload, partition))?.skip(2)
  }
}
