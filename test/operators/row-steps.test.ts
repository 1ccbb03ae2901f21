import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { EmitPlan, StagePlan, StepPlan, WindowPlan } from '../../operators/index.ts'
import { propertyRuns } from './property-runs.ts'
import { aggregate, expression, recordsInput, rowsOfCuts, StageRun, stagePlan, type TestRow } from './stage-harness.ts'
import { decided, restored } from './stage-runs.ts'

const at = (t: number, k: unknown = 'a', v = 1) => ({ t, k, v })
const UPDATE: EmitPlan = { kind: 'update' }
const filter = (where: string): StepPlan => ({ kind: 'filter', where: expression(where) })
const compute = (fields: Record<string, string>, keep = true): StepPlan => ({
  kind: 'map',
  fields: Object.fromEntries(Object.entries(fields).map(([name, source]) => [name, expression(source)])),
  keep,
})
const AGGREGATES = [aggregate('n', 'count'), aggregate('sum', 'sum', 'v'), aggregate('top', 'max', 'v', 'v > 100')]
const hour: WindowPlan = { kind: 'aligned', sizeMs: 100, slideMs: 100, offsetMs: 0, allowedLatenessMs: 0 }

const plan = (after: readonly StepPlan[], changes: Partial<StagePlan> = {}) =>
  stagePlan({ window: hour, aggregates: AGGREGATES, after, cuts: { ...stagePlan().cuts, gridMs: 100 }, ...changes })

/** The value of each row without its window, which every test here knows. */
const values = (rows: readonly TestRow[]): object[] =>
  rows.map(({ value }) => {
    const { window: _, ...row } = JSON.parse(value)
    return row
  })

function closed(after: readonly StepPlan[], ...records: readonly object[]): object[] {
  const run = new StageRun(plan(after))
  run.feed(...records)
  run.decide('final')
  return values(rowsOfCuts(run.cuts))
}

describe('a filter behind the aggregates', () => {
  it('shows the rows for which it is true', () => {
    assert.deepEqual(closed([filter('n > 1 && key != "c"')], at(1), at(2, 'b'), at(3, 'b'), at(4, 'c'), at(5, 'c')), [
      { final: true, key: 'b', n: 2, sum: 2, top: null, revision: 0 },
    ])
  })

  it('does not hold where it has no value', () => {
    assert.deepEqual(closed([filter('top > 5')], at(1)), [], 'null is not above 5')
    assert.deepEqual(closed([filter('n')], at(1)), [], 'a number is no condition')
    assert.deepEqual(closed([filter('top == null')], at(1)).length, 1)
  })

  // n           1     2     │ sum back to 0: taken back │ and shown again
  it('takes back a row that was shown, and shows the next one under the next revision', () => {
    const run = new StageRun(plan([filter('sum > 1')], { window: { ...hour, emit: UPDATE } }))
    const cut = (...records: readonly object[]) => {
      run.feed(...records)
      return values(rowsOfCuts([run.decide('cut')]))
    }
    assert.deepEqual(cut(at(1)), [], 'nothing was shown, so nothing is taken back')
    assert.deepEqual(cut(at(2)), [{ final: false, key: 'a', n: 2, revision: 0, sum: 2, top: null }])
    assert.deepEqual(cut(at(3, 'a', -5)), [{ final: false, key: 'a', removed: true, revision: 1 }])
    assert.deepEqual(cut(at(4, 'a', 0)), [], 'it is taken back once')
    assert.deepEqual(cut(at(5, 'a', 9)), [{ final: false, key: 'a', n: 5, revision: 2, sum: 6, top: null }])
    run.feed(at(6, 'a', -9))
    assert.deepEqual(values(rowsOfCuts([run.decide('final')])), [{ final: true, key: 'a', removed: true, revision: 3 }])
  })

  it('takes back the row of a session that has grown, though the greater one is not shown', () => {
    const session: WindowPlan = { kind: 'session', gapMs: 5, allowedLatenessMs: 0, emit: UPDATE }
    const run = new StageRun(plan([filter('n == 1')], { window: session }))
    run.feed(at(10))
    run.decide('cut')
    run.feed(at(12))
    run.decide('cut')
    run.feed(at(14))
    run.decide('final')
    assert.deepEqual(
      rowsOfCuts(run.cuts).map(({ a, b, value }) => [a, b, JSON.parse(value).removed === true]),
      [
        [10, 15, false],
        [10, 15, true],
      ],
    )
  })

  it('is part of what open windows show to a query', () => {
    const run = new StageRun(plan([filter('n > 1')]))
    run.feed(at(1), at(2, 'b'), at(3, 'b'))
    const range = { key: undefined, from: -Infinity, to: Infinity, after: undefined, limit: 1 }
    const [shown, ...others] = rowsOfCuts([
      {
        counts: { in: 0, late: 0, dead: 0 },
        watermark: 0,
        parts: [{ bodies: [run.stage.openRows(range)], deadLetters: new Uint8Array() }],
      },
    ])
    assert.equal(shown?.key, '"b"')
    assert.deepEqual(others, [])
  })
})

describe('fields behind the aggregates', () => {
  it('are added, and what has no value is null', () => {
    assert.deepEqual(closed([compute({ mean: 'sum / n', odd: 'sum / (n - 1)', nothing: 'top + 1' })], at(1, 'a', 3)), [
      { final: true, key: 'a', mean: 3, n: 1, nothing: null, odd: null, revision: 0, sum: 3, top: null },
    ])
  })

  it('replace the others, while key and window can still be read', () => {
    const steps = [
      compute({ mean: 'sum / n' }, false),
      compute({ who: 'key', same: 'k', from: 'window.start' }),
      filter('key == "a"'),
    ]
    assert.deepEqual(closed(steps, at(1, 'a', 3), at(1, 'b')), [
      { final: true, from: 0, key: 'a', mean: 3, revision: 0, same: 'a', who: 'a' },
    ])
  })

  it('are kept, dropped, renamed and cast', () => {
    const steps: StepPlan[] = [
      { kind: 'rename', fields: { count: 'n' } },
      { kind: 'cast', fields: { sum: 'text' } },
      { kind: 'drop', fields: ['top'] },
    ]
    assert.deepEqual(closed(steps, at(1)), [{ count: 1, final: true, key: 'a', revision: 0, sum: '1' }])
    assert.deepEqual(closed([{ kind: 'project', fields: ['n'] }], at(1)), [
      { final: true, key: 'a', n: 1, revision: 0 },
    ])
  })

  it('are of exact numbers and whole lists', () => {
    const aggregates = [aggregate('sum', 'sum', 'v'), aggregate('all', 'collect', '[v, k]', undefined, 3)]
    const run = new StageRun(plan([compute({ next: 'sum + 1', first: 'all[0]', many: 'size(all)' })], { aggregates }))
    run.feed('{"t":1,"k":"a","v":9007199254740993}', '{"t":2,"k":"a","v":0}')
    run.decide('final')
    assert.match(
      rowsOfCuts(run.cuts)[0]?.value ?? '',
      /^\{"all":\[\[9007199254740993,"a"\],\[0,"a"\]\],"final":true,"first":\[9007199254740993,"a"\],"key":"a","many":2,"next":9007199254740994,"revision":0,"sum":9007199254740993,"window":/,
    )
  })

  it('read the parts of a key by the names that it is made of', () => {
    const keyBy = [expression('k'), expression('v % 2')]
    const run = new StageRun(plan([compute({ name: 'k', odd: 'key[1]' }), filter('k == "a"')], { keyBy }))
    run.feed(at(1, 'a', 3), at(2, 'b', 3))
    run.decide('final')
    assert.deepEqual(values(rowsOfCuts(run.cuts)), [
      { final: true, key: ['a', 1], n: 1, name: 'a', odd: 1, revision: 0, sum: 3, top: null },
    ])
  })
})

const hits = fc.array(
  fc.record({
    t: fc.integer({ min: -20, max: 80 }),
    k: fc.constantFrom('a', 'b', 'c'),
    v: fc.integer({ min: -3, max: 3 }),
  }),
  { maxLength: 40 },
)
const windows = fc.constantFrom<WindowPlan>(
  { ...hour, sizeMs: 10, slideMs: 10 },
  { ...hour, sizeMs: 15, slideMs: 5, allowedLatenessMs: 6 },
  { kind: 'session', gapMs: 4, allowedLatenessMs: 7 },
  { kind: 'global', purge: false, allowedLatenessMs: 0 },
)
const emits = fc.constantFrom<EmitPlan | undefined>(
  undefined,
  UPDATE,
  { kind: 'every', everyMs: 7 },
  { kind: 'count', records: 2 },
)
const placesOf = fc.array(fc.nat(40), { maxLength: 8 })
const conditions = fc.constantFrom('n > 2', 'sum > 0', 'sum / n > 0 || key == "b"', 'window.start % 20 == 0')

/** Newest revision of each window and key, without what was taken back; and that nothing is taken back that is not there. */
function standing(rows: readonly TestRow[]): string[] {
  const newest = new Map<string, TestRow | undefined>()
  const revisions = new Map<string, number>()
  for (const row of rows) {
    const name = `${row.a}/${row.b}/${row.key}`
    assert.equal(row.revision, revisions.get(name) ?? 0, `revisions of ${name} rise by one`)
    revisions.set(name, row.revision + 1)
    const removed = JSON.parse(row.value).removed === true
    if (removed) assert.ok(newest.get(name) !== undefined, `${name} stands when it is taken back`)
    newest.set(name, removed ? undefined : row)
  }
  return [...newest.values()]
    .flatMap((row) => (row === undefined ? [] : [JSON.parse(row.value)]))
    .map(({ revision: _, ...row }) => JSON.stringify(row))
    .sort()
}

describe('steps on rows in place of windows', () => {
  const ordered = (
    kind: NonNullable<StagePlan['ordered']>,
    after: readonly StepPlan[],
    ...records: readonly object[]
  ) => {
    const { window: _, ...bare } = plan(after)
    const run = new StageRun({ ...bare, ordered: kind })
    run.feed(...records)
    run.decide('final')
    return values(rowsOfCuts(run.cuts))
  }

  it('see windows of records', () => {
    const steps = [filter('sum > 3'), compute({ mean: 'sum / n' })]
    const records = [at(1, 'a', 1), at(2, 'a', 2), at(3, 'a', 3), at(4, 'a', 4)]
    assert.deepEqual(ordered({ kind: 'count', size: 2, slide: 2, emitPartial: false }, steps, ...records), [
      { final: true, key: 'a', mean: 3.5, n: 2, revision: 0, sum: 7, top: null },
    ])
  })

  it('see rolling aggregates, which have a time and no window', () => {
    const steps = [
      filter('k == "a" && n > 1 && time > "1970-01-01T00:00:00.002Z"'),
      compute({ mean: 'sum / n' }, false),
    ]
    const records = [at(1, 'a', 1), at(2, 'a', 2), at(3, 'b', 3), at(4, 'a', 4)]
    assert.deepEqual(ordered({ kind: 'rolling', last: 2 }, steps, ...records), [
      { key: 'a', mean: 3, time: '1970-01-01T00:00:00.004Z' },
    ])
  })
})

describe('rows that are filtered, of any records', () => {
  const plans = fc.tuple(windows, emits, fc.constantFrom(0, 9, 200)).map(([window, emit, disorder]) =>
    plan([], {
      window: emit === undefined ? window : { ...window, emit },
      input: recordsInput(disorder),
      cuts: { ...stagePlan().cuts, gridMs: 5 },
    }),
  )

  it('leave what a filter over the rows of the job without it leaves', () => {
    fc.assert(
      fc.property(plans, conditions, hits, placesOf, (base, where, given, cutsAt) => {
        const filtered = standing(rowsOfCuts(decided({ ...base, after: [filter(where)] }, given, [], cutsAt)))
        const all = standing(rowsOfCuts(decided({ ...base, after: [compute({ holds: where })] }, given, [], cutsAt)))
        const expected = all.flatMap((text) => {
          const { holds, ...row } = JSON.parse(text)
          return holds === true ? [JSON.stringify(row)] : []
        })
        assert.deepEqual(filtered, expected.sort())
      }),
      { seed: 71, numRuns: propertyRuns(400) },
    )
  })

  it('are the same bytes in any batches, and after a restore at any cut', () => {
    fc.assert(
      fc.property(plans, conditions, hits, placesOf, placesOf, (base, where, given, splits, cutsAt) => {
        const whole: StagePlan = {
          ...base,
          after: [filter(where), compute({ mean: 'sum / n' })],
          output: { kind: 'rows', branches: [expression('final'), expression('mean > 0')] },
        }
        const expected = decided(whole, given, [], cutsAt)
        const again = decided(whole, given, splits, cutsAt, restored(whole))
        assert.deepEqual(again, expected)
      }),
      { seed: 72, numRuns: propertyRuns(300) },
    )
  })
})

describe('branches', () => {
  it('have the rows for which their condition holds, byte for byte, and the first destination has all', () => {
    const output = { kind: 'rows', branches: [expression('n > 1'), expression('key == "a"')] } as const
    const run = new StageRun(plan([], { output }))
    run.feed(at(1), at(2, 'b'), at(3, 'b'))
    run.decide('final')
    const all = rowsOfCuts(run.cuts).map(({ value }) => value)
    assert.equal(all.length, 2)
    assert.deepEqual(
      rowsOfCuts(run.cuts, 1).map(({ value }) => value),
      [all[1]],
    )
    assert.deepEqual(
      rowsOfCuts(run.cuts, 2).map(({ value }) => value),
      [all[0]],
    )
  })

  it('have the records for which their condition holds where there is no window', () => {
    const { window: _, ...bare } = plan([])
    const output = { kind: 'rows', branches: [expression('v > 5'), expression('missing == 1')] } as const
    const run = new StageRun({ ...bare, aggregates: [], output })
    run.feed(at(1, 'a', 3), at(2, 'b', 7))
    run.decide('final')
    const shown = (destination: number) => rowsOfCuts(run.cuts, destination).map(({ b, key }) => [b, key])
    assert.deepEqual(shown(0), [
      [0, '"a"'],
      [1, '"b"'],
    ])
    assert.deepEqual(shown(1), [[1, '"b"']])
    assert.deepEqual(shown(2), [], 'a condition without a value does not hold')
  })

  it('do not have a row for which their condition cannot be said, of a window or of a record', () => {
    const branches = ['v > 5', 'missing > 1', 'sum / (n - 1) > 0', 'sum > "a"'].map(expression)
    const output = { kind: 'rows', branches } as const
    const { window: _, ...bare } = plan([])
    for (const each of [
      { ...bare, aggregates: [], output },
      plan([], { aggregates: AGGREGATES.slice(0, 2), output }),
    ]) {
      const run = new StageRun(each)
      run.feed({ t: 1, k: 'a', v: null })
      run.decide('final')
      assert.equal(rowsOfCuts(run.cuts).length, 1)
      for (const [i] of branches.entries()) assert.deepEqual(rowsOfCuts(run.cuts, 1 + i), [])
    }
  })

  it('lose a row that is no longer theirs', () => {
    const output = { kind: 'rows', branches: [expression('sum > 1'), expression('final')] } as const
    const run = new StageRun(plan([], { window: { ...hour, emit: UPDATE }, output }))
    for (const v of [2, -5]) {
      run.feed(at(1, 'a', v))
      run.decide('cut')
    }
    run.decide('final')
    const shown = (destination: number) =>
      rowsOfCuts(run.cuts, destination).map(({ revision, value }) => [revision, JSON.parse(value).removed === true])
    assert.deepEqual(shown(0), [
      [0, false],
      [1, false],
      [2, false],
    ])
    assert.deepEqual(shown(1), [
      [0, false],
      [1, true],
    ])
    assert.deepEqual(shown(2), [[2, false]])
  })

  it('leave what a filter over all rows leaves, of any records', () => {
    const plans = fc.tuple(windows, emits, fc.constantFrom(0, 9, 200), fc.constantFrom('n > 1', 'sum < 3'))
    fc.assert(
      fc.property(plans, conditions, hits, placesOf, ([window, emit, disorder, having], where, given, cutsAt) => {
        const base = plan([filter(having), compute({ holds: where })], {
          window: emit === undefined ? window : { ...window, emit },
          input: recordsInput(disorder),
          cuts: { ...stagePlan().cuts, gridMs: 5 },
          output: { kind: 'rows', branches: [expression(where)] },
        })
        const cuts = decided(base, given, [], cutsAt)
        const last = new Map<string, string | undefined>()
        for (const { a, b, key, revision, value } of rowsOfCuts(cuts, 1)) {
          const removed = JSON.parse(value).removed === true
          if (removed) assert.ok(last.get(`${a}/${b}/${key}`) !== undefined, `${revision} takes back what stands`)
          last.set(`${a}/${b}/${key}`, removed ? undefined : value)
        }
        const branch = [...last.values()].flatMap((value) => (value === undefined ? [] : [JSON.parse(value)]))
        const strip = (rows: readonly { revision: number }[]) =>
          rows.map(({ revision: _, ...row }) => JSON.stringify(row)).sort()
        const expected = standing(rowsOfCuts(cuts)).filter((row) => JSON.parse(row).holds === true)
        assert.deepEqual(strip(branch), expected)
      }),
      { seed: 73, numRuns: propertyRuns(300) },
    )
  })
})
