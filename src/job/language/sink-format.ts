/** How a sink of topics writes the values of rows: as they were certified, in JSON, or in MessagePack or Avro. */
import { z } from 'zod'
import { avroType } from '../../commit/format/avro.ts'
import type { RowFormat } from '../../commit/format/plan.ts'
import { isSchemaFile } from './format.ts'
import { pattern, text, wholeNumber } from './values.ts'
import { expects, report, strict } from './words.ts'

const WHAT = '"json", "msgpack", or avro with a schema'
const AVRO = 'Avro with a schema, such as { file: delays.avsc, id: 7 }'

const avro = () =>
  strict(AVRO, {
    schema: text('an Avro schema in JSON').optional().meta({ description: 'The schema itself, of a record.' }),
    file: text('a relative path to a schema')
      .check(z.refine(isSchemaFile, expects('a relative path to a schema, such as ../schemas/delays.avsc')))
      .optional()
      .meta({ description: 'A file with the schema, relative to the document.' }),
    id: wholeNumber('the id that the registry gave the schema', 0, 4_294_967_295)
      .optional()
      .meta({ description: 'Values begin with it, as a schema registry frames them.' }),
  }).transform(({ schema, file, id }, reporter): RowFormat => {
    if (schema === undefined) {
      const sentence =
        file === undefined
          ? 'expected one of "schema" or "file"; found none'
          : 'a schema file can be named only where the document is read from disk, and this one was sent'
      report(reporter, file === undefined ? [] : ['file'], 'a schema', {
        sentence,
        suggestion: 'write the schema here, as schema',
      })
      return 'msgpack'
    }
    const error = errorIn(schema)
    if (error !== undefined)
      report(reporter, ['schema'], 'an Avro schema', { sentence: `the Avro schema cannot be used: ${error}` })
    return { kind: 'avro', schema, ...(id === undefined ? {} : { id }) }
  })

function errorIn(schema: string): string | undefined {
  try {
    avroType(schema)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Undefined after parsing: as it was certified. */
export const sinkFormat = () =>
  z.union(
    [
      pattern(WHAT, /^(?:json|msgpack)$/)
        .meta({ enum: ['json', 'msgpack'] })
        .transform((word): RowFormat | undefined => (word === 'msgpack' ? 'msgpack' : undefined)),
      strict('one format: avro', { avro: avro() }).transform(({ avro }): RowFormat | undefined => avro),
    ],
    expects(WHAT),
  )
