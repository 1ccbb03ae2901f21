/** What joins must give, as loops over all records of a key at once. */
import { sourceName } from './checks.ts'
import { DEFAULT_JOIN, GONE_BELOW, HALF, leftIsFirst } from './join-text.ts'
import { byKey, type Placed } from './oracle-order.ts'
import type { ChainShape, JoinShape, Workload } from './workload.ts'

type Side = 'left' | 'right'

interface Row {
  /** The later record, or the one that is alone. */
  readonly maker: Placed
  /** Among the rows that it makes. */
  readonly index: number
  readonly left: Placed | undefined
  readonly right: Placed | undefined
}

/** Names and texts of the rows of two sources. */
export function* joining(orders: readonly Placed[], workload: Workload): Generator<readonly [string, string]> {
  for (const { maker, index, left, right } of rowsOf(orders, workload)) {
    const { partition, offset, key } = maker
    const text = `{"amount":${amountOf(left)},"key":"${key}","other":${amountOf(right)}}`
    yield [sourceName(partition, offset, index), text]
  }
}

/** Texts of the rows of three sources. */
export function* chaining(
  orders: readonly Placed[],
  chain: ChainShape,
  workload: Workload & { readonly thirdFrom: number },
): Generator<string> {
  const { thirdFrom, join = DEFAULT_JOIN } = workload
  const thirds = orders.filter(({ partition }) => partition >= thirdFrom)
  const firsts = orders.filter(({ partition }) => partition < thirdFrom)
  for (const { maker, left, right } of rowsOf(firsts, workload)) {
    const [a, b] = leftIsFirst(join) ? [left, right] : [right, left]
    const high = (a ?? b ?? maker).amount >= HALF
    const mine = thirds.filter(({ key, amount }) => (chain.rekeys ? amount >= HALF === high : key === maker.key))
    for (const third of partnersOf(maker, mine, chain, workload)) {
      const two = `"amount":${amountOf(left)},"key":"${maker.key}","other":${amountOf(right)}`
      yield `{${two},"third":${amountOf(third)}}`
    }
  }
}

const amountOf = (order: Placed | undefined): number | null => order?.amount ?? null

/** Undefined stands for none, where a row comes nevertheless. */
function partnersOf(
  { at }: Placed,
  thirds: readonly Placed[],
  { match, type }: ChainShape,
  { joinBeforeMs, joinAfterMs }: Workload,
): readonly (Placed | undefined)[] {
  const found =
    match === 'table'
      ? thirds.filter((third) => third.at <= at).slice(-1)
      : thirds.filter((third) => third.at >= at - joinBeforeMs && third.at <= at + joinAfterMs)
  return found.length === 0 && type === 'left' ? [undefined] : found
}

function rowsOf(orders: readonly Placed[], workload: Workload): Row[] {
  const { join = DEFAULT_JOIN, otherFrom } = workload
  const sideOf = ({ partition }: Placed): Side => (partition < otherFrom === leftIsFirst(join) ? 'left' : 'right')
  const sets = [...byKey(orders).values()]
  const tables = join.match === 'table' || join.match === 'tables'
  return sets.flatMap((records) =>
    tables ? rowsOfTables(records, join, sideOf) : rowsOfStreams(records, join, sideOf, workload),
  )
}

const isKept = ({ type }: JoinShape, side: Side): boolean => type === side || type === 'outer'

function rowsOfStreams(
  records: readonly Placed[],
  join: JoinShape,
  sideOf: (record: Placed) => Side,
  { joinBeforeMs, joinAfterMs, windowMs }: Workload,
): Row[] {
  const meet = (left: Placed, right: Placed): boolean =>
    join.match === 'window'
      ? Math.floor(left.at / windowMs) === Math.floor(right.at / windowMs)
      : right.at >= left.at - joinBeforeMs && right.at <= left.at + joinAfterMs
  return records.flatMap((maker, place): Row[] => {
    const side = sideOf(maker)
    const pair = (other: Placed | undefined) =>
      side === 'left' ? { left: maker, right: other } : { left: other, right: maker }
    const isPartner = (other: Placed): boolean =>
      sideOf(other) !== side && (side === 'left' ? meet(maker, other) : meet(other, maker))
    const earlier = records.slice(0, place).filter(isPartner)
    if (earlier.length > 0) return earlier.map((other, index) => ({ maker, index, ...pair(other) }))
    const alone = isKept(join, side) && !records.slice(place + 1).some(isPartner)
    return alone ? [{ maker, index: 0, ...pair(undefined) }] : []
  })
}

function rowsOfTables(records: readonly Placed[], join: JoinShape, sideOf: (record: Placed) => Side): Row[] {
  const latest: Record<Side, Placed | undefined> = { left: undefined, right: undefined }
  const rows: Row[] = []
  for (const maker of records) {
    const side = sideOf(maker)
    const isChange = side === 'right' || join.match === 'tables'
    latest[side] = isChange && join.deletes && maker.amount < GONE_BELOW ? undefined : maker
    if (side === 'right' && join.match === 'table') continue
    const { left, right } = latest
    if (left === undefined ? right !== undefined && isKept(join, 'right') : right !== undefined || isKept(join, 'left'))
      rows.push({ maker, index: 0, left, right })
  }
  return rows
}
