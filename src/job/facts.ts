/** What only the cluster knows of a job: whether its topics exist, how many partitions the source has, where they end now. */
import { QuorateError, type QuorateErrorCode } from '../errors.ts'
import type { Fault } from '../http/problems.ts'
import type { Log, OffsetRange, TopicDescription } from '../log/log.ts'
import type { JobDocument } from './document.ts'

/** What the log says. */
export interface LogFacts {
  /** Undefined: there is no such topic. */
  readonly source: { readonly topic: TopicDescription; readonly offsets: readonly OffsetRange[] } | undefined
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
  const topic = await log.describeTopic(document.source.topic)
  const source = topic === undefined ? undefined : { topic, offsets: await log.offsets(topic.name) }
  const missingTopics: string[] = []
  for (const { topic } of kafkaTopics(document)) {
    if ((await log.describeTopic(topic)) === undefined) missingTopics.push(topic)
  }
  return { source, missingTopics }
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
 * The offsets of the source, one range a partition.
 * @throws JobUnfitError QRT_TOPIC_UNKNOWN, QRT_TOPIC_COMPACTED with every fault; the code is that of the first
 */
export function checkFacts(document: JobDocument, { source, missingTopics }: LogFacts): readonly OffsetRange[] {
  const faults: (readonly [QuorateErrorCode, Fault])[] = []
  const { topic } = document.source
  const unknown = (name: string, pointer: string): void => {
    const suggestion = `create the topic "${name}", or name another`
    faults.push(['QRT_TOPIC_UNKNOWN', { pointer, message: `the log has no topic "${name}"`, suggestion }])
  }
  if (source === undefined) unknown(topic, '/source/topic')
  else if (source.topic.cleanupPolicy.includes('compact')) {
    const message = `expected the source "${topic}" to keep its records (cleanup.policy=delete); its policy is ${source.topic.cleanupPolicy}, which removes records that a replica may still have to read`
    const suggestion = 'copy it into a topic that is not compacted, and read that'
    faults.push(['QRT_TOPIC_COMPACTED', { pointer: '/source/topic', message, suggestion }])
  }
  for (const { topic, pointer } of kafkaTopics(document)) if (missingTopics.includes(topic)) unknown(topic, pointer)
  const [first] = faults
  if (first !== undefined) {
    throw new JobUnfitError(
      first[0],
      faults.map(([, fault]) => fault),
    )
  }
  return source?.offsets ?? []
}
