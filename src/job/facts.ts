/** What only the cluster knows of a job: whether its topics exist, how many partitions the source has, where they end now. */
import { QuorateError, type QuorateErrorCode } from '../errors.ts'
import type { Fault } from '../http/problems.ts'
import type { Log, OffsetRange, TopicDescription } from '../log/log.ts'
import type { CompiledJob } from './compiled.ts'
import { type JobDocument, pathOfSource } from './document.ts'
import { pointerOf } from './text/read.ts'

export interface SourceFacts {
  readonly topic: TopicDescription
  readonly offsets: readonly OffsetRange[]
}

/** What the log says. */
export interface LogFacts {
  /** One for each source of the document, in its order; undefined: there is no such topic. */
  readonly sources: readonly (SourceFacts | undefined)[]
  /** Topics of sinks and dead letters that the log does not have. */
  readonly missingTopics: readonly string[]
}

export interface JobFacts extends LogFacts {
  /** Id of the cluster: clusters that share a log must not share internal topics. */
  readonly cluster: string
  /** Number of this submission in the cluster, from 1. */
  readonly submission: number
}

/** Asks a log for what compiling needs to know of it. @throws QuorateError QRT_LOG_UNREACHABLE */
export async function gatherFacts(
  document: JobDocument,
  log: Pick<Log, 'describeTopic' | 'offsets'>,
): Promise<LogFacts> {
  const sources: (SourceFacts | undefined)[] = []
  for (const source of document.sources) {
    const topic = await log.describeTopic(source.topic)
    sources.push(topic === undefined ? undefined : { topic, offsets: await log.offsets(topic.name) })
  }
  const missingTopics: string[] = []
  for (const { topic } of kafkaTopics(document)) {
    if ((await log.describeTopic(topic)) === undefined) missingTopics.push(topic)
  }
  return { sources, missingTopics }
}

/** As the log was when the job was first compiled: what its topics have more since then is growth of the job as it runs. */
export function factsAsOf({ sources: known }: Pick<CompiledJob, 'sources'>, facts: LogFacts): LogFacts {
  const sources = facts.sources.map((found, i) => {
    return found && { ...found, offsets: found.offsets.slice(0, known[i]?.partitions) }
  })
  return { ...facts, sources }
}

/** Topics of so many partitions each, for whoever asks what would become of a job. */
export function assumedSources({ sources }: JobDocument, partitions: number): readonly SourceFacts[] {
  const offsets = Array.from({ length: partitions }, () => ({ start: 0, end: 0 }))
  return sources.map(({ topic: name }) => ({
    topic: { name, partitions, cleanupPolicy: 'delete', retentionMs: -1 },
    offsets,
  }))
}

interface KafkaTopic {
  readonly topic: string
  readonly pointer: string
}

function kafkaTopics({ sinks, deadLetters }: JobDocument): KafkaTopic[] {
  const topics = sinks.flatMap((sink, i) =>
    sink.kind === 'kafka' ? [{ topic: sink.topic, pointer: `/sinks/${i}/kafka/topic` }] : [],
  )
  if (deadLetters?.kind !== 'kafka') return topics
  return [...topics, { topic: deadLetters.topic, pointer: '/deadLetters/kafka/topic' }]
}

/** A document that is valid, and that this cluster cannot run. `errors` have pointers, without places in a text. */
export class JobUnfitError extends QuorateError {
  readonly errors: readonly Fault[]

  constructor(code: QuorateErrorCode, errors: readonly Fault[]) {
    super(code, errors.map(({ message }) => message).join('; '))
    this.name = 'JobUnfitError'
    this.errors = errors
  }
}

/**
 * The offsets of each source, one range a partition.
 * @throws JobUnfitError QRT_TOPIC_UNKNOWN, QRT_TOPIC_COMPACTED with every fault; the code is that of the first
 */
export function checkFacts(
  document: JobDocument,
  { sources, missingTopics }: LogFacts,
): readonly (readonly OffsetRange[])[] {
  const faults: (readonly [QuorateErrorCode, Fault])[] = []
  const unknown = (name: string, pointer: string): void => {
    const suggestion = `create the topic "${name}" in the log that the peers read ("quorate produce ${name} FILE" does), or name another`
    faults.push(['QRT_TOPIC_UNKNOWN', { pointer, message: `the log has no topic "${name}"`, suggestion }])
  }
  for (const [i, source] of document.sources.entries()) {
    const pointer = pointerOf([...pathOfSource(source), 'topic'])
    const found = sources[i]
    if (found === undefined) unknown(source.topic, pointer)
    else if (found.topic.cleanupPolicy.includes('compact')) {
      const message = `expected the source "${source.topic}" to keep its records (cleanup.policy=delete); its policy is ${found.topic.cleanupPolicy}, which removes records that a replica may still have to read`
      const suggestion = 'copy it into a topic that is not compacted, and read that'
      faults.push(['QRT_TOPIC_COMPACTED', { pointer, message, suggestion }])
    }
  }
  for (const { topic, pointer } of kafkaTopics(document)) if (missingTopics.includes(topic)) unknown(topic, pointer)
  const [first] = faults
  if (first !== undefined) {
    throw new JobUnfitError(
      first[0],
      faults.map(([, fault]) => fault),
    )
  }
  return sources.map((source) => source?.offsets ?? [])
}
