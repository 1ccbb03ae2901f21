/**
 * What an operator over records in order is, and what it must promise. The stage around it (records.ts) judges lateness, holds
 * records until the watermark has passed them, and gives them in one order that no speed of reading changes:
 * (time, source partition, offset, index). So an operator sees no disorder, no shuffle and no batch.
 *
 * Promises:
 * - It is a function of the calls of `take` and `advance`. `advance(t)` only tells what is known of time; whether it is called
 *   more often, for times between, changes neither the rows nor their order beyond the cut that they fall in.
 * - Everything it gives goes to the `output` of the call. A row is identified by what it is given with (output.ts), and no two
 *   results of one job may have the same identity.
 * - `write` gives the same bytes for the same state, whatever way led there: maps are written sorted, and what has expired at
 *   the last `advance` is gone. `read` replaces the whole state.
 * - It never throws for a record: what cannot be computed is a dead letter (`output.deadLetter`), and leaves no trace in state.
 * - State is bounded by the plan for each key: what nothing can match any more is dropped.
 */
import type { RecordPlace } from '../aggregates/state.ts'
import type { Value } from '../json.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'
import type { OpenRange } from '../stage.ts'
import type { OrderedOutput } from './output.ts'

export interface OrderedRecord extends Readonly<RecordPlace> {
  /** Which of several inputs it came by; 0 where there is one. */
  readonly input: number
  /** Canonical JSON of the key; empty where the stage has none. */
  readonly key: string
  /** What the operator reads of a record (reads.ts), in the operator's own order. It may be kept; it never changes. */
  readonly values: readonly Value[]
}

export interface OrderedOperator {
  /** The next record in order. `advance` was called with its time before, where `owedFrom` says that this is of use. */
  take(record: OrderedRecord, output: OrderedOutput): void
  /**
   * No record before `time` is taken any more, and all those were taken. Gives what ends by that, and drops what has
   * expired. Infinity: the input has ended, and what is open is given or dropped. Called at least once in each cut.
   */
  advance(time: number, output: OrderedOutput): void
  /** The least `time` at which `advance` gives a row, counting what is known now; Infinity: it waits for records only. */
  readonly owedFrom: number
  /** The least `time` at which nothing that ends by time alone is open any more; -Infinity where nothing is open. */
  readonly closesAt: number
  /**
   * What silence shows, for operators that have such a thing: rows of what is open, not final, as if the records that are
   * held back by the watermark (`held`, in order) were taken. They are given again when the operator knows more.
   */
  readonly showOpen?: ((held: readonly OrderedRecord[], output: OrderedOutput) => void) | undefined
  /** The first rows of a range that open windows would show now, in canonical order (stage.ts); `held` as above. */
  openRows(range: OpenRange, held: readonly OrderedRecord[]): Uint8Array
  /** What is held for keys: windows, partial matches, remembered values. For metrics. */
  readonly groups: number
  /** Approximately. */
  readonly bytes: number
  write(writer: StateWriter): void
  read(reader: StateReader): void
}
