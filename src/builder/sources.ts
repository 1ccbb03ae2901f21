/** Jobs of several sources: records that come together in one pipeline, and joins of two of them. */
import { Building, type Places, textsOf } from './building.ts'
import { type Cel, type Condition, conditionText, type Operand, textOf, type ValueOf } from './expression.ts'
import type { Duration } from './options.ts'
import { calledFrom } from './place.ts'
import type { Rows } from './rows.ts'
import type { Stream } from './stream.ts'

// biome-ignore lint/suspicious/noExplicitAny: a stream of any records, which each place looks at.
type Streams = Readonly<Record<string, Stream<any, any>>>
type ValueIn<Given> = Given extends Stream<infer Value, infer _> ? Value : never
type InputIn<Given> = Given extends Stream<infer _, infer Input> ? Input : never

/** The records of several topics in one stream, each with its own steps before. */
export function union<const Sources extends Streams>(
  sources: Sources,
): Stream<ValueIn<Sources[keyof Sources]>, InputIn<Sources[keyof Sources]>> {
  const { parts, places } = together(sources)
  return new Building({ sources: parts, pipeline: [], sinks: [] }, places) as unknown as Stream<
    ValueIn<Sources[keyof Sources]>,
    InputIn<Sources[keyof Sources]>
  >
}

type JoinType = 'inner' | 'left' | 'right' | 'outer'
type OneOrMore<Value> = Operand<Value> | readonly [Operand<Value>, ...Operand<Value>[]]

interface On<Left, Right> {
  readonly left: OneOrMore<Left>
  readonly right: OneOrMore<Right>
}

type Together =
  /** Two streams: how far apart in event time two records may be. */
  | { readonly within: Duration | { readonly before: Duration; readonly after: Duration } }
  /** Two streams: both are in the same window. */
  | { readonly window: { readonly tumbling: Duration; readonly offset?: Duration } }
  /** The right is a table, or both are. */
  | { readonly table: 'right' | 'both'; readonly delete?: { readonly left?: Condition; readonly right?: Condition } }

/** A side that may be without a partner is null then. */
type Pair<Left extends string, Right extends string, LeftValue, RightValue, Type extends JoinType> = {
  readonly [Name in Left]: LeftValue | (Type extends 'right' | 'outer' ? null : never)
} & { readonly [Name in Right]: RightValue | (Type extends 'left' | 'outer' ? null : never) }

/** Names of the sides that a row may be without. */
type MayMiss<Left, Right, Type extends JoinType> = Type extends 'inner'
  ? never
  : Type extends 'left'
    ? Right
    : Type extends 'right'
      ? Left
      : Left | Right

/** What is read of a side that is not there is null. */
type BelowNull<Given, Side> = Side extends string ? (Given extends `${Side}.${string}` ? null : never) : never

/**
 * Rows of the records of two topics that have the same key and come together in time. Without `select` a row has both records, under
 * the names of their sources.
 */
export function join<
  const Sources extends Streams,
  const Left extends keyof Sources & string,
  const Right extends Exclude<keyof Sources & string, Left>,
  const Type extends JoinType = 'inner',
  const Select extends Readonly<
    Record<string, Operand<Pair<Left, Right, ValueIn<Sources[Left]>, ValueIn<Sources[Right]>, Type>>>
  > = never,
>(
  sources: Sources,
  options: {
    readonly left: Left
    readonly right: Right
    readonly type?: Type
    readonly on: On<ValueIn<Sources[Left]>, ValueIn<Sources[Right]>>
    readonly select?: Select
  } & Together,
): Rows<
  [Select] extends [never]
    ? Pair<Left, Right, ValueIn<Sources[Left]>, ValueIn<Sources[Right]>, Type>
    : {
        [Field in keyof Select]:
          | ValueOf<Pair<Left, Right, ValueIn<Sources[Left]>, ValueIn<Sources[Right]>, Type>, Select[Field]>
          | BelowNull<Select[Field], MayMiss<Left, Right, Type>>
      },
  unknown,
  'record',
  InputIn<Sources[keyof Sources]>
> {
  const { parts, places } = together(sources)
  const all = new Map([...places, ['/join', calledFrom()]])
  const document = documentOf(options as Loose)
  return new Building({ sources: parts, join: document, pipeline: [], sinks: [] }, all) as unknown as ReturnType<
    typeof join<Sources, Left, Right, Type, Select>
  >
}

/** Records of all sources under their names; of those in `Missing` a row may be without. */
type All<Sources extends Streams, Missing = never> = {
  readonly [Name in keyof Sources & string]: ValueIn<Sources[Name]> | (Name extends Missing ? null : never)
}

/** The first join names its left source; those after it join the rows so far with one source more. */
type Listed<Sources extends Streams> = {
  readonly [Right in keyof Sources & string]: {
    readonly left?: keyof Sources & string
    readonly right: Right
    readonly type?: 'inner' | 'left'
    readonly on: { readonly left: OneOrMore<All<Sources>> | string; readonly right: OneOrMore<ValueIn<Sources[Right]>> }
  } & Together
}[keyof Sources & string]

type LeftOut<List> = List extends { readonly type: 'left'; readonly right: infer Right } ? Right : never

/**
 * Joins one after another: each takes the rows of those before and one source more. What rows say is selected last; left operands of
 * later joins are paths in the records by the names of their sources.
 */
export function joins<
  const Sources extends Streams,
  const List extends readonly [Listed<Sources>, Listed<Sources>, ...Listed<Sources>[]],
  const Select extends Readonly<Record<string, Operand<All<Sources, LeftOut<List[number]>>>>>,
>(
  sources: Sources,
  list: List,
  select: Select,
): Rows<
  {
    [Field in keyof Select]:
      | ValueOf<All<Sources, LeftOut<List[number]>>, Select[Field]>
      | BelowNull<Select[Field], LeftOut<List[number]>>
  },
  unknown,
  'record',
  InputIn<Sources[keyof Sources]>
> {
  const { parts, places } = together(sources)
  const all = new Map([...places, ['/joins', calledFrom()]])
  const documents = list.map((each, i) =>
    documentOf({ ...(each as unknown as Loose), ...(i === list.length - 1 ? { select } : {}) } as Loose),
  )
  return new Building({ sources: parts, joins: documents, pipeline: [], sinks: [] }, all) as unknown as ReturnType<
    typeof joins<Sources, List, Select>
  >
}

function documentOf({ on, select, ...rest }: Loose): object {
  return {
    ...rest,
    on: { left: textsIn(on.left), right: textsIn(on.right) },
    ...(rest.delete === undefined ? {} : { delete: conditionsIn(rest.delete) }),
    ...(select === undefined ? {} : { select: textsOf(select) }),
  }
}

/** The options without the types of their operands. */
interface Loose {
  readonly on: { readonly left: Keys; readonly right: Keys }
  readonly select?: Readonly<Record<string, string | Cel>>
  readonly delete?: Readonly<Record<string, Condition>>
}

type Keys = string | Cel | readonly (string | Cel)[]

const textsIn = (keys: Keys): string[] => [keys].flat().map((key) => textOf(key as string | Cel))

const conditionsIn = (conditions: Readonly<Record<string, Condition>>) =>
  Object.fromEntries(Object.entries(conditions).map(([side, condition]) => [side, conditionText(condition)]))

function together(sources: Streams): { readonly parts: Readonly<Record<string, object>>; readonly places: Places } {
  const each = Object.entries(sources).map(([name, stream]) => {
    return { name, ...(stream as unknown as Building).asSource(`/sources/${name}`) }
  })
  return {
    parts: Object.fromEntries(each.map(({ name, part }) => [name, part])),
    places: new Map(each.flatMap(({ places }) => [...places])),
  }
}
