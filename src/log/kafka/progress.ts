/**
 * The progress of a transactional id: the last record under that key in a compacted topic that a committed transaction
 * wrote. Its partition is read from the start to the end that it had after the id's earlier writers were fenced.
 *
 * Every transaction of the id should have its marker by then. One that has none is looked at again for a while, since its
 * writer may be a newer one, and given back: its rows are neither there nor not there (unmarked.ts).
 */
import { setTimeout as delay } from 'node:timers/promises'
import { partitionOf } from '../../../operators/index.ts'
import { QuorateError } from '../../errors.ts'
import type { LogPartition } from '../log.ts'
import { RecordsUnreadable } from '../records/unreadable.ts'
import type { KafkaCluster } from './cluster.ts'
import type { BrokerConnection } from './connection.ts'
import { FETCH, fetchRequest, ISOLATION } from './fetch.ts'
import { ProgressSearch, type WrittenTransaction } from './progress-search.ts'

export const PROGRESS_PARTITIONS = 16
/**
 * Compaction leaves the newest segment alone, so segments are small: what has to be read to open a writer is about one of
 * them and one record per id. (segment.bytes cannot be below 1 MiB.)
 */
export const PROGRESS_CONFIG = {
  'cleanup.policy': 'compact',
  'segment.bytes': String(8 << 20),
  'min.cleanable.dirty.ratio': '0.1',
} as const

const FETCH_BYTES = 4 << 20
const REREADS = 3
/** Each takes a tenth of a second: what is below the end is there, unless the leader has changed. */
const MAX_EMPTY_FETCHES = 20
/** How long a transaction may stay undecided after the earlier writers were fenced; between two looks. */
export const DECIDED_WITHIN_MS = 2_000
export const DECIDED_WAIT_MS = 50

/** Which partition of the progress topic an id's records are in. */
export const progressPartition = (transactionalId: string, partitions: number): number =>
  partitionOf(Buffer.from(transactionalId), partitions)

export interface FoundProgress {
  readonly committed: WrittenTransaction | undefined
  /** The transaction after it, when that one is neither committed nor aborted and stays so. */
  readonly undecided: WrittenTransaction | undefined
}

/**
 * @param transactionalId whose earlier writers are fenced
 * @throws QuorateError QRT_LOG_UNREACHABLE, QRT_LOG_CORRUPT, QRT_LOG_FENCED when a newer writer is at work
 */
export async function readProgress(
  cluster: KafkaCluster,
  topic: string,
  transactionalId: string,
  partitions: number,
): Promise<FoundProgress> {
  const partition = progressPartition(transactionalId, partitions)
  const deadline = performance.now() + DECIDED_WITHIN_MS
  let first: WrittenTransaction | undefined
  for (;;) {
    const found = await lookForProgress(cluster, topic, transactionalId, partition)
    const { undecided } = found
    if (undecided === undefined) return found
    first ??= undecided
    if (undecided.offset !== first.offset) {
      const where = `${topic}[${partition}] at ${undecided.offset}`
      throw new QuorateError(
        'QRT_LOG_FENCED',
        `a newer writer of "${transactionalId}" is at work: it wrote to ${where}`,
      )
    }
    if (performance.now() > deadline) return found
    await delay(DECIDED_WAIT_MS)
  }
}

/** As it is now. */
export async function lookForProgress(
  cluster: KafkaCluster,
  topic: string,
  transactionalId: string,
  partition: number,
): Promise<FoundProgress> {
  const doing = `reading the progress of "${transactionalId}" from ${topic}[${partition}]`
  const read = async (leader: BrokerConnection) => {
    const search = new ProgressSearch(Buffer.from(transactionalId))
    const position = await leader.offset(topic, partition, 'start')
    await scan(leader, { topic, partition }, position, (bytes, from, end) => search.add(bytes, from, end))
    return search
  }
  for (let reads = 1; ; reads++) {
    try {
      const [found] = await cluster.withLeaders(topic, doing, read, partition)
      if (found === undefined) throw new QuorateError('QRT_LOG_UNREACHABLE', `${doing}: no broker leads it`)
      return { committed: found.committed, undecided: found.undecided }
    } catch (error) {
      if (!(error instanceof RecordsUnreadable)) throw error
      if (reads > REREADS) throw new QuorateError('QRT_LOG_CORRUPT', `${doing} (${reads} times): ${error.message}`)
    }
  }
}

/** Fetches from an offset to the end that the partition has now. `take` gets the bytes, and says where to go on. */
export async function scan(
  leader: BrokerConnection,
  { topic, partition }: LogPartition,
  from: number,
  take: (bytes: Buffer, position: number, end: number) => number,
): Promise<void> {
  const end = await leader.offset(topic, partition, 'end')
  let position = from
  for (let empty = 0; position < end; ) {
    const next = take(await fetchAt(leader, topic, partition, position), position, end)
    empty = next === position ? empty + 1 : 0
    if (empty > MAX_EMPTY_FETCHES) throw new Error(`nothing comes at ${position}, before its end ${end}`)
    position = next
  }
}

async function fetchAt(leader: BrokerConnection, topic: string, partition: number, offset: number): Promise<Buffer> {
  const asked = [{ topic, topicId: '', partition, leaderEpoch: -1, offset }]
  const options = {
    isolation: ISOLATION.readUncommitted,
    maxWaitMs: 100,
    maxBytes: FETCH_BYTES,
    maxPartitionBytes: FETCH_BYTES,
  }
  const { error, partitions } = await leader.send(fetchRequest(asked, options, leader.maxVersion(FETCH)), 100)
  const [found] = partitions
  if (error !== 0 || found === undefined || found.error !== 0) {
    throw new Error(`the broker answered with error ${error || found?.error}`)
  }
  return found.records
}
