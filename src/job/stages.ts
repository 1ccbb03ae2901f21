/**
 * The stages of a job. One, unless a window or an ordered operator must see more than one partition of the source: then the first
 * ends in partial aggregates, or in the records, and the second takes them behind a shuffle (operators/plan.ts). Each later round of
 * a pipeline is a stage more, which takes the rows of the one before behind a shuffle of its own.
 */
import type {
  CutPlan,
  ExpressionPlan,
  InputPlan,
  JoinPlan,
  NumberedSource,
  OrderedPlan,
  StagePlan,
  WindowPlan,
} from '../../operators/index.ts'
import { numberedSources } from './compiled.ts'
import { type JobDocument, type RoundDocument, roundsOf, type SourceDocument } from './document.ts'
import { isPartitioned } from './partitioning.ts'

/** Without windows there is no grid that results fall on; a second keeps a row's way short and its certificate worth the while. */
const ROWS_GRID_MS = 1_000
/** In a sparse history there would be a second, and a cut, for each record. Rows of a live job wait for `maxCutAge` at most. */
const ROWS_GRID_RECORDS = 64

/** Where rows only look something up, no time of theirs says how far apart cuts should be. */
const TABLE_GRID_MS = 60_000

const CUTS = {
  /** A tenth of a second of a fast source, and what a replica that starts again repeats at least. */
  maxRecords: 50_000,
  /** A quarter of LIMITS.runAheadBytes, so that a cut in the making never fills what may wait for certificates. */
  maxBytes: 8 * 1024 * 1024,
  /** Fits a frame of the mesh several times. */
  partBytes: 512 * 1024,
  /**
   * A snapshot holds the whole state, so one a cut would cost a live job its state every second. Every sixteenth bounds what
   * is repeated after a crash to sixteen cuts (800,000 records: seconds), and is a quarter of what may be uncertified
   * (LIMITS.runAheadCuts), so a certified snapshot is never far behind.
   */
  snapshotEvery: 16,
} as const

export interface Stages {
  readonly stages: readonly StagePlan[]
  /** How the first stage reads the sources after the first. */
  readonly others: readonly StagePlan[]
  /** Set when there are two stages. */
  readonly shufflePartitions?: number
}

/** @param counts partitions of each source */
export function stagesOf(document: JobDocument, counts: readonly number[]): Stages {
  const { name, sources, pipeline } = document
  const rounds = roundsOf(pipeline)
  const { steps, after } = pipeline
  const sourcePartitions = counts.reduce((sum, count) => sum + count, 0)
  const { window, ordered } = pipeline
  const holds = window !== undefined || ordered !== undefined
  // What makes rows for a next stage stands behind a shuffle itself.
  const shuffled = holds && (rounds.length > 1 || (sourcePartitions > 1 && !isPartitioned(document)))
  const partitionsFor = (round: RoundDocument) => shufflePartitionsOf(round, document, sourcePartitions)
  const branches = branchesOf(document)
  const output = { kind: 'rows', ...(branches.length === 0 ? {} : { branches }) } as const
  const rowsOf = (steps: RoundDocument['after']) =>
    ({ output, ...(steps === undefined ? {} : { after: steps }) }) as const
  const onIdle = sources[0]?.onIdle ?? 'emit'
  const numbered = numberedSources(sources.map(({ topic }, i) => ({ topic, partitions: counts[i] ?? 0 })))
  const ranges = rounds.map((_, i) => rangeOf(sources, counts, i))
  const [first, ...others] = sources.map((source, i): StagePlan => {
    const at = source.joined?.round ?? 0
    const round = rounds[at] ?? pipeline
    const key = source.joined === undefined ? {} : { keyBy: source.joined.keyBy }
    const ends = shuffled ? { output: shuffleTo(at, round, partitionsFor(round)) } : rowsOf(after)
    const input = inputOf(source, numbered.slice(i, i + 1))
    const own = [...source.steps, ...steps]
    return {
      job: name,
      ...heldBy(round),
      ...key,
      onIdle,
      cuts: cutsOf(round, 'records'),
      stage: 0,
      input,
      steps: own,
      ...ends,
    }
  })
  if (first === undefined) throw new RangeError(`the job "${name}" has no source`)
  if (!shuffled) return { stages: [first], others }
  const later = rounds.map((round, i): StagePlan => {
    const { next, after } = round
    const { first: from, count } = ranges[i] ?? NO_SOURCES
    const units = i === 0 ? 0 : partitionsFor(rounds[i - 1] ?? round)
    const input = {
      kind: 'slices',
      sources: count + units,
      ...(count === 0 || from === 0 ? {} : { first: from }),
      ...(count === 0 ? {} : { among: numbered }),
      ...(units === 0 ? {} : { rowSources: units }),
    } as const
    const passed = next === undefined ? {} : passedTo(next, partitionsFor(next), ranges[i + 1] ?? NO_SOURCES)
    const cuts = cutsOf(round, 'slices')
    return { job: name, ...heldBy(round), stage: i + 1, input, steps: [], ...rowsOf(after), ...passed, onIdle, cuts }
  })
  return { stages: [first, ...later], others, shufflePartitions: partitionsFor(pipeline) }
}

interface SourceRange {
  /** The number of the first partition. */
  readonly first: number
  readonly count: number
}

const NO_SOURCES: SourceRange = { first: 0, count: 0 }

/** Partitions of the sources whose records a round takes; they are neighbours. */
function rangeOf(sources: readonly SourceDocument[], counts: readonly number[], round: number): SourceRange {
  const taken = (i: number): boolean => (sources[i]?.joined?.round ?? 0) === round
  const begin = sources.findIndex((_, i) => taken(i))
  const sum = (list: readonly number[]): number => list.reduce((all, count) => all + count, 0)
  if (begin < 0) return NO_SOURCES
  return { first: sum(counts.slice(0, begin)), count: sum(counts.filter((_, i) => taken(i))) }
}

/** What groups and holds, without what comes of it. */
function heldBy({ keyBy, window, ordered, aggregates }: RoundDocument) {
  return {
    ...(keyBy === undefined ? {} : { keyBy }),
    ...(window === undefined ? {} : { window }),
    ...(ordered === undefined ? {} : { ordered }),
    aggregates,
  }
}

/** Of what a source gives: partial aggregates, or records where each of them has to be seen. */
function shuffleTo(at: number, { ordered }: RoundDocument, partitions: number): StagePlan['output'] {
  const carries = ordered === undefined ? {} : ({ carries: 'records' } as const)
  return { kind: 'shuffle', partitions, ...carries, ...(at === 0 ? {} : { to: at + 1 }) }
}

/** Behind a stage its rows are single records. */
function passedTo(
  { time, keyBy, ordered, aggregates }: RoundDocument,
  partitions: number,
  { first, count }: SourceRange,
): Pick<StagePlan, 'output' | 'next'> {
  return {
    output: { kind: 'shuffle', partitions, carries: 'records' },
    next: {
      ...(keyBy === undefined ? {} : { keyBy }),
      ...(ordered === undefined ? {} : { ordered }),
      aggregates,
      ...(time === undefined ? {} : { time }),
      ...(count === 0 ? {} : { numberFrom: first + count }),
    },
  }
}

/** The conditions of its sinks, each once: a sink without one gets all rows. */
export function branchesOf({ sinks }: JobDocument): readonly ExpressionPlan[] {
  const wheres = sinks.flatMap(({ where }) => where ?? [])
  return wheres.filter(({ source }, i) => wheres.findIndex((other) => other.source === source) === i)
}

function inputOf(
  { format, envelope, time, outOfOrdernessMs, joined }: SourceDocument,
  among: readonly NumberedSource[],
): InputPlan {
  return {
    kind: 'records',
    format,
    ...(envelope === undefined ? {} : { envelope }),
    time,
    outOfOrdernessMs,
    ...(joined === undefined ? {} : { side: joined.side }),
    among,
  }
}

/** Without a key there is one group, and so work for one partition. */
function shufflePartitionsOf(
  { keyBy }: RoundDocument,
  { shufflePartitions }: JobDocument,
  sourcePartitions: number,
): number {
  return keyBy === undefined ? 1 : (shufflePartitions ?? sourcePartitions)
}

/** @param input what the stage reads: a slice stands for many records */
function cutsOf({ window, ordered }: RoundDocument, input: InputPlan['kind']): CutPlan {
  const gridMs = ordered === undefined || window !== undefined ? gridOf(window) : orderedGridOf(ordered)
  const arbitrary = gridMs === ROWS_GRID_MS && window === undefined
  return { gridMs, gridRecords: arbitrary && input === 'records' ? ROWS_GRID_RECORDS : 1, ...CUTS }
}

function joinGridOf({ match }: JoinPlan): number {
  switch (match.kind) {
    case 'within':
      return Math.max(ROWS_GRID_MS, match.beforeMs, match.afterMs)
    case 'window':
      return Math.max(ROWS_GRID_MS, match.sizeMs)
    case 'table':
      return TABLE_GRID_MS
  }
}

/**
 * Something that waits is cut after `maxCutAge` at the latest, so a live job does not wait for a line of its grid; a history that
 * is replayed has no more cuts than it needs.
 */
function gridOf(window: WindowPlan | undefined): number {
  switch (window?.kind) {
    case undefined:
    case 'global':
      return ROWS_GRID_MS
    case 'aligned':
      return window.slideMs
    case 'session':
      return window.gapMs
    case 'calendar':
      // Not looked at: its lines are the ends of its windows.
      return 86_400_000
  }
}

/** The time that the operator speaks of, where it does. Its rows are right on any grid. */
function orderedGridOf(ordered: OrderedPlan): number {
  switch (ordered.kind) {
    case 'sliding':
      return ordered.differenceMs
    case 'dedupe':
      return ordered.withinMs
    case 'rolling':
      return 'withinMs' in ordered ? ordered.withinMs : ROWS_GRID_MS
    case 'pattern':
      return ordered.withinMs ?? ROWS_GRID_MS
    case 'join':
      return joinGridOf(ordered)
    case 'count':
    case 'changes':
      return ROWS_GRID_MS
  }
}
