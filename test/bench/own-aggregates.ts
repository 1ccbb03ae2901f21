/** Aggregates of a module that do what one of the language does, to be measured beside it. */
import { type AggregatePlan, provideFunctions, type UserAggregate } from '../../operators/index.ts'
import { aggregate } from '../operators/stage-harness.ts'

const HASH = 'b'.repeat(64)

interface Mean {
  readonly n: number
  readonly sum: number
}

const OWN: Readonly<Record<string, UserAggregate>> = {
  total: {
    args: ['number'],
    returns: 'number',
    init: () => 0,
    add: (sum: number, x: number) => sum + x,
    merge: (a: number, b: number) => a + b,
    result: (sum: number) => sum,
  },
  mean: {
    args: ['number'],
    returns: 'number',
    init: (): Mean => ({ n: 0, sum: 0 }),
    add: ({ n, sum }: Mean, x: number): Mean => ({ n: n + 1, sum: sum + x }),
    merge: (a: Mean, b: Mean): Mean => ({ n: a.n + b.n, sum: a.sum + b.sum }),
    result: ({ n, sum }: Mean) => (n === 0 ? null : sum / n),
  },
}
provideFunctions({ hash: HASH, functions: new Map(), aggregates: new Map(Object.entries(OWN)) })

const own = (name: string): AggregatePlan => ({
  ...aggregate('value', 'own', '[price]'),
  own: { aggregate: name, functions: HASH },
})

export const OWN_AGGREGATES: Readonly<Record<string, AggregatePlan>> = {
  'own: a sum': own('total'),
  'own: a mean': own('mean'),
}
