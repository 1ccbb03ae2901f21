/**
 * What becomes of a job whose source topics have other numbers of partitions than it was made for. Pure: whoever looks at the
 * same numbers proposes the same bytes, or says the same sentence.
 *
 * A job whose records are grouped behind a shuffle, or not at all, goes on: each new partition is one unit more of the first
 * stage, read from its very first record on. One that groups records where the source has put them cannot: with another number of
 * partitions a producer puts a key elsewhere.
 */
import type { InputPlan, NumberedSource, StagePlan } from '../../operators/index.ts'
import type { QuorateErrorCode } from '../errors.ts'
import { type CompiledJob, inRowOf, numberedSources, partitionsOf, readerOf, type SourcePlan } from './compiled.ts'

export type Outlook =
  | { readonly kind: 'same' }
  /** The next revision. */
  | { readonly kind: 'grows'; readonly compiled: CompiledJob; readonly grown: readonly Grown[] }
  | { readonly kind: 'stops'; readonly code: QuorateErrorCode; readonly message: string }

export interface Grown {
  readonly topic: string
  readonly from: number
  readonly to: number
}

/** @param found how many partitions each source has now; undefined where the log did not say */
export function outlookOf(job: CompiledJob, found: readonly (number | undefined)[]): Outlook {
  const counts = job.sources.map((source, i) =>
    isFollowed(source) ? (found[i] ?? source.partitions) : source.partitions,
  )
  const changed = job.sources.flatMap((source, i) => {
    const to = counts[i] ?? source.partitions
    return to === source.partitions ? [] : [{ source, i, from: source.partitions, to }]
  })
  const shrunk = changed.find(({ from, to }) => to < from)
  if (shrunk !== undefined) return stops('QRT_SOURCE_SHRANK', shrunk, shrinking(job))
  const [grown] = changed
  if (grown === undefined) return { kind: 'same' }
  if (reliesOnPartitions(job)) return stops('QRT_SOURCE_GREW', grown, relying(job))
  if (joinsSeveral(job)) return stops('QRT_SOURCE_GREW', grown, joining(job))
  const table = changed.find(({ source }) => isTableOfStream(job, source))
  if (table !== undefined) return stops('QRT_SOURCE_GREW', table, preceding(job))
  const compiled = withPartitions(job, counts)
  return { kind: 'grows', compiled, grown: changed.map(({ source: { topic }, from, to }) => ({ topic, from, to })) }
}

/** One that ends where it ended at submit has no more partitions than it had then. */
export const isFollowed = ({ endOffsets }: SourcePlan): boolean => endOffsets === undefined

/** The job with so many partitions of each source. A new one is read from its beginning, also where others are read from `latest`. */
export function withPartitions(job: CompiledJob, counts: readonly number[]): CompiledJob {
  const [first] = job.stages
  const grown = numberedAnew(job.sources, counts)
  const numbered = numberedSources(grown)
  const sources = grown.map((source, i): SourcePlan => {
    const { stage } = source
    return stage === undefined
      ? source
      : { ...source, stage: { ...stage, input: amongThese(stage.input, numbered[i]) } }
  })
  const merged = partitionsOf(sources.filter(({ stage = first }) => stage !== undefined && readerOf(stage) === 1))
  const stages = job.stages.map((stage): StagePlan => {
    const { input } = stage
    if (stage.stage === 0) return { ...stage, input: amongThese(input, numbered[0]) }
    // Sources of later joins are not counted here, and do not grow.
    if (stage.stage > 1 || input.kind !== 'slices') return stage
    return { ...stage, input: { ...amongThese(input, ...numbered), sources: merged } }
  })
  return { ...job, sources, stages }
}

/** Numbers that are taken stay: new partitions have the next ones, source by source. */
function numberedAnew(sources: readonly SourcePlan[], counts: readonly number[]): SourcePlan[] {
  let next = partitionsOf(sources)
  let begin = 0
  return sources.map((source, i): SourcePlan => {
    const partitions = counts[i] ?? source.partitions
    const startOffsets = Array.from({ length: partitions }, (_, partition) => source.startOffsets[partition] ?? 0)
    const added = Array.from({ length: partitions - source.partitions }, (_, at) => next + at)
    const goesOn = source.later === undefined && begin + source.partitions === next
    begin += inRowOf(source)
    next += added.length
    const later = [...(source.later ?? []), ...(goesOn ? [] : added)]
    return { ...source, partitions, startOffsets, ...(later.length === 0 ? {} : { later }) }
  })
}

function amongThese<Input extends InputPlan>(input: Input, ...sources: readonly (NumberedSource | undefined)[]): Input {
  return input.among === undefined ? input : { ...input, among: sources.flatMap((source) => source ?? []) }
}

/** Records are grouped in the stage that reads them, so those of a group have to be in one partition. */
export function reliesOnPartitions({ stages }: Pick<CompiledJob, 'stages'>): boolean {
  const [first, second] = stages
  return second === undefined && (first?.window !== undefined || first?.ordered !== undefined)
}

/** Behind the partitions of its source a later join has numbers for the units before it: there is no room between. */
const joinsSeveral = ({ sources }: CompiledJob): boolean =>
  sources.some(({ stage }) => stage?.output.kind === 'shuffle' && stage.output.to !== undefined)

/**
 * Of two records of one time the one with the lower number comes first, and that has to be the table's: a stream sees changes of its
 * own time. Numbers below those of the stream are taken.
 */
function isTableOfStream({ stages }: CompiledJob, { stage = stages[0] }: SourcePlan): boolean {
  const { ordered } = stages.find((each) => each.ordered !== undefined) ?? {}
  const table = ordered?.kind === 'join' && ordered.match.kind === 'table' && ordered.match.tables === 'right'
  return table && stage?.input.kind === 'records' && stage.input.side === 'right'
}

function stops(code: QuorateErrorCode, { source: { name, topic }, from, to }: Change, why: string): Outlook {
  const of = name === undefined ? '' : ` of the source "${name}"`
  const changed = `the topic "${topic}"${of} has ${partitions(to)} now, and had ${from}`
  return { kind: 'stops', code, message: `${changed}: ${why}` }
}

interface Change {
  readonly source: SourcePlan
  readonly from: number
  readonly to: number
}

const partitions = (count: number): string => (count === 1 ? '1 partition' : `${count} partitions`)

const shrinking = ({ name }: CompiledJob): string =>
  `it was deleted and made anew, and has nothing of what "${name}" was reading; submit the job anew under another name`

const relying = ({ name }: CompiledJob): string =>
  `"${name}" has no shuffle and relies on all records of a key being in one partition, which holds no longer; submit it anew under another name, and without partitionedBy, so that it has a shuffle`

const joining = ({ name }: CompiledJob): string =>
  `"${name}" joins more than two sources, whose partitions are numbered together with the units of the joins; submit it anew under another name`

const preceding = ({ name }: CompiledJob): string =>
  `it is a table that "${name}" looks things up in, and of records of one time those of a table come first by the numbers of their partitions, which are taken; submit it anew under another name`
