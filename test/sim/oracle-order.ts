/** What is made of records in the order of their times: those in which something has changed, and sequences of them. */
import { HIGH_FROM, LOW_BELOW } from './pattern-text.ts'
import { type PatternShape, TURNS_AT, type Workload } from './workload.ts'

export interface Order {
  readonly key: string
  readonly amount: number
  readonly at: number
}

/** With its place among the partitions of all sources. */
export interface Placed extends Order {
  readonly partition: number
  readonly offset: number
}

export const inTime = (orders: readonly Placed[]): readonly Placed[] =>
  orders.toSorted((a, b) => a.at - b.at || a.partition - b.partition || a.offset - b.offset)

/** In the order in which they are given. */
export function byKey(orders: readonly Placed[]): ReadonlyMap<string, readonly Placed[]> {
  const found = new Map<string, Placed[]>()
  for (const order of orders) {
    const others = found.get(order.key)
    if (others === undefined) found.set(order.key, [order])
    else others.push(order)
  }
  return found
}

/** Names and texts of those records of each key that are on the other side than the one before. */
export function* turning(orders: readonly Placed[]): Generator<readonly [string, string]> {
  const sides = new Map<string, boolean>()
  for (const { key, amount, at, partition, offset } of orders) {
    const side = amount >= TURNS_AT
    if (sides.get(key) === side) continue
    sides.set(key, side)
    yield [`${partition}/${offset}`, `{"amount":${amount},"at":${at},"key":"${key}"}`]
  }
}

/** Places in the records of one key. */
interface Match {
  readonly lows: readonly number[]
  readonly high: number
}

/** Texts of the rows of all matches: every choice of records is tried, from every beginning. */
export function* matching(
  orders: readonly Placed[],
  { pattern, windowMs }: Pick<Workload, 'pattern' | 'windowMs'>,
): Generator<string> {
  if (pattern === undefined) return
  for (const [key, records] of byKey(orders)) {
    const all = records.flatMap((_, begin) => beginningAt(records, begin, pattern, windowMs))
    for (const { lows, high } of shownOf(all, pattern)) {
      const [first, last] = [records[lows[0] ?? 0], records[high]]
      if (first === undefined || last === undefined) continue
      yield `{"amount":${last.amount},"from":${first.at},"key":"${key}","lows":${lows.length},"to":${last.at}}`
    }
  }
}

function beginningAt(
  records: readonly Placed[],
  begin: number,
  { several, without, contiguity }: PatternShape,
  withinMs: number,
): Match[] {
  const found: Match[] = []
  const first = records[begin]?.at ?? 0
  const inside = (at: number): Placed | undefined => {
    const record = records[at]
    return record !== undefined && record.at - first < withinMs ? record : undefined
  }
  const ends = (lows: readonly number[], after: number) => {
    for (let at = after + 1; ; at++) {
      const record = inside(at)
      if (record === undefined) return
      if (record.amount >= HIGH_FROM) {
        found.push({ lows, high: at })
        if (contiguity !== 'relaxedAny') return
      } else if (without && record.amount >= LOW_BELOW) return
      if (contiguity === 'strict') return
    }
  }
  const isLow = (at: number): boolean => (inside(at)?.amount ?? LOW_BELOW) < LOW_BELOW
  let lows: readonly number[] = [begin]
  for (let last = begin; isLow(last); ) {
    ends(lows, last)
    if (several === 'no') break
    let next = last + 1
    while (several === 'relaxed' && inside(next) !== undefined && !isLow(next)) next += 1
    lows = [...lows, next]
    last = next
  }
  return found
}

/** Without those that begin at or before the end of one that counts: the first to begin, and of those the first to end. */
function shownOf(all: readonly Match[], { afterMatch }: PatternShape): readonly Match[] {
  if (afterMatch === 'noSkip') return all
  const beginning = ({ lows }: Match): number => lows[0] ?? 0
  const order = all.toSorted((a, b) => beginning(a) - beginning(b) || a.high - b.high || byLows(a, b))
  const shown: Match[] = []
  for (const match of order) if (beginning(match) > (shown.at(-1)?.high ?? -1)) shown.push(match)
  return shown
}

/** By the first record that they do not share. */
function byLows(a: Match, b: Match): number {
  const [ours, theirs] = [a, b].map(({ lows, high }) => [...lows, high])
  const index = (ours ?? []).findIndex((at, i) => at !== theirs?.[i])
  return (ours?.[index] ?? 0) - (theirs?.[index] ?? 0)
}
