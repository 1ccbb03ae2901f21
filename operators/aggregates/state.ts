/**
 * Aggregates that need more than a few numbers: each group holds an object for each of them. What a state says must not depend
 * on the order or grouping of what it was given, and its bytes must be determined by what it says.
 */
import type { Value } from '../json.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'

/** When a record happened, and where in the source it is. The stage has one, and fills it anew for each record. */
export interface RecordPlace {
  time: number
  partition: number
  offset: number
  /** Of an item within a record that is exploded. */
  index: number
}

export interface AggregateState {
  /** Takes a value, which is not null, and keeps nothing of `place` itself. */
  add(value: Value, place: RecordPlace): void
  /** Takes what another state wrote. */
  merge(reader: StateReader): void
  write(writer: StateWriter): void
  /** What a row shows: canonical JSON. */
  result(): string
  /** Approximately. */
  readonly bytes: number
}

/** By time, then source partition, then offset and item: an order that no speed of reading changes. */
export const comparePlaces = (a: Readonly<RecordPlace>, b: Readonly<RecordPlace>): number =>
  a.time - b.time || a.partition - b.partition || a.offset - b.offset || a.index - b.index
