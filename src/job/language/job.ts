/** A whole job document, and the rules that hold between its parts. */
import { z } from 'zod'
import type { ExternalSink, PipelineDocument, SourceDocument } from '../document.ts'
import { JOB_LIMITS } from '../limits.ts'
import { keepsPartitioning } from '../partitioning.ts'
import { pipeline } from './pipeline.ts'
import { quorumOrFile } from './quorum.ts'
import { sink, targetOf } from './sinks.ts'
import { source } from './source.ts'
import { duration, jobName, retention, text, wholeNumber } from './values.ts'
import { expects, type Reporter, report, requires, rule, strict } from './words.ts'

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
    source: source().meta({ description: 'The topic to read, and how.' }),
    pipeline: pipeline().meta({
      description:
        'Steps in order: those of single records, such as filter and map; then keyBy; then window and aggregate.',
    }),
    sinks: z
      .array(sink(), requires('a list of sinks'))
      .max(JOB_LIMITS.sinks, expects(`at most ${JOB_LIMITS.sinks} sinks`))
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

function checkBounded({ source: { bounded, from } }: { source: SourceDocument }, reporter: Reporter): void {
  if (!bounded || from !== 'latest') return
  const sentence = 'a bounded source that begins at the latest offset has no records'
  report(reporter, ['source', 'from'], '"earliest"', {
    sentence,
    suggestion: 'begin at the earliest, or leave bounded out',
  })
}

/** Two sinks at one place would write over one another; a sink on the source would feed the job its own results. */
function checkTargets(
  {
    source,
    sinks,
    deadLetters,
  }: { source?: SourceDocument; sinks: ExternalSink[]; deadLetters?: ExternalSink | undefined },
  reporter: Reporter,
): void {
  const seen = new Set<string>()
  const look = (sink: ExternalSink, path: readonly PropertyKey[]) => {
    const target = targetOf(sink)
    if (seen.has(target)) {
      report(reporter, path, 'a sink of its own', { sentence: `the ${target} is a sink of this job already` })
    } else if (sink.kind === 'kafka' && sink.topic === source?.topic) {
      report(reporter, path, 'another topic', {
        sentence: `the ${target} is the source of this job; it would read its own results`,
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
    source,
    pipeline,
    shuffle,
  }: { source: SourceDocument; pipeline: PipelineDocument; shuffle?: { partitions: number } | undefined },
  reporter: Reporter,
): void {
  if (shuffle === undefined) return
  const told = (sentence: string) =>
    report(reporter, ['shuffle'], 'no shuffle', { sentence, suggestion: 'leave shuffle out' })
  const { window, ordered } = pipeline
  if (window === undefined && ordered === undefined) told('a job without a window has no shuffle')
  else if (keepsPartitioning(source, pipeline))
    told('the source is partitioned by the key already, so there is no shuffle')
  else if (pipeline.keyBy === undefined && shuffle.partitions > 1) {
    told('a window without keyBy has one group for everything, which is in one partition')
  }
}

/** A window of all time ends where the source ends, or never. */
function checkGlobal(
  { source, pipeline: { window } }: { source: SourceDocument; pipeline: PipelineDocument },
  reporter: Reporter,
): void {
  if (window?.kind !== 'global') return
  if (window.emit === undefined && !source.bounded) {
    report(reporter, ['pipeline'], 'emit', {
      sentence: 'a global window closes where its source ends, and this one does not end: no row would ever come',
      suggestion: 'add emit to the window, such as { global: true, emit: onUpdate }, or bounded: true to the source',
    })
  }
  if (source.onIdle === 'close') {
    report(reporter, ['source', 'onIdle'], '"emit" or "wait"', {
      sentence: 'silence would close the global window, and every later record would be late',
      suggestion: 'write emit or wait',
    })
  }
}

export const job = () =>
  parts().check(
    rule(['source'], checkBounded),
    rule(['sinks', 'deadLetters'], checkTargets),
    rule(['source', 'pipeline', 'shuffle'], checkShuffle),
    rule(['source', 'pipeline'], checkGlobal),
  )
