/**
 * A stage's operators over one unit's input: a pure function of the records it was given, in order, and of the decisions
 * placed between them. It never sees a batch boundary: running the same records in other batches gives the same bytes.
 */
import type { RecordBatch } from './record.ts'

export interface CutCounts {
  /** Records taken since the last cut. */
  readonly in: number
  readonly late: number
  readonly dead: number
}

/** One part of a cut: the exact bytes for each destination (see rows.ts), indexed by destination. */
export interface CutPart {
  /** Rows for the sinks at index 0, or for shuffle partition i at index i. Empty arrays carry nothing. */
  readonly bodies: readonly Uint8Array[]
  /** Dead-letter rows (late records and records that do not parse), kept apart from results. */
  readonly deadLetters: Uint8Array
}

export interface CutOutput {
  readonly counts: CutCounts
  /** At least one part; a cut with nothing to emit has one empty part. */
  readonly parts: readonly CutPart[]
  /**
   * The stage's watermark after this cut, epoch milliseconds; -Infinity before any record, Infinity after `final`.
   * A shuffle carries it inside each body as well (rows.ts), since the reader believes only certified bytes.
   */
  readonly watermark: number
}

/** Which open windows are asked for. */
export interface OpenRange {
  /** Canonical JSON of the key; undefined: all keys. */
  readonly key: Uint8Array | undefined
  /** Windows with end > from and start < to. */
  readonly from: number
  readonly to: number
  /** Only rows after this place in canonical order, or from it on (`inclusive`). */
  readonly after:
    | { readonly end: number; readonly start: number; readonly key: Uint8Array; readonly inclusive: boolean }
    | undefined
  readonly limit: number
}

export interface StageProcessor {
  /**
   * Takes records [from, to) of a batch until a cut is due by rule; returns the index after the last one taken.
   * When it returns less than `to`, `cutDue` is true and `cut()` must be called before the next `run`. `cutDue` can be
   * true with all records taken as well.
   */
  run(batch: RecordBatch, from: number, to: number): number
  readonly cutDue: boolean
  /** Applies a decision at the present position; the caller cuts right after. */
  decide(kind: 'cut' | 'idle' | 'final'): void
  /**
   * Records [from, to) are passed over: a dead letter says so. `lost`: the log has them no more; `quarantined`: they stop
   * the replicas that take them. The caller cuts right after.
   */
  pass(why: 'lost' | 'quarantined', from: number, to: number): void
  /**
   * Goes on with this state as if the watermark had come this far: windows that it closes were emitted before. Those that
   * nothing can change any more are forgotten without a row; the others have their last row, as ever, when they expire.
   * @param cuts so many cuts came after this state and are known by their rows only. Each may have shown any window once, so
   * whatever is shown from now on has a revision beyond those
   */
  forget(watermark: number, cuts: number): void
  /** Ends the current cut and returns what it emits, rows in canonical order. */
  cut(): CutOutput
  /** Something would be emitted by a cut here and now (rows, dead letters, or a watermark advance before a shuffle). */
  readonly pending: boolean
  /** An idle decision here would say something new (open windows without a provisional row, or an idle mark). */
  readonly canIdle: boolean
  readonly watermark: number
  /** Bytes of state, approximately: for metrics and bounds. */
  readonly stateBytes: number
  /** Windows that records may still change, one for each key, or what ordered operators keep of keys: for metrics. */
  readonly openWindows: number
  /** The first rows of a range that open windows would show now, in canonical order, uncertified (rows.ts body). */
  openRows(range: OpenRange): Uint8Array
  /** The whole state in canonical bytes: equal states give equal bytes. Only called right after `cut()`. */
  snapshot(): Uint8Array
  restore(bytes: Uint8Array): void
}
