/** Where results go. What each store forbids in a name is refused here, before there is a result. */
import { z } from 'zod'
import type { SinkTarget } from '../../commit/sink.ts'
import { expression } from './expressions.ts'
import { fileFormat, type GivenFileFormat, sinkFormat } from './sink-format.ts'
import { pattern, topicName } from './values.ts'
import { oneOf, strict } from './words.ts'

const kafka = () =>
  strict('a sink such as { topic: flight-delays }', {
    topic: topicName().meta({
      description:
        'A topic that exists. The partition of a row is the one that every Kafka client computes from its key.',
    }),
    format: sinkFormat()
      .optional()
      .meta({ description: 'How values are written; keys are JSON. Default: json, the bytes that were certified.' }),
  }).transform(({ topic, format }) => ({ topic, ...(format === undefined ? {} : { format }) }))

const withFormat = <Given extends { readonly format?: GivenFileFormat | undefined }>({ format, ...rest }: Given) => ({
  ...rest,
  ...(format === undefined ? {} : { format }),
})

const format = () =>
  fileFormat().optional().meta({ description: 'How rows are written. Default: json, a line for each row.' })

const DATABASE = 'a database name of 1 to 63 letters, digits, "_" and "-"'
const COLLECTION = 'a collection name of 1 to 120 letters, digits, ".", "_" and "-", without "system." at its start'

const mongodb = () =>
  strict('a sink such as { database: quorate, collection: delays }', {
    database: pattern(DATABASE, /^(?!(?:admin|local|config)$)[A-Za-z0-9_-]{1,63}$/)
      .prefault('quorate')
      .meta({ description: 'Not admin, local or config, which are names of MongoDB itself.' }),
    // The sink keeps its progress in <collection>.quorate.
    collection: pattern(
      COLLECTION,
      /^(?!system\.)(?!.*\.quorate$)[A-Za-z0-9_-](?:[A-Za-z0-9._-]{0,118}[A-Za-z0-9_-])?$/,
    ),
  })

/** AWS's rules for general purpose buckets. */
const BUCKET =
  /^(?!\d+\.\d+\.\d+\.\d+$|xn--|sthree-|amzn-s3-demo-)(?!.*(?:\.\.|-s3alias$|--ol-s3$|\.mrap$|--x-s3$|--table-s3$))[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/

const PREFIX = /^(?!\/)(?!.*\/\/)(?!(?:.*\/)?\.{1,2}(?:\/|$))[A-Za-z0-9!_.*'()/-]{0,512}$/

const s3 = () =>
  strict('a sink such as { bucket: quorate-delays, prefix: flights/ }', {
    bucket: pattern('a bucket name of 3 to 63 lower-case letters, digits, "." and "-", as S3 allows them', BUCKET),
    prefix: pattern('a prefix of at most 512 letters, digits and !_.*\'()-, its parts separated by single "/"', PREFIX)
      .prefault('')
      .meta({ description: 'What the names of all objects begin with; a "/" is added where it has none at its end.' })
      .transform((prefix) => (prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`)),
    format: format(),
  }).transform(withFormat)

/** Relative, each part beginning with a letter or digit: it leads nowhere but down. */
export const SINK_DIRECTORY = /^(?=.{1,200}$)[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/

const file = () =>
  strict('a sink such as { directory: delays }', {
    directory: pattern(
      'a relative path of at most 200 letters, digits, ".", "_" and "-", its parts separated by single "/"',
      SINK_DIRECTORY,
    ).meta({ description: 'Below the directory that each peer is configured with (connections.file.directory).' }),
    format: format(),
  }).transform(withFormat)

const SINK = 'one sink: kafka, mongodb, s3 or file'

const targets = () => ({
  kafka: kafka().optional(),
  mongodb: mongodb().optional(),
  s3: s3().optional(),
  file: file().optional(),
})

interface Targets {
  readonly kafka?: z.output<ReturnType<typeof kafka>> | undefined
  readonly mongodb?: z.output<ReturnType<typeof mongodb>> | undefined
  readonly s3?: z.output<ReturnType<typeof s3>> | undefined
  readonly file?: z.output<ReturnType<typeof file>> | undefined
}

/** A sink before the columns of Parquet are known (parquet-columns.ts). */
export type GivenTarget = Exclude<SinkTarget, { readonly kind: 's3' | 'file' }> | GivenFiles

type GivenFiles =
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string; readonly format?: GivenFileFormat }
  | { readonly kind: 'file'; readonly directory: string; readonly format?: GivenFileFormat }

function targetIn({ kafka, mongodb, s3, file }: Targets): GivenTarget {
  if (kafka !== undefined) return { kind: 'kafka', ...kafka }
  if (mongodb !== undefined) return { kind: 'mongodb', ...mongodb }
  if (s3 !== undefined) return { kind: 's3', ...s3 }
  if (file !== undefined) return { kind: 'file', ...file }
  // Only where a name is unknown, for which there is an issue already.
  return z.NEVER
}

export const sink = () => oneOf(SINK, targets()).transform(targetIn)

/** A sink of rows, which may be for some of them. */
export const sinkWithBranch = () =>
  oneOf(SINK, targets(), {
    where: expression('a condition on rows, such as flights > 100')
      .optional()
      .meta({
        description: 'Only rows for which this is true go there; what no longer does is taken back.',
        examples: ['flights > 100'],
      }),
  }).transform(({ where, ...rest }): GivenTarget & { readonly where?: string } => ({
    ...targetIn(rest),
    ...(where === undefined ? {} : { where }),
  }))

/** What two sinks of a job must not have in common: they would write over one another. */
export function targetOf(sink: GivenTarget): string {
  switch (sink.kind) {
    case 'kafka':
      return `kafka topic "${sink.topic}"`
    case 'mongodb':
      return `mongodb collection "${sink.database}.${sink.collection}"`
    case 's3':
      return `s3 bucket "${sink.bucket}" with prefix "${sink.prefix}"`
    case 'file':
      return `directory "${sink.directory}"`
  }
}
