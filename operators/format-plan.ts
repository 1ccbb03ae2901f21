/** How the records of a source are written: plain data, as all of a plan. */

export type FormatPlan = 'json' | 'yaml' | 'toml' | 'msgpack' | AvroPlan | ProtobufPlan

/**
 * `none`: a record's value is the datum. `registry`: before it stand a zero byte and the id of its schema in four bytes,
 * big-endian, as registries frame it; Protobuf adds which message of the schema it is.
 */
export type Framing = 'none' | 'registry'

/** With `none` there is one schema, without an id; with `registry` each has the id that its records carry. */
export interface AvroPlan {
  readonly kind: 'avro'
  readonly framing: Framing
  /** `schema`: an Avro schema as JSON text. */
  readonly schemas: readonly { readonly id?: number; readonly schema: string }[]
}

export interface ProtobufPlan {
  readonly kind: 'protobuf'
  readonly framing: Framing
  /** Full name of the message that records are. With `registry`, others are errors; absent: any message of the schema. */
  readonly message?: string
  readonly schemas: readonly { readonly id?: number; readonly schema: ProtobufSchema }[]
}

/** A .proto file, read and resolved where the job was compiled. */
export interface ProtobufSchema {
  /** Fields of each message by its full name. */
  readonly messages: Readonly<Record<string, readonly ProtobufField[]>>
  /** Names of each enum's numbers, by its full name; of several names for a number the first. */
  readonly enums: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Full names by place in the file: `0` is its first message, `0/1` the second one inside that. */
  readonly places: Readonly<Record<string, string>>
}

export const PROTOBUF_SCALARS = [
  'double',
  'float',
  'int32',
  'int64',
  'uint32',
  'uint64',
  'sint32',
  'sint64',
  'fixed32',
  'fixed64',
  'sfixed32',
  'sfixed64',
  'bool',
  'string',
  'bytes',
] as const
export type ProtobufScalar = (typeof PROTOBUF_SCALARS)[number]

export interface ProtobufField {
  readonly number: number
  readonly name: string
  readonly type: ProtobufScalar | 'message' | 'enum'
  /** Full name of the message or enum. */
  readonly of?: string
  /** `implicit`: a value that is not there is the default of its type. */
  readonly shape: 'explicit' | 'implicit' | 'repeated' | 'map'
  /** Members of one `oneof` take the place of one another. */
  readonly oneof?: string
  /** Type of the keys of a map. */
  readonly key?: ProtobufScalar
  /** Whoever writes a message has to give it. */
  readonly required?: true
}
