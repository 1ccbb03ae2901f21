/** What a row says of itself beside its key and value, for sinks that keep it beside them: where it belongs and which it is. */
import { assert } from '../../../mesh/index.ts'
import {
  FLAG_FINAL,
  FLAG_REMOVED,
  ROW_DEAD_LETTER,
  ROW_RECORD,
  ROW_WINDOW,
  type Row,
} from '../../../operators/index.ts'

export type RowPlace =
  | {
      readonly kind: 'window'
      readonly start: number
      readonly end: number
      readonly revision: number
      readonly final: boolean
      /** It takes the rows of its window and key back: the window is part of a greater one now. */
      readonly removed?: true
    }
  /** A row made of one source record, or a record that could not be taken. */
  | {
      readonly kind: 'record' | 'deadLetter'
      readonly partition: number
      readonly offset: number
      readonly index: number
      /** Not 0 where it is a dead letter of no source's record: which stage made or read what it is of (operators/rows.ts). */
      readonly of: number
    }

export function placeOf(row: Row): RowPlace {
  if (row.kind === ROW_WINDOW) {
    return {
      kind: 'window',
      start: row.a,
      end: row.b,
      revision: row.revision,
      final: (row.flags & FLAG_FINAL) !== 0,
      ...((row.flags & FLAG_REMOVED) === 0 ? {} : { removed: true }),
    }
  }
  assert(row.kind === ROW_RECORD || row.kind === ROW_DEAD_LETTER, `a sink gets rows, not frames of kind ${row.kind}`)
  const kind = row.kind === ROW_RECORD ? 'record' : 'deadLetter'
  return { kind, partition: row.a, offset: row.b, index: row.revision, of: row.flags }
}

/** ECMAScript's range of dates; event times beyond it stay numbers. */
const MAX_DATE_MS = 8.64e15
export const isDate = (epochMs: number): boolean => Math.abs(epochMs) <= MAX_DATE_MS
const timeText = (epochMs: number): string | number => (isDate(epochMs) ? new Date(epochMs).toISOString() : epochMs)

/** The place as JSON fields, times in ISO 8601, UTC. */
export function placeFields(place: RowPlace): Record<string, unknown> {
  if (place.kind !== 'window') {
    return { source: { partition: place.partition, offset: place.offset, index: place.index } }
  }
  const { start, end, revision, final, removed } = place
  const window = { start: timeText(start), end: timeText(end) }
  return { window, revision, final, ...(removed === undefined ? {} : { removed }) }
}
