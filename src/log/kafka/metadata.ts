/**
 * Metadata: who leads which partition, and which topic it is, whatever its name (KIP-516).
 *
 *   request, version 10 (flexible) or 8
 *     = [topic] | i8 allow creation | i8 cluster operations | i8 topic operations
 *     topic = [uuid, from 10] | string name
 *   answer
 *     = i32 throttle | [i32 node | string host | i32 port | string rack] | string cluster | i32 controller | [topic]
 *     | i32 cluster operations
 *     topic = i16 error | string name | [uuid, from 10] | i8 internal | [partition] | i32 operations
 *     partition = i16 error | i32 index | i32 leader | i32 leader epoch | [i32] replicas | [i32] in sync | [i32] offline
 */
import type { WireReader, WireRequest } from './wire.ts'

export const METADATA = { key: 3, name: 'Metadata' } as const
const FLEXIBLE_VERSION = 10
const PLAIN_VERSION = 8
const NO_ID = '0'.repeat(32)

export interface BrokerNode {
  readonly id: number
  readonly host: string
  readonly port: number
}

export interface PartitionMetadata {
  readonly error: number
  readonly partition: number
  /** −1: none at present. */
  readonly leader: number
  readonly leaderEpoch: number
}

export interface TopicMetadata {
  readonly error: number
  readonly name: string
  /** Empty where the broker knows none. */
  readonly id: string
  readonly partitions: readonly PartitionMetadata[]
}

export interface ClusterMetadata {
  readonly clusterId: string
  readonly nodes: readonly BrokerNode[]
  readonly topics: readonly TopicMetadata[]
}

/** @param maxVersion of the broker that is asked */
export function metadataRequest(topics: readonly string[], maxVersion: number): WireRequest<ClusterMetadata> {
  const flexible = maxVersion >= FLEXIBLE_VERSION
  return {
    api: METADATA,
    version: flexible ? FLEXIBLE_VERSION : PLAIN_VERSION,
    flexible,
    write(writer) {
      writer.array(topics, (topic) => {
        if (flexible) writer.uuid(NO_ID)
        writer.string(topic).end()
      })
      writer.int8(0).int8(0).int8(0).end()
    },
    read(reader) {
      reader.int32()
      const nodes = reader.array(() => readNode(reader))
      const clusterId = reader.string()
      reader.int32()
      const found = reader.array(() => readTopic(reader, flexible))
      return { clusterId, nodes, topics: found }
    },
  }
}

function readNode(reader: WireReader): BrokerNode {
  const node = { id: reader.int32(), host: reader.string(), port: reader.int32() }
  reader.nullableString()
  reader.end()
  return node
}

function readTopic(reader: WireReader, flexible: boolean): TopicMetadata {
  const error = reader.int16()
  const name = reader.string()
  const id = flexible ? reader.uuid() : NO_ID
  reader.int8()
  const partitions = reader.array(() => readPartition(reader))
  reader.int32()
  reader.end()
  return { error, name, id: id === NO_ID ? '' : id, partitions }
}

function readPartition(reader: WireReader): PartitionMetadata {
  const read = {
    error: reader.int16(),
    partition: reader.int32(),
    leader: reader.int32(),
    leaderEpoch: reader.int32(),
  }
  for (let lists = 0; lists < 3; lists++) reader.array(() => reader.int32())
  reader.end()
  return read
}
