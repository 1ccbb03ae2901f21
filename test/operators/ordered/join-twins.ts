/** What joins mean, as nested loops over all records at once. */

import type { JoinPlan, JoinSide } from '../../../operators/index.ts'
import { MAX_MATCHES } from '../../../operators/ordered/join/stream-join.ts'
import type { Placed } from './join-runs.ts'

const inOrder = (a: Placed, b: Placed): number => a.t - b.t || a.partition - b.partition || a.offset - b.offset
const shown = (record: Placed | undefined): object | null => {
  if (record === undefined) return null
  const { side: _, partition: __, offset: ___, ...fields } = record
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)))
}
const row = (at: Placed, index: number, l: Placed | undefined, r: Placed | undefined): string =>
  JSON.stringify([[at.partition, at.offset, index], at.k, { l: shown(l), r: shown(r) }])

function meet(match: JoinPlan['match'], l: Placed, r: Placed): boolean {
  if (l.k !== r.k) return false
  switch (match.kind) {
    case 'within':
      return r.t >= l.t - match.beforeMs && r.t <= l.t + match.afterMs
    case 'window': {
      const start = (t: number) => Math.floor((t - match.offsetMs) / match.sizeMs)
      return start(l.t) === start(r.t)
    }
    case 'table':
      throw new RangeError('tables have a twin of their own')
  }
}

const alone = ({ type }: JoinPlan, side: JoinSide): boolean => type === side || type === 'outer'

interface TwinRow {
  readonly at: Placed
  readonly index: number
  readonly l: Placed | undefined
  readonly r: Placed | undefined
}

export const streamTwin = (join: JoinPlan, records: readonly Placed[]): string[] =>
  streamRows(join, records)
    .map(({ at, index, l, r }) => row(at, index, l, r))
    .sort()

/** `start/end/key count sum` of the left values, of tumbling windows over the rows. */
export function windowTwin(join: JoinPlan, records: readonly Placed[], sizeMs: number): string[] {
  const groups = new Map<string, { n: number; sum: number }>()
  for (const { at, l } of streamRows(join, records)) {
    const start = Math.floor(at.t / sizeMs) * sizeMs
    const name = `${start}/${start + sizeMs}/${at.k}`
    const { n, sum } = groups.get(name) ?? { n: 0, sum: 0 }
    groups.set(name, { n: n + 1, sum: sum + (l?.v ?? 100) })
  }
  return [...groups].map(([name, { n, sum }]) => `${name} ${n} ${sum}`).sort()
}

function streamRows(join: JoinPlan, records: readonly Placed[]): TwinRow[] {
  const rows: TwinRow[] = []
  for (const record of records) {
    const partners = records
      .filter((other) => other.side !== record.side)
      .filter((other) => (record.side === 'left' ? meet(join.match, record, other) : meet(join.match, other, record)))
      .sort(inOrder)
    partners
      .filter((other) => inOrder(other, record) < 0)
      .forEach((other, i) => {
        const [l, r] = record.side === 'left' ? [record, other] : [other, record]
        rows.push({ at: record, index: i, l, r })
      })
    if (partners.length > 0 || !alone(join, record.side)) continue
    const [l, r] = record.side === 'left' ? [record, undefined] : [undefined, record]
    rows.push({ at: record, index: 0, l, r })
  }
  return rows
}

export function tableTwin(join: JoinPlan, records: readonly Placed[]): string[] {
  if (join.match.kind !== 'table') throw new RangeError('a join without a table')
  const { tables, delete: conditions } = join.match
  const order = records.toSorted(inOrder)
  /** What a side has for a key after so many records. */
  const latest = (side: JoinSide, key: string, until: number): Placed | undefined => {
    const last = order.slice(0, until).findLast((record) => record.side === side && record.k === key)
    return conditions?.[side] !== undefined && last?.gone === true ? undefined : last
  }
  const rows: string[] = []
  order.forEach((record, i) => {
    if (tables === 'right' && record.side === 'right') return
    const l = tables === 'right' ? record : latest('left', record.k, i + 1)
    const r = latest('right', record.k, i + 1)
    if (l === undefined ? r !== undefined && alone(join, 'right') : r !== undefined || alone(join, 'left')) {
      rows.push(row(record, 0, l, r))
    }
  })
  return rows.sort()
}

/** The number of an item's row among those of its record. */
export const numbered = (item: number, match: number): number => item * MAX_MATCHES + match
