/** The schemas of formats that sinks write by one: in the document, or in a file beside it. */
import { z } from 'zod'
import { avroType } from '../../commit/format/avro.ts'
import type { AvroRows, ProtobufRows } from '../../commit/format/plan.ts'
import { QuorateError } from '../../errors.ts'
import { readProto } from '../protobuf.ts'
import { isSchemaFile } from './format.ts'
import { pattern, text, wholeNumber } from './values.ts'
import { expects, type Reporter, report, strict } from './words.ts'

const given = (what: string, example: string) => ({
  schema: text(what).optional().meta({ description: 'The schema itself.' }),
  file: text('a relative path to a schema')
    .check(z.refine(isSchemaFile, expects(`a relative path to a schema, such as ${example}`)))
    .optional()
    .meta({ description: 'A file with the schema, relative to the document.' }),
})

const id = () =>
  wholeNumber('the id that the registry gave the schema', 0, 4_294_967_295)
    .optional()
    .meta({ description: 'Values begin with it, as a schema registry frames them.' })

const message = () =>
  pattern('the full name of a message, such as travel.Delays', /^[A-Za-z_][A-Za-z0-9_.]{0,255}$/)
    .optional()
    .meta({ description: 'What a row is. Default: the first message of the schema.' })

interface Given {
  readonly schema?: string | undefined
  readonly file?: string | undefined
  readonly id?: number | undefined
}

/** The schema that is given in one of the two ways; undefined where something is wrong, which is reported. */
function schemaIn({ schema, file }: Given, reporter: Reporter): string | undefined {
  if (schema !== undefined) return schema
  const sentence =
    file === undefined
      ? 'expected one of "schema" or "file"; found none'
      : 'a schema file can be named only where the document is read from disk, and this one was sent'
  report(reporter, file === undefined ? [] : ['file'], 'a schema', {
    sentence,
    suggestion: 'write the schema here, as schema',
  })
  return undefined
}

function avroRows(value: Given, reporter: Reporter): AvroRows {
  const schema = schemaIn(value, reporter)
  if (schema === undefined) return z.NEVER
  try {
    avroType(schema)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    report(reporter, ['schema'], 'an Avro schema', { sentence: `the Avro schema cannot be used: ${why}` })
  }
  return { kind: 'avro', schema, ...(value.id === undefined ? {} : { id: value.id }) }
}

function protobufRows(value: Given & { readonly message?: string | undefined }, reporter: Reporter): ProtobufRows {
  const source = schemaIn(value, reporter)
  if (source === undefined) return z.NEVER
  try {
    const schema = readProto(source)
    const { message = schema.places['0'] ?? '' } = value
    if (Object.values(schema.places).includes(message)) {
      return { kind: 'protobuf', schema, message, ...(value.id === undefined ? {} : { id: value.id }) }
    }
    const known = Object.values(schema.places).slice(0, 5).join(', ')
    const sentence = `the schema has no message "${message}"; it has ${known}`
    report(reporter, ['message'], 'a message of the schema', { sentence })
  } catch (error) {
    if (!(error instanceof QuorateError)) throw error
    report(reporter, ['schema'], 'the text of a .proto file', { sentence: error.message })
  }
  return z.NEVER
}

const AVRO = given('an Avro schema in JSON, of a record', '../schemas/delays.avsc')
const PROTO = { ...given('the text of a .proto file', '../schemas/delays.proto'), message: message() }

/** Of values that may be framed by the id of their schema. */
export const framedFormats = () => ({
  avro: strict('Avro with a schema, such as { file: delays.avsc, id: 7 }', { ...AVRO, id: id() })
    .transform(avroRows)
    .optional(),
  protobuf: strict('Protobuf with a schema, such as { file: delays.proto, id: 7 }', { ...PROTO, id: id() })
    .transform(protobufRows)
    .optional(),
})

/** Of files, which hold their schema, or belong to somebody who has it. */
export const bareFormats = () => ({
  avro: strict('Avro with a schema, such as { file: delays.avsc }', AVRO).transform(avroRows).optional(),
  protobuf: strict('Protobuf with a schema, such as { file: delays.proto }', PROTO).transform(protobufRows).optional(),
})
