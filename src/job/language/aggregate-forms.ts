/** The aggregates of the language by their names: what each is, and what stands in its brackets. */
import type { AggregatePlan } from '../../../operators/index.ts'
import { JOB_LIMITS } from '../limits.ts'

export type Kind = AggregatePlan['kind']

/** What stands beside the expression: in a call as its second argument, in the long form as a field of this name. */
export interface Parameter {
  readonly field: 'limit' | 'at'
  readonly what: string
  readonly accepts: (value: number) => boolean
  /** Where there is none it has to be written. */
  readonly otherwise?: number
}

const limit = (most: number): Parameter => ({
  field: 'limit',
  what: `a whole number from 1 to ${most}`,
  accepts: (value) => Number.isInteger(value) && value >= 1 && value <= most,
})

export const QUANTILE: Parameter = {
  field: 'at',
  what: 'a number from 0 to 1',
  accepts: (value) => value >= 0 && value <= 1,
}

interface Form {
  readonly kind: Kind
  readonly parameter?: Parameter
  /** Of a kind that has one, where the name says it. */
  readonly fixed?: number
  /** A second expression says what values rank by. */
  readonly ranks?: true
}

const FORMS = {
  count: { kind: 'count' },
  sum: { kind: 'sum' },
  avg: { kind: 'avg' },
  min: { kind: 'min' },
  max: { kind: 'max' },
  variance: { kind: 'variance' },
  stddev: { kind: 'stddev' },
  median: { kind: 'quantile', fixed: 0.5 },
  quantile: { kind: 'quantile', parameter: QUANTILE },
  topK: { kind: 'topK', parameter: limit(JOB_LIMITS.top) },
  first: { kind: 'first' },
  last: { kind: 'last' },
  collect: { kind: 'collect', parameter: { ...limit(JOB_LIMITS.collected), otherwise: 100 } },
  countDistinct: { kind: 'countDistinct' },
  maxBy: { kind: 'maxBy', ranks: true },
  minBy: { kind: 'minBy', ranks: true },
  topBy: { kind: 'topBy', ranks: true, parameter: limit(JOB_LIMITS.top) },
} as const satisfies Readonly<Record<string, Form>>

export type Name = keyof typeof FORMS

export const NAMES = Object.keys(FORMS) as readonly Name[]
export const LIST = NAMES.join(', ')
export const nameOf = (text: string | undefined): Name | undefined => NAMES.find((known) => known === text)
export const formOf = (name: Name): Form => FORMS[name]

/** What they are called elsewhere. */
export const OTHER_NAMES: ReadonlyMap<string, Name> = new Map([
  ['arg_max', 'maxBy'],
  ['arg_min', 'minBy'],
  ['approx_count_distinct', 'countDistinct'],
  ['array_agg', 'collect'],
  ['average', 'avg'],
  ['count_distinct', 'countDistinct'],
  ['distinct', 'countDistinct'],
  ['earliest', 'first'],
  ['latest', 'last'],
  ['max_by', 'maxBy'],
  ['maximum', 'max'],
  ['mean', 'avg'],
  ['min_by', 'minBy'],
  ['minimum', 'min'],
  ['percentile', 'quantile'],
  ['stdev', 'stddev'],
  ['top', 'topK'],
  ['total', 'sum'],
])
