/**
 * What the compiler makes of a job document: everything the peers need to place and run it, as plain data. It holds no
 * secrets and no addresses: those are in each peer's own configuration.
 */
import type { NumberedSource, StagePlan } from '../../operators/index.ts'
import type { SinkPlan } from '../commit/sink.ts'

export interface QuorumPlan {
  readonly replicas: number
  readonly write: number
  readonly read: number
  /** W <= N/2 was asked for: results are marked. */
  readonly allowForks: boolean
}

export interface SourcePlan {
  /** Its name in a document with several; absent where there is one. */
  readonly name?: string
  readonly topic: string
  readonly partitions: number
  /** Numbers of its last partitions, which it got when the next numbers were taken already. */
  readonly later?: readonly number[]
  /** First offset of each partition to read, fixed at submit. */
  readonly startOffsets: readonly number[]
  /** Bounded source: the end offset of each partition, captured at submit. */
  readonly endOffsets?: readonly number[]
  /** Silence of a partition that makes it idle, measured by successful empty fetches. */
  readonly idleAfterMs: number
  /** How many of the steps of stage 0 are only for its records, before those that all sources go through. */
  readonly ownSteps?: number
  /** How stage 0 reads this source; absent of the first, which is read as the first of the job's stages says. */
  readonly stage?: StagePlan
}

/** An internal topic. */
export interface ShufflePlan {
  readonly topic: string
  readonly partitions: number
}

export interface CompiledJob {
  readonly name: string
  /** `<name>-<12 hex of the document's digest>-<number of the submission>`: what unit ids begin with. No colon. */
  readonly generation: string
  /** In the order of their names, tables before streams. */
  readonly sources: readonly SourcePlan[]
  /** Each but the first reads what the one before gave to a shuffle. */
  readonly stages: readonly StagePlan[]
  /** Before the second stage, where there is one; later ones are named after it (`shuffleBefore`). */
  readonly shuffle?: ShufflePlan
  readonly sinks: readonly SinkPlan[]
  /** Where dead-letter rows go besides the peers' own store. */
  readonly deadLetters?: SinkPlan
  readonly quorum: QuorumPlan
  /** A cut is asked for once something to emit has waited this long. */
  readonly maxCutAgeMs: number
  /** How long results are kept for queries after their window's end by watermark; -1: as long as the job exists. */
  readonly retentionMs: number
}

/** Units of a stage: one per source partition for stage 0, one per shuffle partition for the others. */
export function unitsOfStage(job: CompiledJob, stage: number): number {
  return stage === 0 ? partitionsOf(job.sources) : (shuffleBefore(job, stage)?.partitions ?? 0)
}

/** What a stage reads; undefined for the first, and where there is no such stage. */
export function shuffleBefore(
  { shuffle, stages }: Pick<CompiledJob, 'shuffle' | 'stages'>,
  stage: number,
): ShufflePlan | undefined {
  const output = stages[stage - 1]?.output
  if (shuffle === undefined || output?.kind !== 'shuffle') return undefined
  if (stage === 1) return shuffle
  return { topic: `${shuffle.topic}-${stage}`, partitions: output.partitions }
}

/** The stage that reads what this one gives; undefined: sinks get it. */
export const readerOf = ({ stage, output }: StagePlan): number | undefined =>
  output.kind === 'shuffle' ? (output.to ?? stage + 1) : undefined

/** All of a job, in the order of the stages that read them. */
export const shufflesOf = (job: CompiledJob): readonly ShufflePlan[] =>
  job.stages.flatMap((_, stage) => shuffleBefore(job, stage) ?? [])

/** Of all sources together. */
export const partitionsOf = (sources: readonly { readonly partitions: number }[]): number =>
  sources.reduce((sum, { partitions }) => sum + partitions, 0)

/** Partitions of a source whose numbers follow one another. */
export const inRowOf = ({ partitions, later = [] }: Pick<SourcePlan, 'partitions' | 'later'>): number =>
  partitions - later.length

/**
 * What a unit of stage 0 reads. Units are numbered through the partitions of the first source, then through those of the
 * second, and so on; then through those that came later.
 */
export function sourceOfUnit(
  job: CompiledJob,
  number: number,
): { readonly source: SourcePlan; readonly partition: number } {
  let first = 0
  for (const source of job.sources) {
    const { later = [] } = source
    const inRow = inRowOf(source)
    if (number >= first && number < first + inRow) return { source, partition: number - first }
    if (later.includes(number)) return { source, partition: inRow + later.indexOf(number) }
    first += inRow
  }
  const count = partitionsOf(job.sources)
  throw new RangeError(`there is no unit ${number} among ${count} partitions of the sources of "${job.name}"`)
}

/** Dead letters name the topic that their record is from. */
export function numberedSources(
  sources: readonly Pick<SourcePlan, 'topic' | 'partitions' | 'later'>[],
): readonly NumberedSource[] {
  let next = 0
  return sources.map((source) => {
    const { topic, later } = source
    const numberFrom = next
    next += inRowOf(source)
    return { topic, numberFrom, ...(later === undefined ? {} : { later: { from: inRowOf(source), numbers: later } }) }
  })
}

/** How a stage runs in one of its units; undefined where the job has no such stage. */
export function planOfUnit(job: CompiledJob, stage: number, number: number): StagePlan | undefined {
  const shared = job.stages[stage]
  return stage === 0 ? (sourceOfUnit(job, number).source.stage ?? shared) : shared
}

/** Every plan of the job: the stages, and how stage 0 reads sources after the first. */
export const plansOf = ({ stages, sources }: CompiledJob): readonly StagePlan[] => [
  ...stages,
  ...sources.flatMap(({ stage }) => stage ?? []),
]
