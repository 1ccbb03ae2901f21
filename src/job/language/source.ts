/** The source of a job: a topic, how its records are read and timed, and what its silence means. */
import { z } from 'zod'
import type { TimePlan } from '../../../operators/index.ts'
import type { SourceDocument } from '../document.ts'
import { JOB_LIMITS } from '../limits.ts'
import { pointerOf } from '../text/read.ts'
import { keys } from './expressions.ts'
import { format } from './format.ts'
import { recordSteps, stepsBelow } from './pipeline.ts'
import { timeField } from './time-field.ts'
import { choice, duration, flag, pattern, topicName } from './values.ts'
import { expects, type Reporter, report, strict } from './words.ts'

const time = () =>
  strict('where the time stands, such as { field: date }', timeField()).transform(
    ({ field, pattern }): TimePlan => ({
      kind: 'field',
      path: field.split('.'),
      ...(pattern === undefined ? {} : { pattern }),
    }),
  )

/** What is said of a topic, whether it is the only one or one of several. */
const fields = () => ({
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
})

const several = () =>
  strict('a source such as { topic: flights, format: json }', {
    ...fields(),
    pipeline: recordSteps()
      .prefault([])
      .meta({ description: 'Steps of single records that only those of this source go through, before the others.' }),
  })

export const source = () =>
  strict('a source such as { topic: flights, format: json }', {
    ...fields(),
    partitionedBy: keys('what the topic is partitioned by: an expression, or a list of expressions')
      .optional()
      .meta({
        description:
          'Says that records with equal values of this are always in one partition. Where it is what keyBy says, there is no shuffle.',
        examples: ['origin'],
      }),
  }).transform(
    ({ partitionedBy, ...said }): SourceDocument => ({
      ...documentOf(said),
      ...(partitionedBy === undefined ? {} : { partitionedBy }),
      steps: [],
    }),
  )

type Said = Omit<z.output<ReturnType<typeof several>>, 'pipeline'>

const documentOf = ({ topic, format, envelope, time, outOfOrderness, from, bounded, idleAfter, onIdle }: Said) => ({
  topic,
  format,
  ...(envelope === undefined ? {} : { envelope }),
  time: time ?? ({ kind: 'log' } as const),
  outOfOrdernessMs: outOfOrderness,
  from,
  bounded,
  idleAfterMs: idleAfter,
  onIdle,
})

const SOURCES = 'sources by name, such as { bids: { topic: bids }, asks: { topic: asks } }'

const sourceName = () =>
  pattern('a name of 1 to 32 letters, digits and "_" that begins with a letter', /^[A-Za-z][A-Za-z0-9_]{0,31}$/)

/** Several sources; in the order of their names, whatever that of the document is. */
export const sources = () =>
  z
    .record(sourceName(), several(), expects(SOURCES))
    .check(
      z.superRefine((value, reporter) => {
        const count = Object.keys(value).length
        if (count === 0) report(reporter, [], SOURCES)
        if (count > JOB_LIMITS.sources) report(reporter, [], `at most ${JOB_LIMITS.sources} sources`)
      }),
      z.superRefine(checkIdleness),
    )
    .transform((value): SourceDocument[] =>
      Object.keys(value)
        .sort()
        .flatMap((name) => {
          const said = value[name]
          if (said === undefined) return []
          const { pipeline, ...rest } = said
          return { name, ...documentOf(rest), steps: stepsBelow(pointerOf(['sources', name]), pipeline) }
        }),
    )

/** Behind a shuffle, silence is that of all sources together. */
function checkIdleness(value: Readonly<Record<string, { readonly onIdle: string }>>, reporter: Reporter): void {
  const [first, ...others] = Object.entries(value)
  for (const [name, { onIdle }] of others) {
    if (first === undefined || onIdle === first[1].onIdle) continue
    const sentence = `expected onIdle to be the same for all sources; it is "${onIdle}" for ${name} and "${first[1].onIdle}" for ${first[0]}`
    report(reporter, [name], 'the same onIdle', { sentence, atName: true })
    return
  }
}
