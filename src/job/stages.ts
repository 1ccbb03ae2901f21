/**
 * The stages of a job. One, unless a window or an ordered operator must see more than one partition of the source: then the first
 * ends in partial aggregates, or in the records, and the second takes them behind a shuffle (operators/plan.ts).
 */
import type { CutPlan, StagePlan, WindowPlan } from '../../operators/index.ts'
import type { JobDocument } from './document.ts'
import { keepsPartitioning } from './partitioning.ts'

/** Without windows there is no grid that results fall on; a second keeps a row's way short and its certificate worth the while. */
const ROWS_GRID_MS = 1_000

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
  /** Set when there are two stages. */
  readonly shufflePartitions?: number
}

/** @param sourcePartitions of the source topic */
export function stagesOf(document: JobDocument, sourcePartitions: number): Stages {
  const { name, source, pipeline } = document
  const { steps, ...grouping } = pipeline
  const shared = { job: name, ...grouping, onIdle: source.onIdle, cuts: cutsOf(document) }
  const input = {
    kind: 'records',
    format: source.format,
    ...(source.envelope === undefined ? {} : { envelope: source.envelope }),
    time: source.time,
    outOfOrdernessMs: source.outOfOrdernessMs,
  } as const
  const first = { ...shared, stage: 0, input, steps }
  const { window, ordered } = pipeline
  const holds = window !== undefined || ordered !== undefined
  if (!holds || sourcePartitions === 1 || keepsPartitioning(source, pipeline)) {
    return { stages: [{ ...first, output: { kind: 'rows' } }] }
  }
  const partitions = shufflePartitionsOf(document, sourcePartitions)
  return {
    stages: [
      { ...first, output: { kind: 'shuffle', partitions, ...(ordered === undefined ? {} : { carries: 'records' }) } },
      {
        ...shared,
        stage: 1,
        input: { kind: 'slices', sources: sourcePartitions },
        steps: [],
        output: { kind: 'rows' },
      },
    ],
    shufflePartitions: partitions,
  }
}

/** Without a key there is one group, and so work for one partition. */
function shufflePartitionsOf({ pipeline, shufflePartitions }: JobDocument, sourcePartitions: number): number {
  return pipeline.keyBy === undefined ? 1 : (shufflePartitions ?? sourcePartitions)
}

function cutsOf({ pipeline: { window } }: JobDocument): CutPlan {
  return { gridMs: gridOf(window), ...CUTS }
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
