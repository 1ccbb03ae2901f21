/**
 * What a simulated cluster has to do: a job over a source with some partitions, and producers that append records to it
 * while time passes. Event times follow the clock with a bounded disorder, so that nothing is late unless a job is meant
 * to meet late records.
 */
import type { Random } from '../../mesh/random.ts'
import type { LogPartition } from '../../src/log/log.ts'
import type { SimulatedClock } from './clock.ts'
import type { SimulatedLog, StoredPartition } from './log.ts'
import { POISONS } from './stages.ts'

export const SOURCE = 'orders'
export const OTHER_SOURCE = 'refunds'
export const SINK = 'totals'
export const JOB = 'totals'

/** Database, collection and bucket at the stores. */
export const STORE = 'totals'

export const SINK_KINDS = ['kafka', 'mongodb', 's3'] as const
export type SinkKind = (typeof SINK_KINDS)[number]

export interface Workload {
  /**
   * `ordered`: records go through a shuffle whole, and those pass in which something has changed. `joined`: those of two
   * sources make rows together.
   */
  readonly kind: 'keyed' | 'shuffled' | 'hopping' | 'rows' | 'ordered' | 'joined'
  /** Of all sources together: numbers of partitions go through them. */
  readonly sourcePartitions: number
  /** From this one on they are those of the second source. */
  readonly otherFrom: number
  /** Records of the first source are joined with those of the second from so long before to so long after. */
  readonly joinBeforeMs: number
  readonly joinAfterMs: number
  readonly sinkPartitions: number
  readonly keys: number
  /** Event time runs at most this far behind the clock; also the job's outOfOrderness. */
  readonly disorderMs: number
  /** Some records are later than that. */
  readonly lateRecords: boolean
  readonly windowMs: number
  readonly slideMs: number
  readonly latenessMs: number
  /** When open windows show themselves: with each change, or on a grid of so many milliseconds. */
  readonly emit: 'onClose' | 'onUpdate' | number
  /** Behind the aggregates, rows with a lower total do not pass; 0: all pass. */
  readonly having: number
  /** The first sink gets rows from this total on, or single records from this amount on; 0: all. */
  readonly branchFrom: number
  /** Between two records of a partition, on average. */
  readonly everyMs: number
  readonly idleAfterMs: number
  readonly onIdle: 'emit' | 'wait'
  /** Where the rows go. */
  readonly sinks: readonly SinkKind[]
  /** Records are there for so long when the job is submitted. */
  readonly backlogMs: number
  readonly quorum: { readonly replicas: number; readonly write: number; readonly read: number }
}

/** Records of one key are in all partitions of the source. */
export const isSpread = ({ kind }: Workload): boolean => kind !== 'keyed' && kind !== 'hopping'

/** Rows are made of single records, and named by them. */
export const passesRecords = ({ kind }: Workload): boolean => kind === 'rows' || kind === 'ordered' || kind === 'joined'

/**
 * Whether the job goes on with more partitions, and what it gives can be said nevertheless: of records in the order of their times,
 * those that come late before all know of a partition decide what passes after them.
 */
const growsOn = ({ kind, sourcePartitions }: Workload): boolean =>
  kind === 'rows' || (kind === 'shuffled' && sourcePartitions > 1)
/** Partitions that a source may get later. */
const MOST_GROWTH = 2

/** Of an ordered job: the amount from which on a record is another than those below. */
export const TURNS_AT = 500

/** Epoch of event time: simulated time starts here. */
export const EPOCH_MS = Date.UTC(2001, 0, 1)

export function chooseWorkload(random: Random, peers: number): Workload {
  const kind = (['keyed', 'shuffled', 'hopping', 'rows', 'joined'] as const)[random.below(5)] ?? 'keyed'
  const windowMs = 1_000 * (5 + random.below(20))
  const replicas = Math.min(peers, random.below(4) === 0 ? 5 : 3)
  const write = Math.floor(replicas / 2) + 1 + (random.below(4) === 0 && replicas > 3 ? 1 : 0)
  const first = 1 + random.below(3)
  const several = kind === 'joined' || (kind === 'shuffled' && random.below(3) === 0)
  const records = kind === 'rows' || kind === 'joined'
  const chosen: Workload = {
    kind,
    sourcePartitions: first + (several ? 1 + random.below(2) : 0),
    otherFrom: first,
    joinBeforeMs: random.below(5) * 500,
    joinAfterMs: random.below(5) * 500,
    sinkPartitions: 1 + random.below(3),
    keys: 1 + random.below(8),
    disorderMs: random.below(4) * 500,
    lateRecords: kind === 'keyed' && random.below(3) === 0,
    windowMs,
    slideMs: kind === 'hopping' ? Math.max(1_000, Math.floor(windowMs / 2_000) * 1_000) : windowMs,
    latenessMs: !records && random.below(2) === 0 ? 2_000 * random.below(5) : 0,
    everyMs: 300 + random.below(1_500),
    idleAfterMs: 3_000 + random.below(10_000),
    onIdle: kind === 'joined' || random.below(3) === 0 ? 'wait' : 'emit',
    backlogMs: random.below(2) === 0 ? 5_000 + random.below(30_000) : 0,
    quorum: { replicas, write, read: Math.floor(replicas / 2) + 1 },
    sinks: chooseSinks(random),
    emit: records || random.below(3) > 0 ? 'onClose' : random.below(2) === 0 ? 'onUpdate' : 1_000,
    having: !records && random.below(3) === 0 ? 200 + random.below(1_500) : 0,
    branchFrom: random.below(3) > 0 ? 0 : records ? TURNS_AT : 200 + random.below(3_000),
  }
  // What is late depends on when silence is decided, unless it is waited for: then the source alone says what comes out.
  const orders = kind === 'rows' && chosen.onIdle === 'wait' && chosen.sourcePartitions > 1
  return orders ? { ...chosen, kind: 'ordered' } : chosen
}

/** The partition of a source with this number; the last source is the one that gets more of them. */
export function inputAt({ sourcePartitions, otherFrom }: Workload, number: number): LogPartition {
  if (otherFrom === sourcePartitions || number < otherFrom) return { topic: SOURCE, partition: number }
  return { topic: OTHER_SOURCE, partition: number - otherFrom }
}

/** All partitions of all sources, by their numbers. */
export function inputsOf(log: SimulatedLog): readonly StoredPartition[] {
  return [...log.partitionsOf(SOURCE), ...log.partitionsOf(OTHER_SOURCE)]
}

/** One to three of them. */
function chooseSinks(random: Random): SinkKind[] {
  const left = [...SINK_KINDS]
  for (let leave = random.below(SINK_KINDS.length); leave > 0; leave--) left.splice(random.below(left.length), 1)
  return left
}

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
    const poison = POISONS[this.#random.below(POISONS.length)] ?? 'throw'
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
    const { windowMs, latenessMs, disorderMs } = this.#workload
    const reach = windowMs + latenessMs + disorderMs
    const at = EPOCH_MS + Math.round(this.#clock.now()) + 2 * reach
    for (let partition = 0; partition < this.#partitions; partition++) {
      this.#sendBacklog(partition)
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

  #sendBacklog(partition: number): void {
    for (const at of this.#backlogs[partition]?.splice(0) ?? []) this.#append(partition, at)
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
