/** Appending inside a write transaction: records become batches of bounded size, and what has expired goes. */
import type { LogPartition, LogRecord } from '../log.ts'
import { encodeBatch, recordSize } from '../records/encode.ts'
import type { LogDatabase } from './database.ts'
import { partitionRow } from './topics.ts'

/** A batch ends with the record that brings it to one of these. */
const BATCH_BYTES = 256 << 10
const BATCH_RECORDS = 4_096

/** @returns the offset of the first record */
export function appendRecords(database: LogDatabase, partition: LogPartition, records: readonly LogRecord[]): number {
  const { id, end, retentionMs } = partitionRow(database, partition)
  const now = Date.now()
  let next = end
  for (const batch of batches(records)) {
    const bytes = encodeBatch(batch, next, now)
    next += batch.length
    database.run(
      'INSERT INTO batches (partition, next_offset, appended_at, bytes) VALUES (?, ?, ?, ?)',
      ...[id, next, now, bytes],
    )
  }
  database.run('UPDATE partitions SET end_offset = ? WHERE id = ?', next, id)
  if (retentionMs >= 0 && records.length > 0) expire(database, id, now - retentionMs)
  return end
}

function* batches(records: readonly LogRecord[]): Iterable<readonly LogRecord[]> {
  let from = 0
  let bytes = 0
  for (const [i, record] of records.entries()) {
    bytes += recordSize(record)
    if (bytes < BATCH_BYTES && i + 1 - from < BATCH_RECORDS) continue
    yield records.slice(from, i + 1)
    from = i + 1
    bytes = 0
  }
  if (from < records.length) yield records.slice(from)
}

/** Whole batches, from the oldest on, as Kafka does by segment. The one that was just appended stays. */
function expire(database: LogDatabase, partition: number, before: number): void {
  const kept = database.get(
    'SELECT next_offset FROM batches WHERE partition = ? AND appended_at >= ? ORDER BY next_offset LIMIT 1',
    ...[partition, before],
  )
  const expired = database.get(
    'SELECT max(next_offset) AS next FROM batches WHERE partition = ? AND next_offset < ?',
    ...[partition, Number(kept?.next_offset ?? 0)],
  )
  const start = Number(expired?.next ?? 0)
  if (start > 0) trimPartition(database, partition, start)
}

/** What is below `start` is gone; what shares a batch with it only cannot be read any more. */
export function trimPartition(database: LogDatabase, partition: number, start: number): void {
  database.run('UPDATE partitions SET start_offset = max(start_offset, ?) WHERE id = ?', start, partition)
  database.run('DELETE FROM batches WHERE partition = ? AND next_offset <= ?', partition, start)
}
