/** Windows and what they must say, made of all records at once. */
import { byKey, type Order, type Placed } from './oracle-order.ts'
import type { AgainShape, Workload } from './workload.ts'

export interface ExpectedRow {
  readonly start: number
  readonly end: number
  readonly key: string
  readonly orders: number
  readonly total: number
  readonly most: number
}

/** How sinks tell windows apart. */
export const windowName = ({ start, end, key }: Pick<ExpectedRow, 'start' | 'end' | 'key'>): string =>
  `${start}/${end}/${key}`

export type Rows = Map<string, ExpectedRow>

/** @returns false when no window takes it */
export function take(
  rows: Rows,
  { key, amount, at }: Order,
  watermark: number,
  { windowMs, slideMs, latenessMs, kind }: Workload,
): boolean {
  let taken = false
  for (let start = Math.floor(at / slideMs) * slideMs; start > at - windowMs; start -= slideMs) {
    const end = start + windowMs
    // Behind a shuffle the watermark is the minimum over all partitions, so what is in time here is in time there.
    if ((kind === 'keyed' || kind === 'hopping') && watermark >= end + latenessMs) continue
    taken = true
    add(rows, { start, end, key, orders: 1, total: amount, most: amount })
  }
  return taken
}

function add(rows: Rows, row: ExpectedRow): void {
  const name = windowName(row)
  const { orders, total, most } = rows.get(name) ?? { orders: 0, total: 0, most: row.most }
  rows.set(name, {
    ...row,
    orders: orders + row.orders,
    total: total + row.total,
    most: Math.max(most, row.most),
  })
}

/** Windows over the rows of windows: a row has the last instant of its own. */
export function again(rows: Rows, windowMs: number, { times, by }: AgainShape): Rows {
  const outer: Rows = new Map()
  const size = times * windowMs
  for (const row of rows.values()) {
    const start = Math.floor((row.end - 1) / size) * size
    const key = by === 'all' ? 'null' : by === 'half' ? `${row.key < 'k4'}` : row.key
    add(outer, { ...row, start, end: start + size, key })
  }
  return outer
}

/** Sessions of records in the order of their times. */
export function sessionsOf(orders: readonly Placed[], gapMs: number): Rows {
  const rows: Rows = new Map()
  for (const [key, records] of byKey(orders)) {
    let session: ExpectedRow | undefined
    for (const { at, amount } of records) {
      const goes = session !== undefined && at <= session.end
      if (session !== undefined && !goes) rows.set(windowName(session), session)
      const { start, orders, total, most } =
        session !== undefined && goes ? session : { start: at, orders: 0, total: 0, most: amount }
      session = {
        start,
        end: at + gapMs,
        key,
        orders: orders + 1,
        total: total + amount,
        most: Math.max(most, amount),
      }
    }
    if (session !== undefined) rows.set(windowName(session), session)
  }
  return rows
}
