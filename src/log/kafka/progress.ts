/**
 * The progress of a transactional id: the last record under that key in a compacted topic that a committed transaction
 * wrote. Its partition is read from the start to the end that it had after the id's earlier writers were fenced.
 *
 * It is read uncommitted, and the transactions are followed here: every one of this id has its marker by then, whereas
 * those of others in the same partition may be open, and a reader of what is stable would stop in front of them.
 */
import { partitionOf } from '../../../operators/index.ts'
import { QuorateError } from '../../errors.ts'
import type { Progress } from '../log.ts'
import { BATCH_HEADER_BYTES, type BatchHeader, checkBatch, readBatchHeader } from '../records/batch-header.ts'
import { controlType, RecordColumns } from '../records/columns.ts'
import { decompress } from '../records/compression.ts'
import { RecordsUnreadable } from '../records/unreadable.ts'
import type { KafkaCluster } from './cluster.ts'
import type { BrokerConnection } from './connection.ts'
import { FETCH, fetchRequest, ISOLATION } from './fetch.ts'

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
const COMMIT = 1

/** Which partition of the progress topic an id's records are in. */
export const progressPartition = (transactionalId: string, partitions: number): number =>
  partitionOf(Buffer.from(transactionalId), partitions)

/** @throws QuorateError QRT_LOG_UNREACHABLE, QRT_LOG_CORRUPT */
export async function readProgress(
  cluster: KafkaCluster,
  topic: string,
  transactionalId: string,
  partitions: number,
): Promise<Progress | undefined> {
  const partition = progressPartition(transactionalId, partitions)
  const doing = `reading the progress of "${transactionalId}" from ${topic}[${partition}]`
  const read = async (leader: BrokerConnection) => {
    const search = new ProgressSearch(Buffer.from(transactionalId))
    let position = (await leader.listOffsets(topic, [partition], 'start')).get(partition) ?? 0
    const end = (await leader.listOffsets(topic, [partition], 'end')).get(partition) ?? 0
    for (let empty = 0; position < end; ) {
      const next = search.add(await fetchAt(leader, topic, partition, position), position, end)
      empty = next === position ? empty + 1 : 0
      if (empty > MAX_EMPTY_FETCHES) throw new Error(`nothing comes at ${position}, before its end ${end}`)
      position = next
    }
    return search.progress
  }
  for (let reads = 1; ; reads++) {
    try {
      const [progress] = await cluster.withLeaders(topic, doing, read, partition)
      return progress
    } catch (error) {
      if (!(error instanceof RecordsUnreadable)) throw error
      if (reads > REREADS) throw new QuorateError('QRT_LOG_CORRUPT', `${doing} (${reads} times): ${error.message}`)
    }
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

/** Looks for the last committed record under one key, batch by batch. */
class ProgressSearch {
  progress: Progress | undefined
  readonly #key: Uint8Array
  readonly #columns = new RecordColumns()
  /** By producer: what its open transaction wrote under the key. */
  readonly #open = new Map<number, Progress>()

  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** Takes what a fetch at `position` brought, and returns where the next one begins. */
  add(bytes: Buffer, position: number, end: number): number {
    let next = position
    for (let at = 0; next < end; ) {
      const header = readBatchHeader(bytes, at)
      if (header === undefined) break
      checkBatch(bytes, at, header.size)
      this.#addBatch(header, bytes, at)
      at += header.size
      next = Math.max(next, header.nextOffset)
    }
    if (next === position && bytes.length > 0) {
      throw new RecordsUnreadable('corrupt', `a batch at ${position} is larger than ${bytes.length} bytes`)
    }
    return next
  }

  #addBatch(header: BatchHeader, bytes: Buffer, at: number): void {
    const from = at + BATCH_HEADER_BYTES
    const to = at + header.size
    const { producerId } = header
    if (header.control) {
      const written = this.#open.get(producerId)
      this.#open.delete(producerId)
      if (written !== undefined && controlType(bytes, from) === COMMIT) this.progress = written
      return
    }
    const columns = this.#columns
    columns.reset(0)
    if (header.compression === 0) columns.add(header, bytes, from, to, 0)
    else {
      const records = decompress(header.compression, bytes.subarray(from, to))
      columns.add(header, records, 0, records.length, 0)
    }
    for (let i = 0; i < columns.length; i++) {
      const key = columns.key(i)
      if (key === null || Buffer.compare(key, this.#key) !== 0) continue
      const value = columns.value(i)?.slice()
      if (header.transactional && value !== undefined) this.#open.set(producerId, value)
    }
  }
}
