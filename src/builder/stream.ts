/**
 * A job in TypeScript, step by step: every method gives a new stream whose type says what records are by then, so a field that is
 * not there, or a window without aggregates, does not compile. What comes out is the document of docs/jobs.md and nothing else.
 */
import { Building } from './building.ts'
import { type Cel, type Comparison, type Condition, type Operand, textOf, type ValueOf } from './expression.ts'
import type { Duration, Pattern, SourceOptions, Window } from './options.ts'
import type { At, Name, Path, PathTo, Plain, Untyped } from './path.ts'
import { calledFrom } from './place.ts'
import type {
  Aggregated,
  Cast,
  Casts,
  Computed,
  Finished,
  Names,
  Operands,
  RecordRow,
  Regrouped,
  Renamed,
} from './rows.ts'

/** Records as they pass, which another stage can take. */
export interface Passed<Value, Key, Input>
  extends Finished<Input, RecordRow<Key, Value>>,
    Regrouped<Value, null, Input> {}

/** What can hold records. */
export interface Holding<Value, Key, Input> {
  /** The windows that aggregates are made over. */
  window(window: Window): Aggregated<Value, Key, 'window', Input>
  /** A row for each record, over the last records of its key, or those of so much time, itself included. */
  rolling(over: { readonly last: number } | { readonly within: Duration }): Aggregated<Value, Key, 'rolling', Input>
  /** Lets pass the first of records with the same value of `by`, and the next one `within` or more after it. */
  dedupe(options: { readonly by: Operand<Value>; readonly within: Duration }): Passed<Value, Key, Input>
  /** Lets pass the records where `of` is another value than in the record before of the key. */
  changes(options: { readonly of: Operand<Value> }): Passed<Value, Key, Input>
  /** A row for each sequence of records that is found. `Match`: what it says, which is not looked at. */
  pattern<Match = Untyped>(pattern: Pattern): Passed<Match, Key, Input>
}

/** Records with a key. */
export interface Keyed<Value, Key, Input> extends Finished<Input, RecordRow<Key, Value>>, Holding<Value, Key, Input> {}

type ItemOf<List> = List extends readonly (infer Item)[] ? Item : unknown

/** Records, before they have a key. */
export interface Stream<Value, Input = Value> extends Keyed<Value, null, Input> {
  /** Lets pass the records for which an expression is true. */
  filter(condition: Condition): Stream<Value, Input>
  /** Lets pass the records whose field compares so, such as `filter('price', '>', 100)`. */
  filter<To extends Path<Value>>(
    path: To,
    comparison: Comparison<At<Value, To>>,
    value: At<Value, To>,
  ): Stream<Value, Input>
  filter<To extends Path<Value>>(path: To, comparison: 'in', values: readonly At<Value, To>[]): Stream<Value, Input>
  /** Replaces the record by these fields. */
  map<const Given extends Operands<Value>>(fields: Given): Stream<Computed<Value, Given>, Input>
  /** Adds these fields and keeps the others. */
  compute<const Given extends Operands<Value>>(
    fields: Given,
  ): Stream<Plain<Omit<Value, keyof Given> & Computed<Value, Given>>, Input>
  /** Keeps these fields and no others. */
  project<const Given extends Names<Value>>(...fields: Given): Stream<Plain<Pick<Value, Given[number]>>, Input>
  /** Takes these fields away, where they are. */
  drop<const Given extends Names<Value>>(...fields: Given): Stream<Plain<Omit<Value, Given[number]>>, Input>
  /** New names, each with the old one. */
  rename<const Given extends Readonly<Record<string, Name<Value>>>>(fields: Given): Stream<Renamed<Value, Given>, Input>
  /** Gives fields another type; null stays null. */
  cast<const Given extends Casts<Value>>(fields: Given): Stream<Cast<Value, Given>, Input>
  /** Makes a record of each item of a list, with the other fields beside it. */
  explode<
    const List extends PathTo<Value, readonly unknown[]> | Cel<readonly unknown[]>,
    const As extends string,
    const Index extends string = never,
  >(
    list: List,
    as: As,
    index?: Index,
  ): Stream<
    Plain<
      Omit<Value, As | Index> & { readonly [Field in As]: ItemOf<ValueOf<Value, List>> } & {
        readonly [Field in Index]: number
      }
    >,
    Input
  >
  /** What records are grouped by: the value of one operand, or the list of the values of several. */
  keyBy<const Only extends Operand<Value>>(key: Only): Keyed<Value, ValueOf<Value, Only>, Input>
  keyBy<const Keys extends readonly [Operand<Value>, Operand<Value>, ...Operand<Value>[]]>(
    ...keys: Keys
  ): Keyed<Value, { readonly [Position in keyof Keys]: ValueOf<Value, Keys[Position]> }, Input>
}

/** The records of a topic. `Value` is what they are; without it every path compiles, and every value is `unknown`. */
export function stream<Value = Untyped>(topic: string, options: SourceOptions<Value> = {}): Stream<Value> {
  const { partitionedBy, ...rest } = options as SourceOptions<Untyped>
  const keys = partitionedBy === undefined ? [] : [partitionedBy].flat()
  const source = { topic, ...rest, ...(keys.length === 0 ? {} : { partitionedBy: keys.map(textOf) }) }
  // One of the places where what runs meets the types: steps that the types forbid are forbidden by the language as well.
  return new Building(
    { source, pipeline: [], sinks: [] },
    new Map([['/source', calledFrom()]]),
  ) as unknown as Stream<Value>
}
