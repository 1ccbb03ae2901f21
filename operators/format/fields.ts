/** Which fields records of a format have, as far as a schema says it. */
import type { AvroPlan, FormatPlan, ProtobufField, ProtobufPlan, ProtobufSchema } from '../format-plan.ts'
import { type AvroType, parseAvroSchema } from './avro-schema.ts'

/** Names of the fields below a path; undefined where any could be. */
export type FieldNames = (path: readonly string[]) => readonly string[] | undefined

/** Where no schema says which fields there are. */
export const ANY_FIELDS: FieldNames = () => undefined

/**
 * In the order of the schema; empty below what has no fields. With several schemas those of all of them.
 * @throws OperatorError QRT_SCHEMA
 */
export function fieldNames(format: FormatPlan): FieldNames {
  if (typeof format === 'string') return ANY_FIELDS
  const readers = format.kind === 'avro' ? format.schemas.map(avroNames) : format.schemas.map(messageNames(format))
  return (path) => {
    const found = new Set<string>()
    for (const read of readers) {
      const names = read(path)
      if (names === undefined) return undefined
      for (const name of names) found.add(name)
    }
    return [...found]
  }
}

function avroNames({ schema }: AvroPlan['schemas'][number]): FieldNames {
  const type = parseAvroSchema(schema)
  return (path) => namesOfAvro([type], path)
}

const messageNames =
  (format: ProtobufPlan) =>
  ({ schema }: ProtobufPlan['schemas'][number]): FieldNames =>
  (path) =>
    namesOfMessage(schema, format.message ?? firstOf(format, schema), path)

function namesOfAvro(types: readonly AvroType[], [head, ...rest]: readonly string[]): readonly string[] | undefined {
  const branches = types.flatMap((type) => (type.kind === 'union' ? type.branches : [type]))
  if (branches.some(({ kind }) => kind === 'map')) return undefined
  const fields = branches.flatMap((type) => (type.kind === 'record' ? type.fields : []))
  if (head === undefined) return fields.map(({ name }) => name)
  const below = fields.filter(({ name }) => name === head).map(({ type }) => type)
  return below.length === 0 ? [] : namesOfAvro(below, rest)
}

/** Framed records say which message they are. */
const firstOf = ({ framing }: ProtobufPlan, { places }: ProtobufSchema): string | undefined =>
  framing === 'none' ? places['0'] : undefined

function namesOfMessage(
  schema: ProtobufSchema,
  message: string | undefined,
  [head, ...rest]: readonly string[],
): readonly string[] | undefined {
  const fields = message === undefined ? undefined : schema.messages[message]
  if (fields === undefined) return undefined
  if (head === undefined) return fields.map(({ name }) => name)
  const field = fields.find(({ name }) => name === head)
  if (field === undefined || isLeaf(field)) return []
  return field.shape === 'map' ? undefined : namesOfMessage(schema, field.of, rest)
}

const isLeaf = ({ type, shape }: ProtobufField): boolean =>
  shape === 'repeated' || (shape !== 'map' && type !== 'message')
