/**
 * Where ordered operators put their results. A record row is identified by the source place of a record, a window row by its
 * bounds and key; sinks replace rows by that.
 */
import type { RecordPlace } from '../aggregates/state.ts'
import type { OperatorErrorCode } from '../errors.ts'
import { encodeUtf8, type Value } from '../json.ts'
import type { CutRule } from '../pipeline-cut.ts'
import { TextBytes } from '../text-bytes.ts'
import { formatInstant } from '../time.ts'
import type { OrderedRecord } from './operator.ts'

export type WindowState = 'open' | 'final' | 'removed'

export interface OrderedOutput {
  /** A row made at a record. Where a record makes several, `index` numbers them together with those of its other items. */
  record(place: Readonly<RecordPlace>, index: number, key: string, value: Uint8Array): void
  /** A row of a window; of rows with the same bounds and key the greatest revision stands. */
  window(start: number, end: number, key: string, revision: number, state: WindowState, value: Uint8Array): void
  deadLetter(code: OperatorErrorCode, record: OrderedRecord): void
  /** What a row gives to aggregates, where the job makes windows of rows in place of rows. */
  readonly aggregate?: (key: string, inputs: readonly Value[], place: RecordPlace) => void
}

/** Into the parts of the present cut. */
export class CutRows implements OrderedOutput {
  readonly #rule: CutRule
  readonly #keys = new TextBytes()

  constructor(rule: CutRule) {
    this.#rule = rule
  }

  record(place: Readonly<RecordPlace>, index: number, key: string, value: Uint8Array): void {
    this.#rule.rows.record(place, index, this.#keys.of(key), value)
  }

  window(start: number, end: number, key: string, revision: number, state: WindowState, value: Uint8Array): void {
    const { rows } = this.#rule
    const row = { start, end, key: this.#keys.of(key), revision, final: state === 'final' }
    if (state === 'removed') rows.takeBack(row, value, rows.everywhere)
    // Where earlier ones stand is not remembered: what may stand is taken back.
    else rows.window(row, value, key, revision === 0 ? 0 : rows.everywhere)
  }

  deadLetter(code: OperatorErrorCode, record: OrderedRecord): void {
    this.#rule.deadLetterOf(code, record, shownRecord(record))
  }
}

/** What the dead letter of a record shows whose bytes are not at hand any more. */
export function shownRecord({ key, time }: Pick<OrderedRecord, 'key' | 'time'>): Uint8Array {
  return encodeUtf8(`{"key":${key || 'null'},"time":${JSON.stringify(formatInstant(time))}}`)
}

/** For what was given before. */
export const NOWHERE: OrderedOutput = { record() {}, window() {}, deadLetter() {} }
