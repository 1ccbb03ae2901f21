/**
 * A queue of records with the aggregates of all that are in it. Aggregates cannot give a record back, so the older half has one
 * for each of its ends: what is from a record up to the middle. When the older half is used up, the younger one becomes it. Each record
 * is added twice and merged once, however long the queue (the two-stack queue of Hammer Slide; Theodorakis et al., 2018).
 */
import type { AggregateGroups } from './aggregate-groups.ts'
import type { OrderedRecord } from './operator.ts'

export class RecentRecords {
  readonly #groups: AggregateGroups
  #records: OrderedRecord[] = []
  /** Index of the first that is still in. */
  #first = 0
  /** Blocks of the older half: the last is from `#first` on, the one before it from the next record on, and so forth. */
  readonly #older: number[] = []
  #younger: number

  constructor(groups: AggregateGroups) {
    this.#groups = groups
    this.#younger = groups.allocate()
  }

  get length(): number {
    return this.#records.length - this.#first
  }

  get oldest(): OrderedRecord | undefined {
    return this.#records[this.#first]
  }

  get newest(): OrderedRecord | undefined {
    return this.length === 0 ? undefined : this.#records.at(-1)
  }

  get records(): readonly OrderedRecord[] {
    return this.#records.slice(this.#first)
  }

  push(record: OrderedRecord): void {
    this.#records.push(record)
    this.#groups.add(this.#younger, record)
  }

  /** Takes the oldest out. */
  shift(): void {
    if (this.length === 0) throw new RangeError('no record is in the queue')
    if (this.#older.length === 0) this.#turn()
    this.#groups.release(this.#older.pop() as number)
    this.#first += 1
    if (2 * this.#first < this.#records.length) return
    this.#records = this.#records.slice(this.#first)
    this.#first = 0
  }

  #turn(): void {
    const groups = this.#groups
    for (let i = this.#records.length - 1; i >= this.#first; i--) {
      const before = this.#older.at(-1)
      const block = groups.allocate()
      if (before !== undefined) groups.merge(block, before)
      groups.add(block, this.#records[i] as OrderedRecord)
      this.#older.push(block)
    }
    groups.release(this.#younger)
    this.#younger = groups.allocate()
  }

  /** What `read` makes of the aggregates of all that are in. */
  total<Result>(read: (base: number) => Result): Result {
    const older = this.#older.at(-1)
    if (older === undefined) return read(this.#younger)
    const block = this.#groups.allocate()
    this.#groups.merge(block, older)
    this.#groups.merge(block, this.#younger)
    const result = read(block)
    this.#groups.release(block)
    return result
  }

  /** Gives its blocks back; nothing may be asked of it any more. */
  end(): void {
    for (const block of this.#older) this.#groups.release(block)
    this.#groups.release(this.#younger)
  }
}
