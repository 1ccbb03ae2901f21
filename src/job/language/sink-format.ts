/** How a sink of topics writes the values of rows: as they were certified, in JSON, or in MessagePack, Avro or Protocol Buffers. */
import { z } from 'zod'
import type { RowFormat } from '../../commit/format/plan.ts'
import { framedFormats } from './sink-schema.ts'
import { pattern } from './values.ts'
import { expects, oneOf } from './words.ts'

const WHAT = '"json", "msgpack", or avro or protobuf with a schema'

/** Undefined after parsing: as it was certified. */
export const sinkFormat = () =>
  z.union(
    [
      pattern(WHAT, /^(?:json|msgpack)$/)
        .meta({ enum: ['json', 'msgpack'] })
        .transform((word): RowFormat | undefined => (word === 'msgpack' ? 'msgpack' : undefined)),
      oneOf('one format: avro or protobuf', framedFormats()).transform(
        ({ avro, protobuf }): RowFormat | undefined => avro ?? protobuf,
      ),
    ],
    expects(WHAT),
  )
