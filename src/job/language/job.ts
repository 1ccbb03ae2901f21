/** A whole job document, and the rules that hold between its parts. */
import { z } from 'zod'
import type { ExpressionPlan } from '../../../operators/index.ts'
import { lastRoundOf, type PipelineDocument, pathOfSource, roundsOf, type SourceDocument } from '../document.ts'
import { JOB_LIMITS } from '../limits.ts'
import { isPartitioned } from '../partitioning.ts'
import { pointerOf } from '../text/read.ts'
import { checkJoin, type JoinParts, join, selectedNames } from './join.ts'
import { checkJoins, joins, selectedByAll } from './joins.ts'
import { checkColumns } from './parquet-columns.ts'
import { pipeline } from './pipeline.ts'
import { quorumOrFile } from './quorum.ts'
import { checkRecordNames } from './record-steps.ts'
import { namesAfter } from './row-steps.ts'
import { checkFirstTime } from './row-time.ts'
import { type GivenTarget, sink, sinkWithBranch, targetOf } from './sinks.ts'
import { source, sources } from './source.ts'
import { duration, jobName, retention, text, wholeNumber } from './values.ts'
import { expects, type Reporter, report, requires, rule, strict } from './words.ts'

/** A place for rows, and which of them go there. */
export type GivenSink = GivenTarget & { readonly where?: ExpressionPlan }

const shuffle = () =>
  strict('a shuffle such as { partitions: 4 }', {
    partitions: wholeNumber(
      `a whole number from 1 to ${JOB_LIMITS.shufflePartitions}`,
      1,
      JOB_LIMITS.shufflePartitions,
    ).meta({ description: 'Units of the stage behind the shuffle. Default: as many as the source has partitions.' }),
  })

const parts = () =>
  strict('a job with name, source, pipeline, sinks and quorum', {
    $schema: text('the address of a schema')
      .optional()
      .meta({ description: 'For editors; it means nothing to the job.' }),
    name: jobName().meta({
      description: 'The name of the job, its own within a cluster.',
      examples: ['flight-delays'],
    }),
    source: source().optional().meta({ description: 'The topic to read, and how.' }),
    sources: sources()
      .optional()
      .meta({ description: 'Several topics by name, in place of source. All their records go through the pipeline.' }),
    join: join().optional().meta({
      description: 'Makes rows of the records of two sources that belong together; the pipeline takes those.',
    }),
    joins: joins().optional().meta({
      description:
        'Several joins one after another, in place of join: each takes the rows of those before, and one more source.',
    }),
    pipeline: pipeline().meta({
      description:
        'Steps in order: those of single records, such as filter and map; then keyBy; then window and aggregate.',
    }),
    sinks: z
      .array(sinkWithBranch(), requires('a list of sinks'))
      .max(JOB_LIMITS.sinks, expects(`at most ${JOB_LIMITS.sinks} sinks`))
      .transform((list): GivenSink[] =>
        list.map(({ where, ...target }, i) => {
          const pointer = pointerOf(['sinks', i, 'where'])
          return where === undefined ? target : { ...target, where: { source: where, pointer } }
        }),
      )
      .prefault([])
      .meta({ description: 'Where results go. Without any, they can be queried only.' }),
    deadLetters: sink()
      .optional()
      .meta({ description: 'Where records go that are late or cannot be read. They can be queried in any case.' }),
    quorum: quorumOrFile().meta({ description: 'How many peers compute, certify and answer.' }),
    shuffle: shuffle().optional().meta({ description: 'Only for a windowed job that needs a shuffle.' }),
    maxCutAge: duration({ least: '100ms', most: '1h' })
      .prefault('1s')
      .meta({ description: 'How long something may wait before the replicas are asked to compare what they have.' }),
    retention: retention()
      .prefault('7d')
      .meta({
        description: 'How long results are kept for queries after the end of their window.',
        examples: ['forever'],
      }),
  })

/** A valid document before its quorum file, if it names one, is put in its place. */
export type JobParts = z.output<ReturnType<typeof parts>>

interface Reads {
  readonly source?: SourceDocument | undefined
  readonly sources?: readonly SourceDocument[] | undefined
}

interface Joining {
  readonly join?: JoinParts | undefined
  readonly joins?: readonly JoinParts[] | undefined
}

/** What a job reads, however many topics it is; nothing while its sources have faults of their own. */
export const sourcesOf = ({ source, sources }: Reads): readonly SourceDocument[] =>
  (source === undefined ? (Array.isArray(sources) ? sources : []) : [source]).filter(isObject)

/** Where there is a fault, anything can stand in place of a source. */
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

function checkSources(reads: Reads, reporter: Reporter): void {
  const { source, sources } = reads
  if (source === undefined && sources === undefined) {
    report(reporter, ['source'], 'a source such as { topic: flights, format: json }')
  } else if (source !== undefined && sources !== undefined) {
    const sentence = 'expected source or sources; found both'
    report(reporter, ['sources'], 'one of them', { sentence, suggestion: 'move source into sources', atName: true })
  }
  for (const each of sourcesOf(reads)) checkBounded(each, reporter)
}

function checkBounded(source: SourceDocument, reporter: Reporter): void {
  if (!source.bounded || source.from !== 'latest') return
  const sentence = 'a bounded source that begins at the latest offset has no records'
  report(reporter, [...pathOfSource(source), 'from'], '"earliest"', {
    sentence,
    suggestion: 'begin at the earliest, or leave bounded out',
  })
}

/** Two sinks at one place would write over one another; a sink on the source would feed the job its own results. */
function checkTargets(
  { sinks, deadLetters, ...reads }: Reads & { sinks: GivenSink[]; deadLetters?: GivenTarget | undefined },
  reporter: Reporter,
): void {
  const read = new Map(sourcesOf(reads).map((source) => [source.topic, source.name]))
  const seen = new Set<string>()
  const look = (sink: GivenTarget, path: readonly PropertyKey[]) => {
    const target = targetOf(sink)
    if (seen.has(target)) {
      report(reporter, path, 'a sink of its own', { sentence: `the ${target} is a sink of this job already` })
    } else if (sink.kind === 'kafka' && read.has(sink.topic)) {
      const name = read.get(sink.topic)
      const what = name === undefined ? 'the source' : `the source "${name}"`
      report(reporter, path, 'another topic', {
        sentence: `the ${target} is ${what} of this job; it would read its own results`,
      })
    }
    seen.add(target)
  }
  sinks.forEach((sink, i) => {
    look(sink, ['sinks', i])
  })
  if (deadLetters !== undefined) look(deadLetters, ['deadLetters'])
}

function checkShuffle(
  {
    join,
    joins,
    pipeline,
    shuffle,
    ...reads
  }: Reads & Joining & { pipeline: PipelineDocument; shuffle?: { partitions: number } | undefined },
  reporter: Reporter,
): void {
  // A join always has one.
  if (shuffle === undefined || join !== undefined || joins !== undefined) return
  const told = (sentence: string) =>
    report(reporter, ['shuffle'], 'no shuffle', { sentence, suggestion: 'leave shuffle out' })
  const { window, ordered } = pipeline
  if (window === undefined && ordered === undefined) told('a job without a window has no shuffle')
  else if (isPartitioned({ sources: sourcesOf(reads), pipeline }))
    told('the source is partitioned by the key already, so there is no shuffle')
  else if (roundsOf(pipeline).every(({ keyBy }) => keyBy === undefined) && shuffle.partitions > 1) {
    told('a window without keyBy has one group for everything, which is in one partition')
  }
}

/** A window of all time ends where the source ends, or never. */
function checkGlobal({ pipeline, ...reads }: Reads & { pipeline: PipelineDocument }, reporter: Reporter): void {
  const { window } = lastRoundOf(pipeline)
  if (window?.kind !== 'global') return
  const sources = sourcesOf(reads)
  if (window.emit === undefined && !sources.every(({ bounded }) => bounded)) {
    report(reporter, ['pipeline'], 'emit', {
      sentence: 'a global window closes where its source ends, and this one does not end: no row would ever come',
      suggestion: 'add emit to the window, such as { global: true, emit: onUpdate }, or bounded: true to the source',
    })
  }
  const closing = sources.find(({ onIdle }) => onIdle === 'close')
  if (closing !== undefined) {
    report(reporter, [...pathOfSource(closing), 'onIdle'], '"emit" or "wait"', {
      sentence: 'silence would close the global window, and every later record would be late',
      suggestion: 'write emit or wait',
    })
  }
}

/** What a later stage was given is not taken back, so silence must not close what is before it. */
function checkClosing({ pipeline, ...reads }: Reads & { pipeline: PipelineDocument }, reporter: Reporter): void {
  const closing = sourcesOf(reads).find(({ onIdle }) => onIdle === 'close')
  if (pipeline.next === undefined || closing === undefined) return
  report(reporter, [...pathOfSource(closing), 'onIdle'], '"emit" or "wait"', {
    sentence:
      'silence cannot close windows whose rows go on to another stage, since later records would be late there as well',
    suggestion: 'write emit or wait',
  })
}

/** Of a row that aggregates give all names are known; of a record any name may be one. */
function checkBranches(
  { pipeline, sinks }: { pipeline: PipelineDocument; sinks: readonly GivenSink[] },
  reporter: Reporter,
): void {
  const last = lastRoundOf(pipeline)
  if (last.aggregates.length === 0) return
  const names = namesAfter(last)
  sinks.forEach(({ where }, i) => {
    const finding = where === undefined ? undefined : names.unknownIn(where.source)
    if (finding !== undefined) report(reporter, ['sinks', i, 'where'], 'a name that rows have', finding)
  })
}

function checkOneKind({ join, joins }: Joining, reporter: Reporter): void {
  if (join === undefined || joins === undefined) return
  const sentence = 'expected join or joins; found both'
  report(reporter, ['joins'], 'one of them', { sentence, suggestion: 'move join into joins', atName: true })
}

export const job = () =>
  parts().check(
    rule(['source', 'sources'], checkSources),
    rule(['sinks', 'deadLetters'], checkTargets),
    rule(['pipeline', 'sinks'], checkBranches),
    rule(['pipeline', 'sinks'], checkColumns),
    rule(['source', 'sources', 'join', 'joins', 'pipeline', 'shuffle'], checkShuffle),
    rule(['source', 'sources', 'pipeline'], checkGlobal),
    rule(['source', 'sources', 'pipeline'], checkClosing),
    rule(['join', 'joins', 'pipeline'], ({ join, joins, pipeline }, reporter) =>
      checkFirstTime({ pipeline, joined: join !== undefined || joins !== undefined }, reporter),
    ),
    rule(['sources', 'join', 'pipeline'], checkJoin),
    rule(['join', 'joins'], checkOneKind),
    rule(['sources', 'joins', 'pipeline'], checkJoins),
    rule(['source', 'sources', 'join', 'joins', 'pipeline'], ({ join, joins, pipeline, ...reads }, reporter) =>
      checkRecordNames(
        sourcesOf(reads),
        pipeline,
        reporter,
        (join && selectedNames(join)) ?? (joins && selectedByAll(joins)),
      ),
    ),
  )
