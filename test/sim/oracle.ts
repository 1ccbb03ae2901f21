/**
 * What must come out, computed in the dullest way from the source alone: no cuts, no snapshots, no decisions, no shuffle.
 * The last revision of each window and key must be exactly this, whatever failed.
 */

import { sourceName } from './checks.ts'
import type { SimulatedLog } from './log.ts'
import { poisonOf } from './stages.ts'
import { inputsOf, passesRecords, TURNS_AT, type Workload } from './workload.ts'

export interface ExpectedRow {
  readonly start: number
  readonly end: number
  readonly key: string
  readonly orders: number
  readonly total: number
  readonly most: number
}

/** Records of a partition of the source that an operator gave up. */
export interface Gap {
  readonly partition: number
  readonly from: number
  readonly to: number
}

export interface Expected {
  /** By `start/key`; for rows that pass one by one, by `partition/offset`. */
  readonly rows: ReadonlyMap<string, ExpectedRow>
  readonly passed: ReadonlyMap<string, string>
  /** No row passes but these. */
  readonly noOthers: boolean
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

interface Order {
  readonly key: string
  readonly amount: number
  readonly at: number
}

export function expectedOf(log: SimulatedLog, workload: Workload, gaps: readonly Gap[]): Expected {
  const rows = new Map<string, ExpectedRow>()
  const least = new Map<string, ExpectedRow>()
  const given = new Set<string>()
  const passed = new Map<string, string>()
  const inOrder: Placed[] = []
  let minimum = Number.POSITIVE_INFINITY
  let late = 0
  let dead = 0
  let deadGiven = 0
  for (const { from, to } of gaps) dead += to - from
  inputsOf(log).forEach((partition, index) => {
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
      if (workload.kind === 'ordered' || workload.kind === 'joined')
        inOrder.push({ ...order, partition: index, offset })
      else if (workload.kind === 'rows') {
        passed.set(
          `${index}/${offset}`,
          `{"amount":${order.amount},"at":${order.at},"doubled":${order.amount * 2},"key":"${order.key}"}`,
        )
      } else if (!take(rows, order, watermark, workload)) late += 1
      if (!passesRecords(workload) && !gone) take(least, order, watermark, workload)
      watermark = Math.max(watermark, order.at - workload.disorderMs)
    }
    minimum = Math.min(minimum, watermark)
  })
  const noOthers = (workload.kind === 'ordered' || workload.kind === 'joined') && gaps.length === 0
  // What was taken of records that were given up decides what passes after them; nobody knows.
  if (noOthers && workload.kind === 'ordered') turning(inOrder, minimum, passed)
  if (noOthers && workload.kind === 'joined') joining(inOrder, minimum, workload, passed)
  return { rows, passed, noOthers, least, given, leastTotal: 0, late, dead, deadMost: dead + deadGiven }
}

/** What comes to a sink that takes only rows from a total, or single records from an amount on. */
export function expectedAt(expected: Expected, from: number): Expected {
  if (from === 0) return expected
  const rows = [...expected.rows].filter(([, { total }]) => total >= from)
  const passed = [...expected.passed].filter(([, text]) => (JSON.parse(text) as Order).amount >= from)
  return { ...expected, leastTotal: from, rows: new Map(rows), passed: new Map(passed) }
}

interface Placed extends Order {
  readonly partition: number
  readonly offset: number
}

/** The records of each key that are on the other side than the one before, as far as every partition has come. */
function turning(orders: readonly Placed[], before: number, passed: Map<string, string>): void {
  const sides = new Map<string, boolean>()
  for (const { key, amount, at, partition, offset } of inTime(orders)) {
    if (at >= before) return
    const side = amount >= TURNS_AT
    if (sides.get(key) === side) continue
    sides.set(key, side)
    passed.set(`${partition}/${offset}`, `{"amount":${amount},"at":${at},"key":"${key}"}`)
  }
}

/** Each record with those of the other source before it, in the order of time, that have its key and are near enough. */
function joining(
  orders: readonly Placed[],
  before: number,
  { otherFrom, joinBeforeMs, joinAfterMs }: Workload,
  passed: Map<string, string>,
): void {
  const earlier: Placed[] = []
  for (const record of inTime(orders)) {
    const { key, at, partition, offset } = record
    if (at >= before) return
    while ((earlier[0]?.at ?? at) < at - Math.max(joinBeforeMs, joinAfterMs)) earlier.shift()
    let index = 0
    for (const partner of earlier) {
      if (partner.key !== key || partner.partition < otherFrom === partition < otherFrom) continue
      const [left, right] = partition < otherFrom ? [record, partner] : [partner, record]
      if (right.at < left.at - joinBeforeMs || right.at > left.at + joinAfterMs) continue
      passed.set(
        sourceName(partition, offset, index),
        `{"amount":${left.amount},"key":"${key}","other":${right.amount}}`,
      )
      index += 1
    }
    earlier.push(record)
  }
}

const inTime = (orders: readonly Placed[]): readonly Placed[] =>
  orders.toSorted((a, b) => a.at - b.at || a.partition - b.partition || a.offset - b.offset)

/** False when no window takes it. */
function take(
  rows: Map<string, ExpectedRow>,
  { key, amount, at }: Order,
  watermark: number,
  { windowMs, slideMs, latenessMs, kind }: Workload,
): boolean {
  let taken = false
  for (let start = Math.floor(at / slideMs) * slideMs; start > at - windowMs; start -= slideMs) {
    const end = start + windowMs
    // Behind a shuffle the watermark is the minimum over all partitions, so what is in time here is in time there.
    if (kind !== 'shuffled' && watermark >= end + latenessMs) continue
    taken = true
    const known = rows.get(`${start}/${key}`)
    rows.set(`${start}/${key}`, {
      start,
      end,
      key,
      orders: (known?.orders ?? 0) + 1,
      total: (known?.total ?? 0) + amount,
      most: Math.max(known?.most ?? amount, amount),
    })
  }
  return taken
}

function orderOf(value: Uint8Array | null): Order | undefined {
  try {
    return JSON.parse(Buffer.from(value ?? []).toString()) as Order
  } catch {
    return undefined
  }
}
