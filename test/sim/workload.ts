/**
 * What a simulated cluster has to do: a job over sources with some partitions. Event times follow the clock with a bounded
 * disorder, so that nothing is late unless a job is meant to meet late records.
 */
import type { Random } from '../../mesh/random.ts'
import type { LogPartition } from '../../src/log/log.ts'
import { pick } from '../pick.ts'
import { type SimulatedLog, StoredPartition } from './log.ts'

/** Topics, in the order in which partitions are numbered through them. */
export const SOURCES = ['orders', 'refunds', 'prices'] as const
export const SINK = 'totals'
export const JOB = 'totals'

/** Database, collection and bucket at the stores. */
export const STORE = 'totals'

export const SINK_KINDS = ['kafka', 'mongodb', 's3'] as const
export type SinkKind = (typeof SINK_KINDS)[number]

export interface Workload {
  /**
   * `ordered`: records go through a shuffle whole, and those pass in which something has changed. `joined`: those of two
   * sources make rows together; `chained`: those rows and a third source make rows together. `staged`: the rows of windows are
   * grouped in windows again.
   */
  readonly kind: Kind
  /** Of all sources together: numbers of partitions go through them. */
  readonly sourcePartitions: number
  /** From this one on they are those of the second source. */
  readonly otherFrom: number
  /** From this one on they are those of the third source; absent: there is none. */
  readonly thirdFrom?: number
  /** The source that may get more partitions. */
  readonly growing: number
  /** Absent: inner, within some time. */
  readonly join?: JoinShape
  readonly chain?: ChainShape
  readonly pattern?: PatternShape
  readonly again?: AgainShape
  /** Absent: some, so that there are not too many units. */
  readonly shufflePartitions?: number
  /** Records of the first source are joined with those of the second from so long before to so long after. */
  readonly joinBeforeMs: number
  readonly joinAfterMs: number
  readonly sinkPartitions: number
  readonly keys: number
  /** Event time runs at most this far behind the clock; also the job's outOfOrderness. */
  readonly disorderMs: number
  /** Some records are later than that. */
  readonly lateRecords: boolean
  /** Of sessions the gap, of patterns the time for a whole match. */
  readonly windowMs: number
  readonly slideMs: number
  readonly latenessMs: number
  /** When open windows show themselves: with each change, or on a grid of so many milliseconds. */
  readonly emit: 'onClose' | 'onUpdate' | number
  /** Behind the aggregates, rows with a lower total do not pass; 0: all pass. */
  readonly having: number
  /** The first sink gets rows from this total on, or single records from this amount on; 0: all. */
  readonly branchFrom: number
  /** Between two records of a partition, on average. */
  readonly everyMs: number
  readonly idleAfterMs: number
  /** What replicas have is compared after this long at the latest. */
  readonly maxCutAgeMs: number
  readonly onIdle: 'emit' | 'wait'
  /** Where the rows go. */
  readonly sinks: readonly SinkKind[]
  /** Records are there for so long when the job is submitted. */
  readonly backlogMs: number
  readonly quorum: { readonly replicas: number; readonly write: number; readonly read: number }
}

type Kind =
  | 'keyed'
  | 'shuffled'
  | 'hopping'
  | 'rows'
  | 'ordered'
  | 'joined'
  | 'sessions'
  | 'pattern'
  | 'staged'
  | 'chained'

/** What brings records of the first two sources together. Where there is a table it is the first, and stands right. */
export interface JoinShape {
  readonly type: 'inner' | 'left' | 'right' | 'outer'
  readonly match: 'within' | 'window' | 'table' | 'tables'
  /** Records of a table with a small amount take their key out of it. */
  readonly deletes: boolean
}

/** The join of the rows so far with the third source. */
export interface ChainShape {
  readonly type: 'inner' | 'left'
  readonly match: 'within' | 'table'
  /** By another key than the first. */
  readonly rekeys: boolean
}

/** Low amounts, then a high one. */
export interface PatternShape {
  readonly several: 'no' | 'strict' | 'relaxed'
  /** No amount between low and high may come before the high one. */
  readonly without: boolean
  readonly contiguity: 'strict' | 'relaxed' | 'relaxedAny'
  readonly afterMatch: 'noSkip' | 'skipPastLast'
}

/** Windows of so many windows, of each key again, of two halves of the keys, or of all. */
export interface AgainShape {
  readonly times: number
  readonly by: 'key' | 'half' | 'all'
}

/** Records of one key are in all partitions of the source. */
export const isSpread = ({ kind }: Workload): boolean => kind !== 'keyed' && kind !== 'hopping'

/** Rows are made of single records, and named by them. */
export const passesRecords = ({ kind }: Workload): boolean => kind === 'rows' || dependsOnOrder(kind)

/** What passes depends on records before or after it: where any may be missing, nobody can say what must come out. */
const dependsOnOrder = (kind: Kind): boolean =>
  kind === 'ordered' || kind === 'joined' || kind === 'chained' || kind === 'pattern'

/** The same of windows whose bounds are made by records. */
export const dependsOnOthers = ({ kind }: Workload): boolean => dependsOnOrder(kind) || kind === 'sessions'

/** Windows behind a shuffle, from which late records may be missing without any harm to others. */
export const mayLack = ({ kind }: Workload): boolean => kind === 'shuffled' || kind === 'staged'

/**
 * Whether the job goes on with more partitions, and what it gives can be said nevertheless: of records in the order of their times,
 * those that come late before all know of a partition decide what passes after them.
 */
export const growsOn = ({ kind, sourcePartitions }: Workload): boolean =>
  kind === 'rows' || kind === 'staged' || (kind === 'shuffled' && sourcePartitions > 1)

/** Records so far apart have nothing to do with one another. */
export const reachOf = ({ windowMs, latenessMs, disorderMs, again }: Workload): number =>
  windowMs * (1 + (again?.times ?? 0)) + latenessMs + disorderMs

/** Of an ordered job: the amount from which on a record is another than those below. */
export const TURNS_AT = 500

/** What a run costs is mostly how many units it has: many show little that two do not. */
const FIRST_PARTITIONS = [1, 1, 1, 2, 2, 3] as const
const SINK_COUNTS = [1, 1, 2, 3] as const
const MAX_CUT_AGES_MS = [1_000, 2_000, 4_000, 8_000] as const

/** Epoch of event time: simulated time starts here. */
export const EPOCH_MS = Date.UTC(2001, 0, 1)

export function chooseWorkload(random: Random, peers: number): Workload {
  const kind = pick(['keyed', 'shuffled', 'hopping', 'rows', 'joined'] as const, random)
  const windowMs = 1_000 * (5 + random.below(20))
  const replicas = Math.min(peers, random.below(4) === 0 ? 5 : 3)
  const write = Math.floor(replicas / 2) + 1 + (random.below(4) === 0 && replicas > 3 ? 1 : 0)
  const first = pick(FIRST_PARTITIONS, random)
  const several = kind === 'joined' || (kind === 'shuffled' && random.below(3) === 0)
  const records = kind === 'rows' || kind === 'joined'
  const chosen: Workload = {
    kind,
    sourcePartitions: first + (several ? 1 + random.below(2) : 0),
    otherFrom: first,
    growing: 0,
    joinBeforeMs: random.below(5) * 500,
    joinAfterMs: random.below(5) * 500,
    sinkPartitions: 1 + random.below(3),
    keys: 1 + random.below(8),
    disorderMs: random.below(4) * 500,
    lateRecords: kind === 'keyed' && random.below(3) === 0,
    windowMs,
    slideMs: kind === 'hopping' ? Math.max(1_000, Math.floor(windowMs / 2_000) * 1_000) : windowMs,
    latenessMs: !records && random.below(2) === 0 ? 2_000 * random.below(5) : 0,
    everyMs: 400 + random.below(2_000),
    idleAfterMs: 3_000 + random.below(10_000),
    onIdle: kind === 'joined' || random.below(3) === 0 ? 'wait' : 'emit',
    backlogMs: random.below(2) === 0 ? 5_000 + random.below(30_000) : 0,
    quorum: { replicas, write, read: Math.floor(replicas / 2) + 1 },
    sinks: chooseSinks(random),
    emit: records || random.below(3) > 0 ? 'onClose' : random.below(2) === 0 ? 'onUpdate' : 1_000,
    having: !records && random.below(3) === 0 ? 200 + random.below(1_500) : 0,
    branchFrom: random.below(3) > 0 ? 0 : records ? TURNS_AT : 200 + random.below(3_000),
    maxCutAgeMs: pick(MAX_CUT_AGES_MS, random),
  }
  // What is late depends on when silence is decided, unless it is waited for: then the source alone says what comes out.
  const orders = kind === 'rows' && chosen.onIdle === 'wait' && chosen.sourcePartitions > 1
  return orders ? { ...chosen, kind: 'ordered' } : chosen
}

/** Numbers of the first partition of each source. */
export function firstsOf({ sourcePartitions, otherFrom, thirdFrom }: Workload): readonly number[] {
  return [0, otherFrom, thirdFrom ?? sourcePartitions].filter((first, i) => i === 0 || first < sourcePartitions)
}

/** How many partitions a source has at first. */
export function partitionsOf(workload: Workload, source: number): number {
  const firsts = firstsOf(workload)
  return (firsts[source + 1] ?? workload.sourcePartitions) - (firsts[source] ?? 0)
}

/** The partition of a source with this number; those that come later have numbers behind all others. */
export function inputAt(workload: Workload, number: number): LogPartition {
  const { growing, sourcePartitions } = workload
  if (number >= sourcePartitions)
    return { topic: topicOf(growing), partition: partitionsOf(workload, growing) + number - sourcePartitions }
  const firsts = firstsOf(workload)
  const source = firsts.findLastIndex((first) => first <= number)
  return { topic: topicOf(source), partition: number - (firsts[source] ?? 0) }
}

export const topicOf = (source: number): string => SOURCES[source] ?? SOURCES[0]

/** All partitions of all sources, by their numbers. */
export function inputsOf(log: SimulatedLog, workload: Workload): readonly StoredPartition[] {
  const count = SOURCES.reduce((sum, topic) => sum + log.partitionsOf(topic).length, 0)
  return Array.from({ length: count }, (_, number) => log.partition(inputAt(workload, number)) ?? new StoredPartition())
}

function chooseSinks(random: Random): SinkKind[] {
  const left = [...SINK_KINDS]
  const count = pick(SINK_COUNTS, random)
  while (left.length > count) left.splice(random.below(left.length), 1)
  return left
}
