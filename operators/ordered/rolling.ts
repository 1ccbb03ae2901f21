/**
 * Rolling aggregates: each record makes a row of the last records of its key up to itself, so many of them, or those of the time
 * that ends with it, (time - within, time]. Records after it in the order are in none of its rows, even with the same time.
 */
import { type AggregateSlot, resultOf } from '../aggregate.ts'
import { comparePlaces } from '../aggregates/state.ts'
import { compareTexts } from '../pipeline-key.ts'
import type { StagePlan } from '../plan.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'
import { TextBytes } from '../text-bytes.ts'
import { formatInstant } from '../time.ts'
import { AggregateGroups } from './aggregate-groups.ts'
import type { OrderedOperator, OrderedRecord } from './operator.ts'
import type { OrderedOutput } from './output.ts'
import type { RollingPlan } from './plan.ts'
import { RecentRecords } from './recent-records.ts'
import { readRecord, writeRecord } from './record.ts'

const NONE = new Uint8Array()

export class Rolling implements OrderedOperator {
  readonly owedFrom = Number.POSITIVE_INFINITY
  readonly closesAt = Number.NEGATIVE_INFINITY
  readonly #last: number
  readonly #withinMs: number
  readonly #groups: AggregateGroups
  readonly #format: RollingFormat
  /** In the order of the last record of each key, so that those without a recent one are found first. */
  readonly #recent = new Map<string, RecentRecords>()
  #records = 0

  constructor(plan: StagePlan, rolling: RollingPlan, inputs: readonly number[]) {
    this.#last = 'last' in rolling ? rolling.last : Number.POSITIVE_INFINITY
    this.#withinMs = 'withinMs' in rolling ? rolling.withinMs : Number.POSITIVE_INFINITY
    this.#groups = new AggregateGroups(plan, inputs)
    this.#format = new RollingFormat(
      plan.aggregates.map(({ name }) => name),
      this.#groups,
    )
  }

  take(record: OrderedRecord, output: OrderedOutput): void {
    const { key, time, index } = record
    const recent = this.#recent.get(key) ?? new RecentRecords(this.#groups)
    this.#recent.delete(key)
    this.#recent.set(key, recent)
    recent.push(record)
    this.#records += 1
    this.#drop(recent, time)
    output.record(
      record,
      index,
      key,
      recent.total((base) => this.#format.value(record, base)),
    )
  }

  #drop(recent: RecentRecords, time: number): void {
    while (recent.length > this.#last || (recent.oldest?.time ?? time) <= time - this.#withinMs) {
      recent.shift()
      this.#records -= 1
    }
  }

  advance(time: number): void {
    if (this.#withinMs === Number.POSITIVE_INFINITY) return
    for (const [key, recent] of this.#recent) {
      if ((recent.newest?.time ?? time) > time - this.#withinMs) return
      this.#forget(key, recent)
    }
  }

  #forget(key: string, recent: RecentRecords): void {
    this.#records -= recent.length
    recent.end()
    this.#recent.delete(key)
  }

  openRows(): Uint8Array {
    return NONE
  }

  get groups(): number {
    return this.#recent.size
  }

  get bytes(): number {
    return this.#groups.table.bytes + 160 * this.#records
  }

  write(writer: StateWriter): void {
    writer.varint(this.#recent.size)
    for (const [, recent] of [...this.#recent].sort(([a], [b]) => compareTexts(a, b))) {
      const { records } = recent
      writer.varint(records.length)
      for (const record of records) writeRecord(record, writer)
    }
  }

  read(reader: StateReader): void {
    for (const [key, recent] of this.#recent) this.#forget(key, recent)
    const read: RecentRecords[] = []
    for (let left = reader.varint(); left > 0; left--) {
      const recent = new RecentRecords(this.#groups)
      for (let records = reader.varint(); records > 0; records--) {
        recent.push(readRecord(reader))
        this.#records += 1
      }
      read.push(recent)
    }
    const newestOf = ({ newest }: RecentRecords): OrderedRecord => {
      if (newest === undefined) throw new RangeError('a key without a record')
      return newest
    }
    read.sort((a, b) => comparePlaces(newestOf(a), newestOf(b)))
    for (const recent of read) this.#recent.set(newestOf(recent).key, recent)
  }
}

const OWN_MEMBERS = ['key', 'time']

/** `{<aggregates>,"key":...,"time":...}` with its members in canonical (sorted) order. */
class RollingFormat {
  readonly #groups: AggregateGroups
  readonly #members: readonly {
    readonly name: string
    readonly lead: string
    readonly slot: AggregateSlot | undefined
  }[]
  readonly #bytes = new TextBytes()

  constructor(names: readonly string[], groups: AggregateGroups) {
    this.#groups = groups
    this.#members = [...names, ...OWN_MEMBERS].sort().map((name, i) => ({
      name,
      lead: `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`,
      slot: groups.slots[names.indexOf(name)],
    }))
  }

  /** Valid until the next call. */
  value({ key, time }: OrderedRecord, base: number): Uint8Array {
    let text = ''
    for (const { name, lead, slot } of this.#members) {
      text += lead
      if (slot !== undefined) text += String(resultOf(slot, this.#groups.table, base))
      else text += name === 'key' ? key || 'null' : JSON.stringify(formatInstant(time))
    }
    return this.#bytes.of(`${text}}`)
  }
}
