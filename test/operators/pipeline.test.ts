import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { OpenRange, StagePlan } from '../../operators/index.ts'
import { ROW_RECORD } from '../../operators/index.ts'
import {
  aggregate,
  batchOf,
  deadLettersOf,
  expression,
  lines,
  recordsInput,
  rowsOf,
  rowsOfCuts,
  StageRun,
  stagePlan,
} from './stage-harness.ts'

const { window: _window, keyBy: _keyBy, ...unwindowed } = stagePlan({ aggregates: [] })
const passing = (changes: Partial<StagePlan> = {}): StagePlan => ({ ...unwindowed, ...changes })
const map = (fields: Record<string, string>, keep: boolean): StagePlan['steps'][number] => ({
  kind: 'map',
  keep,
  fields: Object.fromEntries(Object.entries(fields).map(([name, source]) => [name, expression(source)])),
})
const filter = (where: string): StagePlan['steps'][number] => ({ kind: 'filter', where: expression(where) })

describe('a stage without a window', () => {
  it('gives a row for each record that passes, by source partition and offset', () => {
    const run = new StageRun(passing({ steps: [filter('n > 1')], keyBy: [expression('k')] }), 3)
    run.feed({ t: 1, k: 'a', n: 1 }, { t: 2, k: 'b', n: 2 }, { n: 3, k: null, t: 3 })
    run.decide('cut')
    assert.deepEqual(
      rowsOfCuts(run.cuts).map(({ kind, a, b, revision, key, value }) => [kind, a, b, revision, key, value]),
      [
        [ROW_RECORD, 3, 1, 0, '"b"', '{"k":"b","n":2,"t":2}'],
        [ROW_RECORD, 3, 2, 0, 'null', '{"k":null,"n":3,"t":3}'],
      ],
    )
  })

  it('maps: replaces the record, or adds to it; later steps see what earlier ones made', () => {
    const steps = [map({ double: 'n * 2' }, true), filter('double > 2'), map({ d: 'double', n: 'n' }, false)]
    const run = new StageRun(passing({ steps }))
    run.feed({ t: 1, n: 1 }, { t: 2, n: 2 })
    run.decide('cut')
    assert.deepEqual(
      rowsOfCuts(run.cuts).map(({ value, key }) => [key, value]),
      [['', '{"d":4,"n":2}']],
    )
    const kept = new StageRun(passing({ steps: [map({ n: 'n + 1', 'a.b': 't' }, true)] }))
    kept.feed({ t: 1, n: 1, z: { y: 1 } })
    kept.decide('cut')
    assert.equal(rowsOfCuts(kept.cuts)[0]?.value, '{"a.b":1,"n":2,"t":1,"z":{"y":1}}')
  })

  it('keeps integers beyond 2^53', () => {
    const run = new StageRun(passing())
    run.feed('{"t":1,"n":9007199254740993}')
    run.decide('cut')
    assert.equal(rowsOfCuts(run.cuts)[0]?.value, '{"n":9007199254740993,"t":1}')
  })
})

describe('dead letters', () => {
  const codes = (run: StageRun) => deadLettersOf(run.cuts).map(({ b, value }) => [b, JSON.parse(value).error])

  it('take what cannot be read or evaluated, and the rest goes on', () => {
    const run = new StageRun(stagePlan({ aggregates: [aggregate('n', 'count'), aggregate('s', 'sum', 'v')] }))
    const good = { t: 1, k: 'a', v: 1 }
    run.feed(
      good,
      '{',
      { k: 'a', v: 1 },
      { t: 'x', k: 'a', v: 1 },
      { t: 1, v: 1 },
      { t: 1, k: 'a' },
      { ...good, v: 'x' },
      null,
      '',
      good,
    )
    run.decide('final')
    assert.deepEqual(codes(run), [
      [1, 'QRT_RECORD_SYNTAX'],
      [2, 'QRT_RECORD_TIME'],
      [3, 'QRT_RECORD_TIME'],
      [4, 'QRT_EXPR_MISSING_FIELD'],
      [5, 'QRT_EXPR_MISSING_FIELD'],
      [6, 'QRT_EXPR_TYPE'],
      [7, 'QRT_RECORD_TIME'],
      [8, 'QRT_RECORD_EMPTY'],
    ])
    assert.deepEqual(lines(run.cuts), ['[0,10) "a" n=2 s=2 r0 final'])
    assert.deepEqual(
      run.cuts
        .map(({ counts }) => counts)
        .reduce((sum, counts) => ({
          in: sum.in + counts.in,
          late: sum.late + counts.late,
          dead: sum.dead + counts.dead,
        })),
      { in: 10, late: 0, dead: 8 },
    )
  })

  it('carry the record as text, or base64 where it is no text, up to a bound', () => {
    const run = new StageRun(stagePlan())
    const long = `{"t":"${'é'.repeat(1000)}"}`
    run.feed('{"t":}', Uint8Array.of(0xff, 0xfe), long, null)
    run.decide('cut')
    const [text, bytes, bounded, tombstone] = deadLettersOf(run.cuts).map(({ value }) => JSON.parse(value))
    assert.deepEqual(text, {
      error: 'QRT_RECORD_SYNTAX',
      offset: 0,
      partition: 0,
      reason: text.reason,
      record: '{"t":}',
    })
    assert.equal(bytes.recordBase64, Buffer.of(0xff, 0xfe).toString('base64'))
    assert.ok(long.startsWith(bounded.record) && Buffer.byteLength(bounded.record) >= 1023)
    assert.equal(bounded.recordBytes, Buffer.byteLength(long))
    assert.equal(tombstone.record, null)
  })

  it('do not hold the watermark back when the time was good', () => {
    const run = new StageRun(stagePlan())
    run.feed({ t: 1, k: 'a' }, { t: 10 })
    assert.deepEqual(lines(run.cuts), ['[0,10) "a" n=1 r0 final'])
  })
})

describe('aggregates', () => {
  it('see the records that their conditions pass; nothing is null, or 0 for sums', () => {
    const aggregates = [
      aggregate('big', 'count', 'v > 5'),
      aggregate('max', 'max', 'v', 'v < 5'),
      aggregate('mean', 'avg', 'v', 'has(v)'),
      aggregate('none', 'min', 'v', 'false'),
      aggregate('sum', 'sum', 'v', 'false'),
    ]
    const run = new StageRun(stagePlan({ aggregates }))
    run.feed({ t: 1, k: 'a', v: 2 }, { t: 1, k: 'a', v: 9 })
    run.decide('final')
    assert.deepEqual(lines(run.cuts), ['[0,10) "a" big=1 max=2 mean=5.5 none=null sum=0 r0 final'])
  })
})

describe('cuts', () => {
  it('fall after so many records or bytes, with or without rows', () => {
    const run = new StageRun(stagePlan({ cuts: { ...stagePlan().cuts, maxRecords: 2 } }))
    run.feed({ t: 1, k: 'a' }, { t: 2, k: 'a' }, { t: 3, k: 'a' })
    assert.deepEqual(
      run.cuts.map(({ counts, parts }) => [counts.in, parts.length]),
      [[2, 1]],
    )
    const bytes = new StageRun(stagePlan({ cuts: { ...stagePlan().cuts, maxBytes: 20 } }))
    bytes.feed({ t: 1, k: 'a' }, { t: 2, k: 'a' }, { t: 3, k: 'a' })
    assert.deepEqual(
      bytes.cuts.map(({ counts }) => counts.in),
      [2],
    )
  })

  it('stop a run at the record that makes them due', () => {
    const { stage } = new StageRun(stagePlan())
    const batch = batchOf([
      { t: 1, k: 'a' },
      { t: 10, k: 'a' },
      { t: 11, k: 'a' },
    ])
    assert.equal(stage.run(batch, 0, 3), 2)
    assert.equal(stage.cutDue, true)
    assert.equal(stage.pending, true)
    stage.cut()
    assert.equal(stage.run(batch, 2, 3), 3)
    assert.equal(stage.cutDue, false)
    assert.equal(stage.pending, false)
  })

  it('are not asked for once the input has ended: nothing is left to emit', () => {
    const run = new StageRun(stagePlan())
    run.feed({ t: 1, k: 'a' })
    assert.equal(rowsOfCuts([run.decide('final')]).length, 1)
    assert.equal(run.stage.pending, false)
  })

  it('split their rows into whole-row parts of bounded size', () => {
    const plan = stagePlan({ cuts: { ...stagePlan().cuts, partBytes: 500 } })
    const run = new StageRun(plan)
    run.feed(...Array.from({ length: 20 }, (_, k) => ({ t: 1, k })))
    const cut = run.decide('final')
    assert.ok(cut.parts.length > 1)
    for (const { bodies } of cut.parts) assert.ok((bodies[0]?.length ?? 0) <= 500)
    assert.equal(rowsOfCuts([cut]).length, 20)
    const wide = new StageRun({ ...plan, cuts: { ...plan.cuts, partBytes: 10 } })
    wide.feed({ t: 1, k: 'a' }, { t: 1, k: 'b' })
    assert.equal(wide.decide('final').parts.length, 2)
  })

  it('emit a window held back by nothing but the grid at the next line', () => {
    // size 10, grid 20 on the window ends: lines at 10, 30, 50
    const run = new StageRun(stagePlan({ cuts: { ...stagePlan().cuts, gridMs: 20 } }))
    run.feed({ t: 1, k: 'a' }, { t: 12, k: 'a' }, { t: 21, k: 'a' })
    assert.deepEqual(
      run.cuts.map(({ watermark }) => watermark),
      [12],
    )
    assert.equal(run.stage.pending, true)
    run.feed({ t: 30, k: 'a' })
    assert.deepEqual(
      run.cuts.map(({ watermark }) => watermark),
      [12, 30],
    )
  })
})

describe('a line of the grid', () => {
  it('ends no cut of fewer records than the plan says, so that a sparse history has no cut for each record', () => {
    const { window: _, ...rows } = stagePlan({ aggregates: [], cuts: { ...stagePlan().cuts, gridRecords: 3 } })
    const run = new StageRun(rows)
    run.feed({ t: 100, k: 'a' }, { t: 200, k: 'a' }, { t: 300, k: 'a' }, { t: 400, k: 'a' }, { t: 500, k: 'a' })
    assert.deepEqual(
      run.cuts.map(({ counts, watermark }) => [counts.in, watermark]),
      [[3, 300]],
    )
    assert.equal(run.decide('cut').counts.in, 2)
  })
})

describe('open rows', () => {
  const ALL: OpenRange = {
    key: undefined,
    from: Number.NEGATIVE_INFINITY,
    to: Number.POSITIVE_INFINITY,
    after: undefined,
    limit: 10,
  }

  it('show what is open now, in order, and change nothing', () => {
    const run = new StageRun(stagePlan())
    run.feed({ t: 1, k: 'b' }, { t: 1, k: 'a' }, { t: 2, k: 'a' })
    const open = run.stage.openRows(ALL)
    assert.deepEqual(
      lines([
        {
          counts: { in: 0, late: 0, dead: 0 },
          watermark: 0,
          parts: [{ bodies: [open], deadLetters: new Uint8Array() }],
        },
      ]),
      ['[0,10) "a" n=2 r0', '[0,10) "b" n=1 r0'],
    )
    assert.deepEqual(run.stage.openRows({ ...ALL, limit: 1 }).length < open.length, true)
    assert.equal(run.stage.openWindows, 2)
    assert.deepEqual(lines([run.decide('final')]), ['[0,10) "a" n=2 r0 final', '[0,10) "b" n=1 r0 final'])
    assert.equal(run.stage.openWindows, 0)
  })

  //   [0,10)   a b     [10,20)   a   c     [20,30)   b
  it('of a range are those of the windows and the key asked for, from a place on', () => {
    const run = new StageRun(stagePlan({ input: recordsInput(100) }))
    run.feed({ t: 1, k: 'b' }, { t: 2, k: 'a' }, { t: 11, k: 'c' }, { t: 12, k: 'a' }, { t: 21, k: 'b' })
    const shown = (range: Partial<OpenRange>) =>
      rowsOf(run.stage.openRows({ ...ALL, ...range })).map(({ a, key }) => `${a} ${key}`)
    const key = (text: string) => new TextEncoder().encode(JSON.stringify(text))
    const after = { start: 10, end: 20, key: key('a'), inclusive: false }
    assert.deepEqual(shown({}), ['0 "a"', '0 "b"', '10 "a"', '10 "c"', '20 "b"'])
    assert.deepEqual(shown({ key: key('b') }), ['0 "b"', '20 "b"'])
    assert.deepEqual(shown({ from: 10, to: 20 }), ['10 "a"', '10 "c"'])
    assert.deepEqual(shown({ from: 9, to: 21, limit: 4 }), ['0 "a"', '0 "b"', '10 "a"', '10 "c"'])
    assert.deepEqual(shown({ after }), ['10 "c"', '20 "b"'])
    assert.deepEqual(shown({ after: { ...after, inclusive: true } }), ['10 "a"', '10 "c"', '20 "b"'])
    assert.deepEqual(shown({ after, key: key('b'), limit: 1 }), ['20 "b"'])
  })
})
