/**
 * Records as one batch of the format in batch-header.ts, uncompressed: what the embedded log stores. Kafka's producers
 * write their own.
 */
import type { LogRecord } from '../log.ts'
import { AT, BATCH_HEADER_BYTES, MAGIC, writeInt64 } from './batch-header.ts'
import { crc32c } from './crc32c.ts'
import { signedSize, writeSigned } from './varint.ts'

const NOBODY = -1

/** @param now for records without a timestamp */
export function encodeBatch(records: readonly LogRecord[], baseOffset: number, now: number): Uint8Array {
  const times = records.map(({ timestamp }) => timestamp ?? now)
  const [baseTimestamp = now] = times
  const headers = records.map(encodeHeaders)
  const sizes = records.map((record, i) => bodySize(record, (times[i] as number) - baseTimestamp, i, headers[i]))
  const size = sizes.reduce((sum, each) => sum + signedSize(each) + each, BATCH_HEADER_BYTES)
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  writeInt64(view, 0, baseOffset)
  view.setInt32(AT.length, size - AT.leaderEpoch)
  view.setInt8(AT.magic, MAGIC)
  view.setInt32(AT.lastOffsetDelta, records.length - 1)
  writeInt64(view, AT.baseTimestamp, baseTimestamp)
  writeInt64(
    view,
    AT.maxTimestamp,
    times.reduce((a, b) => Math.max(a, b), baseTimestamp),
  )
  writeInt64(view, AT.producerId, NOBODY)
  view.setInt16(AT.producerEpoch, NOBODY)
  view.setInt32(AT.baseSequence, NOBODY)
  view.setInt32(AT.records, records.length)
  let at = BATCH_HEADER_BYTES
  for (const [i, record] of records.entries()) {
    at = writeSigned(bytes, at, sizes[i] as number) + 1
    at = writeSigned(bytes, at, (times[i] as number) - baseTimestamp)
    at = writeSigned(bytes, at, i)
    at = writeBytes(bytes, at, record.key)
    at = writeBytes(bytes, at, record.value)
    const own = headers[i] as readonly Uint8Array[]
    at = writeSigned(bytes, at, own.length / 2)
    for (const part of own) at = writeBytes(bytes, at, part)
  }
  view.setUint32(AT.crc, crc32c(bytes, AT.attributes, size))
  return bytes
}

/** About what a record takes in a batch; never less. */
export const recordSize = (record: LogRecord): number => bodySize(record, 0, 0, encodeHeaders(record)) + 20

/** Names and values in turn. */
function encodeHeaders({ headers = {} }: LogRecord): readonly Uint8Array[] {
  return Object.entries(headers).flatMap(([name, value]) => [Buffer.from(name), Buffer.from(value)])
}

function bodySize(record: LogRecord, timestamp: number, delta: number, headers: readonly Uint8Array[] = []): number {
  let size = 1 + signedSize(timestamp) + signedSize(delta) + bytesSize(record.key) + bytesSize(record.value)
  size += signedSize(headers.length / 2)
  for (const part of headers) size += bytesSize(part)
  return size
}

const bytesSize = (bytes: Uint8Array | null): number =>
  bytes === null ? signedSize(-1) : signedSize(bytes.length) + bytes.length

function writeBytes(bytes: Uint8Array, at: number, value: Uint8Array | null): number {
  if (value === null) return writeSigned(bytes, at, -1)
  const from = writeSigned(bytes, at, value.length)
  bytes.set(value, from)
  return from + value.length
}
