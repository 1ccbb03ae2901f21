/** How a sink writes rows, where it is not the JSON that was certified: plain data, as all of a plan. */
import type { ProtobufSchema } from '../../../operators/index.ts'

export interface AvroRows {
  readonly kind: 'avro'
  /** As JSON text. */
  readonly schema: string
  /** In the registry: it stands before each value, as registries frame it. Absent, and in files: the bare datum. */
  readonly id?: number
}

export interface ProtobufRows {
  readonly kind: 'protobuf'
  readonly schema: ProtobufSchema
  /** Full name of what rows are. */
  readonly message: string
  /** As with Avro; which message of the schema it is stands behind it. */
  readonly id?: number
}

/** `time`: an instant in milliseconds. `json`: any value, as the text of its canonical JSON. */
export const COLUMN_TYPES = ['integer', 'number', 'text', 'boolean', 'time', 'json'] as const
export type ColumnType = (typeof COLUMN_TYPES)[number]

export interface ParquetColumn {
  readonly name: string
  /** Where its value is in a row. */
  readonly path: readonly string[]
  readonly type: ColumnType
}

export interface ParquetRows {
  readonly kind: 'parquet'
  readonly columns: readonly ParquetColumn[]
}

/** Of the values in a topic. */
export type RowFormat = 'toml' | 'msgpack' | AvroRows | ProtobufRows

/** Of a file or object with the rows of a batch; where there is none: JSON Lines. */
export type FileFormat = 'yaml' | 'toml' | 'msgpack' | AvroRows | ProtobufRows | ParquetRows
