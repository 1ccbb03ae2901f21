/**
 * Records as kafkajs's producer takes them: requests of bounded size, since it makes one batch of all that it is given for
 * a partition, and copies its list once per record.
 */
import type { ICustomPartitioner, Message, RecordMetadata, TopicMessages } from 'kafkajs'
import type { LogPartition, LogRecord } from '../log.ts'
import { recordSize } from '../records/encode.ts'

/** Of one batch of one partition; below every broker's default of 1 MiB. A record that is larger goes alone. */
const BATCH_BYTES = 512 << 10
const BATCH_RECORDS = 500
/** Of one request. */
const REQUEST_BYTES = 8 << 20

/** The partition is in the message. */
export const ownPartition: ICustomPartitioner =
  () =>
  ({ message }) =>
    message.partition as number

/** In order within each partition. */
export function* requestsOf(records: ReadonlyMap<LogPartition, readonly LogRecord[]>): Iterable<TopicMessages[]> {
  const left = [...records]
    .map(([partition, list]) => ({ partition, list, next: 0 }))
    .filter(({ list }) => list.length > 0)
  while (left.length > 0) {
    const request: TopicMessages[] = []
    const there = new Set<string>()
    let bytes = 0
    for (const source of left) {
      const { topic, partition } = source.partition
      // One batch a partition and request, so that their order is the order of the requests.
      if (bytes >= REQUEST_BYTES || there.has(`${partition}/${topic}`)) continue
      there.add(`${partition}/${topic}`)
      const messages: Message[] = []
      let size = 0
      while (source.next < source.list.length && messages.length < BATCH_RECORDS) {
        const record = source.list[source.next] as LogRecord
        const more = recordSize(record)
        if (messages.length > 0 && size + more > BATCH_BYTES) break
        messages.push(messageOf(record, partition))
        size += more
        source.next += 1
      }
      bytes += size
      request.push({ topic, messages })
    }
    yield request
    // Several lists of one partition are sent one after the other, whole.
    const done = left.filter(({ list, next }) => next === list.length)
    for (const each of done) left.splice(left.indexOf(each), 1)
  }
}

function messageOf({ key, value, timestamp, headers }: LogRecord, partition: number): Message {
  return {
    partition,
    key: bufferOf(key),
    value: bufferOf(value),
    ...(timestamp === undefined ? {} : { timestamp: String(timestamp) }),
    ...(headers === undefined ? {} : { headers: { ...headers } }),
  }
}

const bufferOf = (bytes: Uint8Array | null): Buffer | null =>
  bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

/** The first partition that messages were sent to and that no answer is about; undefined if all were taken. */
export function notTaken(sent: readonly TopicMessages[], answer: readonly RecordMetadata[]): LogPartition | undefined {
  const taken = new Set(answer.map(({ topicName, partition }) => `${partition}/${topicName}`))
  for (const { topic, messages } of sent) {
    for (const { partition = -1 } of messages) if (!taken.has(`${partition}/${topic}`)) return { topic, partition }
  }
  return undefined
}
