/**
 * Aggregates of a module in every window that there is: what they say beside the aggregates of the language, in any batches, after a
 * restore at any cut, through a shuffle, and where their code fails.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  type AggregatePlan,
  createStage,
  provideFunctions,
  type StagePlan,
  type UserAggregate,
} from '../../operators/index.ts'
import { propertyRuns } from './property-runs.ts'
import { aggregate, batchOf, deadLettersOf, recordsInput, rowsOfCuts, StageRun, stagePlan } from './stage-harness.ts'
import { drive, interleave, restored, run } from './stage-runs.ts'

const HASH = 'a'.repeat(64)

interface Shape {
  n: number
  total: number
  low: number | null
  high: number | null
  by: Record<string, number>
}

/** Changes its states in place, makes names that look like indexes, and a zero with a sign: what a snapshot would not give back. */
const shape: UserAggregate = {
  args: ['number', 'json'],
  returns: 'json',
  init: (): Shape => ({ n: -0, total: 0, low: null, high: null, by: {} }),
  add(state: Shape, value: number, name: unknown): Shape {
    const text = String(name)
    state.by[text] = (state.by[text] ?? 0) + 1
    return { ...state, n: state.n + 1, total: state.total + value, low: value, high: value }
  },
  merge(a: Shape, b: Shape): Shape {
    // In the order of the one that is merged in: the first time it was made, and after a snapshot, alike.
    for (const name of Object.keys(b.by)) a.by[name] = (a.by[name] ?? 0) + (b.by[name] ?? 0)
    const edge = (of: (...all: number[]) => number, x: number | null, y: number | null) =>
      x === null || y === null ? (x ?? y) : of(x, y)
    const sums = { n: a.n + b.n, total: a.total + b.total }
    return { by: a.by, ...sums, low: edge(Math.min, a.low, b.low), high: edge(Math.max, a.high, b.high) }
  },
  result: ({ by, ...rest }: Shape) => ({ ...rest, names: Object.keys(by).join(' ') }),
}

const grumpy = (changes: Partial<UserAggregate>): UserAggregate => ({
  args: ['number'],
  returns: 'number',
  init: () => 0,
  add: (sum: number, x: number) => sum + x,
  merge: (a: number, b: number) => a + b,
  result: (sum: number) => sum,
  ...changes,
})
const refuse = (): never => {
  throw new Error('no')
}

const AGGREGATES = {
  shape,
  throwing: grumpy({ add: (sum: number, x: number) => (x > 3 ? refuse() : sum + x) }),
  unmerged: grumpy({ merge: (a: number, b: number) => (a + b > 3 ? refuse() : a + b) }),
  unshown: grumpy({ result: (sum: number) => (sum > 3 ? refuse() : sum) }),
  wordy: grumpy({
    returns: 'integer',
    init: () => '',
    add: (_: string, n: number) => 'x'.repeat(n),
    merge: (a: string, b: string) => a + b,
    result: (text: string) => text.length,
  }),
  nulls: grumpy({ nulls: true, add: (sum: number, x: number | null) => sum + (x ?? 100) }),
  nothing: grumpy({ init: () => null, add: () => null, merge: () => null, result: (state: null) => state }),
  signed: grumpy({ add: () => -0, merge: () => -0, result: (zero: number) => (Object.is(zero, -0) ? 1 : 2) }),
  spoiling: grumpy({
    init: () => ({ n: 0 }),
    add: () => ({ n: 1 }),
    merge: (a: { n: number }, b: { n: number }) => ({ n: a.n + b.n }),
    result: (state: { n: number }) => {
      state.n += 1
      return state.n - 1
    },
  }),
  functional: grumpy({ init: () => () => 1 }),
} satisfies Record<string, UserAggregate>
provideFunctions({ hash: HASH, functions: new Map(), aggregates: new Map(Object.entries(AGGREGATES)) })

const own = (name: string, of = '[v]', where?: string, called = name): AggregatePlan => ({
  ...aggregate(name, 'own', of, where),
  own: { aggregate: called, functions: HASH },
})

const BESIDE = [
  own('own', '[v, name]', undefined, 'shape'),
  own('some', '[v, v]', 'v > 0', 'shape'),
  ...[own('spoiling'), own('signed')],
  ...[aggregate('n', 'count'), aggregate('some_n', 'count', 'v > 0'), aggregate('total', 'sum', 'v')],
  ...[aggregate('low', 'min', 'v'), aggregate('high', 'max', 'v')],
]

const record = fc.record({
  t: fc.integer({ min: -20, max: 90 }),
  k: fc.constantFrom('a', 'b'),
  v: fc.integer({ min: -5, max: 5 }),
  name: fc.constantFrom('x', '10', '9', '__proto__', ''),
})
const stream = fc.array(record, { maxLength: 50 })
const splits = fc.array(fc.nat(50), { maxLength: 6 })

const windows = fc.constantFrom<Partial<StagePlan>>(
  { window: { kind: 'aligned', sizeMs: 20, slideMs: 5, offsetMs: 3, allowedLatenessMs: 5 } },
  { window: { kind: 'session', gapMs: 4, allowedLatenessMs: 10 } },
  { window: { kind: 'global', purge: false, allowedLatenessMs: 0, emit: { kind: 'update' } } },
)
const ordered = fc.constantFrom<NonNullable<StagePlan['ordered']>>(
  { kind: 'count', size: 4, slide: 2, emitPartial: true },
  { kind: 'sliding', differenceMs: 7, graceMs: 0 },
  { kind: 'rolling', last: 3 },
  { kind: 'rolling', withinMs: 10 },
)
const cuts = fc.record({
  gridMs: fc.constantFrom(5, 10),
  gridRecords: fc.constant(1),
  maxRecords: fc.constantFrom(3, 1000),
  maxBytes: fc.constant(1 << 20),
  partBytes: fc.constantFrom(400, 1 << 20),
  snapshotEvery: fc.constant(1),
})
const plans = fc
  .oneof(
    windows,
    ordered.map((each): Partial<StagePlan> => ({ ordered: each })),
  )
  .chain((held) =>
    cuts.map((each): StagePlan => {
      const { window: _, ...plain } = stagePlan({ input: recordsInput(12), aggregates: BESIDE, cuts: each })
      return { ...plain, ...held }
    }),
  )

/** What it says of records is what the aggregates of the language say of the same. */
function assertAgree(rows: readonly { readonly value: string }[]): void {
  for (const { value } of rows) {
    const { own, some, spoiling, signed, n, some_n, total, low, high, removed } = JSON.parse(value)
    if (removed === true) continue
    const { names: _, ...rest } = own
    assert.deepEqual(rest, { n, total, low, high })
    assert.equal(some.n, some_n)
    assert.deepEqual([spoiling, signed], [n, 2])
  }
}

describe('an aggregate of a module', () => {
  it('says of the records of every window what the aggregates of the language say of them', () => {
    fc.assert(
      fc.property(plans, stream, splits, splits, (plan, records, ends, idles) => {
        assertAgree(rowsOfCuts(run(plan, records, ends, idles)))
      }),
      { seed: 20_261_127, numRuns: propertyRuns(300) },
    )
  })

  it('gives the same bytes in any batches, and after a restore at any cut', () => {
    const outputs = fc.constantFrom<StagePlan['output']>({ kind: 'rows' }, { kind: 'shuffle', partitions: 3 })
    fc.assert(
      fc.property(plans, outputs, stream, splits, splits, (base, given, records, ends, idles) => {
        const carries = base.ordered === undefined ? {} : ({ carries: 'records' } as const)
        const output = given.kind === 'shuffle' ? { ...given, ...carries } : given
        const plan = { ...base, output }
        const whole = run(plan, records, [], idles)
        assert.deepEqual(run(plan, records, ends, idles), whole)
        assert.deepEqual(run(plan, records, ends, idles, restored(plan)), whole)
      }),
      { seed: 20_261_128, numRuns: propertyRuns(300) },
    )
  })

  it('says behind a shuffle what one stage over everything says, whatever the speed of each source', () => {
    const streams = fc.array(stream, { minLength: 1, maxLength: 3 })
    const speeds = fc.array(fc.nat(7), { minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(windows, cuts, streams, speeds, (held, each, given, order) => {
        const base = stagePlan({ input: recordsInput(0), aggregates: BESIDE, cuts: each, ...held })
        const sorted = given.map((one) => [...one].sort((a, b) => a.t - b.t))
        const sources = sorted.map((one, partition) =>
          drive(createStage({ ...base, output: { kind: 'shuffle', partitions: 2 } }, { partition }), one),
        )
        const input = { kind: 'slices', sources: given.length } as const
        const merged = [0, 1].flatMap((destination) => {
          const stage = createStage({ ...base, stage: 1, input }, { partition: destination })
          return rowsOfCuts(
            drive(stage, interleave(sources, destination, order), restored({ ...base, stage: 1, input }, destination)),
          )
        })
        assertAgree(merged)
        const all = sorted.flat().sort((a, b) => a.t - b.t)
        assert.deepEqual(lastRows(merged), lastRows(rowsOfCuts(run(base, all, []))))
      }),
      { seed: 20_261_129, numRuns: propertyRuns(200) },
    )
  })

  const rowsWith = (aggregates: readonly AggregatePlan[], ...records: readonly object[]) => {
    const unit = new StageRun(stagePlan({ aggregates }))
    unit.feed(...records.map((each) => ({ t: 1, k: 'a', ...each })))
    unit.decide('final')
    const [row] = rowsOfCuts(unit.cuts).map(({ value }) => JSON.parse(value))
    return { row, errors: deadLettersOf(unit.cuts).map(({ value }) => JSON.parse(value).error) }
  }

  it('leaves out records with a null, or is given them', () => {
    const { row, errors } = rowsWith([own('unshown'), own('nulls')], { v: 1 }, { v: null }, { v: 2 })
    assert.deepEqual([row.unshown, row.nulls, errors], [3, 103, []])
  })

  it('makes a dead letter of a record for which its code throws or gives no state, in no aggregate of any window', () => {
    const beside = [aggregate('n', 'count'), own('throwing')]
    const { row, errors } = rowsWith(beside, { v: 1 }, { v: 4 }, { v: 'x' }, { v: 2 })
    assert.deepEqual([row.n, row.throwing], [2, 3])
    assert.deepEqual(errors, ['QRT_EXPR_FUNCTION', 'QRT_EXPR_TYPE'])
    assert.deepEqual(rowsWith([own('functional')], { v: 1 }).errors, ['QRT_EXPR_TYPE'])
    assert.deepEqual(rowsWith([own('wordy')], { v: 70_000 }).errors, ['QRT_EXPR_WORK'])
  })

  it('is null where states cannot be merged, or have no result, and the records are in the others', () => {
    const beside = [aggregate('n', 'count'), own('unmerged'), own('unshown'), own('wordy')]
    const few = rowsWith(beside, { v: 1 }, { v: 2 })
    assert.deepEqual([few.row.n, few.row.unmerged, few.row.unshown, few.row.wordy], [2, 3, 3, 3])
    const many = rowsWith(beside, { v: 2 }, { v: 2 }, { v: 0 })
    assert.deepEqual([many.row.n, many.row.unmerged, many.row.unshown, many.row.wordy], [3, null, null, 4])
    const large = rowsWith([own('wordy')], { v: 40_000 }, { v: 40_000 })
    assert.deepEqual([large.row.wordy, large.errors], [null, []])
  })

  it('that has failed stays so, behind a restore and a shuffle', () => {
    const plan = stagePlan({ aggregates: [aggregate('n', 'count'), own('unmerged')] })
    const records = [2, 2, 0].map((v) => ({ t: 1, k: 'a', v }))
    const [first, second] = [createStage(plan, { partition: 0 }), createStage(plan, { partition: 0 })]
    first.run(batchOf(records.slice(0, 2)), 0, 2)
    second.restore(first.snapshot())
    const before = { ...plan, output: { kind: 'shuffle', partitions: 1 } } as const
    const slices = interleave([drive(createStage(before, { partition: 0 }), records)], 0, [0])
    const merging = createStage({ ...plan, stage: 1, input: { kind: 'slices', sources: 1 } }, { partition: 0 })
    for (const cuts of [drive(second, records.slice(2)), drive(merging, slices)]) {
      const [row] = rowsOfCuts(cuts).map(({ value }) => JSON.parse(value))
      assert.deepEqual([row.n, row.unmerged], [3, null])
    }
  })

  it('can have null as its state, which is not that of no record', () => {
    assert.equal(rowsWith([own('nothing')], { v: 1 }, { v: 2 }).row.nothing, null)
  })

  it('says of no record what it says of its first state', () => {
    assert.deepEqual(rowsWith([own('some', '[v, v]', 'v > 10', 'shape'), own('unshown')], { v: 1 }).row.some, {
      ...{ n: 0, total: 0, low: null, high: null, names: '' },
    })
  })

  it('is not computed by a process that does not have its module', () => {
    const plan = stagePlan({
      aggregates: [{ ...own('shape'), own: { aggregate: 'shape', functions: 'b'.repeat(64) } }],
    })
    assert.throws(() => createStage(plan, { partition: 0 }), { code: 'QRT_EXPR_FUNCTIONS', message: /--functions/ })
  })
})

/** Of each window and key the last row that is not taken back, without what depends on when rows came. */
function lastRows(rows: ReturnType<typeof rowsOfCuts>): readonly (readonly [string, unknown])[] {
  const last = new Map<string, unknown>()
  for (const { a, b, key, value } of rows) {
    const { revision: _, final: __, ...said } = JSON.parse(value)
    if (said.removed === true) last.delete(`${a} ${b} ${key}`)
    else last.set(`${a} ${b} ${key}`, said)
  }
  return [...last].sort(([a], [b]) => (a < b ? -1 : 1))
}
