/**
 * What a job becomes, in words: stages and their steps, why there is a shuffle or none, how many units are placed, and what each
 * sink promises. As many of it as a document says by itself; the number of partitions is asked for or assumed.
 */
import { formatDuration, type GlobalWindowPlan, type StagePlan, type WindowPlan } from '../../operators/index.ts'
import type { FileFormat, RowFormat } from '../commit/format/plan.ts'
import type { SinkPlan } from '../commit/sink.ts'
import type { GraphNode } from '../http/api.ts'
import { jobGraph } from '../peer/graph.ts'
import { orderedState } from '../peer/ordered-text.ts'
import { compileJob } from './compile.ts'
import { type CompiledJob, partitionsOf, plansOf, unitsOfStage } from './compiled.ts'
import { type JobDocument, type RoundDocument, roundsOf, type SourceDocument } from './document.ts'
import { assumedSources } from './facts.ts'
import { isPartitioned } from './partitioning.ts'

export interface Explanation {
  readonly job: string
  readonly quorum: { readonly replicas: number; readonly write: number; readonly read: number; readonly says: string }
  readonly sources: readonly {
    /** In the document; absent where there is one. */
    readonly name?: string
    readonly topic: string
    readonly format: string
    readonly partitions: number
    readonly says: string
  }[]
  /** Sources, stages, shuffles and sinks with what comes after each. */
  readonly graph: readonly GraphNode[]
  readonly shuffle: { readonly needed: boolean; readonly why: string }
  /** Why there is a shuffle before each stage after the second; absent where there is no such stage. */
  readonly laterShuffles?: readonly string[]
  /** Units of each stage; every unit is computed by as many peers as there are replicas. */
  readonly units: readonly number[]
  readonly state: string
  readonly sinks: readonly { readonly name: string; readonly guarantee: string }[]
}

/** @param partitions of each source */
export function explainJob(document: JobDocument, partitions: number): Explanation {
  const job = compiled(document, partitions)
  const { replicas, write, read } = job.quorum
  const later = roundsOf(document.pipeline).slice(1).map(laterText)
  return {
    job: job.name,
    quorum: { replicas, write, read, says: quorumText(job) },
    sources: document.sources.map((source) => ({
      ...(source.name === undefined ? {} : { name: source.name }),
      topic: source.topic,
      format: formatText(source),
      partitions,
      says: sourceText(source),
    })),
    graph: jobGraph(job),
    shuffle: shuffleText(document, job),
    ...(later.length === 0 ? {} : { laterShuffles: later }),
    units: job.stages.map(({ stage }) => unitsOfStage(job, stage)),
    state: stateText(job),
    sinks: [
      ...job.sinks.map((sink) => ({
        name: nameOf(job, sink),
        guarantee: `${whereText(job, sink)}${guaranteeOf(sink)}`,
      })),
      { name: 'queries', guarantee: readText(job) },
    ],
  }
}

function compiled(document: JobDocument, partitions: number): CompiledJob {
  const sources = assumedSources(document, partitions)
  return compileJob(document, { cluster: 'explained', submission: 1, sources, missingTopics: [] })
}

function quorumText({ quorum: { replicas, write, allowForks } }: CompiledJob): string {
  const losses = replicas - write
  const lost = losses === 0 ? 'no peer of a unit may be lost' : `results go on with ${losses} of ${replicas} lost`
  const forks = allowForks ? '; forks are allowed, so all results are marked' : ''
  const computing = replicas === 1 ? '1 peer computes' : `${replicas} peers compute`
  const signing = write === 1 ? '1 signs' : `${write} sign`
  return `${computing} each unit, ${signing} a result before it is written; ${lost}${forks}`
}

function sourceText({ from, bounded, idleAfterMs, onIdle, outOfOrdernessMs }: SourceDocument): string {
  const start = bounded ? 'all that is there at submit, then it ends' : `from the ${from} offset on`
  return `${start}; records may be ${formatDuration(outOfOrdernessMs)} out of order; a partition is idle after ${formatDuration(idleAfterMs)} (${onIdle})`
}

function formatText({ format }: SourceDocument): string {
  if (typeof format === 'string') return format
  const versions = format.schemas.length
  return format.framing === 'none' ? format.kind : `${format.kind}, ${versions} schemas of a registry`
}

const keysOf = ({ keyBy }: RoundDocument): string | undefined => keyBy?.map(({ source }) => source).join(', ')

function laterText(round: RoundDocument): string {
  const { ordered } = round
  if (ordered?.kind === 'join') {
    return `rows of ${ordered.names.left} and records of ${ordered.names.right} that belong together have to meet`
  }
  const key = keysOf(round)
  return key === undefined
    ? 'the rows of all units are one group'
    : `rows of one ${key} may come from any unit of the stage before`
}

function shuffleText(document: JobDocument, { sources, shuffle }: CompiledJob): Explanation['shuffle'] {
  const key = keysOf(document.pipeline)
  if (shuffle !== undefined) {
    const { ordered } = document.pipeline
    if (ordered?.kind === 'join') {
      return {
        needed: true,
        why: `records of ${ordered.names.left} and ${ordered.names.right} that belong together have to meet`,
      }
    }
    const what =
      key === undefined ? 'there is one group for everything' : `records of one ${key} may be in any partition`
    const who = ordered === undefined ? 'a window has to see all of its group' : 'they have to be in order'
    return { needed: true, why: `${what}, and ${who}` }
  }
  const { window, ordered } = document.pipeline
  if (window === undefined && ordered === undefined) return { needed: false, why: 'rows are made one by one' }
  if (isPartitioned(document)) {
    return { needed: false, why: `the source is partitioned by ${key} already` }
  }
  return { needed: false, why: `the source has ${partitionsOf(sources)} partition` }
}

/** Windows of one key that are held at once while time goes on without silence. */
function windowsHeld(window: Exclude<WindowPlan, GlobalWindowPlan>, outOfOrdernessMs: number): number {
  if (window.kind === 'calendar') return Math.ceil((window.allowedLatenessMs + outOfOrdernessMs) / 82_800_000) + 2
  // Sessions of one key begin more than a gap apart.
  const [sizeMs, stepMs] = window.kind === 'session' ? [window.gapMs, window.gapMs] : [window.sizeMs, window.slideMs]
  return Math.ceil((sizeMs + window.allowedLatenessMs + outOfOrdernessMs) / stepMs) + 1
}

function stateText(job: CompiledJob): string {
  // What stands before the first shuffle is given away at each cut.
  const [first, ...later] = job.stages
  const holding = later.length === 0 && first !== undefined ? [first] : later
  const texts = holding.flatMap((stage) => {
    const text = heldText(job, stage)
    return text === undefined ? [] : [later.length > 1 ? `stage ${stage.stage}: ${text}` : text]
  })
  if (texts.length === 0) return 'none but the watermark of each partition'
  return `${texts.join('; ')}. \`quorate test\` shows bytes`
}

/** Undefined of a stage that holds nothing. */
function heldText(job: CompiledJob, stage: StagePlan): string | undefined {
  const { window, ordered } = stage
  const each = aggregatesText(stage)
  if (ordered !== undefined) {
    const windows = window === undefined ? '' : `${each} for each key and open window, `
    return `${windows}${orderedState(ordered)}, and records that the watermark has not passed`
  }
  if (window === undefined) return undefined
  if (window.kind === 'global') return `${each} for each key, for as long as the job runs`
  const disorder = Math.max(...plansOf(job).map(({ input }) => (input.kind === 'records' ? input.outOfOrdernessMs : 0)))
  // Rows that say when they happened say so of a time before their own.
  const waits = job.stages[stage.stage - 1]?.next?.time?.withinMs ?? 0
  return `${each} for each key and open window; of one key at most ${windowsHeld(window, disorder + waits)} windows are held at once`
}

const aggregatesText = ({ aggregates }: StagePlan): string =>
  `${aggregates.length} aggregate${aggregates.length === 1 ? '' : 's'}`

function nameOf(job: CompiledJob, sink: SinkPlan): string {
  const found = jobGraph({ ...job, sinks: [sink] }).find(({ kind }) => kind === 'sink')
  return found?.name ?? sink.kind
}

/** Which rows go there, where not all do. */
function whereText(job: CompiledJob, sink: SinkPlan): string {
  const where = jobGraph({ ...job, sinks: [sink] }).find(({ kind }) => kind === 'sink')?.steps?.[0]
  return where === undefined ? '' : `rows where ${where.text}: `
}

function guaranteeOf(sink: SinkPlan): string {
  switch (sink.kind) {
    case 'kafka':
      return `rows${formatOf(sink)} and progress in one transaction: consumers that read committed records see each row once`
    case 'mongodb':
      return 'a document for each row; a later revision replaces it, an earlier one never does'
    case 's3':
      return `an object${formatOf(sink)} for each cut, created once and never changed`
    case 'file':
      return `a file${formatOf(sink)} for each cut, made under its name once and never changed`
    case 'shuffle':
      return 'one transaction a cut, checked against its certificate by whoever reads it'
  }
}

/** Where it is not JSON. */
function formatOf({ format }: { readonly format?: RowFormat | FileFormat }): string {
  return format === undefined ? '' : ` in ${typeof format === 'string' ? format : format.kind}`
}

function readText({ quorum: { replicas, write, read }, retentionMs }: CompiledJob): string {
  const fresh = read + write > replicas && read + Math.floor(replicas / 2) + 1 > replicas
  const kept = retentionMs < 0 ? 'as long as the job' : `${formatDuration(retentionMs)} after their window`
  const what = fresh ? 'see every result that was acknowledged before' : 'may be stale, and say so'
  return `${read === 1 ? '1 replica is' : `${read} replicas are`} asked: answers ${what}; results are kept ${kept}`
}
