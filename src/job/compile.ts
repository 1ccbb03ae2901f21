/** From a valid document and what the cluster knows to what peers run. Pure: the same input gives the same bytes anywhere. */
import { assert, digestOf } from '../../mesh/index.ts'
import type { StagePlan } from '../../operators/index.ts'
import type { SinkPlan } from '../commit/sink.ts'
import type { OffsetRange } from '../log/log.ts'
import type { CompiledJob, SourcePlan } from './compiled.ts'
import type { JobDocument, SinkDocument, SourceDocument } from './document.ts'
import { checkFacts, type JobFacts } from './facts.ts'
import { branchesOf, stagesOf } from './stages.ts'

/** @throws JobUnfitError QRT_TOPIC_UNKNOWN, QRT_TOPIC_COMPACTED */
export function compileJob(document: JobDocument, facts: JobFacts): CompiledJob {
  const ranges = checkFacts(document, facts)
  const branches = branchesOf(document).map(({ source }) => source)
  const { name, sinks, deadLetters, quorum, maxCutAgeMs, retentionMs } = document
  assert(Number.isSafeInteger(facts.submission) && facts.submission > 0, 'submissions count from 1')
  const generation = `${name}-${digestOf('job', document).slice(0, 12)}-${facts.submission}`
  // From one answer of the log: a topic that grew since it was described is taken at its new size.
  const { stages, others, shufflePartitions } = stagesOf(
    document,
    ranges.map(({ length }) => length),
  )
  return {
    name,
    generation,
    sources: document.sources.map((source, i) => sourcePlan(source, ranges[i] ?? [], others[i - 1])),
    stages,
    ...(shufflePartitions === undefined
      ? {}
      : { shuffle: { topic: `quorate-shuffle-${facts.cluster}-${generation}`, partitions: shufflePartitions } }),
    sinks: sinks.map((sink) => sinkPlan(sink, branches)),
    ...(deadLetters === undefined ? {} : { deadLetters }),
    quorum,
    maxCutAgeMs,
    retentionMs,
  }
}

/** Destination 0 is that of all rows. */
function sinkPlan({ where, ...target }: SinkDocument, branches: readonly string[]): SinkPlan {
  return where === undefined ? target : { ...target, branch: 1 + branches.indexOf(where.source) }
}

function sourcePlan(
  { name, topic, from, bounded, idleAfterMs, steps }: SourceDocument,
  offsets: readonly OffsetRange[],
  stage: StagePlan | undefined,
): SourcePlan {
  assert(offsets.length > 0, `the topic "${topic}" has partitions`)
  return {
    ...(name === undefined ? {} : { name }),
    topic,
    partitions: offsets.length,
    startOffsets: offsets.map(({ start, end }) => (from === 'latest' ? end : start)),
    ...(bounded ? { endOffsets: offsets.map(({ end }) => end) } : {}),
    idleAfterMs,
    ...(steps.length === 0 ? {} : { ownSteps: steps.length }),
    ...(stage === undefined ? {} : { stage }),
  }
}
