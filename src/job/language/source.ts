/** The source of a job: a topic, how its records are read and timed, and what its silence means. */
import { z } from 'zod'
import type { TimePlan } from '../../../operators/index.ts'
import type { SourceDocument } from '../document.ts'
import { expressionErrorIn, findingFor, keys } from './expressions.ts'
import { format } from './format.ts'
import { choice, duration, flag, pattern, topicName } from './values.ts'
import { report, strict } from './words.ts'

const FIELD = 'the name of a field such as date, or a path such as order.placedAt'

const timePattern = () =>
  pattern('a time pattern of at most 64 characters, such as yyyy/MM/dd HH:mm', /^.{1,64}$/u).check(
    z.superRefine((value, reporter) => {
      const error = expressionErrorIn({
        input: {
          kind: 'records',
          format: 'json',
          time: { kind: 'field', path: ['t'], pattern: value },
          outOfOrdernessMs: 0,
        },
      })
      if (error !== undefined) report(reporter, [], 'a time pattern', findingFor(error, value))
    }),
  )

const time = () =>
  strict('where the time stands, such as { field: date }', {
    field: pattern(FIELD, /^[^.\p{Cc}]{1,128}(?:\.[^.\p{Cc}]{1,128}){0,7}$/u).meta({
      description: 'Epoch milliseconds, or an ISO 8601 text; UTC unless the text says otherwise.',
      examples: ['date', 'order.placedAt'],
    }),
    pattern: timePattern()
      .optional()
      .meta({
        description: 'For texts that are not ISO 8601: yyyy MM dd HH mm ss SSS; other letters in single quotes. UTC.',
        examples: ['yyyy/MM/dd HH:mm'],
      }),
  }).transform(
    ({ field, pattern }): TimePlan => ({
      kind: 'field',
      path: field.split('.'),
      ...(pattern === undefined ? {} : { pattern }),
    }),
  )

export const source = () =>
  strict('a source such as { topic: flights, format: json }', {
    topic: topicName().meta({ description: 'The topic to read. Its cleanup policy must be delete.' }),
    format: format().prefault('json').meta({ description: 'How records are written.' }),
    envelope: choice('cloudevents').optional().meta({
      description:
        'Records are CloudEvents, structured or binary: their attributes are fields, and what is written in the format is the field data.',
    }),
    time: time()
      .optional()
      .meta({ description: 'Where a record says when it happened; omitted: the time that the log gave it.' }),
    outOfOrderness: duration({ most: '520w' }).prefault('0s').meta({
      description: 'How far behind the latest time seen in its partition a record may be without being late.',
    }),
    partitionedBy: keys('what the topic is partitioned by: an expression, or a list of expressions')
      .optional()
      .meta({
        description:
          'Says that records with equal values of this are always in one partition. Where it is what keyBy says, there is no shuffle.',
        examples: ['origin'],
      }),
    from: choice('earliest', 'latest')
      .prefault('earliest')
      .meta({ description: 'Where to begin. The offsets are fixed when the job is submitted.' }),
    bounded: flag()
      .prefault(false)
      .meta({ description: 'End at the offsets that the topic ends with when the job is submitted.' }),
    idleAfter: duration({ least: '100ms', most: '1d' })
      .prefault('10s')
      .meta({ description: 'Silence after which a partition counts as idle.' }),
    onIdle: choice('emit', 'wait', 'close').prefault('emit').meta({
      description:
        'What idleness does: emit shows open windows as rows that are not final, wait does nothing, close closes them.',
    }),
  }).transform(
    ({
      topic,
      format,
      envelope,
      time,
      outOfOrderness,
      partitionedBy,
      from,
      bounded,
      idleAfter,
      onIdle,
    }): SourceDocument => ({
      topic,
      format,
      ...(envelope === undefined ? {} : { envelope }),
      time: time ?? { kind: 'log' },
      outOfOrdernessMs: outOfOrderness,
      ...(partitionedBy === undefined ? {} : { partitionedBy }),
      from,
      bounded,
      idleAfterMs: idleAfter,
      onIdle,
    }),
  )
