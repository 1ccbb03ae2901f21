/** Windows over the rows of windows, through two shuffles, beside a plain computation over all records at once. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  type AggregatePlan,
  encodeUtf8,
  type OrderedPlan,
  partitionOf,
  type StagePlan,
  type WindowPlan,
} from '../../operators/index.ts'
import { propertyRuns } from './property-runs.ts'
import { restoredAtEachCut, runRounds } from './rounds.ts'
import { aggregate, deadLettersOf, expression, rowsOfCuts, stagePlan } from './stage-harness.ts'

interface Bid {
  readonly t: number
  readonly k: number | string
  readonly v: number
}

/** What holds the records of a round. */
type Held = { readonly window: WindowPlan } | { readonly ordered: OrderedPlan }

const bid = fc.record({
  t: fc.integer({ min: -20, max: 120 }),
  k: fc.constantFrom<Bid['k']>(1, 2, 'a', 'b', 'c'),
  v: fc.integer({ min: -9, max: 9 }),
})
/** In the order of their times, so that nothing is late whatever is read first. */
const sources = fc.array(
  fc.array(bid, { maxLength: 40 }).map((bids) => bids.toSorted((a, b) => a.t - b.t)),
  { minLength: 1, maxLength: 3 },
)

const aligned = (sizeMs: number, slideMs: number, allowedLatenessMs: number): Held => ({
  window: { kind: 'aligned', sizeMs, slideMs, offsetMs: 0, allowedLatenessMs },
})
const session = (gapMs: number, allowedLatenessMs: number): Held => ({
  window: { kind: 'session', gapMs, allowedLatenessMs },
})
const lateness = fc.constantFrom(0, 7)
const windows = fc.oneof(
  fc
    .tuple(fc.constantFrom(10, 20), fc.constantFrom(10, 5), lateness)
    .map(([size, slide, late]) => aligned(size, slide, late)),
  fc.tuple(fc.constantFrom(4, 15), lateness).map(([gap, late]) => session(gap, late)),
)
const second = fc.oneof(windows, fc.constant<Held>({ ordered: { kind: 'rolling', last: 2 } }))

const FIRST = [aggregate('n', 'count'), aggregate('total', 'sum', 'v')]
/** The order of rows shows in a list. */
const SECOND = [
  aggregate('rows', 'count'),
  aggregate('sum', 'sum', 'total'),
  aggregate('keys', 'collect', 'key', undefined, 100),
]

const shapes = fc.record({
  first: windows,
  second,
  partitions: fc.constantFrom(1, 3),
  units: fc.constantFrom(1, 2),
  maxRecords: fc.constantFrom(3, 1000),
  /** How much before the end of its window a row may say that it happened, where it says so: at the begin of its window. */
  within: fc.constantFrom(undefined, 0, 12, 60),
})

type Shape = Parameters<Parameters<typeof shapes.map>[0]>[0]

function plansOf(shape: Shape, partitions: number): StagePlan[] {
  const { first, second, maxRecords, units, within } = shape
  const cuts = { gridMs: 5, gridRecords: 1, maxRecords, maxBytes: 1 << 20, partBytes: 300, snapshotEvery: 1 }
  const { window: _, ...base } = stagePlan({ cuts, onIdle: 'wait' })
  const next = {
    keyBy: [expression('n % 2')],
    ...('ordered' in second ? second : {}),
    aggregates: SECOND as readonly AggregatePlan[],
  }
  const time = within === undefined ? {} : { time: { path: ['window', 'start'], withinMs: within, pointer: '' } }
  const after = [{ kind: 'filter', where: expression('total != 3') } as const]
  const one = { ...base, ...first, aggregates: FIRST }
  return [
    { ...one, output: { kind: 'shuffle', partitions: shape.partitions } },
    {
      ...one,
      stage: 1,
      input: { kind: 'slices', sources: partitions },
      after,
      output: { kind: 'shuffle', partitions: units, carries: 'records' },
      next: { ...next, ...time },
    },
    {
      ...base,
      ...second,
      stage: 2,
      keyBy: next.keyBy,
      aggregates: SECOND,
      input: { kind: 'slices', sources: shape.partitions, rowSources: shape.partitions },
    },
  ]
}

interface Item {
  readonly t: number
  readonly key: number | string
}

interface Group<Of> {
  readonly key: Item['key']
  readonly start: number
  readonly end: number
  readonly items: readonly Of[]
}

/** Every group that a window makes of items, by definition; items are in the order in which groups hold them. */
function groupsOf<Of extends Item>(held: Held, items: readonly Of[]): Group<Of>[] {
  const keys = [...new Set(items.map(({ key }) => key))]
  return keys.flatMap((key): Group<Of>[] => {
    const own = items.filter((item) => item.key === key)
    if ('ordered' in held) {
      return own.map((_, i) => ({ key, start: own[i]!.t, end: own[i]!.t, items: own.slice(Math.max(0, i - 1), i + 1) }))
    }
    const { window } = held
    if (window.kind === 'session') {
      const sessions: Of[][] = []
      for (const item of own) {
        const last = sessions.at(-1)
        if (last !== undefined && item.t - last.at(-1)!.t <= window.gapMs) last.push(item)
        else sessions.push([item])
      }
      return sessions.map((items) => ({ key, start: items[0]!.t, end: items.at(-1)!.t + window.gapMs, items }))
    }
    assert.ok(window.kind === 'aligned')
    const { sizeMs, slideMs } = window
    const groups: Group<Of>[] = []
    for (let start = -200; start < 400; start += slideMs) {
      const items = own.filter(({ t }) => t >= start && t < start + sizeMs)
      if (items.length > 0) groups.push({ key, start, end: start + sizeMs, items })
    }
    return groups
  })
}

/** Rows of the first round as the second takes them, in order; those that say they happened too early are told apart. */
function rowsBetween({ first, partitions, within }: Shape, bids: readonly Bid[]) {
  const rows = groupsOf(
    first,
    bids.map((each) => ({ ...each, key: each.k })).sort((a, b) => a.t - b.t),
  )
    .map(({ key, start, end, items }) => ({
      of: key,
      text: encodeUtf8(JSON.stringify(key)),
      start,
      end,
      t: within === undefined ? end - 1 : start,
      n: items.length,
      total: items.reduce((sum, { v }) => sum + v, 0),
    }))
    .filter(({ total }) => total !== 3)
    .map((row) => ({ ...row, key: row.n % 2, unit: partitionOf(row.text, partitions) }))
    .sort(
      (a, b) => a.t - b.t || a.unit - b.unit || a.end - b.end || a.start - b.start || Buffer.compare(a.text, b.text),
    )
  const [taken, early] = [true, false].map((wanted) =>
    rows.filter(({ t, end }) => t >= end - 1 - (within ?? 0) === wanted),
  )
  return { taken: taken ?? [], early: early ?? [] }
}

/** What the last stage should say, as texts in any order. */
function twin(shape: Shape, bids: readonly Bid[]): string[] {
  return groupsOf(shape.second, rowsBetween(shape, bids).taken)
    .map(({ key, start, end, items }) => {
      const sum = items.reduce((all, { total }) => all + total, 0)
      return JSON.stringify([start, end, key, items.length, sum, items.map(({ of }) => of)])
    })
    .sort()
}

const found = (cuts: readonly Parameters<typeof rowsOfCuts>[0][]): string[] =>
  cuts
    .flatMap((unit) => rowsOfCuts(unit))
    .filter(({ value }) => JSON.parse(value).final !== false)
    .map(({ a, b, value }) => {
      const { window, key, rows, sum, keys, time } = JSON.parse(value)
      const at = window === undefined ? [Date.parse(time), Date.parse(time)] : [a, b]
      return JSON.stringify([...at, key, rows, sum, keys])
    })
    .sort()

const speeds = fc.array(fc.nat(5), { minLength: 1, maxLength: 8 })
const splits = fc.array(fc.nat(40), { maxLength: 4 })

describe('a window over the rows of windows', () => {
  it('has the rows that it should by definition, whatever is read first', () => {
    fc.assert(
      fc.property(shapes, sources, speeds, (shape, given, order) => {
        const stages = runRounds(plansOf(shape, given.length), given, order)
        assert.deepEqual(found(stages.at(-1) ?? []), twin(shape, given.flat()))
        const dead = deadLettersOf(stages.flat(2)).map(({ value }) => JSON.parse(value).error)
        const { early } = rowsBetween(shape, given.flat())
        assert.deepEqual(
          dead,
          early.map(() => 'QRT_ROW_EARLIER'),
        )
      }),
      { seed: 31, numRuns: propertyRuns(300) },
    )
  })

  it('gives the same bytes in any batches, and after a restore of every stage at every cut', () => {
    fc.assert(
      fc.property(shapes, sources, speeds, splits, (shape, given, order, splits) => {
        const plans = plansOf(shape, given.length)
        const whole = runRounds(plans, given, order)
        assert.deepEqual(runRounds(plans, given, order, { splits }), whole)
        assert.deepEqual(runRounds(plans, given, order, { between: restoredAtEachCut }), whole)
      }),
      { seed: 32, numRuns: propertyRuns(100) },
    )
  })
})
