/**
 * Of each key, the first record of each value by event time. The value is remembered for `within` after the record that passed:
 * others of it in [time, time + within) are duplicates, and the next one after that passes again.
 */
import { encodeUtf8 } from '../json.ts'
import { compareTexts } from '../pipeline-key.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'
import type { OrderedOperator, OrderedRecord } from './operator.ts'
import type { OrderedOutput } from './output.ts'
import type { DedupePlan } from './plan.ts'

const NONE = new Uint8Array()

export class Dedupe implements OrderedOperator {
  readonly owedFrom = Number.POSITIVE_INFINITY
  readonly closesAt = Number.NEGATIVE_INFINITY
  readonly #withinMs: number
  /** By key and value: the time of the record that passed. In the order of the times, which is that of insertion. */
  readonly #passed = new Map<string, number>()
  #bytes = 0

  constructor({ withinMs }: DedupePlan) {
    this.#withinMs = withinMs
  }

  take(record: OrderedRecord, output: OrderedOutput): void {
    const { key, values, time, index } = record
    const [value, whole] = values as readonly string[]
    if (value === undefined || whole === undefined) throw new RangeError('a record without the value that is compared')
    const name = `${key}\n${value}`
    const before = this.#passed.get(name)
    if (before !== undefined && time < before + this.#withinMs) return
    if (before !== undefined) this.#forget(name)
    this.#remember(name, time)
    output.record(record, index, key, encodeUtf8(whole))
  }

  #remember(name: string, time: number): void {
    this.#passed.set(name, time)
    this.#bytes += weightOf(name)
  }

  #forget(name: string): void {
    this.#passed.delete(name)
    this.#bytes -= weightOf(name)
  }

  advance(time: number): void {
    for (const [name, passed] of this.#passed) {
      if (passed + this.#withinMs > time) return
      this.#forget(name)
    }
  }

  openRows(): Uint8Array {
    return NONE
  }

  get groups(): number {
    return this.#passed.size
  }

  get bytes(): number {
    return this.#bytes
  }

  write(writer: StateWriter): void {
    writer.varint(this.#passed.size)
    for (const [name, time] of [...this.#passed].sort(([a, s], [b, t]) => s - t || compareTexts(a, b))) {
      writer.text(name)
      writer.float(time)
    }
  }

  read(reader: StateReader): void {
    this.#passed.clear()
    this.#bytes = 0
    for (let left = reader.varint(); left > 0; left--) this.#remember(reader.text(), reader.float())
  }
}

const weightOf = (name: string): number => 96 + name.length
