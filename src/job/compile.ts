/** From a valid document and what the cluster knows to what peers run. Pure: the same input gives the same bytes anywhere. */
import { assert, digestOf } from '../../mesh/index.ts'
import type { CompiledJob, SourcePlan } from './compiled.ts'
import type { JobDocument } from './document.ts'
import { checkFacts, type JobFacts } from './facts.ts'
import { stagesOf } from './stages.ts'

/** @throws JobUnfitError QRT_TOPIC_UNKNOWN, QRT_TOPIC_COMPACTED */
export function compileJob(document: JobDocument, facts: JobFacts): CompiledJob {
  const offsets = checkFacts(document, facts)
  const { name, sinks, deadLetters, quorum, maxCutAgeMs, retentionMs } = document
  const { topic, from, bounded, idleAfterMs } = document.source
  assert(offsets.length > 0, `the topic "${topic}" has partitions`)
  assert(Number.isSafeInteger(facts.submission) && facts.submission > 0, 'submissions count from 1')
  // From one answer of the log: a topic that grew since it was described is taken at its new size.
  const source: SourcePlan = {
    topic,
    partitions: offsets.length,
    startOffsets: offsets.map(({ start, end }) => (from === 'latest' ? end : start)),
    ...(bounded ? { endOffsets: offsets.map(({ end }) => end) } : {}),
  }
  const generation = `${name}-${digestOf('job', document).slice(0, 12)}-${facts.submission}`
  const { stages, shufflePartitions } = stagesOf(document, offsets.length)
  return {
    name,
    generation,
    source,
    stages,
    ...(shufflePartitions === undefined
      ? {}
      : { shuffle: { topic: `quorate-shuffle-${facts.cluster}-${generation}`, partitions: shufflePartitions } }),
    sinks,
    ...(deadLetters === undefined ? {} : { deadLetters }),
    quorum,
    idleAfterMs,
    maxCutAgeMs,
    retentionMs,
  }
}
