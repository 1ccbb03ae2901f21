/**
 * A list of values by event time, of equal times by source partition and offset. With more values than the bound the first
 * ones are kept, whichever came first.
 */
import type { Value } from '../json.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'
import { KeptValue } from './kept-value.ts'
import { type AggregateState, comparePlaces, type RecordPlace } from './state.ts'

export class CollectState implements AggregateState {
  readonly #limit: number
  /** In order. */
  readonly #kept: KeptValue[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  add(value: Value, place: RecordPlace): void {
    const at = this.#placeOf(place)
    if (at < this.#limit) this.#insert(at, new KeptValue(place, value))
  }

  /** Index of the first value after a place. Looked for from the end, where most records belong. */
  #placeOf(place: Readonly<RecordPlace>): number {
    const kept = this.#kept
    const last = kept[kept.length - 1]
    if (last === undefined || comparePlaces(place, last) > 0) return kept.length
    let low = 0
    let high = kept.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (comparePlaces(kept[middle] as KeptValue, place) > 0) high = middle
      else low = middle + 1
    }
    return low
  }

  #insert(at: number, value: KeptValue): void {
    if (at === this.#kept.length) this.#kept.push(value)
    else this.#kept.splice(at, 0, value)
    if (this.#kept.length > this.#limit) this.#kept.pop()
  }

  merge(reader: StateReader): void {
    for (let left = reader.varint(); left > 0; left--) {
      const value = KeptValue.read(reader)
      const at = this.#placeOf(value)
      if (at < this.#limit) this.#insert(at, value)
    }
  }

  write(writer: StateWriter): void {
    writer.varint(this.#kept.length)
    for (const value of this.#kept) value.write(writer)
  }

  result(): string {
    return `[${this.#kept.map(({ text }) => text).join(',')}]`
  }

  get bytes(): number {
    return this.#kept.reduce((sum, { bytes }) => sum + bytes, 32)
  }
}
