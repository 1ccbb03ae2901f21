/**
 * A job in TypeScript, step by step: every method gives a new stream whose type says what records are by then, so a field that is
 * not there, or a window without aggregates, does not compile. What comes out is the document of docs/jobs.md and nothing else.
 */
import type { Aggregates, ResultOf, WindowRow } from './aggregate.ts'
import { checkJob } from './check.ts'
import {
  type Cel,
  type Comparison,
  type Condition,
  comparisonText,
  conditionText,
  type Operand,
  textOf,
  type ValueOf,
} from './expression.ts'
import { Job } from './job.ts'
import type { JobOptions, Sink, SourceOptions, Window } from './options.ts'
import type { At, Name, Path, PathTo, Plain, Untyped } from './path.ts'
import { calledFrom, type Place } from './place.ts'

/** Where the rows go, and the job itself. Without any sink, rows can be queried only. */
export interface Finished<Input, Row> {
  /** One sink more. */
  to(sink: Sink): Finished<Input, Row>
  /** Where records go that are late or cannot be read; peers keep them for queries in any case. */
  deadLetters(sink: Sink): Finished<Input, Row>
  /**
   * The job, checked as `submit` checks it.
   * @throws JobInvalidError QRT_JOB_INVALID with every fault, at the line that made it
   */
  job(name: string, options: JobOptions): Job<Input, Row>
}

/** A row of a job without windows. */
export interface RecordRow<Key, Value> {
  readonly key: Key
  readonly value: Value
}

/** Windows of event time, to be aggregated. */
export interface Windowed<Value, Key, Input> {
  /** What each window says of each key. */
  aggregate<const Given extends Aggregates<Value, Given>>(
    aggregates: Given,
  ): Finished<Input, Plain<WindowRow<Key> & { readonly [Field in keyof Given]: ResultOf<Value, Given[Field]> }>>
}

/** Records with a key. */
export interface Keyed<Value, Key, Input> extends Finished<Input, RecordRow<Key, Value>> {
  /** The windows that aggregates are made over. */
  window(window: Window): Windowed<Value, Key, Input>
}

type CastName = 'integer' | 'number' | 'text' | 'boolean'
type Cast<Field, To> = (To extends 'text' ? string : To extends 'boolean' ? boolean : number) | Extract<Field, null>
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
  map<const Fields extends Readonly<Record<string, Operand<Value>>>>(
    fields: Fields,
  ): Stream<{ [Field in keyof Fields]: ValueOf<Value, Fields[Field]> }, Input>
  /** Adds these fields and keeps the others. */
  compute<const Fields extends Readonly<Record<string, Operand<Value>>>>(
    fields: Fields,
  ): Stream<Plain<Omit<Value, keyof Fields> & { [Field in keyof Fields]: ValueOf<Value, Fields[Field]> }>, Input>
  /** Keeps these fields and no others. */
  project<const Fields extends readonly [Name<Value>, ...Name<Value>[]]>(
    ...fields: Fields
  ): Stream<Plain<Pick<Value, Fields[number]>>, Input>
  /** Takes these fields away, where they are. */
  drop<const Fields extends readonly [Name<Value>, ...Name<Value>[]]>(
    ...fields: Fields
  ): Stream<Plain<Omit<Value, Fields[number]>>, Input>
  /** New names, each with the old one. */
  rename<const Fields extends Readonly<Record<string, Name<Value>>>>(
    fields: Fields,
  ): Stream<Plain<Omit<Value, Fields[keyof Fields]> & { [Field in keyof Fields]: Value[Fields[Field]] }>, Input>
  /** Gives fields another type; null stays null. */
  cast<const Fields extends { readonly [Field in Name<Value>]?: CastName }>(
    fields: Fields,
  ): Stream<
    Plain<{ [Field in keyof Value]: Field extends keyof Fields ? Cast<Value[Field], Fields[Field]> : Value[Field] }>,
    Input
  >
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
  // The one place where what runs meets the types: steps that the types forbid are forbidden by the language as well.
  return new Building(
    { source, pipeline: [], sinks: [] },
    new Map([['/source', calledFrom()]]),
  ) as unknown as Stream<Value>
}

interface Parts {
  readonly source: object
  readonly pipeline: readonly object[]
  readonly sinks: readonly Sink[]
  readonly deadLetters?: Sink
}

type Operands = Readonly<Record<string, string | Cel>>

/** The document as far as it is written. Never changed: a stream can be gone on from in two ways. */
class Building {
  readonly #parts: Parts
  readonly #places: ReadonlyMap<string, Place | undefined>

  constructor(parts: Parts, places: ReadonlyMap<string, Place | undefined>) {
    this.#parts = parts
    this.#places = places
  }

  #with(parts: Partial<Parts>, pointer: string): Building {
    return new Building({ ...this.#parts, ...parts }, new Map([...this.#places, [pointer, calledFrom()]]))
  }

  #step(step: object): Building {
    const { pipeline } = this.#parts
    return this.#with({ pipeline: [...pipeline, step] }, `/pipeline/${pipeline.length}`)
  }

  filter(condition: Condition, comparison?: string, value?: unknown): Building {
    const path = conditionText(condition)
    return this.#step({ filter: comparison === undefined ? path : comparisonText(path, comparison, value) })
  }

  map(fields: Operands): Building {
    return this.#step({ map: textsOf(fields) })
  }

  compute(fields: Operands): Building {
    return this.#step({ compute: textsOf(fields) })
  }

  project(...fields: string[]): Building {
    return this.#step({ project: fields })
  }

  drop(...fields: string[]): Building {
    return this.#step({ drop: fields })
  }

  rename(fields: Readonly<Record<string, string>>): Building {
    return this.#step({ rename: fields })
  }

  cast(fields: Readonly<Record<string, string>>): Building {
    return this.#step({ cast: fields })
  }

  explode(list: string | Cel, as: string, index?: string): Building {
    return this.#step({ explode: { list: textOf(list), as, ...(index === undefined ? {} : { index }) } })
  }

  keyBy(...keys: (string | Cel)[]): Building {
    const [first, ...others] = keys.map(textOf)
    return this.#step({ keyBy: others.length === 0 ? first : [first, ...others] })
  }

  window(window: Window): Building {
    return this.#step({ window })
  }

  aggregate(aggregates: Readonly<Record<string, string | Operands>>): Building {
    const texts = Object.entries(aggregates).map(([name, given]) => [name, aggregateText(given)])
    return this.#step({ aggregate: Object.fromEntries(texts) })
  }

  to(sink: Sink): Building {
    const { sinks } = this.#parts
    return this.#with({ sinks: [...sinks, sink] }, `/sinks/${sinks.length}`)
  }

  deadLetters(sink: Sink): Building {
    return this.#with({ deadLetters: sink }, '/deadLetters')
  }

  job(name: string, options: JobOptions): Job {
    const known = [...this.#places, ['', calledFrom()] as const].filter(
      (entry): entry is [string, Place] => entry[1] !== undefined,
    )
    const job = new Job({ name, ...this.#parts, ...options }, new Map(known))
    checkJob(job)
    return job
  }
}

const textsOf = (fields: Operands): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).map(([name, operand]) => [name, textOf(operand)]))

/** Conditions are expressions already, and numbers stay as they are; everything else may be a path. */
function aggregateText(given: string | Operands): unknown {
  if (typeof given === 'string') return given
  const parts = Object.entries(given).map(([name, part]) => {
    if (typeof part !== 'string' && typeof part !== 'object') return [name, part]
    return [name, name === 'count' || name === 'where' ? conditionText(part) : textOf(part)]
  })
  return Object.fromEntries(parts)
}
