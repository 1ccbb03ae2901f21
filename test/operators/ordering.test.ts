/** What docs/decisions/ordering.md says of the order of records, it says of every operator that there is. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { AggregatePlan, OrderedPlan, StepPlan, WindowPlan } from '../../operators/index.ts'

const text = readFileSync(new URL('../../docs/decisions/ordering.md', import.meta.url), 'utf8')

/** By the words of the document. A kind that is new does not compile until it is here. */
const AGGREGATES: Readonly<Record<AggregatePlan['kind'], string>> = {
  count: '`count`',
  sum: '`sum`',
  avg: '`avg`',
  min: '`min`',
  max: '`max`',
  variance: '`variance`',
  stddev: '`stddev`',
  quantile: '`quantile`',
  topK: '`topK`',
  first: '`first`',
  last: '`last`',
  collect: '`collect`',
  countDistinct: '`countDistinct`',
  maxBy: '`maxBy`',
  minBy: '`minBy`',
  topBy: '`topBy`',
  own: 'aggregates of modules',
}
const WINDOWS: Readonly<Record<WindowPlan['kind'], string>> = {
  aligned: 'tumbling, hopping',
  calendar: 'calendar',
  global: 'global windows',
  session: 'sessions',
}
const IN_ORDER: Readonly<Record<OrderedPlan['kind'], string>> = {
  count: 'count and sliding windows',
  sliding: 'count and sliding windows',
  rolling: 'rolling aggregates',
  dedupe: 'dedupe',
  changes: 'changes',
  pattern: 'patterns',
  join: 'joins of streams',
}
const STEPS: Readonly<Record<StepPlan['kind'], string>> = {
  filter: 'filter',
  map: 'map, compute',
  project: 'project',
  drop: 'drop',
  rename: 'rename',
  cast: 'cast',
  explode: 'explode',
}

describe('the order of records', () => {
  const [nothing = '', reading = ''] = text.split(/^## On /m).slice(1)

  it('is said to mean nothing to every aggregate, window and operator in order', () => {
    for (const word of Object.values({ ...AGGREGATES, ...WINDOWS })) assert.ok(nothing.includes(word), word)
    for (const word of Object.values(IN_ORDER)) assert.ok(nothing.includes(word), word)
  })

  it('is said to be that of the partition for every step of single records', () => {
    for (const word of Object.values(STEPS)) assert.ok(reading.includes(word), word)
  })
})
