/**
 * How the records of a source are written. Formats that need a schema have it in the document, or in a file beside it, or name
 * the subject of a registry: whoever sends the document puts the schemas into it, so peers ask nobody.
 */
import { z } from 'zod'
import { type FormatPlan, OperatorError } from '../../../operators/index.ts'
import { QuorateError } from '../../errors.ts'
import { JOB_LIMITS } from '../limits.ts'
import { readProto } from '../protobuf.ts'
import { stageErrorIn } from './expressions.ts'
import { choiceOf, pattern, text, wholeNumber } from './values.ts'
import { expects, type Reporter, report, requires, strict } from './words.ts'

const PLAIN = ['json', 'yaml', 'toml', 'msgpack'] as const

const SCHEMA_FILE = /^(?!\/)[^\\\p{Cc}]{1,200}\.(?:avsc|json|proto)$/u
export const isSchemaFile = (path: string): boolean => SCHEMA_FILE.test(path)

interface Given {
  readonly schema?: string | undefined
  readonly file?: string | undefined
}

const given = (what: string) => ({
  schema: text(what).optional().meta({ description: 'The schema itself.' }),
  file: pattern('a relative path to a schema, such as ../schemas/flight.avsc', SCHEMA_FILE)
    .optional()
    .meta({ description: 'A file with the schema, relative to the document.' }),
})

const version = (what: string) =>
  strict('a version such as { id: 7, file: flight.avsc }', {
    id: wholeNumber('the id that the registry gave the schema', 0, 4_294_967_295).meta({
      description: 'Records name their schema by this.',
    }),
    ...given(what),
  }).check(z.superRefine((value, reporter) => checkOne({ schema: value.schema, file: value.file }, value, reporter)))

const sources = (what: string) => ({
  ...given(what),
  registry: z
    .array(version(what), requires('a list of versions, each with its id'))
    .min(1, expects('at least one version'))
    .max(JOB_LIMITS.schemas, expects(`at most ${JOB_LIMITS.schemas} versions`))
    .optional()
    .meta({ description: 'Records are framed as by a schema registry, and name one of these schemas.' }),
  subject: pattern('the name of a subject of the registry, such as flights-value', /^[^\p{Cc}]{1,200}$/u)
    .optional()
    .meta({ description: 'All versions of it are taken from the registry when the document is sent.' }),
})

/** Exactly one of the ways to give a schema. */
function checkOne(ways: object, value: object, reporter: Reporter): void {
  const names = Object.keys(ways)
  const found = names.filter((name) => Object.hasOwn(value, name) && value[name as keyof typeof value] !== undefined)
  if (found.length === 1) return
  const what = choiceOf(names)
  const sentence = `expected one of ${what}; found ${found.length === 0 ? 'none' : found.join(' and ')}`
  report(reporter, [], what, { sentence })
}

interface Schemas extends Given {
  readonly registry?: readonly ({ readonly id: number } & Given)[] | undefined
  readonly subject?: string | undefined
}

/** The schemas with their ids, once what was named stands there itself; what still is only named is reported. */
function collect({ schema, file, registry, subject }: Schemas, reporter: Reporter) {
  const named = (path: readonly PropertyKey[], what: string, suggestion: string): void =>
    report(reporter, path, 'a schema', { sentence: what, suggestion })
  const unread = 'a schema file can be named only where the document is read from disk, and this one was sent'
  if (file !== undefined) named(['file'], unread, 'write the schema here, as schema')
  if (subject !== undefined) {
    named(['subject'], 'a subject is looked up when the document is sent', 'give the address: --registry http://…')
  }
  registry?.forEach((each, i) => {
    if (each.file !== undefined) named(['registry', i, 'file'], unread, 'write the schema here, as schema')
    if (registry.findIndex(({ id }) => id === each.id) !== i) {
      named(['registry', i, 'id'], `the id ${each.id} stands here twice`, 'keep one of them')
    }
  })
  const versions = registry ?? [{ schema }]
  return versions.flatMap((each, i) => {
    const id = 'id' in each ? { id: each.id } : {}
    const path = registry === undefined ? ['schema'] : ['registry', i, 'schema']
    return each.schema === undefined ? [] : [{ ...id, schema: each.schema, path }]
  })
}

const AVRO = 'an Avro schema in JSON'

const avro = () =>
  strict('Avro with a schema, such as { file: flight.avsc }', sources(AVRO))
    .check(
      z.superRefine(({ schema, file, registry, subject }, reporter) => {
        checkOne({ schema, file, registry, subject }, { schema, file, registry, subject }, reporter)
      }),
    )
    .transform((value, reporter): FormatPlan => {
      const framing = value.registry === undefined ? 'none' : 'registry'
      const schemas = collect(value, reporter).map(({ path, ...each }) => {
        const error = errorIn({ kind: 'avro', framing: 'none', schemas: [{ schema: each.schema }] })
        if (error !== undefined) report(reporter, path, AVRO, { sentence: error })
        return each
      })
      return { kind: 'avro', framing, schemas }
    })

const PROTO = 'the text of a .proto file'

const protobuf = () =>
  strict('Protobuf with a schema, such as { file: flight.proto, message: travel.Flight }', {
    ...sources(PROTO),
    message: pattern('the full name of a message, such as travel.Flight', /^[A-Za-z_][A-Za-z0-9_.]{0,255}$/)
      .optional()
      .meta({ description: 'What records are. Default: the first of the schema, or what a framed record says.' }),
  })
    .check(
      z.superRefine(({ schema, file, registry, subject }, reporter) => {
        checkOne({ schema, file, registry, subject }, { schema, file, registry, subject }, reporter)
      }),
    )
    .transform((value, reporter): FormatPlan => {
      const { message, registry } = value
      const schemas = collect(value, reporter).flatMap(({ path, schema: source, ...id }) => {
        const read = readSchema(source)
        if (typeof read !== 'string') return [{ ...id, schema: read }]
        report(reporter, path, PROTO, { sentence: read })
        return []
      })
      if (
        message !== undefined &&
        schemas.length > 0 &&
        !schemas.some(({ schema }) => Object.hasOwn(schema.messages, message))
      ) {
        const known = Object.keys(schemas[0]?.schema.messages ?? {})
          .slice(0, 5)
          .join(', ')
        report(reporter, ['message'], 'a message of the schema', {
          sentence: `the schema has no message "${message}"; it has ${known}`,
        })
      }
      const framing = registry === undefined ? 'none' : 'registry'
      return { kind: 'protobuf', framing, ...(message === undefined ? {} : { message }), schemas }
    })

/** The schema, or what is wrong with it. */
function readSchema(source: string) {
  try {
    return readProto(source)
  } catch (error) {
    if (error instanceof QuorateError) return error.message
    throw error
  }
}

function errorIn(format: FormatPlan): string | undefined {
  const input = { kind: 'records', format, time: { kind: 'log' }, outOfOrdernessMs: 0 } as const
  const error = stageErrorIn({ input })
  return error instanceof OperatorError ? `the Avro schema cannot be used: ${error.message}` : undefined
}

const WHAT = `${PLAIN.map((name) => `"${name}"`).join(', ')}, or avro or protobuf with a schema`

const withSchema = () =>
  strict('one format: avro or protobuf', { avro: avro().optional(), protobuf: protobuf().optional() })
    .check(z.superRefine(({ avro, protobuf }, reporter) => checkOne({ avro, protobuf }, { avro, protobuf }, reporter)))
    // Where there is neither, there is an issue already.
    .transform(({ avro, protobuf }): FormatPlan => avro ?? protobuf ?? 'json')

/** A text first and one of these then, so that an object is held against the formats that are objects. */
const plain = () =>
  pattern(WHAT, new RegExp(`^(?:${PLAIN.join('|')})$`))
    .meta({ enum: PLAIN })
    .transform((value): FormatPlan => PLAIN.find((known) => known === value) ?? 'json')

export const format = () => z.union([plain(), withSchema()], expects(WHAT))
