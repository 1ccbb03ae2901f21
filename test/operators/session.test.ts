import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createStage, FLAG_REMOVED, readRows, type StagePlan, type WindowPlan } from '../../operators/index.ts'
import { propertyRuns } from './property-runs.ts'
import {
  aggregate,
  deadLettersOf,
  lines,
  recordsInput,
  rowsOfCuts,
  StageRun,
  stagePlan,
  type TestRow,
} from './stage-harness.ts'
import { drive, interleave, OFFSET_BASE, restored, run } from './stage-runs.ts'

const session = (gapMs: number, allowedLatenessMs = 0): WindowPlan => ({ kind: 'session', gapMs, allowedLatenessMs })
const at = (t: number, k: unknown = 'a') => ({ t, k })
const fine = { ...stagePlan().cuts, gridMs: 1 }
const plan = (window: WindowPlan, disorder = 0, changes: Partial<StagePlan> = {}) =>
  stagePlan({ window, input: recordsInput(disorder), cuts: fine, ...changes })

/** As `lines`, with rows that take others back. */
const told = (cuts: Parameters<typeof rowsOfCuts>[0]): string[] =>
  rowsOfCuts(cuts).map((row) =>
    isRemoval(row) ? `[${row.a},${row.b}) ${row.key} r${row.revision} removed` : line(row),
  )

const isRemoval = ({ value }: TestRow): boolean => JSON.parse(value).removed === true
const line = (row: TestRow): string => {
  const { n } = JSON.parse(row.value)
  return `[${row.a},${row.b}) ${row.key} n=${n} r${row.revision}${row.final ? ' final' : ''}`
}

describe('a session', () => {
  // gap 5, outOfOrderness 10
  // t   10  12      20 │ 16 is 4 from both
  //     ├───┘       │  │ one session
  it('is merged by a record between two of them', () => {
    const stage = new StageRun(plan(session(5), 10))
    stage.feed(at(10), at(12), at(20), at(16))
    stage.decide('final')
    assert.deepEqual(lines(stage.cuts), ['[10,25) "a" n=4 r0 final'])
  })

  it('takes a record exactly a gap away, and none that is farther', () => {
    const stage = new StageRun(plan(session(5)))
    stage.feed(at(10), at(15), at(21))
    stage.decide('final')
    assert.deepEqual(lines(stage.cuts), ['[10,20) "a" n=2 r0 final', '[21,26) "a" n=1 r0 final'])
  })

  // The watermark is at the end, 15, when the record comes that belongs to the session; it is in time.
  it('is open until the watermark is past its end, so that the order of keys does not matter', () => {
    const stage = new StageRun(plan(session(5)))
    assert.deepEqual(stage.feed(at(10), at(15, 'b'), at(15)), [])
    assert.deepEqual(lines(stage.feed(at(21))), ['[10,20) "a" n=2 r0 final', '[15,20) "b" n=1 r0 final'])
  })

  it('is of one key', () => {
    const stage = new StageRun(plan(session(5)))
    stage.feed(at(10), at(12, 'b'), at(16))
    stage.decide('final')
    assert.deepEqual(lines(stage.cuts), [
      '[10,15) "a" n=1 r0 final',
      '[12,17) "b" n=1 r0 final',
      '[16,21) "a" n=1 r0 final',
    ])
  })

  it('does not take what is late, and is not even begun by it', () => {
    const stage = new StageRun(plan(session(5)))
    stage.feed(at(10), at(40), at(12), at(30))
    stage.decide('final')
    assert.deepEqual(lines(stage.cuts), ['[10,15) "a" n=1 r0 final', '[40,45) "a" n=1 r0 final'])
    assert.deepEqual(
      deadLettersOf(stage.cuts).map(({ b, value }) => [b, JSON.parse(value).error]),
      [
        [2, 'QRT_RECORD_LATE'],
        [3, 'QRT_RECORD_LATE'],
      ],
    )
  })

  it('that is open takes a record that alone would be late', () => {
    const stage = new StageRun(plan(session(5)))
    stage.feed(at(10), at(20, 'b'), at(14), at(10))
    stage.decide('final')
    const counts = stage.cuts.reduce((sum, { counts }) => sum + counts.late, 0)
    assert.equal(counts, 2, 'the session of 10 has closed')
    const open = new StageRun(plan(session(5)))
    open.feed(at(12), at(16, 'b'), at(8))
    open.decide('final')
    assert.deepEqual(told(open.cuts), ['[8,17) "a" n=2 r0 final', '[16,21) "b" n=1 r0 final'])
  })
})

describe('a session whose row was given', () => {
  // gap 5, allowedLateness 20
  it('is taken back in the cut that gives the row of the greater one', () => {
    const stage = new StageRun(plan(session(5, 20)))
    assert.deepEqual(told(stage.feed(at(10), at(16))), ['[10,15) "a" n=1 r0'])
    assert.deepEqual(told(stage.feed(at(13))), [])
    assert.deepEqual(told(stage.feed(at(22))), ['[10,15) "a" r1 removed', '[10,21) "a" n=3 r0'])
    assert.deepEqual(told(stage.feed(at(22), at(70))), ['[10,21) "a" n=3 r1 final', '[22,27) "a" n=2 r0 final'])
  })

  it('has another revision while its bounds stay', () => {
    const stage = new StageRun(plan(session(5, 20)))
    stage.feed(at(10), at(12), at(18), at(11))
    stage.decide('final')
    assert.deepEqual(told(stage.cuts), ['[10,17) "a" n=2 r0', '[10,17) "a" n=3 r1 final', '[18,23) "a" n=1 r0 final'])
  })

  it('by silence goes on, and its provisional row is taken back', () => {
    const stage = new StageRun(plan(session(5)))
    stage.feed(at(10))
    assert.equal(stage.stage.canIdle, true)
    assert.deepEqual(told([stage.decide('idle')]), ['[10,15) "a" n=1 r0'])
    assert.equal(stage.stage.canIdle, false)
    stage.feed(at(13))
    assert.deepEqual(told([stage.decide('final')]), ['[10,15) "a" r1 removed', '[10,18) "a" n=2 r0 final'])
  })

  it('says what it takes back in a row of its own', () => {
    const stage = new StageRun(plan(session(5)))
    stage.feed(at(10))
    stage.decide('idle')
    stage.feed(at(13))
    const [removal] = rowsOfCuts([stage.decide('final')])
    assert.equal(
      removal?.value,
      '{"final":true,"key":"a","removed":true,"revision":1,"window":{"end":"1970-01-01T00:00:00.015Z","start":"1970-01-01T00:00:00.010Z"}}',
    )
    const [body] = stage.cuts.at(-1)?.parts[0]?.bodies ?? []
    assert.deepEqual(
      [...readRows(body!)].map(({ flags }) => (flags & FLAG_REMOVED) !== 0),
      [true, false],
    )
  })

  it('can be closed by silence', () => {
    const stage = new StageRun(plan(session(5), 0, { onIdle: 'close' }))
    stage.feed(at(10), at(12, 'b'))
    assert.deepEqual(told([stage.decide('idle')]), ['[10,15) "a" n=1 r0 final', '[12,17) "b" n=1 r0 final'])
    assert.equal(stage.stage.openWindows, 0)
  })

  it('can be asked for while it is open, from any place on', () => {
    const stage = new StageRun(plan(session(5)))
    stage.feed(at(10), at(12, 'b'), at(11, 'c'))
    const all = { key: undefined, from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, limit: 10 }
    const ends = (body: Uint8Array) => [...readRows(body)].map(({ b }) => b)
    assert.deepEqual(ends(stage.stage.openRows({ ...all, after: undefined })), [15, 16, 17])
    const after = { end: 16, start: 11, key: Buffer.from('"c"') }
    assert.deepEqual(ends(stage.stage.openRows({ ...all, after: { ...after, inclusive: false } })), [17])
    assert.deepEqual(ends(stage.stage.openRows({ ...all, after: { ...after, inclusive: true }, limit: 1 })), [16])
    assert.deepEqual(ends(stage.stage.openRows({ ...all, key: Buffer.from('"b"'), after: undefined })), [17])
  })
})

interface Hit {
  readonly t: number
  readonly k: number | string
  readonly v: number
}

const AGGREGATES = [
  aggregate('n', 'count'),
  aggregate('sum', 'sum', 'v'),
  aggregate('max', 'max', 'v'),
  aggregate('all', 'collect', 'v', undefined, 50),
]

const key = fc.constantFrom<Hit['k']>(1, 'a', '1')
/** Mostly rising times, every record with a number of its own. */
const hits = fc
  .array(fc.record({ step: fc.integer({ min: -7, max: 9 }), k: key }), { maxLength: 50 })
  .map((steps): Hit[] => {
    let t = 0
    return steps.map(({ step, k }, v) => {
      t += step
      return { t, k, v }
    })
  })
const splits = fc.array(fc.nat(50), { maxLength: 6 })

const plans = fc
  .record({
    gap: fc.constantFrom(1, 3, 8),
    lateness: fc.constantFrom(0, 4, 15),
    disorder: fc.constantFrom(0, 6, 200),
    gridMs: fc.constantFrom(1, 10),
    maxRecords: fc.constantFrom(1, 4, 1000),
  })
  .map(({ gap, lateness, disorder, gridMs, maxRecords }) =>
    plan(session(gap, lateness), disorder, {
      aggregates: AGGREGATES,
      cuts: { gridMs, gridRecords: 1, maxRecords, maxBytes: 1 << 20, partBytes: 1 << 20, snapshotEvery: 1 },
    }),
  )

interface TwinSession {
  readonly key: Hit['k']
  hits: Hit[]
}

/** Sessions as lists of records, put together again at each of them. */
function twin({ window, input }: StagePlan, given: readonly Hit[]): { rows: string[]; late: number[] } {
  assert.ok(window?.kind === 'session' && input.kind === 'records')
  const { gapMs, allowedLatenessMs } = window
  let open: TwinSession[] = []
  const done: TwinSession[] = []
  const late: number[] = []
  let watermark = Number.NEGATIVE_INFINITY
  const last = ({ hits }: TwinSession) => Math.max(...hits.map(({ t }) => t))
  given.forEach((one, i) => {
    const isOpen = (each: TwinSession) => last(each) + gapMs + allowedLatenessMs >= watermark
    done.push(...open.filter((each) => !isOpen(each)))
    open = open.filter(isOpen)
    const near = open.filter(({ key, hits }) => key === one.k && hits.some(({ t }) => Math.abs(t - one.t) <= gapMs))
    if (near.length === 0 && one.t + gapMs + allowedLatenessMs < watermark) late.push(OFFSET_BASE + i)
    else {
      open = open.filter((each) => !near.includes(each))
      open.push({ key: one.k, hits: [...near.flatMap(({ hits }) => hits), one] })
    }
    watermark = Math.max(watermark, one.t - input.outOfOrdernessMs)
  })
  const rows = [...done, ...open].map((each) => {
    const values = each.hits.map(({ v }) => v)
    const start = Math.min(...each.hits.map(({ t }) => t))
    const sum = values.reduce((all, v) => all + v, 0)
    const fields = [each.hits.length, sum, Math.max(...values), [...values].sort((a, b) => a - b)]
    return JSON.stringify([start, last(each) + gapMs, each.key, ...fields])
  })
  return { rows: rows.sort(), late }
}

/** What a reader has who keeps the newest revision of each window and key, and drops what was taken back. */
function kept(rows: readonly TestRow[]): TestRow[] {
  const newest = new Map<string, TestRow>()
  for (const row of rows) {
    const name = `${row.a}/${row.b}/${row.key}`
    assert.equal(row.revision, (newest.get(name)?.revision ?? -1) + 1, `revisions of ${name} rise by one`)
    newest.set(name, row)
  }
  return [...newest.values()].filter((row) => !isRemoval(row))
}

const shown = (rows: readonly TestRow[]): string[] =>
  rows
    .map(({ a, b, value }) => {
      const { key, n, sum, max, all } = JSON.parse(value)
      return JSON.stringify([a, b, key, n, sum, max, [...all].sort((x: number, y: number) => x - y)])
    })
    .sort()

describe('sessions of any records', () => {
  it('are those of the definition once everything is final, with their late records', () => {
    fc.assert(
      fc.property(plans, hits, splits, splits, (base, given, ends, idles) => {
        const cuts = run(base, given, ends, idles)
        const expected = twin(base, given)
        const rows = kept(rowsOfCuts(cuts))
        assert.deepEqual(shown(rows), expected.rows)
        assert.ok(rows.every(({ final }) => final))
        assert.deepEqual(
          deadLettersOf(cuts).map(({ b }) => b),
          expected.late,
        )
      }),
      { seed: 31, numRuns: propertyRuns(500) },
    )
  })

  it('never show a record twice, at whatever cut a reader looks', () => {
    fc.assert(
      fc.property(plans, hits, splits, (base, given, idles) => {
        const cuts = run(base, given, [], idles)
        for (let until = 1; until <= cuts.length; until++) {
          const rows = kept(rowsOfCuts(cuts.slice(0, until)))
          const records = rows.flatMap(({ value }) => JSON.parse(value).all as number[])
          assert.equal(new Set(records).size, records.length)
        }
      }),
      { seed: 32, numRuns: propertyRuns(200) },
    )
  })

  it('are the same in any order within the disorder bound', () => {
    const disorder = 12
    const jittered = hits.chain((given) =>
      fc.tuple(...given.map((one) => fc.tuple(fc.constant(one), fc.integer({ min: 0, max: disorder })))),
    )
    fc.assert(
      fc.property(jittered, fc.constantFrom(1, 3, 8), fc.constantFrom(1, 1000), (given, gap, maxRecords) => {
        const base = plan(session(gap), disorder, { aggregates: AGGREGATES, cuts: { ...fine, maxRecords } })
        const sorted = given.map(([one]) => one).sort((a, b) => a.t - b.t)
        const disordered = [...given].sort(([a, i], [b, j]) => a.t + i - (b.t + j)).map(([one]) => one)
        const cuts = run(base, disordered, [])
        assert.deepEqual(deadLettersOf(cuts), [])
        assert.deepEqual(shown(kept(rowsOfCuts(cuts))), shown(kept(rowsOfCuts(run(base, sorted, [])))))
      }),
      { seed: 33, numRuns: propertyRuns(300) },
    )
  })

  it('are the same bytes in any batches, and after a restore at any cut', () => {
    const outputs = fc.constantFrom<StagePlan['output']>({ kind: 'rows' }, { kind: 'shuffle', partitions: 3 })
    fc.assert(
      fc.property(plans, outputs, hits, splits, splits, (base, output, given, ends, idles) => {
        const whole = run({ ...base, output }, given, [], idles)
        assert.deepEqual(run({ ...base, output }, given, ends, idles), whole)
        const again = run({ ...base, output }, given, ends, idles, restored({ ...base, output }))
        assert.deepEqual(again, whole)
      }),
      { seed: 34, numRuns: propertyRuns(300) },
    )
  })

  it('behind a shuffle are those of one stage over everything, whatever the speed of each source', () => {
    const streams = fc.array(hits, { minLength: 1, maxLength: 3 })
    const speeds = fc.array(fc.nat(7), { minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(
        fc.constantFrom(1, 3, 8),
        fc.constantFrom(2, 1000),
        streams,
        speeds,
        (gap, maxRecords, given, order) => {
          const base = plan(session(gap), 0, { aggregates: AGGREGATES, cuts: { ...fine, gridMs: 10, maxRecords } })
          const ordered = given.map((one) => [...one].sort((a, b) => a.t - b.t))
          const sources = ordered.map((one, partition) =>
            drive(createStage({ ...base, output: { kind: 'shuffle', partitions: 2 } }, { partition }), one),
          )
          const merged = [0, 1].flatMap((destination) => {
            const input = { kind: 'slices', sources: given.length } as const
            const stage = createStage({ ...base, stage: 1, input }, { partition: destination })
            const cuts = drive(stage, interleave(sources, destination, order))
            assert.deepEqual(deadLettersOf(cuts), [])
            return kept(rowsOfCuts(cuts))
          })
          const all = ordered.flat().sort((a, b) => a.t - b.t)
          assert.deepEqual(shown(merged), twin(base, all).rows)
        },
      ),
      { seed: 35, numRuns: propertyRuns(200) },
    )
  })
})
