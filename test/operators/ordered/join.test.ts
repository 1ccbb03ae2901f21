import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { CutOutput, JoinPlan, StagePlan } from '../../../operators/index.ts'
import { aggregate, deadLettersOf, expression, rowsOfCuts } from '../stage-harness.ts'
import { restored } from '../stage-runs.ts'
import {
  behind,
  type JoinRun,
  joined,
  joinPlan,
  placed,
  type Reading,
  rowsIn,
  runBehind,
  slicesOf,
} from './join-runs.ts'
import { numbered, streamTwin, tableTwin, windowTwin } from './join-twins.ts'
import { cutsOf } from './properties.ts'

const within = (beforeMs: number, afterMs: number) => ({ kind: 'within', beforeMs, afterMs }) as const
const at = (t: number, v = 0, k = 'a'): Reading => ({ t, k, v })

/** One partition a side, in order; rows as `left time + right time`, `-` for nobody. */
function pairs(join: JoinPlan, left: readonly Reading[], right: readonly Reading[], disorder = 0): string[] {
  const run: JoinRun = { join, streams: { left: [left], right: [right] }, disorder, partitions: 1, speeds: [0] }
  return rowsOfCuts(joined(run)).map(({ value }) => {
    const { l, r } = JSON.parse(value)
    return `${l?.t ?? '-'}+${r?.t ?? '-'}`
  })
}

describe('a join of two streams', () => {
  //  left       10
  //  right  4 5 ─ ─ ─ 13 14      5 before to 3 after, both ends included
  it('joins records that are near enough, bounds included', () => {
    const join = joinPlan(within(5, 3))
    assert.deepEqual(pairs(join, [at(10)], [at(4), at(5), at(13), at(14)]), ['10+5', '10+13'])
  })

  it('makes a row of each pair, at the later of the two', () => {
    const join = joinPlan(within(5, 5))
    const run: JoinRun = {
      join,
      streams: { left: [[at(1), at(3)]], right: [[at(2), at(4)]] },
      disorder: 0,
      partitions: 1,
      speeds: [0],
    }
    // The right has partition 0, the left 1.
    assert.deepEqual(
      rowsOfCuts(joined(run)).map(({ a, b, revision }) => [a, b, revision]),
      [
        [0, 0, 0],
        [1, 1, 0],
        [0, 1, 0],
        [0, 1, 1],
      ],
    )
  })

  it('joins equal keys only', () => {
    assert.deepEqual(pairs(joinPlan(within(5, 5)), [at(1, 0, 'a')], [at(1, 0, 'b')]), [])
  })

  for (const [type, rows] of [
    ['inner', ['1+2']],
    ['left', ['1+2', '20+-']],
    ['right', ['1+2', '-+40']],
    ['outer', ['1+2', '20+-', '-+40']],
  ] as const) {
    it(`of type ${type} makes ${rows.length} rows where one of each side stands alone`, () => {
      assert.deepEqual(pairs(joinPlan(within(5, 5), type), [at(1), at(20)], [at(2), at(40)]), rows)
    })
  }

  it('waits with a row of one alone until nobody can come any more', () => {
    const run: JoinRun = {
      join: joinPlan(within(0, 10), 'left'),
      streams: { left: [[at(1)]], right: [[at(11), at(12)]] },
      disorder: 0,
      partitions: 1,
      speeds: [0],
    }
    // Its partner comes at the last moment, long after the left one was read.
    assert.deepEqual(rowsIn(joined(run)), [
      JSON.stringify([[0, 0, 0], 'a', { l: { k: 'a', t: 1, v: 0 }, r: { k: 'a', t: 11, v: 0 } }]),
    ])
  })

  it('does not look at the order in which records come', () => {
    assert.deepEqual(pairs(joinPlan(within(2, 2)), [at(5), at(1)], [at(9), at(2)], 100), ['1+2'])
  })

  it('in windows joins those of the same window', () => {
    const join = joinPlan({ kind: 'window', sizeMs: 10, offsetMs: 0 }, 'outer')
    assert.deepEqual(pairs(join, [at(9), at(10)], [at(0), at(19), at(20)]), ['9+0', '10+19', '-+20'])
  })

  it('keeps nothing that can have no partner any more', () => {
    const run: JoinRun = {
      join: joinPlan(within(5, 5)),
      streams: { left: [[at(1), at(2), at(50)]], right: [[at(1), at(60)]] },
      disorder: 0,
      partitions: 1,
      speeds: [0],
    }
    const [slices = []] = slicesOf(run)
    const held: number[] = []
    runBehind(behind(run), slices.slice(0, -1), [], (stage) => {
      held.push(stage.openWindows)
      return stage
    })
    assert.ok((held.at(-1) ?? 9) <= 1, String(held))
  })

  // One record with two items, each of which meets two others.
  it('numbers the rows of a record, each item by itself, in whatever partition of the shuffle it is', () => {
    const run: JoinRun = {
      join: joinPlan(within(9, 9)),
      streams: { left: [[at(9)]], right: [[at(1, 0, 'a'), at(2, 0, 'b'), at(3, 0, 'a'), at(4, 0, 'b')]] },
      disorder: 100,
      partitions: 3,
      speeds: [0],
      changes: {
        steps: [
          { kind: 'explode', as: 'item', list: expression('t == 9 ? ["a", "b"] : [k]') },
          { kind: 'map', keep: true, fields: { k: expression('item') } },
        ],
      },
    }
    const places = rowsOfCuts(joined(run)).map(({ a, b, revision }) => [a, b, revision])
    // All at the one record of the left, whose number is 1.
    assert.deepEqual(
      places.sort(([, , a = 0], [, , b = 0]) => a - b),
      [
        [1, 0, numbered(0, 0)],
        [1, 0, numbered(0, 1)],
        [1, 0, numbered(1, 0)],
        [1, 0, numbered(1, 1)],
      ],
    )
  })

  it('gives what it selects, after the steps that rows go through', () => {
    const join: JoinPlan = {
      ...joinPlan(within(5, 5), 'left'),
      select: { sum: expression('r == null ? l.v : l.v + r.v'), of: expression('r.v') },
      steps: [
        { kind: 'filter', where: expression('sum > 1') },
        { kind: 'map', keep: true, fields: { twice: expression('sum * 2') } },
      ],
    }
    const run: JoinRun = {
      join,
      streams: { left: [[at(1, 1), at(2, 0), at(90, 7)]], right: [[at(3, 1)]] },
      disorder: 0,
      partitions: 1,
      speeds: [0],
    }
    assert.deepEqual(
      rowsOfCuts(joined(run)).map(({ value }) => value),
      ['{"of":1,"sum":2,"twice":4}', '{"of":null,"sum":7,"twice":14}'],
    )
  })

  it('makes a dead letter of a pair that has no row', () => {
    const join = { ...joinPlan(within(5, 5)), select: { x: expression('l.missing') } }
    const run: JoinRun = {
      join,
      streams: { left: [[at(1)]], right: [[at(1)]] },
      disorder: 0,
      partitions: 1,
      speeds: [0],
    }
    const cuts = joined(run)
    assert.deepEqual(rowsOfCuts(cuts), [])
    assert.deepEqual(
      deadLettersOf(cuts).map(({ a, b, value }) => [a, b, JSON.parse(value).error]),
      [[1, 0, 'QRT_EXPR_MISSING_FIELD']],
    )
  })
})

describe('a join of a stream with a table', () => {
  const table = { kind: 'table', tables: 'right' } as const

  //  table   1:v1 ── 5:v2 ───────
  //  stream  0   1 4   5   9         the version as of its time, that of the same instant included
  it('gives the version as of the time of the stream record, whenever the table is read', () => {
    const stream = [at(0), at(1), at(4), at(5), at(9)]
    assert.deepEqual(pairs(joinPlan(table), stream, [at(1), at(5)]), ['1+1', '4+1', '5+5', '9+5'])
    assert.deepEqual(pairs(joinPlan(table, 'left'), stream, [at(1), at(5)]), ['0+-', '1+1', '4+1', '5+5', '9+5'])
  })

  it('takes a key out of the table where a record says so', () => {
    const join = joinPlan({ ...table, delete: { right: expression('has(gone) && gone') } }, 'left')
    assert.deepEqual(pairs(join, [at(2), at(6)], [at(1), { ...at(5), gone: true }]), ['2+1', '6+-'])
  })

  it('makes no row for a change of the table', () => {
    assert.deepEqual(pairs(joinPlan(table, 'left'), [], [at(1)]), [])
  })
})

describe('a join of two tables', () => {
  const tables = { kind: 'table', tables: 'both' } as const

  it('makes a row each time one side changes', () => {
    assert.deepEqual(pairs(joinPlan(tables), [at(1), at(5)], [at(3), at(8)]), ['1+3', '5+3', '5+8'])
    assert.deepEqual(pairs(joinPlan(tables, 'outer'), [at(1)], [at(3)]), ['1+-', '1+3'])
  })
})

const reading = fc.record({
  t: fc.integer({ min: -20, max: 60 }),
  k: fc.constantFrom('a', 'b'),
  v: fc.nat(2),
  gone: fc.boolean(),
})
const side = fc.array(fc.array(reading, { maxLength: 14 }), { minLength: 1, maxLength: 2 })
const streams = fc.record({ left: side, right: side })
const type = fc.constantFrom<JoinPlan['type']>('inner', 'left', 'right', 'outer')
const streamJoins = fc
  .tuple(
    fc.oneof(
      fc.tuple(fc.constantFrom(0, 3, 12), fc.constantFrom(0, 5)).map(([before, after]) => within(before, after)),
      fc.constantFrom(7, 20).map((sizeMs) => ({ kind: 'window', sizeMs, offsetMs: 3 }) as const),
    ),
    type,
  )
  .map(([match, type]) => joinPlan(match, type))
const tableJoins = fc
  .tuple(fc.constantFrom<'right' | 'both'>('right', 'both'), type, fc.boolean())
  .map(([tables, type, deletes]) => {
    const sides =
      tables === 'both' ? { left: expression('gone'), right: expression('gone') } : { right: expression('gone') }
    const match = { kind: 'table', tables, ...(deletes ? { delete: sides } : {}) } as const
    return joinPlan(
      match,
      tables === 'right' && type === 'outer' ? 'left' : tables === 'right' && type === 'right' ? 'inner' : type,
    )
  })
const speeds = fc.array(fc.nat(5), { minLength: 1, maxLength: 7 })
const splits = fc.array(fc.nat(40), { maxLength: 5 })

for (const [name, joins, twin, seed] of [
  ['two streams', streamJoins, streamTwin, 511],
  ['tables', tableJoins, tableTwin, 521],
] as const) {
  describe(`a join of ${name}, whatever the records`, () => {
    it('gives what nested loops give, behind any shuffle and at any speed of reading', () => {
      fc.assert(
        fc.property(
          joins,
          streams,
          speeds,
          fc.integer({ min: 1, max: 3 }),
          cutsOf,
          (join, streams, speeds, partitions, cuts) => {
            const out = joined({ join, streams, disorder: 200, partitions, speeds, changes: { cuts } })
            assert.deepEqual(deadLettersOf(out), [])
            assert.deepEqual(rowsIn(out), twin(join, placed(streams)))
          },
        ),
        { seed, numRuns: 250 },
      )
    })

    it('gives what nested loops give of the records that were not late', () => {
      fc.assert(
        fc.property(joins, streams, speeds, fc.constantFrom(0, 10), cutsOf, (join, streams, speeds, disorder, cuts) => {
          const out = joined({ join, streams, disorder, partitions: 2, speeds, changes: { cuts } })
          const late = new Set(deadLettersOf(out).map(({ a, b }) => `${a}/${b}`))
          const taken = placed(streams).filter(({ partition, offset }) => !late.has(`${partition}/${offset}`))
          assert.deepEqual(rowsIn(out), twin(join, taken))
        }),
        { seed: seed + 1, numRuns: 250 },
      )
    })

    it('gives the same bytes in any batches, and after a restore at any cut', () => {
      fc.assert(
        fc.property(
          joins,
          streams,
          speeds,
          splits,
          fc.constantFrom(0, 10),
          cutsOf,
          (join, streams, speeds, splits, disorder, cuts) => {
            const run: JoinRun = { join, streams, disorder, partitions: 1, speeds, changes: { cuts } }
            const [slices = []] = slicesOf(run)
            const whole = runBehind(behind(run), slices)
            const again = runBehind(behind(run), slices, splits, restored(behind(run), 0))
            assert.deepEqual(again, whole)
          },
        ),
        { seed: seed + 2, numRuns: 200 },
      )
    })
  })
}

const WINDOW_MS = 10
const windowed = (join: JoinPlan): JoinPlan => ({
  ...join,
  select: { v: expression('l == null ? 100 : l.v') },
})
const overRows: Partial<StagePlan> = {
  window: { kind: 'aligned', sizeMs: WINDOW_MS, slideMs: WINDOW_MS, offsetMs: 0, allowedLatenessMs: 0 },
  aggregates: [aggregate('n', 'count'), aggregate('sum', 'sum', 'v')],
}
const windowRows = (cuts: readonly CutOutput[]): string[] =>
  rowsOfCuts(cuts)
    .map(({ a, b, key, value, final, revision }) => {
      assert.ok(final && revision === 0)
      const { n, sum } = JSON.parse(value)
      return `${a}/${b}/${JSON.parse(key)} ${n} ${sum}`
    })
    .sort()

describe('windows over the rows of a join', () => {
  it('count pairs by the time of the later one, and those that stay alone by their own', () => {
    const run: JoinRun = {
      join: windowed(joinPlan(within(5, 5), 'left')),
      streams: { left: [[at(1, 1), at(8, 2)]], right: [[at(12), at(30)]] },
      disorder: 0,
      partitions: 1,
      speeds: [0],
      changes: overRows,
    }
    // 1 stays alone; 8 and 12 meet.
    assert.deepEqual(windowRows(joined(run)), ['0/10/a 1 1', '10/20/a 1 2'])
  })

  it('give what nested loops give, each window once', () => {
    fc.assert(
      fc.property(
        streamJoins,
        streams,
        speeds,
        cutsOf,
        fc.constantFrom(0, 10, 200),
        (base, streams, speeds, cuts, disorder) => {
          const join = windowed(base)
          const out = joined({ join, streams, disorder, partitions: 2, speeds, changes: { ...overRows, cuts } })
          const late = new Set(deadLettersOf(out).map(({ a, b }) => `${a}/${b}`))
          const taken = placed(streams).filter(({ partition, offset }) => !late.has(`${partition}/${offset}`))
          assert.deepEqual(windowRows(out), windowTwin(join, taken, WINDOW_MS))
        },
      ),
      { seed: 531, numRuns: 250 },
    )
  })

  it('give the same bytes in any batches, and after a restore at any cut', () => {
    fc.assert(
      fc.property(streamJoins, streams, speeds, splits, cutsOf, (base, streams, speeds, splits, cuts) => {
        const run: JoinRun = {
          join: windowed(base),
          streams,
          disorder: 10,
          partitions: 1,
          speeds,
          changes: { ...overRows, cuts },
        }
        const [slices = []] = slicesOf(run)
        const again = runBehind(behind(run), slices, splits, restored(behind(run), 0))
        assert.deepEqual(again, runBehind(behind(run), slices))
      }),
      { seed: 541, numRuns: 150 },
    )
  })
})
