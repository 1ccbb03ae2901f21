/** Which fields records of a format have, as far as a schema says it. */
import type { FormatPlan, ProtobufField, ProtobufPlan, ProtobufSchema } from '../format-plan.ts'
import { type AvroType, parseAvroSchema } from './avro-schema.ts'

/**
 * Names of the fields below a path, in the order of the schema; empty below what has no fields; undefined where any could be: no
 * schema says it. With several schemas those of all of them.
 * @throws OperatorError QRT_SCHEMA
 */
export function fieldNames(format: FormatPlan, path: readonly string[]): readonly string[] | undefined {
  if (typeof format === 'string') return undefined
  const found = new Set<string>()
  for (const names of format.kind === 'avro'
    ? format.schemas.map(({ schema }) => namesOfAvro([parseAvroSchema(schema)], path))
    : format.schemas.map(({ schema }) => namesOfMessage(schema, format.message ?? firstOf(format, schema), path))) {
    if (names === undefined) return undefined
    for (const name of names) found.add(name)
  }
  return [...found]
}

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
