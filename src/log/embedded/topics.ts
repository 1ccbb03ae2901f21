/** Topics and partitions of the embedded log, as rows. */
import { QuorateError } from '../../errors.ts'
import type { LogPartition, TopicSettings } from '../log.ts'
import type { LogDatabase } from './database.ts'

export interface TopicRow {
  readonly id: number
  readonly partitions: number
  readonly cleanupPolicy: string
  readonly retentionMs: number
}

export interface PartitionRow {
  readonly id: number
  readonly topic: number
  readonly retentionMs: number
  readonly start: number
  readonly end: number
}

export function topicRow(database: LogDatabase, name: string): TopicRow | undefined {
  const row = database.get('SELECT id, partitions, cleanup_policy, retention_ms FROM topics WHERE name = ?', name)
  if (row === undefined) return undefined
  return {
    id: Number(row.id),
    partitions: Number(row.partitions),
    cleanupPolicy: String(row.cleanup_policy),
    retentionMs: Number(row.retention_ms),
  }
}

export function createTopicRow(database: LogDatabase, name: string, settings: TopicSettings): TopicRow {
  const { partitions, cleanupPolicy = 'delete', retentionMs = -1 } = settings
  database.run(
    'INSERT INTO topics (name, partitions, cleanup_policy, retention_ms) VALUES (?, ?, ?, ?)',
    ...[name, partitions, cleanupPolicy, retentionMs],
  )
  const id = Number(database.get('SELECT id FROM topics WHERE name = ?', name)?.id)
  addPartitions(database, id, 0, partitions)
  return { id, partitions, cleanupPolicy, retentionMs }
}

/** New partitions behind those that it has. */
export function growTopicRow(database: LogDatabase, { id, partitions: known }: TopicRow, partitions: number): void {
  database.run('UPDATE topics SET partitions = ? WHERE id = ?', partitions, id)
  addPartitions(database, id, known, partitions)
}

function addPartitions(database: LogDatabase, topic: number, from: number, to: number): void {
  for (let number = from; number < to; number++) {
    database.run('INSERT INTO partitions (topic, number) VALUES (?, ?)', topic, number)
  }
}

export const unknownTopic = (topic: string): QuorateError =>
  new QuorateError('QRT_TOPIC_UNKNOWN', `there is no topic "${topic}" in the embedded log`)

export function findPartition(database: LogDatabase, { topic, partition }: LogPartition): PartitionRow | undefined {
  const row = database.get(
    `SELECT partitions.id, topic, retention_ms, start_offset, end_offset
     FROM topics JOIN partitions ON partitions.topic = topics.id WHERE topics.name = ? AND partitions.number = ?`,
    ...[topic, partition],
  )
  if (row === undefined) return undefined
  return {
    id: Number(row.id),
    topic: Number(row.topic),
    retentionMs: Number(row.retention_ms),
    start: Number(row.start_offset),
    end: Number(row.end_offset),
  }
}

/** @throws QuorateError QRT_TOPIC_UNKNOWN */
export function partitionRow(database: LogDatabase, partition: LogPartition): PartitionRow {
  const row = findPartition(database, partition)
  if (row !== undefined) return row
  throw new QuorateError(
    'QRT_TOPIC_UNKNOWN',
    `there is no partition ${partition.partition} of a topic "${partition.topic}" in the embedded log`,
  )
}
