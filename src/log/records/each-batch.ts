/** The batches in what a fetch brought, one after another. */
import { type BatchHeader, checkBatch, readBatchHeader } from './batch-header.ts'
import { RecordsUnreadable } from './unreadable.ts'

/**
 * @param position that was asked for
 * @param end no batch from here on is taken
 * @returns the offset to go on from
 * @throws RecordsUnreadable
 */
export function eachBatch(
  bytes: Uint8Array,
  position: number,
  end: number,
  take: (header: BatchHeader, at: number) => void,
): number {
  let next = position
  for (let at = 0; next < end; ) {
    const header = readBatchHeader(bytes, at)
    if (header === undefined) break
    checkBatch(bytes, at, header.size)
    take(header, at)
    at += header.size
    next = Math.max(next, header.nextOffset)
  }
  if (next === position && bytes.length > 0) {
    throw new RecordsUnreadable('corrupt', `a batch at ${position} is larger than ${bytes.length} bytes`)
  }
  return next
}
