/**
 * Reading what this peer holds of a unit: the newest certified revision of each window and key, in the order of outputs
 * (window end, window start, key bytes), from a cursor on.
 */
import { type CutPosition, comparePositions, type UnitId } from '../../mesh/index.ts'
import { FLAG_FINAL, FLAG_REMOVED, ROW_WINDOW, readRows } from '../../operators/index.ts'
import type { Batch, BatchIndex } from '../replica/batch.ts'

/** One certified row, with the cut that certifies it. */
export interface CertifiedRow {
  readonly start: number
  readonly end: number
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly revision: number
  readonly final: boolean
  readonly position: CutPosition
}

export interface RowRange {
  /** Canonical JSON of the key; absent: all keys. */
  readonly key: Uint8Array | undefined
  /** Windows with end > from and start < to. */
  readonly from: number
  readonly to: number
  /** Only what was certified up to here. */
  readonly upTo: CutPosition | undefined
  /** Rows after this place in the order of outputs. */
  readonly after: RowPlace | undefined
  readonly limit: number
}

/** Where a row stands in the order of outputs. */
export interface RowPlace {
  readonly end: number
  readonly start: number
  readonly key: Uint8Array
}

export function compareRows(a: RowPlace, b: RowPlace): number {
  return a.end - b.end || a.start - b.start || Buffer.compare(a.key, b.key)
}

/** A row that takes earlier ones back is kept until it is known to be the newest, and then left out. */
type NewestRow = CertifiedRow & { readonly removed: boolean }

/** Batches that a read asks the disk for together. */
const LOADS_AT_ONCE = 32

/** At most `limit` rows in order. Memory is that of the rows in range. */
export async function readUnit(
  unit: UnitId,
  batches: BatchIndex,
  load: (unit: UnitId, position: CutPosition) => Promise<Batch | undefined>,
  range: RowRange,
): Promise<CertifiedRow[]> {
  const newest = new Map<string, NewestRow>()
  // Entries that are over go while this waits for the disk, and those behind them move up.
  const places = inRange(batches, range)
  for (let first = 0; first < places.length; first += LOADS_AT_ONCE) {
    const some = places.slice(first, first + LOADS_AT_ONCE)
    const loaded = await Promise.all(some.map((position) => load(unit, position)))
    for (const [index, position] of some.entries()) {
      const batch = loaded[index]
      if (batch === undefined && batches.at(position) === undefined) continue
      if (batch === undefined) throw new Error(`${unit} has lost the batch of cut ${position.seq} while it was read`)
      // The others hold what goes to branches, which is in this one as well.
      collect(batch.bodies[0] ?? new Uint8Array(), position, range, newest)
    }
  }
  const rows = [...newest.values()].filter(({ removed }) => !removed)
  return rows
    .sort(compareRows)
    .slice(0, range.limit)
    .map(({ removed: _, ...row }) => row)
}

/** Cuts whose batches may have rows of a range. */
function inRange(batches: BatchIndex, { from, to, upTo, after }: RowRange): CutPosition[] {
  const places: CutPosition[] = []
  for (const { position, maxEnd, minStart } of batches.entries) {
    if (upTo !== undefined && comparePositions(position, upTo) > 0) break
    if (maxEnd <= from || minStart >= to || (after !== undefined && maxEnd < after.end)) continue
    places.push(position)
  }
  return places
}

function collect(body: Uint8Array, position: CutPosition, range: RowRange, newest: Map<string, NewestRow>): void {
  for (const row of readRows(body)) {
    if (row.kind !== ROW_WINDOW || row.b <= range.from || row.a >= range.to) continue
    if (range.key !== undefined && Buffer.compare(row.key, range.key) !== 0) continue
    const place = { start: row.a, end: row.b, key: row.key }
    if (range.after !== undefined && compareRows(place, range.after) <= 0) continue
    const name = `${row.a}/${row.b}/${Buffer.from(row.key).toString('latin1')}`
    const known = newest.get(name)
    if (known !== undefined && known.revision >= row.revision) continue
    newest.set(name, {
      ...place,
      value: row.value,
      revision: row.revision,
      final: (row.flags & FLAG_FINAL) !== 0,
      removed: (row.flags & FLAG_REMOVED) !== 0,
      position,
    })
  }
}
