/** One partition that a reader was asked for: where it is, and what was fetched of it and is not delivered yet. */
import type { LogPartition } from './log.ts'
import type { RecordColumns } from './records/columns.ts'
import type { RecordSet } from './records/record-set.ts'

/** Its queue is one set being delivered and one fetched ahead. */
export const MAX_QUEUED_SETS = 2

export class Subscription {
  readonly partition: LogPartition
  /** `removed`: the reader knows it no more, and whoever still holds it lets go. */
  state: 'flowing' | 'paused' | 'halted' | 'removed' = 'flowing'
  /** Rises with each seek: what was asked for before belongs to another position and is dropped. */
  generation = 0
  /** The next record to deliver has this offset or a higher one. */
  position: number
  /** Where the next fetch begins; at `position` or ahead of it. */
  fetchFrom: number
  readonly queue: RecordSet[] = []
  /** What the handler left of a piece. */
  left: { readonly columns: RecordColumns; readonly start: number } | undefined
  /** Times in a row that what was fetched at `position` could not be read. */
  damage = 0
  /** Not fetched before this time of the monotonic clock. */
  retryAt = 0
  /** Which topic it is, whatever its name: set by the first fetch after `add` and `seek`. */
  topicId: string | undefined

  constructor(partition: LogPartition, offset: number) {
    this.partition = partition
    this.position = offset
    this.fetchFrom = offset
  }

  /** Forgets what was fetched and goes on at `offset`. */
  restart(offset: number): void {
    this.generation += 1
    this.position = offset
    this.fetchFrom = offset
    this.queue.length = 0
    this.left = undefined
  }

  /** May be fetched as far as its own state goes. */
  wants(now: number): boolean {
    return this.state === 'flowing' && this.queue.length < MAX_QUEUED_SETS && now >= this.retryAt
  }

  get deliverable(): boolean {
    return this.state === 'flowing' && (this.queue.length > 0 || this.left !== undefined)
  }

  toString(): string {
    return `${this.partition.topic}[${this.partition.partition}]`
  }
}
