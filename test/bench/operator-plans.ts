/**
 * What the operators are measured on: a plain stage, and for each operator the same stage with it. Each is compared with the plain
 * one of its group, so that a figure is the cost of the operator and not of what it stands in.
 */
import type { AggregatePlan, EmitPlan, ExpressionPlan, StagePlan, StepPlan, WindowPlan } from '../../operators/index.ts'
import { aggregate, expression } from '../operators/stage-harness.ts'
import { orderedPlans } from './ordered-plans.ts'
import { OWN_AGGREGATES } from './own-aggregates.ts'

/** Counts of bids by auction in 10 s. */
export const PLAIN: StagePlan = {
  job: 'bench',
  stage: 0,
  input: { kind: 'records', format: 'json', time: { kind: 'field', path: ['dateTime'] }, outOfOrdernessMs: 0 },
  steps: [],
  keyBy: [expression('auction')],
  window: { kind: 'aligned', sizeMs: 10_000, slideMs: 10_000, offsetMs: 0, allowedLatenessMs: 0 },
  aggregates: [aggregate('bids', 'count')],
  output: { kind: 'rows' },
  onIdle: 'emit',
  cuts: {
    gridMs: 10_000,
    gridRecords: 1,
    maxRecords: 50_000,
    maxBytes: 16 << 20,
    partBytes: 1 << 20,
    snapshotEvery: 10,
  },
}

/** Without partials: a shuffle costs the same whatever is aggregated before it. */
const SHUFFLE: StagePlan = { ...PLAIN, output: { kind: 'shuffle', partitions: 4 } }

export interface Group {
  readonly name: string
  readonly plain: StagePlan
  readonly others: Readonly<Record<string, StagePlan>>
}

const fields = (sources: Readonly<Record<string, string>>): Record<string, ExpressionPlan> =>
  Object.fromEntries(Object.entries(sources).map(([name, source]) => [name, expression(source)]))

const STEPS: Readonly<Record<string, StepPlan>> = {
  filter: { kind: 'filter', where: expression('price > 0 && channel != "x"') },
  map: { kind: 'map', keep: false, fields: fields({ auction: 'auction', euros: 'price / 100' }) },
  compute: { kind: 'map', keep: true, fields: fields({ euros: 'price / 100' }) },
  project: { kind: 'project', fields: ['auction', 'price'] },
  drop: { kind: 'drop', fields: ['extra'] },
  rename: { kind: 'rename', fields: { item: 'channel' } },
  cast: { kind: 'cast', fields: { price: 'integer' } },
  explode: { kind: 'explode', as: 'each', list: expression('[auction, bidder]') },
}

/** The key reads what the step made, so that it is not left undone. */
const afterStep = (name: string, step: StepPlan): StagePlan => ({
  ...PLAIN,
  steps: [step],
  aggregates: [aggregate('bids', 'count', name === 'drop' || name === 'rename' ? 'price > 0' : undefined)],
})

const ofPrice = (kind: AggregatePlan['kind'], parameter?: number): AggregatePlan =>
  aggregate('value', kind, 'price', undefined, parameter)

const AGGREGATES: Readonly<Record<string, AggregatePlan>> = {
  'count(condition)': aggregate('value', 'count', 'price > 1000'),
  sum: ofPrice('sum'),
  'sum of fractions': aggregate('value', 'sum', 'price * 0.01'),
  avg: ofPrice('avg'),
  min: ofPrice('min'),
  max: ofPrice('max'),
  variance: ofPrice('variance'),
  quantile: ofPrice('quantile', 0.99),
  topK: ofPrice('topK', 3),
  first: ofPrice('first'),
  last: ofPrice('last'),
  collect: ofPrice('collect', 100),
  countDistinct: aggregate('value', 'countDistinct', 'bidder'),
  ...OWN_AGGREGATES,
}

const aligned = (sizeMs: number, slideMs: number, emit?: EmitPlan): WindowPlan => ({
  kind: 'aligned',
  sizeMs,
  slideMs,
  offsetMs: 0,
  allowedLatenessMs: 0,
  ...(emit === undefined ? {} : { emit }),
})

const DAY = { kind: 'calendar', unit: 'day', zone: 'UTC', offsets: [{ fromMs: 0, offsetMs: 0 }] } as const

const WINDOWS: Readonly<Record<string, WindowPlan>> = {
  'hopping, 5 windows a record': aligned(10_000, 2_000),
  'session, gap 1 s': { kind: 'session', gapMs: 1_000, allowedLatenessMs: 0 },
  'calendar day': { ...DAY, allowedLatenessMs: 0 },
  'tumbling, emit every 1s': aligned(10_000, 10_000, { kind: 'every', everyMs: 1_000 }),
  'tumbling, emit onUpdate': aligned(10_000, 10_000, { kind: 'update' }),
  'global, emit every 10s': {
    kind: 'global',
    purge: false,
    allowedLatenessMs: 0,
    emit: { kind: 'every', everyMs: 10_000 },
  },
}

const windowed = (window: WindowPlan): StagePlan => ({
  ...PLAIN,
  window,
  cuts: { ...PLAIN.cuts, gridMs: window.kind === 'aligned' ? window.slideMs : 1_000 },
})

const HAVING: StepPlan = { kind: 'filter', where: expression('bids > 10') }
const SHARE: StepPlan = { kind: 'map', keep: true, fields: fields({ share: 'bids / 100' }) }

const mapped = <From, To>(
  from: Readonly<Record<string, From>>,
  to: (name: string, each: From) => To,
): Record<string, To> => Object.fromEntries(Object.entries(from).map(([name, each]) => [name, to(name, each)]))

export const GROUPS: readonly Group[] = [
  { name: 'steps', plain: PLAIN, others: mapped(STEPS, afterStep) },
  {
    name: 'aggregates',
    plain: PLAIN,
    others: mapped(AGGREGATES, (_, each) => ({ ...PLAIN, aggregates: [...PLAIN.aggregates, each] })),
  },
  {
    name: 'windows',
    plain: PLAIN,
    others: { ...mapped(WINDOWS, (_, each) => windowed(each)), 'before a shuffle': SHUFFLE },
  },
  { name: 'ordered', plain: PLAIN, others: orderedPlans(PLAIN) },
  {
    name: 'rows',
    plain: PLAIN,
    others: {
      'a filter on rows': { ...PLAIN, after: [HAVING] },
      'a field on rows': { ...PLAIN, after: [SHARE] },
      'a branch': { ...PLAIN, output: { kind: 'rows', branches: [expression('bids > 10')] } },
    },
  },
]
