/** How a sink writes rows, where it is not the JSON that was certified: plain data, as all of a plan. */
import type { ProtobufSchema } from '../../../operators/index.ts'

export interface AvroRows {
  readonly kind: 'avro'
  /** As JSON text. */
  readonly schema: string
  /** In the registry: it stands before each value, as registries frame it. Absent: the bare datum. */
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

/** Of the values in a topic. */
export type RowFormat = 'msgpack' | AvroRows | ProtobufRows
