import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ALWAYS, createStage, type EmitPlan, type StagePlan, type WindowPlan } from '../../operators/index.ts'
import { propertyRuns } from './property-runs.ts'
import {
  aggregate,
  batchOf,
  deadLettersOf,
  lines,
  recordsInput,
  rowsOfCuts,
  StageRun,
  stagePlan,
  type TestRow,
} from './stage-harness.ts'
import { decided, drive, interleave, restored } from './stage-runs.ts'

const at = (t: number, k: unknown = 'a') => ({ t, k })
const UPDATE: EmitPlan = { kind: 'update' }
const every = (everyMs: number): EmitPlan => ({ kind: 'every', everyMs })
const count = (records: number): EmitPlan => ({ kind: 'count', records })

const tumbling = (sizeMs: number, emit?: EmitPlan, allowedLatenessMs = 0): WindowPlan => ({
  kind: 'aligned',
  sizeMs,
  slideMs: sizeMs,
  offsetMs: 0,
  allowedLatenessMs,
  ...(emit === undefined ? {} : { emit }),
})
const global = (emit?: EmitPlan, purge = false): WindowPlan => ({
  kind: 'global',
  purge,
  allowedLatenessMs: 0,
  ...(emit === undefined ? {} : { emit }),
})
const plan = (window: WindowPlan, changes: Partial<StagePlan> = {}) => {
  const gridMs = window.kind === 'aligned' ? window.slideMs : 1_000
  return stagePlan({ window, cuts: { ...stagePlan().cuts, gridMs }, ...changes })
}
const always = `[${ALWAYS.start},${ALWAYS.end})`

describe('onUpdate', () => {
  // t      1   2 │ cut    │ 3 │ cut     10 000
  // rows         │ n=2 r0 │   │ n=3 r1  n=3 r2 final
  it('shows at each cut what has changed, and only that', () => {
    const run = new StageRun(plan(tumbling(10_000, UPDATE)))
    run.feed(at(1), at(2), at(2, 'b'))
    assert.equal(run.stage.pending, true)
    assert.deepEqual(lines([run.decide('cut')]), ['[0,10000) "a" n=2 r0', '[0,10000) "b" n=1 r0'])
    assert.equal(run.stage.pending, false)
    run.feed(at(3))
    assert.deepEqual(lines([run.decide('cut')]), ['[0,10000) "a" n=3 r1'])
    assert.deepEqual(lines([run.decide('cut')]), [])
    assert.deepEqual(lines(run.feed(at(10_000, 'c'))), [
      '[0,10000) "a" n=3 r2 final',
      '[0,10000) "b" n=1 r1 final',
      '[10000,20000) "c" n=1 r0',
    ])
  })

  it('cuts by itself each second of event time, and where windows close', () => {
    const run = new StageRun(plan(tumbling(1_500, UPDATE)))
    run.feed(at(10), at(900))
    const rows = [at(1_100), at(1_200), at(1_500), at(1_600), at(2_000)].map((record) => lines(run.feed(record)))
    assert.deepEqual(rows, [
      ['[0,1500) "a" n=3 r0'],
      [],
      ['[0,1500) "a" n=4 r1 final', '[1500,3000) "a" n=1 r0'],
      [],
      ['[1500,3000) "a" n=3 r1'],
    ])
  })

  it('says final of what it has shown already', () => {
    const run = new StageRun(plan(tumbling(10, UPDATE, 5)))
    run.feed(at(1))
    run.decide('cut')
    run.feed(at(12))
    assert.deepEqual(lines([run.decide('cut')]), ['[10,20) "a" n=1 r0'], 'nothing new of the closed one')
    run.feed(at(16))
    assert.deepEqual(lines([run.decide('cut')]), ['[0,10) "a" n=1 r1 final', '[10,20) "a" n=2 r1'])
  })

  it('takes the row of a session back when it grows', () => {
    const run = new StageRun(plan({ kind: 'session', gapMs: 5, allowedLatenessMs: 0, emit: UPDATE }))
    run.feed(at(10))
    run.decide('cut')
    run.feed(at(13))
    assert.deepEqual(
      rowsOfCuts([run.decide('cut')]).map(({ a, b, revision, value }) => [a, b, revision, JSON.parse(value).removed]),
      [
        [10, 15, 1, true],
        [10, 18, 0, undefined],
      ],
    )
  })
})

describe('every', () => {
  // every 10      0         10        20
  // t             3  5      11  12    │ cut  25
  // rows                    n=3 r0    │      n=5 r1
  it('shows what has changed where the watermark crosses a line, and at no other cut', () => {
    const run = new StageRun(plan(tumbling(100, every(10))))
    assert.deepEqual(lines(run.feed(at(3), at(5))), [], 'the first record crosses nothing')
    assert.deepEqual(lines(run.feed(at(11))), ['[0,100) "a" n=3 r0'])
    run.feed(at(12))
    assert.equal(run.stage.pending, false)
    assert.deepEqual(lines([run.decide('cut')]), [])
    assert.deepEqual(lines(run.feed(at(25))), ['[0,100) "a" n=5 r1'])
    assert.deepEqual(lines(run.feed(at(31, 'b'))), ['[0,100) "b" n=1 r0'])
    assert.deepEqual(lines(run.feed(at(100, 'c'))), [
      '[0,100) "a" n=5 r2 final',
      '[0,100) "b" n=1 r1 final',
      '[100,200) "c" n=1 r0',
    ])
  })

  it('does not let a line pass when many are crossed at once', () => {
    const run = new StageRun(plan(tumbling(100, every(10))))
    run.feed(at(3), at(4), at(58))
    assert.deepEqual(lines(run.cuts), ['[0,100) "a" n=3 r0'])
  })

  it('follows the watermark, not the times', () => {
    const run = new StageRun(plan(tumbling(100, every(10)), { input: recordsInput(5) }))
    assert.deepEqual(lines(run.feed(at(3), at(14))), ['[0,100) "a" n=2 r0'], 'the watermark was at -2, and is at 9')
    assert.deepEqual(lines(run.feed(at(14))), [])
    assert.deepEqual(lines(run.feed(at(15))), ['[0,100) "a" n=4 r1'])
  })
})

describe('count', () => {
  it('shows a key once it has so many records that no row shows', () => {
    const run = new StageRun(plan(tumbling(10_000, count(3))))
    run.feed(at(1), at(2), at(3, 'b'))
    assert.equal(run.stage.pending, false)
    run.feed(at(4))
    assert.equal(run.stage.pending, true)
    assert.deepEqual(lines([run.decide('cut')]), ['[0,10000) "a" n=3 r0'])
    run.feed(at(5), at(6), at(7, 'b'), at(8, 'b'), at(9, 'b'))
    assert.deepEqual(lines([run.decide('cut')]), ['[0,10000) "b" n=4 r0'], 'a has two new ones')
    assert.deepEqual(lines(run.feed(at(10_000))), ['[0,10000) "a" n=5 r1 final', '[0,10000) "b" n=4 r1 final'])
  })
})

describe('a global window', () => {
  it('holds all of time, and is final at the end of the input', () => {
    const run = new StageRun(plan(global()))
    run.feed(at(5), at(-5), at(1_000_000), at(2, 'b'))
    assert.deepEqual(lines(run.cuts), [])
    assert.deepEqual(lines([run.decide('final')]), [`${always} "a" n=3 r0 final`, `${always} "b" n=1 r0 final`])
    assert.deepEqual(deadLettersOf(run.cuts), [])
    assert.deepEqual(JSON.parse(rowsOfCuts(run.cuts)[0]?.value ?? '').window, {
      start: '0000-01-01T00:00:00.000Z',
      end: '9999-12-31T23:59:59.999Z',
    })
  })

  it('takes what a log says is far beyond all dates', () => {
    const run = new StageRun(
      plan(global(UPDATE), { input: { ...recordsInput(0), time: { kind: 'log' } } as StagePlan['input'] }),
    )
    const batch = { ...batchOf([at(1), at(2)]), timestamp: (i: number) => (i === 0 ? 7_000_000_000_000_000 : 5) }
    for (let i = 0; i < 2; ) {
      i = run.stage.run(batch, i, 2)
      if (run.stage.cutDue) run.decide('cut')
    }
    assert.deepEqual(lines([run.decide('final')]), [`${always} "a" n=2 r0 final`])
  })

  it('keeps what it has shown, or begins anew', () => {
    const kept = new StageRun(plan(global(count(2))))
    const purged = new StageRun(plan(global(count(2), true), { aggregates: [aggregate('n', 'sum', 't')] }))
    for (const run of [kept, purged]) {
      for (const t of [1, 2, 3, 4, 5]) {
        run.feed(at(t))
        if (run.stage.pending) run.decide('cut')
      }
      run.decide('final')
    }
    assert.deepEqual(lines(kept.cuts), [`${always} "a" n=2 r0`, `${always} "a" n=4 r1`, `${always} "a" n=5 r2 final`])
    assert.deepEqual(lines(purged.cuts), [`${always} "a" n=3 r0`, `${always} "a" n=7 r1`, `${always} "a" n=5 r2 final`])
  })
})

const AGGREGATES = [
  aggregate('n', 'count'),
  aggregate('sum', 'sum', 'v'),
  aggregate('all', 'collect', 'v', undefined, 99),
]

interface Hit {
  readonly t: number
  readonly k: string
  readonly v: number
}

const hits = fc
  .array(fc.record({ t: fc.integer({ min: -20, max: 80 }), k: fc.constantFrom('a', 'b', 'c') }), { maxLength: 40 })
  .map((list): Hit[] => list.map((hit, v) => ({ ...hit, v })))

const emits = fc.constantFrom<EmitPlan>(UPDATE, every(1), every(7), every(50), count(1), count(3))
const shapes = fc.constantFrom<WindowPlan>(
  tumbling(10),
  tumbling(10, undefined, 6),
  { kind: 'aligned', sizeMs: 15, slideMs: 5, offsetMs: 2, allowedLatenessMs: 3 },
  { kind: 'session', gapMs: 4, allowedLatenessMs: 0 },
  { kind: 'session', gapMs: 4, allowedLatenessMs: 9 },
  global(),
)
const plans = fc
  .record({ window: shapes, disorder: fc.constantFrom(0, 9, 200), maxRecords: fc.constantFrom(4, 1_000) })
  .map(({ window, disorder, maxRecords }) =>
    plan(window, {
      input: recordsInput(disorder),
      aggregates: AGGREGATES,
      cuts: {
        gridMs: window.kind === 'aligned' ? window.slideMs : 5,
        gridRecords: 1,
        maxRecords,
        maxBytes: 1 << 20,
        partBytes: 1 << 20,
        snapshotEvery: 1,
      },
    }),
  )
const placesOf = fc.array(fc.nat(40), { maxLength: 8 })
const withEmit = (base: StagePlan, emit: EmitPlan): StagePlan => ({ ...base, window: { ...base.window!, emit } })

/** What a reader keeps: the newest revision of each window and key, without what was taken back. */
function standing(rows: readonly TestRow[]): string[] {
  const newest = new Map<string, TestRow>()
  for (const row of rows) {
    const name = `${row.a}/${row.b}/${row.key}`
    assert.equal(row.revision, (newest.get(name)?.revision ?? -1) + 1, `revisions of ${name} rise by one`)
    assert.ok(newest.get(name)?.final !== true, `${name} had been final`)
    newest.set(name, row)
  }
  return [...newest.values()]
    .map(({ value }) => JSON.parse(value) as Record<string, unknown>)
    .filter(({ removed }) => removed !== true)
    .map(({ revision: _, all, ...row }) =>
      JSON.stringify({ ...row, all: [...(all as number[])].sort((a, b) => a - b) }),
    )
    .sort()
}

describe('whatever is shown early', () => {
  it('leaves in the end what rows at the close leave', () => {
    fc.assert(
      fc.property(plans, emits, hits, placesOf, (base, emit, given, cutsAt) => {
        const early = decided(withEmit(base, emit), given, [], cutsAt)
        const atClose = decided(base, given, [], cutsAt)
        assert.deepEqual(standing(rowsOfCuts(early)), standing(rowsOfCuts(atClose)))
        assert.deepEqual(
          deadLettersOf(early).map(({ b, value }) => [b, value]),
          deadLettersOf(atClose).map(({ b, value }) => [b, value]),
        )
      }),
      { seed: 61, numRuns: propertyRuns(400) },
    )
  })

  it('shows at every cut what has come, where every change is shown', () => {
    fc.assert(
      fc.property(plans, hits, placesOf, (base, given, cutsAt) => {
        const cuts = decided(withEmit({ ...base, input: recordsInput(200) }, UPDATE), given, [], cutsAt)
        let taken = 0
        for (const [index, { counts }] of cuts.entries()) {
          taken += counts.in
          const rows = standing(rowsOfCuts(cuts.slice(0, index + 1)))
          const shown = new Set(rows.flatMap((row) => JSON.parse(row).all as number[]))
          assert.deepEqual(
            [...shown].sort((a, b) => a - b),
            given.slice(0, taken).map(({ v }) => v),
          )
        }
      }),
      { seed: 62, numRuns: propertyRuns(200) },
    )
  })

  it('is the same bytes in any batches, and after a restore at any cut', () => {
    const outputs = fc.constantFrom<StagePlan['output']>({ kind: 'rows' }, { kind: 'shuffle', partitions: 3 })
    const purging = fc.boolean()
    fc.assert(
      fc.property(
        plans,
        emits,
        outputs,
        purging,
        hits,
        placesOf,
        placesOf,
        (base, emit, output, purge, given, splits, cutsAt) => {
          const window = base.window?.kind === 'global' ? { ...base.window, purge } : base.window!
          const whole = withEmit({ ...base, window, output }, emit)
          const expected = decided(whole, given, [], cutsAt)
          assert.deepEqual(decided(whole, given, splits, cutsAt), expected)
          const again = decided(whole, given, splits, cutsAt, restored(whole))
          assert.deepEqual(again, expected)
        },
      ),
      { seed: 63, numRuns: propertyRuns(300) },
    )
  })

  it('with every, is the same rows wherever cuts are decided', () => {
    fc.assert(
      fc.property(plans, fc.constantFrom(1, 7, 50), hits, placesOf, placesOf, (base, step, given, some, others) => {
        // Without revisions of late records, which come at decided cuts as well.
        const windowed = { ...base, window: { ...base.window!, allowedLatenessMs: 0 } as WindowPlan }
        const whole = withEmit(windowed, every(step))
        const rows = (cutsAt: readonly number[]) =>
          rowsOfCuts(decided(whole, given, [], cutsAt)).map(({ value }) => value)
        assert.deepEqual(rows(some), rows(others))
      }),
      { seed: 64, numRuns: propertyRuns(300) },
    )
  })

  it('behind a shuffle leaves in the end what one stage leaves, whatever the speed of each source', () => {
    const streams = fc.array(hits, { minLength: 1, maxLength: 3 })
    const speeds = fc.array(fc.nat(7), { minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(plans, emits, streams, speeds, (base, emit, given, order) => {
        const inTime = { ...base, input: recordsInput(0) }
        const whole = withEmit(inTime, emit)
        const ordered = given.map((list, source) =>
          [...list].sort((a, b) => a.t - b.t).map((hit) => ({ ...hit, v: 100 * source + hit.v })),
        )
        const sources = ordered.map((list, partition) =>
          drive(createStage({ ...whole, output: { kind: 'shuffle', partitions: 2 } }, { partition }), list),
        )
        const merged = [0, 1].flatMap((destination) => {
          const input = { kind: 'slices', sources: given.length } as const
          const cuts = drive(
            createStage({ ...whole, stage: 1, input }, { partition: destination }),
            interleave(sources, destination, order),
          )
          assert.deepEqual(deadLettersOf(cuts), [])
          return standing(rowsOfCuts(cuts))
        })
        const all = ordered.flat().sort((a, b) => a.t - b.t)
        assert.deepEqual(merged.sort(), standing(rowsOfCuts(decided(inTime, all, [], []))))
      }),
      { seed: 65, numRuns: propertyRuns(200) },
    )
  })
})
