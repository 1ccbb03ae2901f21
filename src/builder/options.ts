/**
 * The parts of a document that have no types of their own: where records come from, windows, sinks, quorum. They are written
 * here as in a document, and mean the same; docs/jobs.md explains each.
 */
import type { Cel } from './expression.ts'
import type { Path } from './path.ts'

/** `10s`, `1h30m`, `1d`: whole numbers with units, larger units first. */
export type Duration = string

interface SchemaVersion {
  readonly id: number
  readonly schema?: string
  readonly file?: string
}

interface Schemas {
  readonly schema?: string
  readonly file?: string
  readonly registry?: readonly SchemaVersion[]
  readonly subject?: string
}

export type Format =
  | 'json'
  | 'yaml'
  | 'toml'
  | 'msgpack'
  | { readonly avro: Schemas }
  | { readonly protobuf: Schemas & { readonly message?: string } }

export interface SourceOptions<Value> {
  readonly format?: Format
  readonly envelope?: 'cloudevents'
  /** Absent: the log's own time. */
  readonly time?: { readonly field: Path<Value>; readonly pattern?: string }
  readonly outOfOrderness?: Duration
  /** Promises that records with equal values are always in one partition. */
  readonly partitionedBy?: Path<Value> | Cel | readonly (Path<Value> | Cel)[]
  readonly from?: 'earliest' | 'latest'
  readonly bounded?: boolean
  readonly idleAfter?: Duration
  readonly onIdle?: 'emit' | 'wait' | 'close'
}

/** When rows come, besides the close of the window. */
export type Emit = 'onClose' | 'onUpdate' | { readonly every: Duration } | { readonly count: number }

interface Rows {
  readonly emit?: Emit
}

interface Lateness extends Rows {
  readonly allowedLateness?: Duration
}

export type Window =
  | ({ readonly tumbling: Duration; readonly offset?: Duration } & Lateness)
  | ({ readonly hopping: Duration; readonly every: Duration; readonly offset?: Duration } & Lateness)
  | ({ readonly session: Duration } & Lateness)
  | ({ readonly calendar: 'day' | 'week' | 'month'; readonly zone?: string } & Lateness)
  | ({ readonly global: true; readonly purge?: boolean } & Rows)
  | { readonly count: number; readonly slide?: number; readonly emitPartial?: boolean }
  | { readonly sliding: Duration; readonly allowedLateness?: Duration }

interface RowSchema {
  readonly schema?: string
  readonly file?: string
}

/** Of Protocol Buffers: what a row is, where it is not the first message of the schema. */
interface RowMessage extends RowSchema {
  readonly message?: string
}

/** How values of rows are written. `id`: of the schema in a registry, which stands before each value then. */
export type RowFormat =
  | 'json'
  | 'toml'
  | 'msgpack'
  | { readonly avro: RowSchema & { readonly id?: number } }
  | { readonly protobuf: RowMessage & { readonly id?: number } }

export type ColumnType = 'integer' | 'number' | 'text' | 'boolean' | 'time' | 'json'

/** How files and objects are written. `columns`: types of those that are not to be as the aggregates say. */
export type FileFormat =
  | 'json'
  | 'yaml'
  | 'toml'
  | 'msgpack'
  | 'parquet'
  | { readonly avro: RowSchema }
  | { readonly protobuf: RowMessage }
  | { readonly parquet: { readonly columns: Readonly<Record<string, ColumnType>> } }

export type Sink =
  | { readonly kafka: { readonly topic: string; readonly format?: RowFormat } }
  | { readonly mongodb: { readonly database?: string; readonly collection: string } }
  | { readonly s3: { readonly bucket: string; readonly prefix?: string; readonly format?: FileFormat } }
  | { readonly file: { readonly directory: string; readonly format?: FileFormat } }

export type Quorum =
  | { readonly replicas: number; readonly write: number; readonly read: number; readonly allowForks?: boolean }
  | { readonly file: string }

export interface JobOptions {
  readonly quorum: Quorum
  readonly shuffle?: { readonly partitions: number }
  readonly maxCutAge?: Duration
  readonly retention?: Duration | 'forever'
}

/** One step of a pattern; `where` and `until` are expressions. */
export interface PatternStage {
  readonly name: string
  readonly where?: string
  readonly contiguity?: 'strict' | 'relaxed' | 'relaxedAny'
  readonly times?: number | { readonly least: number; readonly most?: number }
  readonly oneOrMore?: boolean
  readonly inner?: 'strict' | 'relaxed' | 'relaxedAny'
  readonly until?: string
  readonly optional?: boolean
  readonly greedy?: boolean
  readonly negated?: boolean
}

/** Stages of a pattern that come together, so many rounds of them. */
export interface PatternGroup {
  readonly from: string
  readonly to: string
  readonly times?: number | { readonly least: number; readonly most?: number }
  readonly oneOrMore?: boolean
  readonly inner?: 'strict' | 'relaxed' | 'relaxedAny'
  readonly optional?: boolean
}

/** Sequences of records, as a document has them. */
export interface Pattern {
  readonly stages: readonly [PatternStage, ...PatternStage[]]
  readonly groups?: readonly [PatternGroup, ...PatternGroup[]]
  readonly within?: Duration
  readonly afterMatch?:
    | 'skipPastLast'
    | 'skipToNext'
    | 'noSkip'
    | { readonly skipToFirst: string }
    | { readonly skipToLast: string }
  /** Fields of a row, as expressions. */
  readonly select?: Readonly<Record<string, string>>
}
