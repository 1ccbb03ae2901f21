/** Which aggregates are objects, and what each is made with. */
import { ExpressionError } from '../errors.ts'
import { findAggregate, type UserAggregate } from '../expression/user-aggregates.ts'
import type { AggregatePlan } from '../plan.ts'
import { CollectState } from './collect.ts'
import { DistinctState } from './distinct.ts'
import { EdgeState } from './edge.ts'
import { MomentsState } from './moments.ts'
import { OwnAggregateState } from './own.ts'
import { QuantileState } from './quantile.ts'
import { RankedState } from './ranked.ts'
import type { AggregateState } from './state.ts'
import { TopKState } from './top-k.ts'

/** A maker of states that are empty; undefined for an aggregate that is a few numbers. */
export function stateMaker(plan: AggregatePlan): (() => AggregateState) | undefined {
  const { name, kind, parameter } = plan
  switch (kind) {
    case 'count':
    case 'sum':
    case 'avg':
    case 'min':
    case 'max':
      return undefined
    case 'variance':
    case 'stddev':
      return () => new MomentsState(kind)
    case 'first':
    case 'last':
      return () => new EdgeState(kind)
    case 'countDistinct':
      return () => new DistinctState()
    case 'maxBy':
    case 'minBy':
      return () => new RankedState(kind, 1)
    case 'own': {
      const own = ownAggregate(plan)
      return () => new OwnAggregateState(own)
    }
    default: {
      if (parameter === undefined) throw new RangeError(`aggregate "${name}": ${kind} needs a parameter`)
      if (kind === 'collect') return () => new CollectState(parameter)
      if (kind === 'topBy') return () => new RankedState(kind, parameter)
      return kind === 'topK' ? () => new TopKState(parameter) : () => new QuantileState(parameter)
    }
  }
}

/** @throws ExpressionError QRT_EXPR_FUNCTIONS where this process does not have the module */
export function ownAggregate({ name, own }: AggregatePlan): UserAggregate {
  const found = own === undefined ? undefined : findAggregate(own.aggregate, own.functions)
  if (found !== undefined) return found.aggregate
  if (own?.functions === undefined) throw new RangeError(`aggregate "${name}": of which module it is is not said`)
  const what = `"${name}" is ${own.aggregate}() of the module ${own.functions}, which this process does not have; start it with --functions and that very file`
  throw new ExpressionError('QRT_EXPR_FUNCTIONS', what, 0)
}

/** What an aggregate is given of a record. */
export function takes(kind: AggregatePlan['kind']): 'condition' | 'number' | 'value' | 'ranked' | 'own' {
  switch (kind) {
    case 'count':
      return 'condition'
    case 'first':
    case 'last':
    case 'collect':
    case 'countDistinct':
      return 'value'
    case 'maxBy':
    case 'minBy':
    case 'topBy':
      return 'ranked'
    case 'own':
      return 'own'
    default:
      return 'number'
  }
}
