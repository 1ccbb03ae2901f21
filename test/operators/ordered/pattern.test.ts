import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type {
  ExpressionPlan,
  PatternGroupPlan,
  PatternPlan,
  PatternStagePlan,
  StagePlan,
} from '../../../operators/index.ts'
import { needsRecord } from '../../../operators/ordered/pattern/groups.ts'
import { sharedBeginning } from '../../../operators/ordered/pattern/shared-beginning.ts'
import { deadLettersOf, expression, rowsOfCuts, StageRun } from '../stage-harness.ts'
import { matchesOf } from './pattern-twin.ts'
import {
  cutsOf,
  givesTheSameBytes,
  givesTheSameRowsBehindAShuffle,
  givesWhatItsTwinGives,
  orderedPlan,
  type Twin,
} from './properties.ts'

const stage = (name: string, where: string, changes: Partial<PatternStagePlan> = {}): PatternStagePlan => ({
  name,
  where: expression(where),
  contiguity: 'relaxed',
  negated: false,
  optional: false,
  least: 1,
  most: 1,
  inner: 'relaxed',
  ...changes,
})
const loop = (name: string, where: string, changes: Partial<PatternStagePlan> = {}): PatternStagePlan => {
  const { most: _, ...rest } = stage(name, where)
  return { ...rest, ...changes }
}
const not = (name: string, where: string, contiguity: 'strict' | 'relaxed' = 'relaxed') =>
  stage(name, where, { negated: true, contiguity })

const NO_SKIP: PatternPlan['afterMatch'] = { strategy: 'noSkip' }

function pattern(stages: readonly PatternStagePlan[], changes: Partial<PatternPlan> = {}): StagePlan {
  return orderedPlan({ ordered: { kind: 'pattern', stages, afterMatch: NO_SKIP, ...changes } })
}

/** Letters are records, a millisecond apart; matches are the letters of each with the number of its place: `a0 b2`. */
function matches(plan: StagePlan, letters: string): string[] {
  const run = new StageRun(plan)
  run.feed(...[...letters].map((v, t) => ({ t, k: 'key', v })))
  run.decide('final')
  return rowsOfCuts(run.cuts).map(({ value }) => shown(JSON.parse(value)))
}
const shown = (row: Record<string, unknown>): string =>
  Object.values(row)
    .flat()
    .filter((event) => event !== null)
    .map((event) => event as { v: string; t: number })
    .sort((a, b) => a.t - b.t)
    .map(({ v, t }) => `${v}${t}`)
    .join(' ')

const a = stage('a', 'v == "a"')
const b = (changes: Partial<PatternStagePlan> = {}) => stage('b', 'v == "b"', changes)
const c = (changes: Partial<PatternStagePlan> = {}) => stage('c', 'v == "c"', changes)
const as = (changes: Partial<PatternStagePlan> = {}) => loop('a', 'v == "a"', changes)

describe('a sequence', () => {
  it('with strict contiguity has nothing between', () => {
    assert.deepEqual(matches(pattern([a, b({ contiguity: 'strict' })]), 'axbab'), ['a3 b4'])
  })

  it('with relaxed contiguity goes up to the next that fits', () => {
    assert.deepEqual(matches(pattern([a, b()]), 'axbb'), ['a0 b2'])
  })

  it('with relaxedAny takes each that fits', () => {
    assert.deepEqual(matches(pattern([a, b({ contiguity: 'relaxedAny' })]), 'axbb'), ['a0 b2', 'a0 b3'])
  })

  it('is within a time: a record that is as far away as that is not in it', () => {
    assert.deepEqual(matches(pattern([a, b()], { withinMs: 2 }), 'ab'), ['a0 b1'])
    assert.deepEqual(matches(pattern([a, b()], { withinMs: 2 }), 'axb'), [])
  })

  it('begins at each record that fits', () => {
    assert.deepEqual(matches(pattern([a, b()]), 'aab'), ['a0 b2', 'a1 b2'])
  })
})

describe('a stage', () => {
  it('is there so many times', () => {
    assert.deepEqual(matches(pattern([stage('a', 'v == "a"', { least: 2, most: 2 }), b()]), 'aaab'), [
      'a0 a1 b3',
      'a1 a2 b3',
    ])
    assert.deepEqual(matches(pattern([stage('a', 'v == "a"', { least: 1, most: 2 })]), 'aa'), ['a0', 'a0 a1', 'a1'])
  })

  it('that loops gives a match for each length', () => {
    assert.deepEqual(matches(pattern([as(), b()]), 'axab'), ['a0 a2 b3', 'a0 b3', 'a2 b3'])
  })

  it('that loops strictly is broken by what does not fit', () => {
    assert.deepEqual(matches(pattern([as({ inner: 'strict', least: 2 }), b()]), 'axaab'), ['a2 a3 b4'])
  })

  it('that loops over any may pass over what fits', () => {
    const all = ['a0 a1 a2', 'a0 a2', 'a0 a1', 'a1 a2'].sort()
    assert.deepEqual(matches(pattern([as({ inner: 'relaxedAny', least: 2 })]), 'aaa').sort(), all)
  })

  it('that is optional may be missing', () => {
    assert.deepEqual(matches(pattern([a, b({ optional: true }), c()]), 'abc').sort(), ['a0 b1 c2', 'a0 c2'])
    assert.deepEqual(matches(pattern([stage('a', 'v == "a"', { optional: true }), b()]), 'ab').sort(), ['a0 b1', 'b1'])
  })

  it('ends where another condition is true', () => {
    const until = expression('v == "x"')
    assert.deepEqual(matches(pattern([as({ until }), b()]), 'aaxab').sort(), ['a0 a1 b4', 'a0 b4', 'a1 b4', 'a3 b4'])
  })
})

describe('a greedy stage', () => {
  const either = stage('b', 'v == "b" || v == "a"')

  it('takes what it can; without that a later stage may take it too', () => {
    assert.deepEqual(matches(pattern([as(), either]), 'aab').sort(), ['a0 a1', 'a0 a1 b2', 'a1 b2'])
    assert.deepEqual(matches(pattern([as({ greedy: true }), either]), 'aab').sort(), ['a0 a1 b2', 'a1 b2'])
  })

  it('is not passed over, as in Flink: c a* d over c a a a d', () => {
    const plan = (greedy: object) => pattern([c(), as({ optional: true, ...greedy }), stage('d', 'v == "d"')])
    assert.deepEqual(matches(plan({}), 'caaad').sort(), ['c0 a1 a2 a3 d4', 'c0 a1 a2 d4', 'c0 a1 d4', 'c0 d4'])
    assert.deepEqual(matches(plan({ greedy: true }), 'caaad'), ['c0 a1 a2 a3 d4'])
    assert.deepEqual(matches(plan({ greedy: true }), 'cd'), ['c0 d1'])
  })

  it('leaves to others what comes after it is full, broken or ended', () => {
    const full = pattern([stage('a', 'v == "a"', { least: 1, most: 2, greedy: true }), either])
    assert.deepEqual(matches(full, 'aaa'), ['a0 a1 a2'])
    const broken = pattern([as({ inner: 'strict', greedy: true }), either])
    assert.deepEqual(matches(broken, 'axa'), ['a0 a2'])
    const ended = pattern([as({ until: expression('v == "x"'), greedy: true }), either])
    assert.deepEqual(matches(ended, 'axa'), ['a0 a2'])
  })
})

describe('a group', () => {
  const group = (changes: Partial<PatternGroupPlan> = {}): PatternGroupPlan => ({
    ...{ first: 0, last: 1, optional: false, least: 1, inner: 'relaxed' },
    ...changes,
  })
  const grouped = (stages: readonly PatternStagePlan[], changes?: Partial<PatternGroupPlan>) =>
    pattern(stages, { groups: [group(changes)] })

  it('comes as often as it does', () => {
    const ofAny = grouped([a, b(), c()])
    assert.deepEqual(matches(ofAny, 'ababc').sort(), ['a0 b1 a2 b3 c4', 'a0 b1 c4', 'a2 b3 c4'])
    assert.deepEqual(matches(ofAny, 'ac'), [])
  })

  it('comes so many times, whole', () => {
    assert.deepEqual(matches(grouped([a, b()], { least: 3, most: 3 }), 'ababab'), ['a0 b1 a2 b3 a4 b5'])
    assert.deepEqual(matches(grouped([a, b(), c()], { least: 2, most: 2 }), 'ababc'), ['a0 b1 a2 b3 c4'])
    assert.deepEqual(matches(grouped([a, b(), c()], { least: 2, most: 2 }), 'abac'), [])
  })

  it('has a contiguity of its own between rounds', () => {
    assert.deepEqual(matches(grouped([a, b()], { least: 2, most: 2, inner: 'strict' }), 'abxab'), [])
    assert.deepEqual(matches(grouped([a, b()], { least: 2, most: 2 }), 'abxab'), ['a0 b1 a3 b4'])
  })

  it('may be missing as a whole, and its row says so', () => {
    const plan = pattern([c(), a, b(), stage('d', 'v == "d"')], {
      groups: [group({ first: 1, last: 2, most: 1, optional: true })],
    })
    assert.deepEqual(matches(plan, 'cd'), ['c0 d1'])
    assert.deepEqual(matches(plan, 'cabd').sort(), ['c0 a1 b2 d3', 'c0 d3'])
    assert.deepEqual(matches(plan, 'cad'), ['c0 d2'])
  })

  it('has stages that may be missing in one round and be there in another', () => {
    const plan = grouped([a, b({ optional: true }), c()], { least: 2, most: 2 })
    assert.deepEqual(matches(plan, 'abac').sort(), ['a0 a2 c3', 'a0 b1 a2 c3'])
  })

  it('looks within each round for what must not come there', () => {
    const plan = pattern([a, not('x', 'v == "x"'), b(), c()], { groups: [group({ last: 2, least: 2, most: 2 })] })
    assert.deepEqual(matches(plan, 'abxabc'), ['a0 b1 a3 b4 c5'])
    assert.deepEqual(matches(plan, 'abaxbc'), [])
  })

  it('gives what a stage took in all rounds', () => {
    const plan = pattern([a, b(), c()], {
      groups: [group()],
      select: { n: expression('count(a)'), t: expression('b.t') },
    })
    const run = new StageRun(plan)
    run.feed(...[...'ababc'].map((v, t) => ({ t, k: 'key', v })))
    run.decide('final')
    assert.deepEqual(
      rowsOfCuts(run.cuts).map(({ value }) => JSON.parse(value)),
      [
        { n: 2, t: 3 },
        { n: 1, t: 1 },
        { n: 1, t: 3 },
      ],
    )
  })
})

describe('a group in another', () => {
  const d = stage('d', 'v == "d"')
  const group = (first: number, last: number, changes: Partial<PatternGroupPlan> = {}): PatternGroupPlan => ({
    ...{ first, last, optional: false, least: 1, inner: 'relaxed' },
    ...changes,
  })

  //  a (b c)+ d, twice
  it('has its rounds anew in each round of the other', () => {
    const plan = pattern([a, b(), c(), d], { groups: [group(0, 3, { least: 2, most: 2 }), group(1, 2, { least: 2 })] })
    assert.deepEqual(matches(plan, 'abcbcdabcbcd'), ['a0 b1 c2 b3 c4 d5 a6 b7 c8 b9 c10 d11'])
    assert.deepEqual(matches(plan, 'abcbcdabcd'), [])
    assert.deepEqual(matches(plan, 'abcbcd'), [])
  })

  it('may be missing in one round and be there in another', () => {
    const plan = pattern([a, b(), c(), d], {
      groups: [group(0, 3, { least: 2, most: 2 }), group(1, 2, { most: 1, optional: true })],
    })
    assert.deepEqual(matches(plan, 'adabcd').sort(), ['a0 d1 a2 b3 c4 d5', 'a0 d1 a2 d5'])
  })

  it('may end with the other', () => {
    const plan = pattern([a, b(), c()], { groups: [group(0, 2, { least: 2, most: 2 }), group(1, 2, { most: 2 })] })
    assert.deepEqual(matches(plan, 'abcbcabc').sort(), ['a0 b1 c2 a5 b6 c7', 'a0 b1 c2 b3 c4 a5 b6 c7'])
  })

  it('is not one that begins with it again and again: a record would be of two rounds at once', () => {
    const stages = [a, b(), c()]
    const again = { stages, groups: [group(0, 2), group(0, 1)] }
    assert.equal(sharedBeginning(again), undefined)
    const missing = [a, b(), c({ optional: true })]
    assert.deepEqual(sharedBeginning({ stages: missing, groups: [group(0, 2), group(0, 1)] }), ['a', 'b'])
  })
})

describe('what must not come', () => {
  it('breaks the match, wherever it is between', () => {
    const plan = pattern([a, not('b', 'v == "b"'), c()])
    assert.deepEqual(matches(plan, 'axc'), ['a0 c2'])
    assert.deepEqual(matches(plan, 'axbc'), [])
  })

  it('strictly is looked for in the very next record only', () => {
    const plan = pattern([a, not('b', 'v == "b"', 'strict'), c()])
    assert.deepEqual(matches(plan, 'abc'), [])
    assert.deepEqual(matches(plan, 'axbc'), ['a0 c3'])
  })

  it('at the end makes a match when the time is over', () => {
    const plan = pattern([a, not('b', 'v == "b"')], { withinMs: 3 })
    assert.deepEqual(matches(plan, 'axxb'), ['a0'])
    assert.deepEqual(matches(plan, 'axb'), [])
    const run = new StageRun(plan)
    run.feed({ t: 0, k: 'key', v: 'a' }, { t: 1, k: 'other', v: 'x' })
    run.decide('cut')
    assert.equal(rowsOfCuts(run.cuts).length, 0)
    run.feed({ t: 3, k: 'other', v: 'x' })
    run.decide('cut')
    assert.equal(rowsOfCuts(run.cuts).length, 1, 'without another record of the key')
  })
})

describe('after a match', () => {
  // The example of Flink's documentation: b+ c over b1 b2 b3 c.
  const plan = (afterMatch: PatternPlan['afterMatch']) => pattern([loop('b', 'v == "b"'), c()], { afterMatch })
  const of = (afterMatch: PatternPlan['afterMatch']) => matches(plan(afterMatch), 'bbbc')

  it('all others come too, without skipping', () => {
    assert.deepEqual(of({ strategy: 'noSkip' }).sort(), [
      'b0 b1 b2 c3',
      'b0 b1 c3',
      'b0 c3',
      'b1 b2 c3',
      'b1 c3',
      'b2 c3',
    ])
  })

  it('none comes that begins with the same record, skipping to the next', () => {
    assert.deepEqual(
      of({ strategy: 'toNext' }).map((match) => match.slice(0, 2)),
      ['b0', 'b1', 'b2'],
    )
  })

  it('none comes that begins within it, skipping past the last', () => {
    assert.deepEqual(
      of({ strategy: 'pastLast' }).map((match) => match.slice(0, 2)),
      ['b0'],
    )
  })

  it('none comes that begins before the first or last of a stage, skipping to that', () => {
    const plan = (afterMatch: PatternPlan['afterMatch']) =>
      pattern([a, loop('b', 'v == "b"', { least: 2, most: 2 })], { afterMatch })
    assert.deepEqual(matches(plan({ strategy: 'noSkip' }), 'aabb'), ['a0 b2 b3', 'a1 b2 b3'])
    assert.deepEqual(matches(plan({ strategy: 'toFirst', stage: 'b' }), 'aabb'), ['a0 b2 b3'])
    assert.deepEqual(matches(plan({ strategy: 'toFirst', stage: 'a' }), 'aabb'), ['a0 b2 b3', 'a1 b2 b3'])
    assert.deepEqual(matches(plan({ strategy: 'toLast', stage: 'b' }), 'aabbabb'), ['a0 b2 b3', 'a4 b5 b6'])
  })
})

describe('expressions of a pattern', () => {
  const numbers = (plan: StagePlan, ...values: number[]): object[] => {
    const run = new StageRun(plan)
    run.feed(...values.map((amount, t) => ({ t, k: 'key', amount })))
    run.decide('final')
    assert.deepEqual(deadLettersOf(run.cuts), [])
    return rowsOfCuts(run.cuts).map(({ value }) => JSON.parse(value))
  }
  const select = (fields: Record<string, string>): Record<string, ExpressionPlan> =>
    Object.fromEntries(Object.entries(fields).map(([name, source]) => [name, expression(source)]))

  it('find a small charge and then a large one within a minute', () => {
    const stages = [stage('small', 'amount < 10'), stage('large', 'amount > 100 * small.amount')]
    const plan = pattern(stages, { withinMs: 60_000, select: select({ from: 'small.amount', to: 'large.amount' }) })
    assert.deepEqual(numbers(plan, 5, 400, 501), [{ from: 5, to: 501 }])
  })

  it('read what a loop has taken so far', () => {
    const rising = '!has(up.amount) || amount > last(up).amount'
    const stages = [
      loop('up', rising, { inner: 'strict', least: 2 }),
      stage('down', 'amount < up.amount', { contiguity: 'strict' }),
    ]
    const plan = pattern(stages, {
      afterMatch: { strategy: 'pastLast' },
      select: select({
        all: 'collect(up.amount)',
        first: 'first(up).amount',
        high: 'max(up.amount)',
        low: 'min(up.amount)',
        mean: 'avg(up.amount)',
        n: 'count(up)',
        sum: 'sum(up.amount)',
        turn: 'down.amount',
      }),
    })
    assert.deepEqual(numbers(plan, 1, 2, 6, 3), [
      { all: [1, 2, 6], first: 1, high: 6, low: 1, mean: 3, n: 3, sum: 9, turn: 3 },
    ])
  })

  it('count what a stage took in a condition', () => {
    const plan = pattern([loop('small', 'amount < 10'), stage('large', 'amount > 100 && count(small) >= 2')], {
      select: select({ n: 'count(small)' }),
    })
    assert.deepEqual(numbers(plan, 1, 200), [])
    assert.deepEqual(numbers(plan, 1, 2, 200), [{ n: 2 }])
  })

  it('without a value make the record a dead letter, as if it had not come', () => {
    const run = new StageRun(pattern([a, b({ contiguity: 'strict' })]))
    run.feed({ t: 0, k: 'key', v: 'a' }, { t: 1, k: 'key' }, { t: 2, k: 'key', v: 'b' })
    run.decide('final')
    assert.equal(rowsOfCuts(run.cuts).length, 1)
    assert.deepEqual(
      deadLettersOf(run.cuts).map(({ b, value }) => [b, JSON.parse(value).error]),
      [[1, 'QRT_EXPR_MISSING_FIELD']],
    )
  })

  it('name stages that take records', () => {
    assert.throws(
      () => new StageRun(pattern([stage('a', 'count(c) > 1')])),
      ({ code, message }: { code: string; message: string }) =>
        code === 'QRT_EXPR_UNSUPPORTED' && message.includes('expected a stage that takes records (a)'),
    )
  })
})

describe('a pattern that grows without end', () => {
  it('takes no more records of the key, and says so; others go on', () => {
    const run = new StageRun(pattern([as({ inner: 'relaxedAny' }), b()], { afterMatch: { strategy: 'pastLast' } }))
    run.feed(...Array.from({ length: 14 }, (_, t) => ({ t, k: 'key', v: 'a' })))
    run.feed({ t: 14, k: 'other', v: 'a' }, { t: 15, k: 'other', v: 'b' })
    run.decide('final')
    assert.deepEqual(
      new Set(deadLettersOf(run.cuts).map(({ value }) => JSON.parse(value).error)),
      new Set(['QRT_PATTERN_SIZE']),
    )
    assert.deepEqual(
      rowsOfCuts(run.cuts).map(({ key }) => key),
      ['"other"'],
    )
  })
})

const twin =
  (plan: PatternPlan): Twin =>
  (records) =>
    matchesOf(plan, records).map(({ events, row }) => {
      const { k, partition, offset } = events.at(-1)!
      return { at: [partition, offset], key: k, row }
    })

/** Conditions over the small numbers of the streams, some of which look at what was taken before. */
const where = fc.constantFrom('v == 1', 'v <= 2', 'v != 0', 'v >= 3')
const contiguity = fc.constantFrom<PatternStagePlan['contiguity']>('strict', 'relaxed', 'relaxedAny')

const groupShape = fc.record({
  first: fc.nat(2),
  length: fc.integer({ min: 1, max: 3 }),
  optional: fc.boolean(),
  times: fc.constantFrom([1, 1], [1, 2], [2, 2], [1, undefined]),
  inner: contiguity,
})

const patterns: fc.Arbitrary<readonly [StagePlan, Twin]> = fc
  .record({
    stages: fc.array(
      fc.record({
        where,
        earlier: fc.constantFrom('', ' && (!has(s0.v) || v >= s0.v)', ' && count(s0) < 3'),
        contiguity,
        inner: contiguity,
        optional: fc.boolean(),
        times: fc.constantFrom([1, 1], [1, 1], [2, 2], [1, 2], [1, undefined]),
        until: fc.option(where, { nil: undefined, freq: 3 }),
        negated: fc.option(fc.record({ where, strict: fc.boolean() }), { nil: undefined, freq: 3 }),
        greedy: fc.boolean(),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    group: fc.option(groupShape, { nil: undefined, freq: 2 }),
    nested: fc.option(groupShape, { nil: undefined, freq: 2 }),
    tail: fc.option(where, { nil: undefined, freq: 3 }),
    withinMs: fc.constantFrom(5, 12, 20),
    afterMatch: fc.constantFrom<PatternPlan['afterMatch']>(
      { strategy: 'noSkip' },
      { strategy: 'toNext' },
      { strategy: 'pastLast' },
      { strategy: 'toFirst', stage: 's1' },
      { strategy: 'toLast', stage: 's0' },
    ),
    cuts: cutsOf,
  })
  .map(({ stages, group, nested, tail, withinMs, afterMatch, cuts }) => {
    const all = stages.flatMap(({ where, earlier, contiguity, inner, optional, times, until, negated, greedy }, i) => {
      const [least = 1, most] = times
      const taking = loop(`s${i}`, where + earlier, {
        contiguity,
        inner,
        optional: optional && stages.length > 1,
        least,
        ...(most === undefined ? {} : { most }),
        ...(until === undefined || most !== undefined ? {} : { until: expression(until) }),
        ...(greedy && i < stages.length - 1 ? { greedy: true as const } : {}),
      })
      if (negated === undefined || i === 0) return [taking]
      return [not(`n${i}`, negated.where, negated.strict ? 'strict' : 'relaxed'), taking]
    })
    const ends = tail === undefined ? [] : [not('tail', tail)]
    const [outer] = group === undefined ? [] : groupOf(all, group)
    const inner = nested === undefined || outer === undefined ? [] : nestedIn(outer, all, nested)
    const groups = outer === undefined ? [] : [outer, ...inner]
    const plan: PatternPlan = { kind: 'pattern', stages: [...all, ...ends], groups, withinMs, afterMatch }
    return [{ ...orderedPlan({ ordered: plan }), cuts }, twin(plan)] as const
  })

/** One that holds a stage which may not be missing, where these stages have such a one. */
function groupOf(
  stages: readonly PatternStagePlan[],
  { first, length, optional, times: [least = 1, most], inner }: GroupShape,
): readonly PatternGroupPlan[] {
  const taking = [...stages.keys()].filter((place) => !stages[place]!.negated)
  const places = taking.slice(first, first + length)
  const [from, to] = [places[0], places.at(-1)]
  if (from === undefined || to === undefined || places.every((place) => stages[place]!.optional)) return []
  // Something has to be there.
  const others = taking.filter((place) => !places.includes(place))
  const mayMiss = optional && others.some((place) => !stages[place]!.optional)
  return [{ first: from, last: to, optional: mayMiss, least, ...(most === undefined ? {} : { most }), inner }]
}

/** Another within it, where rounds of both can be told apart. */
function nestedIn(
  outer: PatternGroupPlan,
  stages: readonly PatternStagePlan[],
  { first, length, optional, times: [least = 1, most], inner }: GroupShape,
): readonly PatternGroupPlan[] {
  const taking = [...stages.keys()].filter(
    (place) => !stages[place]!.negated && outer.first <= place && place <= outer.last,
  )
  const places = taking.slice(first, first + length)
  const [from, to] = [places[0], places.at(-1)]
  if (from === undefined || to === undefined || places.length === taking.length) return []
  const found = { first: from, last: to, optional, least, ...(most === undefined ? {} : { most }), inner }
  const plan = { stages, groups: [outer, found] }
  const sound = [outer, found].every((group) => needsRecord(group, plan)) && sharedBeginning(plan) === undefined
  return sound ? [found] : []
}

interface GroupShape {
  readonly first: number
  readonly length: number
  readonly optional: boolean
  readonly times: readonly (number | undefined)[]
  readonly inner: PatternStagePlan['inner']
}

describe('patterns, whatever the stream', () => {
  it('have the matches of their twin', () => givesWhatItsTwinGives(patterns, 81))
  it('have the same bytes in any batches, and after a restore at any cut', () => givesTheSameBytes(patterns, 82))
  it('have the same matches behind any shuffle', () => givesTheSameRowsBehindAShuffle(patterns, 83))
})
