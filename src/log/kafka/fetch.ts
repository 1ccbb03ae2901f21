/**
 * Fetch: records of several partitions that one broker leads, in one answer.
 *
 *   request, version 13 (flexible; topics by id) or 11 (by name)
 *     = i32 replica = −1 | i32 max wait | i32 min bytes | i32 max bytes | i8 isolation | i32 session = 0
 *     | i32 session epoch = −1 | [topic] | [] forgotten | string rack
 *     topic = uuid or string | [partition]
 *     partition = i32 index | i32 leader epoch | i64 offset | [i32 last fetched epoch = −1, from 12] | i64 −1 | i32 max bytes
 *   answer
 *     = i32 throttle | i16 error | i32 session | [topic]
 *     topic = uuid or string | [partition]
 *     partition = i32 index | i16 error | i64 high watermark | i64 last stable offset | i64 start
 *               | [i64 producer | i64 first offset] aborted | i32 preferred replica | bytes records
 *
 * Fetch sessions are not used: a request names few partitions. With topic ids a topic that was deleted and created again
 * under the same name is never mistaken for the old one.
 */
import type { AbortedTransaction } from '../records/record-set.ts'
import type { WireReader, WireRequest } from './wire.ts'

export const FETCH = { key: 1, name: 'Fetch' } as const
const BY_ID_VERSION = 13
const BY_NAME_VERSION = 11

export const ISOLATION = { readUncommitted: 0, readCommitted: 1 } as const

export interface FetchPartition {
  readonly topic: string
  /** Empty: the broker knows none. */
  readonly topicId: string
  readonly partition: number
  readonly leaderEpoch: number
  readonly offset: number
}

export interface FetchOptions {
  readonly isolation: 0 | 1
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly maxPartitionBytes: number
}

export interface FetchedPartition {
  /** Index into the partitions that were asked for. */
  readonly asked: number
  readonly error: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly aborted: readonly AbortedTransaction[]
  readonly records: Buffer
}

export interface FetchAnswer {
  readonly error: number
  readonly partitions: readonly FetchedPartition[]
}

/** Whether the broker and all the topics know ids. */
const byId = (partitions: readonly FetchPartition[], maxVersion: number): boolean =>
  maxVersion >= BY_ID_VERSION && partitions.every(({ topicId }) => topicId !== '')

export function fetchRequest(
  partitions: readonly FetchPartition[],
  options: FetchOptions,
  maxVersion: number,
): WireRequest<FetchAnswer> {
  const flexible = byId(partitions, maxVersion)
  const topicOf = ({ topic, topicId }: FetchPartition) => (flexible ? topicId : topic)
  const asked = new Map(partitions.map((each, i) => [`${each.partition}/${topicOf(each)}`, i]))
  return {
    api: FETCH,
    version: flexible ? BY_ID_VERSION : BY_NAME_VERSION,
    flexible,
    write(writer) {
      writer.int32(-1).int32(options.maxWaitMs).int32(1).int32(options.maxBytes).int8(options.isolation)
      writer.int32(0).int32(-1)
      // A topic may come several times: the broker fills its answer in the order of the request.
      writer.array(partitions, (each) => {
        if (flexible) writer.uuid(each.topicId)
        else writer.string(each.topic)
        writer.array([each], ({ partition, leaderEpoch, offset }) => {
          writer.int32(partition).int32(leaderEpoch).int64(offset)
          if (flexible) writer.int32(-1)
          writer.int64(-1).int32(options.maxPartitionBytes).end()
        })
        writer.end()
      })
      writer.array([], () => undefined)
      writer.string('').end()
    },
    read(reader) {
      reader.int32()
      const error = reader.int16()
      reader.int32()
      const topics = reader.array(() => {
        const topic = flexible ? reader.uuid() : reader.string()
        const found = reader.array(() => readPartition(reader, topic, asked))
        reader.end()
        return found
      })
      return { error, partitions: topics.flat() }
    },
  }
}

function readPartition(reader: WireReader, topic: string, asked: ReadonlyMap<string, number>): FetchedPartition {
  const key = `${reader.int32()}/${topic}`
  const index = asked.get(key)
  if (index === undefined) throw new RangeError(`it holds ${key}, which was not asked for`)
  const read = {
    asked: index,
    error: reader.int16(),
    highWatermark: reader.int64(),
    lastStableOffset: reader.int64(),
  }
  reader.int64()
  const aborted = reader.array(() => {
    const transaction = { producerId: reader.int64(), firstOffset: reader.int64() }
    reader.end()
    return transaction
  })
  reader.int32()
  const records = reader.bytes()
  reader.end()
  return { ...read, aborted, records }
}
