/** Which aggregates are objects, and what each is made with. */
import type { AggregatePlan } from '../plan.ts'
import { CollectState } from './collect.ts'
import { DistinctState } from './distinct.ts'
import { EdgeState } from './edge.ts'
import { MomentsState } from './moments.ts'
import { QuantileState } from './quantile.ts'
import { RankedState } from './ranked.ts'
import type { AggregateState } from './state.ts'
import { TopKState } from './top-k.ts'

/** A maker of states that are empty; undefined for an aggregate that is a few numbers. */
export function stateMaker({ name, kind, parameter }: AggregatePlan): (() => AggregateState) | undefined {
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
    default: {
      if (parameter === undefined) throw new RangeError(`aggregate "${name}": ${kind} needs a parameter`)
      if (kind === 'collect') return () => new CollectState(parameter)
      if (kind === 'topBy') return () => new RankedState(kind, parameter)
      return kind === 'topK' ? () => new TopKState(parameter) : () => new QuantileState(parameter)
    }
  }
}

/** What an aggregate is given of a record. */
export function takes(kind: AggregatePlan['kind']): 'condition' | 'number' | 'value' | 'ranked' {
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
    default:
      return 'number'
  }
}
