/** Operators over records in order, each in place of the window of a plain stage. */
import type { AggregatePlan, OrderedPlan, StagePlan } from '../../operators/index.ts'
import { expression } from '../operators/stage-harness.ts'

const stage = { contiguity: 'relaxed', inner: 'relaxed', negated: false, optional: false, least: 1, most: 1 } as const

const COUNT: OrderedPlan = { kind: 'count', size: 10, slide: 10, emitPartial: false }

export function orderedPlans({ window: _, ...plain }: StagePlan): Record<string, StagePlan> {
  const on = (ordered: OrderedPlan, aggregates: readonly AggregatePlan[] = []): StagePlan => ({
    ...plain,
    ordered,
    aggregates,
  })
  const stages = [
    { ...stage, name: 'low', where: expression('price < 1000') },
    { ...stage, name: 'high', where: expression('price > 100 * low.price') },
  ]
  return {
    'before a shuffle of records': {
      ...on(COUNT, plain.aggregates),
      output: { kind: 'shuffle', partitions: 4, carries: 'records' },
    },
    'count of 10': on(COUNT, plain.aggregates),
    'sliding 1 s': on({ kind: 'sliding', differenceMs: 1_000, graceMs: 0 }, plain.aggregates),
    'rolling, last 10': on({ kind: 'rolling', last: 10 }, plain.aggregates),
    'dedupe by bidder': on({ kind: 'dedupe', by: expression('bidder'), withinMs: 10_000 }),
    'changes of channel': on({ kind: 'changes', of: expression('channel') }),
    'a pattern of two stages': on({
      kind: 'pattern',
      stages,
      withinMs: 10_000,
      afterMatch: { strategy: 'pastLast' },
      select: { price: expression('high.price') },
    }),
  }
}
