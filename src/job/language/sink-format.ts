/** How sinks write rows: topics their values, files and objects all that a line of JSON says. */
import { z } from 'zod'
import { COLUMN_TYPES, type ColumnType, type FileFormat, type RowFormat } from '../../commit/format/plan.ts'
import { JOB_LIMITS } from '../limits.ts'
import { bareFormats, framedFormats } from './sink-schema.ts'
import { choice, fieldName, pattern } from './values.ts'
import { expects, oneOf, report, strict } from './words.ts'

const WHAT = '"json", "toml", "msgpack", or avro or protobuf with a schema'

/** Undefined after parsing: as it was certified. */
export const sinkFormat = () =>
  z.union(
    [
      pattern(WHAT, /^(?:json|toml|msgpack)$/)
        .meta({ enum: ['json', 'toml', 'msgpack'] })
        .transform((word): RowFormat | undefined => (word === 'toml' || word === 'msgpack' ? word : undefined)),
      oneOf('one format: avro or protobuf', framedFormats()).transform(
        ({ avro, protobuf }): RowFormat | undefined => avro ?? protobuf,
      ),
    ],
    expects(WHAT),
  )

/** Before it is known which columns there are; types by name are for those that are to be other than they would be. */
export interface ParquetFields {
  readonly kind: 'parquet'
  readonly types: Readonly<Record<string, ColumnType>>
}

export type GivenFileFormat = Exclude<FileFormat, { readonly kind: 'parquet' }> | ParquetFields

const FILE_WORDS = ['json', 'yaml', 'toml', 'msgpack', 'parquet'] as const
const FILE_WHAT = `${FILE_WORDS.map((word) => `"${word}"`).join(', ')}, or avro, protobuf or parquet with more about it`

const parquet = () =>
  strict('Parquet with types of columns, such as { columns: { key: text } }', {
    columns: z.record(fieldName(), choice(...COLUMN_TYPES), expects('types by name, such as { key: text }')).check(
      z.superRefine((types, reporter) => {
        if (Object.keys(types).length > JOB_LIMITS.fields) report(reporter, [], `at most ${JOB_LIMITS.fields} columns`)
      }),
    ),
  }).transform(({ columns }): ParquetFields => ({ kind: 'parquet', types: columns }))

function fileFormatOf(word: string): GivenFileFormat | undefined {
  if (word === 'parquet') return { kind: 'parquet', types: {} }
  return word === 'yaml' || word === 'toml' || word === 'msgpack' ? word : undefined
}

/** Undefined after parsing: JSON Lines. */
export const fileFormat = () =>
  z.union(
    [
      pattern(FILE_WHAT, new RegExp(`^(?:${FILE_WORDS.join('|')})$`))
        .meta({ enum: FILE_WORDS })
        .transform(fileFormatOf),
      oneOf('one format: avro, protobuf or parquet', {
        ...bareFormats(),
        parquet: parquet().optional().meta({
          description: 'Types of columns that are not to be as the aggregates say, or of all fields of a record.',
        }),
      }).transform(({ avro, protobuf, parquet }): GivenFileFormat | undefined => avro ?? protobuf ?? parquet),
    ],
    expects(FILE_WHAT),
  )
