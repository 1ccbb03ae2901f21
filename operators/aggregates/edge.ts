/** The first or last value by event time; of equal times by source partition and offset. Null of nothing. */
import type { Value } from '../json.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'
import { KeptValue } from './kept-value.ts'
import { type AggregateState, comparePlaces, type RecordPlace } from './state.ts'

export class EdgeState implements AggregateState {
  readonly #last: boolean
  #kept: KeptValue | undefined

  constructor(edge: 'first' | 'last') {
    this.#last = edge === 'last'
  }

  add(value: Value, place: RecordPlace): void {
    if (this.#replaces(place)) this.#kept = new KeptValue(place, value)
  }

  #replaces(place: Readonly<RecordPlace>): boolean {
    if (this.#kept === undefined) return true
    const order = comparePlaces(place, this.#kept)
    return this.#last ? order > 0 : order < 0
  }

  merge(reader: StateReader): void {
    if (reader.byte() === 0) return
    const kept = KeptValue.read(reader)
    if (this.#replaces(kept)) this.#kept = kept
  }

  write(writer: StateWriter): void {
    writer.byte(this.#kept === undefined ? 0 : 1)
    this.#kept?.write(writer)
  }

  result(): string {
    return this.#kept?.text ?? 'null'
  }

  get bytes(): number {
    return this.#kept?.bytes ?? 16
  }
}
