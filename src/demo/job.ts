/** What the demo runs: daily delays by airport, on a topic that is partitioned by airport. */
import { partitionOf } from '../../operators/index.ts'
import type { LogPartition, LogRecord } from '../log/log.ts'
import type { Flight } from './flights.ts'

export const TOPIC = 'flights'
export const JOB = 'flight-delays'
export const PARTITIONS = 3

/** @param bounded ends with the flights that are in the topic at submit */
export const jobText = (bounded: boolean): string => `name: ${JOB}
source:
  topic: ${TOPIC}
  format: json
  time: { field: date, pattern: "yyyy/MM/dd HH:mm" }
  partitionedBy: origin
  bounded: ${bounded}
pipeline:
  - filter: distance >= 100
  - keyBy: origin
  - window: { tumbling: 1d }
  - aggregate: { flights: count(), delayed: "count(delay > 15)", meanDelay: avg(delay), worst: max(delay) }
sinks: []
quorum: { replicas: 3, write: 2, read: 2 }
retention: forever
`

/** Flights as records, by partition. */
export function recordsOf(flights: readonly Flight[]): ReadonlyMap<LogPartition, readonly LogRecord[]> {
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: TOPIC, partition }))
  const records = new Map<LogPartition, LogRecord[]>()
  for (const flight of flights) {
    const key = Buffer.from(flight.origin)
    const partition = partitions[partitionOf(key, PARTITIONS)]
    if (partition === undefined) continue
    const record = { key, value: Buffer.from(JSON.stringify(flight)) }
    const others = records.get(partition)
    if (others === undefined) records.set(partition, [record])
    else others.push(record)
  }
  return records
}
