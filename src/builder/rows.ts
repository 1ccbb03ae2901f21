/** Rows: what becomes of records, the steps on them, and where they go. */
import type { Aggregates, ResultOf } from './aggregate.ts'
import type { Comparison, Condition, Operand, ValueOf } from './expression.ts'
import type { Job } from './job.ts'
import type { Duration, JobOptions, Sink } from './options.ts'
import type { At, Name, Path, Plain } from './path.ts'
import type { Holding, Stream } from './stream.ts'

/** What a row has besides its fields: a window, the time of its record, or nothing but its key. */
export type RowKind = 'window' | 'rolling' | 'record'

/** What every row of a window has besides its aggregates. */
export interface WindowRow<Key> {
  readonly key: Key
  readonly window: { readonly start: string; readonly end: string }
  readonly revision: number
  readonly final: boolean
}

/** What every row of `rolling` has besides its aggregates. */
export interface RollingRow<Key> {
  readonly key: Key
  readonly time: string
}

/** A row without a window. */
export interface RecordRow<Key, Value> {
  readonly key: Key
  readonly value: Value
}

export type RowOf<Kind extends RowKind, Key, Fields> = Kind extends 'window'
  ? Plain<WindowRow<Key> & Fields>
  : Kind extends 'rolling'
    ? Plain<RollingRow<Key> & Fields>
    : RecordRow<Key, Fields>

/** What expressions see of a row: the bounds of its window are epoch milliseconds. */
type Seen<Kind extends RowKind, Key, Fields> = Kind extends 'window'
  ? Plain<
      Omit<WindowRow<Key>, 'window'> & { readonly window: { readonly start: number; readonly end: number } } & Fields
    >
  : Kind extends 'rolling'
    ? Plain<RollingRow<Key> & Fields>
    : Fields

/** Where the rows go, and the job itself. Without any sink, rows can be queried only. */
export interface Finished<Input, Row> {
  /** One sink more. With `where` it gets only the rows for which that is true. */
  to(sink: Sink, options?: { readonly where?: Condition }): Finished<Input, Row>
  /** Where records go that are late or cannot be read; peers keep them for queries in any case. */
  deadLetters(sink: Sink): Finished<Input, Row>
  /**
   * The job, checked as `submit` checks it.
   * @throws JobInvalidError QRT_JOB_INVALID with every fault, at the line that made it
   */
  job(name: string, options: JobOptions): Job<Input, Row>
}

type CastName = 'integer' | 'number' | 'text' | 'boolean'
export type Casts<Fields> = { readonly [Field in Name<Fields>]?: CastName }
type CastTo<Field, To> = (To extends 'text' ? string : To extends 'boolean' ? boolean : number) | Extract<Field, null>
export type Cast<Fields, Given> = Plain<{
  [Field in keyof Fields]: Field extends keyof Given ? CastTo<Fields[Field], Given[Field]> : Fields[Field]
}>

export type Operands<Value> = Readonly<Record<string, Operand<Value>>>
export type Computed<Value, Given> = { [Field in keyof Given]: ValueOf<Value, Given[Field]> }
export type Renamed<Fields, Given extends Readonly<Record<string, Name<Fields>>>> = Plain<
  Omit<Fields, Given[keyof Given]> & { [Field in keyof Given]: Fields[Given[Field]] }
>
export type Names<Fields> = readonly [Name<Fields>, ...Name<Fields>[]]

/**
 * Another stage over rows that are final, each at the last instant of its window. Without `keyBy` all of them are one group; rows of a
 * join have the key of the join for a window.
 */
export interface Regrouped<Value, Key, Input> extends Pick<Stream<Value, Input>, 'keyBy'>, Holding<Value, Key, Input> {
  /** Which field says when a row happened, at most `within` before the time that it has by itself. */
  time(options: {
    readonly field: Path<Value>
    readonly pattern?: string
    readonly within: Duration
  }): Regrouped<Value, Key, Input>
}

/** Rows and steps on them. Key, window and what else every row has stay as they are. */
export interface Rows<Fields, Key, Kind extends RowKind, Input>
  extends Finished<Input, RowOf<Kind, Key, Fields>>,
    Regrouped<Seen<Kind, Key, Fields>, Kind extends 'record' ? Key : null, Input> {
  /** Which rows are shown. One that was, and for which this holds no more, is taken back. */
  filter(condition: Condition): Rows<Fields, Key, Kind, Input>
  filter<To extends Path<Seen<Kind, Key, Fields>>>(
    path: To,
    comparison: Comparison<At<Seen<Kind, Key, Fields>, To>>,
    value: At<Seen<Kind, Key, Fields>, To>,
  ): Rows<Fields, Key, Kind, Input>
  /** Replaces the fields by these. */
  map<const Given extends Operands<Seen<Kind, Key, Fields>>>(
    fields: Given,
  ): Rows<Computed<Seen<Kind, Key, Fields>, Given>, Key, Kind, Input>
  /** Adds these fields and keeps the others. */
  compute<const Given extends Operands<Seen<Kind, Key, Fields>>>(
    fields: Given,
  ): Rows<Plain<Omit<Fields, keyof Given> & Computed<Seen<Kind, Key, Fields>, Given>>, Key, Kind, Input>
  /** Keeps these fields and no others. */
  project<const Given extends Names<Fields>>(
    ...fields: Given
  ): Rows<Plain<Pick<Fields, Given[number]>>, Key, Kind, Input>
  /** Takes these fields away. */
  drop<const Given extends Names<Fields>>(...fields: Given): Rows<Plain<Omit<Fields, Given[number]>>, Key, Kind, Input>
  /** New names, each with the old one. */
  rename<const Given extends Readonly<Record<string, Name<Fields>>>>(
    fields: Given,
  ): Rows<Renamed<Fields, Given>, Key, Kind, Input>
  /** Gives fields another type; null stays null. */
  cast<const Given extends Casts<Fields>>(fields: Given): Rows<Cast<Fields, Given>, Key, Kind, Input>
}

/** Windows of event time, or the records before each, to be aggregated. */
export interface Aggregated<Value, Key, Kind extends RowKind, Input> {
  /** What each row says of each key. */
  aggregate<const Given extends Aggregates<Value, Given>>(
    aggregates: Given,
  ): Rows<{ readonly [Field in keyof Given]: ResultOf<Value, Given[Field]> }, Key, Kind, Input>
}
