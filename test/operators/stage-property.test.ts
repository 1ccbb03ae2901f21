import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type CutOutput, createStage, type StagePlan } from '../../operators/index.ts'
import { propertyRuns } from './property-runs.ts'
import { aggregate, deadLettersOf, recordsInput, rowsOfCuts, stagePlan } from './stage-harness.ts'
import { drive, interleave, OFFSET_BASE, restored, run } from './stage-runs.ts'

interface Bid {
  readonly t: number
  readonly k: number | string | null
  readonly v: number
}

const AGGREGATES = [
  aggregate('n', 'count'),
  aggregate('big', 'count', 'v > 3'),
  aggregate('sum', 'sum', 'v'),
  aggregate('avg', 'avg', 'v'),
  aggregate('min', 'min', 'v'),
  aggregate('max', 'max', 'v'),
  aggregate('stddev', 'stddev', 'v'),
  aggregate('median', 'quantile', 'v', undefined, 0.5),
  aggregate('top', 'topK', 'v', 'v < 50', 2),
  aggregate('distinct', 'countDistinct', 'v'),
  aggregate('first', 'first', 'v'),
  aggregate('last', 'last', '[v, t]', 'v > 0'),
  aggregate('some', 'collect', 'v', undefined, 3),
]

const bid = fc.record({
  t: fc.integer({ min: -40, max: 120 }),
  k: fc.constantFrom<Bid['k']>(1, 2, 'a', '1', null),
  v: fc.integer({ min: -1000, max: 1000 }).map((cents) => cents / 10),
})

/** Mostly rising times, with a few unreadable records among them. */
const stream = fc.array(fc.oneof({ weight: 9, arbitrary: bid }, { weight: 1, arbitrary: fc.constant('{') }), {
  maxLength: 60,
})

const plans = fc
  .record({
    size: fc.constantFrom(10, 15, 20, 4),
    slide: fc.constantFrom(10, 5),
    offset: fc.constantFrom(0, 3, -7),
    lateness: fc.constantFrom(0, 5, 12),
    disorder: fc.constantFrom(0, 8, 200),
    maxRecords: fc.constantFrom(3, 7, 1000),
    partBytes: fc.constantFrom(300, 1 << 20),
  })
  .map(({ size, slide, offset, lateness, disorder, maxRecords, partBytes }) =>
    stagePlan({
      input: recordsInput(disorder),
      window: { kind: 'aligned', sizeMs: size, slideMs: slide, offsetMs: offset, allowedLatenessMs: lateness },
      aggregates: AGGREGATES,
      cuts: { gridMs: slide, gridRecords: 1, maxRecords, maxBytes: 1 << 20, partBytes, snapshotEvery: 1 },
    }),
  )

/** Every window by definition: all records kept, exact decimals, one watermark. */
function twin(plan: StagePlan, records: readonly (Bid | string)[]): { rows: Map<string, object>; late: number[] } {
  assert.ok(plan.window?.kind === 'aligned')
  const { sizeMs, slideMs, offsetMs, allowedLatenessMs } = plan.window
  const disorder = plan.input.kind === 'records' ? plan.input.outOfOrdernessMs : 0
  const accepted = new Map<string, { start: number; key: Bid['k']; bids: Bid[] }>()
  const late: number[] = []
  let watermark = Number.NEGATIVE_INFINITY
  records.forEach((record, i) => {
    if (typeof record === 'string') return
    let windows = 0
    let took = 0
    for (let start = offsetMs - 50 * slideMs; start <= record.t; start += slideMs) {
      if (start + sizeMs <= record.t) continue
      windows += 1
      if (watermark >= start + sizeMs + allowedLatenessMs) continue
      took += 1
      const id = JSON.stringify([start, record.k])
      if (!accepted.has(id)) accepted.set(id, { start, key: record.k, bids: [] })
      accepted.get(id)!.bids.push(record)
    }
    if (windows > 0 && took === 0) late.push(OFFSET_BASE + i)
    watermark = Math.max(watermark, record.t - disorder)
  })
  const rows = new Map<string, object>()
  for (const [id, { bids }] of accepted) {
    const tenths = bids.reduce((sum, { v }) => sum + Math.round(v * 10), 0)
    const values = bids.map(({ v }) => v)
    rows.set(id, {
      n: bids.length,
      big: values.filter((v) => v > 3).length,
      sumTenths: tenths,
      min: Math.min(...values),
      max: Math.max(...values),
      top: values
        .filter((v) => v < 50)
        .sort((a, b) => b - a)
        .slice(0, 2),
      distinct: new Set(values).size,
    })
  }
  return { rows, late }
}

/** Final rows by (start, key); the exact sum of doubles near tenths is that of the tenths to 1e-9. */
function finals(cuts: readonly CutOutput[]): Map<string, object> {
  const rows = new Map<string, object>()
  for (const row of rowsOfCuts(cuts)) {
    const { key, final, n, big, sum, avg, min, max, top, distinct } = JSON.parse(row.value)
    const id = JSON.stringify([row.a, key])
    if (!final) continue
    assert.ok(!rows.has(id), `${id} is final once`)
    assert.ok(Math.abs(avg * n - sum) < 1e-9)
    rows.set(id, { n, big, sumTenths: Math.round(sum * 10), min, max, top, distinct })
  }
  return rows
}

const sorted = (rows: Map<string, object>) => [...rows].sort(([a], [b]) => (a < b ? -1 : 1))
const splitsOf = fc.array(fc.nat(60), { maxLength: 6 })

describe('a windowed stage', () => {
  it('gives the windows of its definition, each final once, revisions rising by one', () => {
    fc.assert(
      fc.property(plans, stream, splitsOf, splitsOf, (plan, records, splits, idles) => {
        const cuts = run(plan, records, splits, idles)
        const expected = twin(plan, records)
        assert.deepEqual(sorted(finals(cuts)), sorted(expected.rows))
        const late = deadLettersOf(cuts).filter(({ value }) => JSON.parse(value).error === 'QRT_RECORD_LATE')
        assert.deepEqual(
          late.map(({ b }) => b),
          expected.late,
        )
        const revisions = new Map<string, number>()
        for (const { a, key, revision } of rowsOfCuts(cuts)) {
          assert.equal(revision, revisions.get(`${a} ${key}`) ?? 0)
          revisions.set(`${a} ${key}`, revision + 1)
        }
        assert.equal(
          cuts.reduce((sum, { counts }) => sum + counts.in, 0),
          records.length,
        )
      }),
      { seed: 11, numRuns: propertyRuns(400) },
    )
  })

  it('gives the same bytes in any batches, and after a restore at any cut', () => {
    fc.assert(
      fc.property(
        plans,
        fc.constantFrom<StagePlan['output']>({ kind: 'rows' }, { kind: 'shuffle', partitions: 3 }),
        stream,
        splitsOf,
        splitsOf,
        (plan, output, records, splits, idles) => {
          const whole = run({ ...plan, output }, records, [], idles)
          assert.deepEqual(run({ ...plan, output }, records, splits, idles), whole)
          const again = run({ ...plan, output }, records, splits, idles, restored({ ...plan, output }))
          assert.deepEqual(again, whole)
        },
      ),
      { seed: 12, numRuns: propertyRuns(300) },
    )
  })
})

describe('a shuffle', () => {
  const partitions = 2
  const inTime = fc.array(fc.array(bid, { maxLength: 25 }), { minLength: 1, maxLength: 3 })

  it('gives the final rows of one stage over everything, whatever the speed of each source, and nothing is late', () => {
    fc.assert(
      fc.property(plans, inTime, fc.array(fc.nat(7), { minLength: 1, maxLength: 9 }), (base, streams, speeds) => {
        // In time within its own partition; the partitions know nothing of each other.
        const plan = { ...base, input: recordsInput(0), window: { ...base.window!, allowedLatenessMs: 0 } }
        const ordered = streams.map((bids) => [...bids].sort((a, b) => a.t - b.t))
        const sources = ordered.map((bids, partition) => {
          const stage = createStage({ ...plan, output: { kind: 'shuffle', partitions } }, { partition })
          return drive(stage, bids)
        })
        const merged = new Map<string, object>()
        for (let destination = 0; destination < partitions; destination++) {
          const stage = createStage(
            { ...plan, stage: 1, input: { kind: 'slices', sources: streams.length } },
            { partition: destination },
          )
          const cuts = drive(stage, interleave(sources, destination, speeds))
          assert.equal(stage.watermark, Number.POSITIVE_INFINITY)
          assert.equal(
            cuts.reduce((late, { counts }) => late + counts.late, 0),
            0,
          )
          for (const [id, row] of finals(cuts)) merged.set(id, row)
        }
        const all = ordered.flat().sort((a, b) => a.t - b.t)
        assert.deepEqual(sorted(merged), sorted(finals(run(plan, all, []))))
      }),
      { seed: 13, numRuns: propertyRuns(200) },
    )
  })
})
