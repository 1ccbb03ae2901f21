/**
 * A certified cut part as a peer keeps it: the bodies for each destination and the dead letters, encoded as
 *
 *   f64 watermark | u32 count | (u32 length | bytes) per body | u32 length | dead letters
 *
 * and found through an index in memory that knows, for each, where its windows lie.
 */
import { type CutPosition, comparePositions, positionKey, sortable, type UnitId } from '../../mesh/index.ts'
import { isLateLetter, ROW_RECORD, ROW_WINDOW, readRows } from '../../operators/index.ts'

export interface Batch {
  readonly bodies: readonly Uint8Array[]
  readonly deadLetters: Uint8Array
  /** The replica's after the cut: epoch milliseconds, or an infinity. */
  readonly watermark: number
}

export interface BatchEntry {
  readonly position: CutPosition
  readonly bytes: number
  readonly rows: number
  /** Of those, the ones of each branch. */
  readonly branchRows: readonly number[]
  readonly deadRows: number
  /** Of those, the ones that came too late for their windows. */
  readonly lateRows: number
  /** Over the window rows; an empty range when there are none. */
  readonly minStart: number
  readonly maxEnd: number
  readonly watermark: number
  /** Monotonic time at which this process came to hold it. */
  readonly readyAt: number
}

const HEADER_BYTES = 12

export function encodeBatch({ bodies, deadLetters, watermark }: Batch): Uint8Array {
  const all = [...bodies, deadLetters]
  const bytes = new Uint8Array(all.reduce((sum, body) => sum + 4 + body.length, HEADER_BYTES))
  const view = new DataView(bytes.buffer)
  view.setFloat64(0, watermark)
  view.setUint32(8, bodies.length)
  let at = HEADER_BYTES
  for (const body of all) {
    view.setUint32(at, body.length)
    bytes.set(body, at + 4)
    at += 4 + body.length
  }
  return bytes
}

/** @throws RangeError when the bytes are not a batch; the store's checksum makes that a bug. */
export function decodeBatch(bytes: Uint8Array): Batch {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const all: Uint8Array[] = []
  let at = HEADER_BYTES
  for (let i = view.getUint32(8) + 1; i > 0; i--) {
    const length = view.getUint32(at)
    all.push(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  const deadLetters = all.pop() ?? new Uint8Array()
  return { bodies: all, deadLetters, watermark: view.getFloat64(0) }
}

export const batchKey = (unit: UnitId, position: CutPosition): string => positionKey(unit, position)
export const snapshotKey = (unit: UnitId, position: CutPosition): string => `${unit}/${sortable(position.seq)}`

export function describeBatch(position: CutPosition, batch: Batch, readyAt: number): BatchEntry {
  let rows = 0
  let minStart = Number.POSITIVE_INFINITY
  let maxEnd = Number.NEGATIVE_INFINITY
  const { watermark } = batch
  let bytes = batch.deadLetters.length
  const branchRows: number[] = []
  for (const [destination, body] of batch.bodies.entries()) {
    bytes += body.length
    let copies = 0
    for (const row of readRows(body)) {
      if (destination > 0 && (row.kind === ROW_WINDOW || row.kind === ROW_RECORD)) {
        copies += 1
        continue
      }
      rows += 1
      if (row.kind !== ROW_WINDOW) continue
      minStart = Math.min(minStart, row.a)
      maxEnd = Math.max(maxEnd, row.b)
    }
    if (destination > 0) branchRows.push(copies)
  }
  let deadRows = 0
  let lateRows = 0
  for (const { value } of readRows(batch.deadLetters)) {
    deadRows += 1
    if (isLateLetter(value)) lateRows += 1
  }
  const { seq, part } = position
  return {
    position: { seq, part },
    bytes,
    rows,
    branchRows: branchRows.some((count) => count > 0) ? branchRows : [],
    deadRows,
    lateRows,
    minStart,
    maxEnd,
    watermark,
    readyAt,
  }
}

/** The batches of one unit that this peer holds, in order. */
export class BatchIndex {
  readonly entries: BatchEntry[] = []
  /** Of all that were added, those that were dropped since among them. */
  readonly totals = { rows: 0, deadRows: 0, lateRows: 0 }

  get last(): BatchEntry | undefined {
    return this.entries[this.entries.length - 1]
  }

  /** Adds the next one; one that is there already (a replay) changes nothing. */
  add(entry: BatchEntry): boolean {
    const { last } = this
    if (last !== undefined && comparePositions(entry.position, last.position) <= 0) return false
    this.entries.push(entry)
    this.#count(entry, 1)
    return true
  }

  /** Forgets what lies after a position: it comes again, or something else in its place. */
  cut(position: CutPosition | undefined): void {
    const kept = position === undefined ? 0 : this.#indexAfter(position)
    for (const entry of this.entries.splice(kept)) this.#count(entry, -1)
  }

  #count({ rows, deadRows, lateRows }: BatchEntry, times: number): void {
    this.totals.rows += times * rows
    this.totals.deadRows += times * deadRows
    this.totals.lateRows += times * lateRows
  }

  /** Forgets the first entries. */
  drop(count: number): void {
    this.entries.splice(0, count)
  }

  at(position: CutPosition): BatchEntry | undefined {
    const entry = this.entries[this.#indexAfter(position) - 1]
    return entry !== undefined && comparePositions(entry.position, position) === 0 ? entry : undefined
  }

  /** At most `limit` entries after a position, in order. */
  allAfter(position: CutPosition | undefined, limit: number): readonly BatchEntry[] {
    const from = position === undefined ? 0 : this.#indexAfter(position)
    return this.entries.slice(from, from + limit)
  }

  /** The entry before the one at a position. */
  before(position: CutPosition): BatchEntry | undefined {
    return this.entries[this.#indexAfter(position) - 2]
  }

  #indexAfter(position: CutPosition): number {
    let low = 0
    let high = this.entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const entry = this.entries[middle]
      if (entry !== undefined && comparePositions(entry.position, position) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
