/**
 * DescribeProducers: who has an open transaction in which partition (KIP-664; brokers from 2.8 on).
 *
 *   request, version 0 (flexible) = [topic]; topic = string name | [i32 partition]
 *   answer = i32 throttle | [topic]
 *     topic = string name | [partition]
 *     partition = i32 index | i16 error | nullable string message | [producer]
 *     producer = i64 id | i32 epoch | i32 last sequence | i64 last time | i32 coordinator epoch
 *              | i64 first offset of its transaction, −1 when none is open
 */
import type { LogPartition } from '../log.ts'
import { ERROR, type KafkaCluster } from './cluster.ts'
import type { WireReader, WireRequest } from './wire.ts'

const DESCRIBE_PRODUCERS = { key: 61, name: 'DescribeProducers' } as const

interface DescribedPartition {
  readonly partition: number
  readonly error: number
  /** Producers with an open transaction. */
  readonly open: readonly number[]
}

/**
 * Those of the partitions in which a producer has an open transaction. Where that cannot be asked, because the broker is too
 * old or the topic may not be read, there is none.
 */
export async function openIn(
  cluster: KafkaCluster,
  partitions: readonly LogPartition[],
  producerId: number,
): Promise<readonly LogPartition[]> {
  const topics = [...new Set(partitions.map(({ topic }) => topic))]
  const found = await Promise.all(
    topics.map(async (topic) => {
      const wanted = new Set(partitions.filter((each) => each.topic === topic).map(({ partition }) => partition))
      const doing = `looking for open transactions in "${topic}"`
      const answers = await cluster.withLeaders(topic, doing, async (leader, led) => {
        const asked = led.filter((partition) => wanted.has(partition))
        if (asked.length === 0 || !leader.knows(DESCRIBE_PRODUCERS)) return []
        return leader.send(request(topic, asked))
      })
      return answers.flat().flatMap(({ partition, error, open }) => {
        if (error === ERROR.topicAuthorizationFailed) return []
        if (error !== ERROR.none) throw new Error(`${doing} was answered with error ${error}`)
        return open.includes(producerId) ? [{ topic, partition }] : []
      })
    }),
  )
  return found.flat()
}

const request = (topic: string, partitions: readonly number[]): WireRequest<readonly DescribedPartition[]> => ({
  api: DESCRIBE_PRODUCERS,
  version: 0,
  flexible: true,
  write(writer) {
    writer.array([topic], () => {
      writer
        .string(topic)
        .array(partitions, (partition) => writer.int32(partition))
        .end()
    })
    writer.end()
  },
  read(reader) {
    reader.int32()
    const topics = reader.array(() => {
      reader.string()
      const found = reader.array(() => readPartition(reader))
      reader.end()
      return found
    })
    return topics.flat()
  },
})

function readPartition(reader: WireReader): DescribedPartition {
  const partition = reader.int32()
  const error = reader.int16()
  reader.nullableString()
  const producers = reader.array(() => {
    const producerId = reader.int64()
    reader.int32()
    reader.int32()
    reader.int64()
    reader.int32()
    const isOpen = reader.int64() >= 0
    reader.end()
    return { producerId, isOpen }
  })
  reader.end()
  const open = producers.filter(({ isOpen }) => isOpen).map(({ producerId }) => producerId)
  return { partition, error, open }
}
