import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  createStage,
  type EmitPlan,
  type StagePlan,
  type StageProcessor,
  type WindowPlan,
} from '../../operators/index.ts'
import { propertyRuns } from './property-runs.ts'
import { aggregate, recordsInput, rowsOfCuts, stagePlan, type TestRow } from './stage-harness.ts'
import { decided, drive, interleave } from './stage-runs.ts'

/** Every kind of aggregate. What depends on the order of times does not depend on the order of reading. */
const AGGREGATES = [
  aggregate('n', 'count'),
  aggregate('some', 'count', 'v != null && v > 0'),
  aggregate('sum', 'sum', 'v'),
  aggregate('avg', 'avg', 'v'),
  aggregate('least', 'min', 'v', 'v != null && v > -5'),
  aggregate('most', 'max', 'v'),
  aggregate('variance', 'variance', 'v'),
  aggregate('stddev', 'stddev', 'v'),
  aggregate('median', 'quantile', 'v', undefined, 0.5),
  aggregate('top', 'topK', 'v', undefined, 2),
  aggregate('first', 'first', 'v'),
  aggregate('last', 'last', '[v, t]'),
  aggregate('all', 'collect', 'v', undefined, 5),
  aggregate('distinct', 'countDistinct', 'v'),
  aggregate('best', 'maxBy', '[v, t]'),
  aggregate('worst', 'minBy', '[v, t]'),
  aggregate('bestTwo', 'topBy', '[v, t]', undefined, 2),
]

interface Hit {
  readonly t: number
  readonly k: string
  /** Eighths are exact doubles, so a plain loop adds them exactly. */
  readonly v: number | null
}

const value = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: -80, max: 80 }).map((n) => n / 8) },
  { weight: 1, arbitrary: fc.constant(null) },
)

/** Of one key no two records have the same time, so that the order of times is whole. */
const hits = fc.uniqueArray(
  fc.record({ t: fc.integer({ min: -20, max: 80 }), k: fc.constantFrom('a', 'b'), v: value }),
  { selector: ({ t, k }: Hit) => `${k}${t}`, maxLength: 40 },
)

const windows = fc.constantFrom<WindowPlan>(
  { kind: 'aligned', sizeMs: 10, slideMs: 10, offsetMs: 0, allowedLatenessMs: 0 },
  { kind: 'aligned', sizeMs: 15, slideMs: 5, offsetMs: 2, allowedLatenessMs: 0 },
  { kind: 'session', gapMs: 4, allowedLatenessMs: 0 },
  { kind: 'calendar', unit: 'day', zone: 'UTC', offsets: [{ fromMs: 0, offsetMs: 0 }], allowedLatenessMs: 0 },
  { kind: 'global', purge: false, allowedLatenessMs: 0 },
)
const emits = fc.constantFrom<EmitPlan | undefined>(
  undefined,
  { kind: 'update' },
  { kind: 'every', everyMs: 7 },
  { kind: 'count', records: 2 },
)
const plans = fc.tuple(windows, emits, fc.constantFrom(3, 1_000)).map(([window, emit, maxRecords]) =>
  stagePlan({
    window: emit === undefined ? window : { ...window, emit },
    // Nothing is late, in whatever order it is read.
    input: recordsInput(200),
    aggregates: AGGREGATES,
    cuts: { gridMs: 5, gridRecords: 1, maxRecords, maxBytes: 1 << 20, partBytes: 1 << 20, snapshotEvery: 1 },
  }),
)

/** What stands in the end, without the number of its revision. */
function standing(rows: readonly TestRow[]): string[] {
  const newest = new Map<string, TestRow>()
  for (const row of rows) newest.set(`${row.a}/${row.b}/${row.key}`, row)
  return [...newest.values()]
    .map(({ value }) => JSON.parse(value) as Record<string, unknown>)
    .filter(({ removed }) => removed !== true)
    .map(({ revision: _, ...row }) => JSON.stringify(row))
    .sort()
}

/** The same bytes in a stage of its own, as after a restart. */
const restored =
  (plan: StagePlan, partition: number) =>
  (stage: StageProcessor): StageProcessor => {
    const fresh = createStage(plan, { partition })
    fresh.restore(stage.snapshot())
    return fresh
  }

const places = fc.array(fc.nat(40), { maxLength: 8 })

describe('aggregates of any kind', () => {
  it('say the same in any order of reading, cut and restarted at any record', () => {
    const shuffled = hits.chain((given) =>
      fc.tuple(
        fc.constant(given),
        fc.shuffledSubarray([...given], { minLength: given.length, maxLength: given.length }),
      ),
    )
    fc.assert(
      fc.property(plans, shuffled, places, places, (plan, [given, order], splits, cutsAt) => {
        const straight = decided(
          plan,
          [...given].sort((a, b) => a.t - b.t),
          [],
          [],
        )
        const torn = decided(plan, order, splits, cutsAt, restored(plan, 1))
        assert.deepEqual(standing(rowsOfCuts(torn)), standing(rowsOfCuts(straight)))
      }),
      { seed: 91, numRuns: propertyRuns(300) },
    )
  })

  it('say the same wherever a shuffle is: none, of any number of sources to any number of partitions, at any speeds', () => {
    const dealt = hits.chain((given) =>
      fc.tuple(fc.constant(given), fc.array(fc.nat(2), { minLength: given.length, maxLength: given.length })),
    )
    const speeds = fc.array(fc.nat(7), { minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(
        plans,
        dealt,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 3 }),
        speeds,
        (plan, [given, deal], sources, partitions, order) => {
          const streams = Array.from({ length: sources }, (_, source) =>
            given.filter((_, i) => (deal[i] ?? 0) % sources === source),
          )
          const first = streams.map((stream, partition) =>
            drive(createStage({ ...plan, output: { kind: 'shuffle', partitions } }, { partition }), stream),
          )
          const rows = Array.from({ length: partitions }, (_, partition) => {
            const second = createStage({ ...plan, stage: 1, input: { kind: 'slices', sources } }, { partition })
            return rowsOfCuts(drive(second, interleave(first, partition, order)))
          })
          assert.deepEqual(rows.flatMap(standing).sort(), standing(rowsOfCuts(decided(plan, given, [], []))))
        },
      ),
      { seed: 92, numRuns: propertyRuns(300) },
    )
  })

  it('say what a plain loop says', () => {
    fc.assert(
      fc.property(hits, (given) => {
        const plan = stagePlan({
          window: { kind: 'global', purge: false, allowedLatenessMs: 0 },
          input: recordsInput(200),
          aggregates: AGGREGATES,
        })
        for (const text of standing(rowsOfCuts(decided(plan, given, [], [])))) {
          const row = JSON.parse(text)
          const mine = given.filter(({ k }) => k === row.key).sort((a, b) => a.t - b.t)
          const numbers = mine.flatMap(({ v }) => (v === null ? [] : [v]))
          const sorted = [...numbers].sort((a, b) => a - b)
          const sum = numbers.reduce((total, each) => total + each, 0)
          const above = numbers.filter((v) => v > -5)
          assert.equal(row.n, mine.length)
          assert.equal(row.some, numbers.filter((v) => v > 0).length)
          assert.equal(row.sum, sum)
          assert.equal(row.avg, numbers.length === 0 ? null : sum / numbers.length + 0)
          assert.equal(row.least, above.length === 0 ? null : Math.min(...above) + 0)
          assert.equal(row.most, sorted.at(-1) ?? null)
          assert.deepEqual(row.top, sorted.toReversed().slice(0, 2))
          assert.equal(row.first, numbers[0] ?? null)
          assert.deepEqual(row.last, [mine.at(-1)?.v, mine.at(-1)?.t])
          assert.deepEqual(row.all, numbers.slice(0, 5))
          assert.equal(row.distinct, new Set(numbers).size)
          // Of equal ranks the earlier record's: the sort is stable.
          const ranked = mine.filter(({ v }) => v !== null).sort((a, b) => Number(b.v) - Number(a.v))
          assert.equal(row.best, ranked[0]?.t ?? null)
          assert.deepEqual(
            row.bestTwo,
            ranked.slice(0, 2).map(({ t }) => t),
          )
          assert.equal(row.worst, ranked.toSorted((a, b) => Number(a.v) - Number(b.v) || a.t - b.t)[0]?.t ?? null)
          if (numbers.length < 2) assert.equal(row.stddev, null)
          else {
            const squares = numbers.reduce((total, v) => total + (v - sum / numbers.length) ** 2, 0)
            assert.ok(Math.abs(row.variance - squares / (numbers.length - 1)) < 1e-9)
            assert.ok(Math.abs(row.stddev ** 2 - row.variance) < 1e-9)
          }
          const middle = sorted[Math.floor(0.5 * (sorted.length - 1))]
          if (middle === undefined) assert.equal(row.median, null)
          else assert.ok(Math.abs(row.median - middle) <= 0.01 * Math.abs(middle), `${row.median} for ${middle}`)
        }
      }),
      { seed: 93, numRuns: propertyRuns(300) },
    )
  })
})
