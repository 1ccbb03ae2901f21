/** Aggregates as the long form of a document has them, with the type of what each gives. */
import type { Cel, Condition, Operand, ValueOf } from './expression.ts'
import type { PathTo } from './path.ts'

type Numeric = number | bigint
type Numbers<Value> = PathTo<Value, Numeric> | Cel<Numeric | null>

interface Where {
  /** Only records for which this is true are looked at. */
  readonly where?: Condition
}

/** What a window says of each key. `'count()'` counts records. */
export type Aggregate<Value> =
  | 'count()'
  /** How many records fulfil a condition. */
  | ({ readonly count: Condition } & Where)
  | ({ readonly sum: Numbers<Value> } & Where)
  | ({ readonly avg: Numbers<Value> } & Where)
  | ({ readonly min: Numbers<Value> } & Where)
  | ({ readonly max: Numbers<Value> } & Where)
  | ({ readonly variance: Numbers<Value> } & Where)
  | ({ readonly stddev: Numbers<Value> } & Where)
  | ({ readonly median: Numbers<Value> } & Where)
  /** `at`: which quantile, from 0 to 1. */
  | ({ readonly quantile: Numbers<Value>; readonly at: number } & Where)
  /** `limit`: how many of the greatest numbers. */
  | ({ readonly topK: Numbers<Value>; readonly limit: number } & Where)
  | ({ readonly first: Operand<Value> } & Where)
  | ({ readonly last: Operand<Value> } & Where)
  /** `limit`: how many values are kept; 100 where nothing is said. */
  | ({ readonly collect: Operand<Value>; readonly limit?: number } & Where)
  | ({ readonly countDistinct: Operand<Value> } & Where)
  /** The value of the record with the greatest `by`; of equal ones that of the earlier. */
  | ({ readonly maxBy: Operand<Value>; readonly by: Operand<Value> } & Where)
  | ({ readonly minBy: Operand<Value>; readonly by: Operand<Value> } & Where)
  /** The values of the records with the greatest `by`, greatest first. */
  | ({ readonly topBy: Operand<Value>; readonly by: Operand<Value>; readonly limit: number } & Where)
  /** An aggregate of a module, such as `cel<number>('spread(delay)')`. */
  | ({ readonly call: Cel } & Where)

type OwnName<Given> = { readonly [Name in keyof Given & Taken]: never }
type Taken = 'key' | 'window' | 'revision' | 'final' | 'removed'

/** Aggregates by name, none of which is one that every row has. */
export type Aggregates<Value, Given> = Readonly<Record<string, Aggregate<Value>>> & OwnName<Given>

export type ResultOf<Value, Given> = Given extends 'count()' | { readonly count: unknown } | { readonly sum: unknown }
  ? number
  : Given extends { readonly countDistinct: unknown }
    ? number
    : Given extends { readonly call: Cel<infer Said> }
      ? Said
      : Given extends { readonly topK: unknown }
        ? readonly number[]
        : Given extends
              | { readonly first: infer Of }
              | { readonly last: infer Of }
              | { readonly maxBy: infer Of }
              | { readonly minBy: infer Of }
          ? ValueOf<Value, Of> | null
          : Given extends { readonly collect: infer Of } | { readonly topBy: infer Of }
            ? readonly NonNullable<ValueOf<Value, Of>>[]
            : number | null
