/**
 * What must come out, computed in the dullest way from the source alone: no cuts, no snapshots, no decisions, no shuffle.
 * The last revision of each window and key must be exactly this, whatever failed.
 */
import type { SimulatedLog } from './log.ts'
import { chaining, joining } from './oracle-joins.ts'
import { inTime, matching, type Order, type Placed, turning } from './oracle-order.ts'
import { again, type ExpectedRow, type Rows, sessionsOf, take } from './oracle-windows.ts'
import { poisonOf } from './stages.ts'
import { dependsOnOthers, inputsOf, passesRecords, type Workload } from './workload.ts'

/** Records of a partition of the source that an operator gave up. */
export interface Gap {
  readonly partition: number
  readonly from: number
  readonly to: number
}

export interface Expected {
  readonly rows: ReadonlyMap<string, ExpectedRow>
  /** By `partition/offset`, and the index where there are several; by their texts and a number where records have no names. */
  readonly passed: ReadonlyMap<string, string>
  readonly byText: boolean
  /** What was given up decides what else comes out; nobody knows. */
  readonly unknown: boolean
  /** Without the records that were given up; they may have been taken before that. */
  readonly least: ReadonlyMap<string, ExpectedRow>
  readonly given: ReadonlySet<string>
  /** No row with a lower total comes to the sink. */
  readonly leastTotal: number
  /** Records that no window took, and such that are no records: one dead letter each. */
  readonly late: number
  readonly dead: number
  /** Dead letters at most: what was given up may have been none before. */
  readonly deadMost: number
}

export function expectedOf(log: SimulatedLog, workload: Workload, gaps: readonly Gap[]): Expected {
  const rows: Rows = new Map()
  const least: Rows = new Map()
  const given = new Set<string>()
  const passed = new Map<string, string>()
  const placed: Placed[] = []
  const others = dependsOnOthers(workload)
  let minimum = Number.POSITIVE_INFINITY
  let late = 0
  let dead = 0
  let deadGiven = 0
  for (const { from, to } of gaps) dead += to - from
  inputsOf(log, workload).forEach((partition, index) => {
    let watermark = Number.NEGATIVE_INFINITY
    for (const { offset, value } of partition.history) {
      const order = orderOf(value)
      const gone = gaps.some(({ partition, from, to }) => partition === index && offset >= from && offset < to)
      if (order === undefined || poisonOf(value) !== undefined) {
        if (gone) deadGiven += 1
        else dead += 1
        continue
      }
      if (gone) given.add(`${index}/${offset}`)
      if (others) placed.push({ ...order, partition: index, offset })
      else if (workload.kind === 'rows') {
        passed.set(
          `${index}/${offset}`,
          `{"amount":${order.amount},"at":${order.at},"doubled":${order.amount * 2},"key":"${order.key}"}`,
        )
      } else if (!take(rows, order, watermark, workload)) late += 1
      if (!others && !passesRecords(workload) && !gone) take(least, order, watermark, workload)
      watermark = Math.max(watermark, order.at - workload.disorderMs)
    }
    minimum = Math.min(minimum, watermark)
  })
  const unknown = others && gaps.length > 0
  const byText = workload.kind === 'chained' || workload.kind === 'pattern'
  const counted = { given, leastTotal: 0, late, dead, deadMost: dead + deadGiven, unknown, byText }
  if (unknown) return { rows, passed, least, ...counted }
  if (workload.again !== undefined) {
    const { again: shape, windowMs } = workload
    return { rows: again(rows, windowMs, shape), passed, least: again(least, windowMs, shape), ...counted }
  }
  const orders = inTime(placed)
  if (workload.kind === 'sessions') {
    const sessions = sessionsOf(orders, workload.windowMs)
    return { rows: sessions, passed, least: sessions, ...counted }
  }
  if (!others) return { rows, passed, least, ...counted }
  // As far as every partition has come.
  const known = orders.filter(({ at }) => at < minimum)
  return { rows, passed: passing(known, workload), least, ...counted }
}

/** Rows that are made of records in their order. */
function passing(orders: readonly Placed[], workload: Workload): ReadonlyMap<string, string> {
  const { kind, chain, thirdFrom } = workload
  if (kind === 'ordered') return new Map(turning(orders))
  if (kind === 'joined') return new Map(joining(orders, workload))
  if (kind === 'pattern') return numbered(matching(orders, workload))
  if (chain === undefined || thirdFrom === undefined) return new Map()
  return numbered(chaining(orders, chain, { ...workload, thirdFrom }))
}

/** Names for rows without names: equal ones are counted. */
export function numbered(texts: Iterable<string>): Map<string, string> {
  const seen = new Map<string, number>()
  const names = new Map<string, string>()
  for (const text of texts) {
    const before = seen.get(text) ?? 0
    seen.set(text, before + 1)
    names.set(`${text} ${before}`, text)
  }
  return names
}

/** What comes to a sink that takes only rows from a total, or single records from an amount on. */
export function expectedAt(expected: Expected, from: number): Expected {
  if (from === 0) return expected
  const rows = [...expected.rows].filter(([, { total }]) => total >= from)
  const passed = [...expected.passed].filter(([, text]) => (JSON.parse(text) as Order).amount >= from)
  return { ...expected, leastTotal: from, rows: new Map(rows), passed: new Map(passed) }
}

function orderOf(value: Uint8Array | null): Order | undefined {
  try {
    return JSON.parse(Buffer.from(value ?? []).toString()) as Order
  } catch {
    return undefined
  }
}
