/**
 * The header of a record batch, version 2, the unit in which Kafka stores and sends records; the embedded log stores the
 * same.
 *
 *   batch = i64 baseOffset | i32 length of what follows | i32 leaderEpoch | i8 magic = 2 | u32 crc | checked
 *   checked = i16 attributes | i32 lastOffsetDelta | i64 baseTimestamp | i64 maxTimestamp
 *           | i64 producerId | i16 producerEpoch | i32 baseSequence | i32 records | bytes, compressed if so
 *   attributes = bits 0–2 compression | bit 3 log-append time | bit 4 transactional | bit 5 control
 *
 * The checksum (CRC-32C) is over `checked`; base offset and length are outside, since brokers assign the offset.
 */
import { crc32c } from './crc32c.ts'
import { RecordsUnreadable } from './unreadable.ts'

export const BATCH_HEADER_BYTES = 61
export const MAGIC = 2
/** Where things are in a batch. */
export const AT = {
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  records: 57,
} as const
/** The part before `length` counts, itself included. */
const PREFIX_BYTES = 12

export const COMPRESSION_MASK = 7
const LOG_APPEND_TIME = 8
const TRANSACTIONAL = 16
const CONTROL = 32

export interface BatchHeader {
  /** Of the whole batch. */
  readonly size: number
  readonly baseOffset: number
  /** Offset after its last one, whether or not a record has that. */
  readonly nextOffset: number
  readonly leaderEpoch: number
  readonly compression: number
  readonly logAppendTime: boolean
  readonly transactional: boolean
  readonly control: boolean
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly records: number
}

/**
 * The header of the batch at `at`; undefined when the bytes end before the batch does (a broker cuts the last one off).
 * @throws RecordsUnreadable when it is no batch of this version
 */
export function readBatchHeader(bytes: Uint8Array, at: number): BatchHeader | undefined {
  const left = bytes.length - at
  if (left <= AT.magic) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, left)
  const magic = view.getInt8(AT.magic)
  const size = PREFIX_BYTES + view.getInt32(AT.length)
  if (magic === 0 || magic === 1) {
    throw new RecordsUnreadable('unsupported', `they are in message format ${magic}; rewrite the topic with format 2`)
  }
  if (magic !== MAGIC || size < BATCH_HEADER_BYTES) {
    throw new RecordsUnreadable('corrupt', `a batch has format ${magic} and ${size} bytes`)
  }
  if (left < size) return undefined
  const attributes = view.getInt16(AT.attributes)
  const baseOffset = readInt64(view, 0)
  return {
    size,
    baseOffset,
    nextOffset: baseOffset + view.getInt32(AT.lastOffsetDelta) + 1,
    leaderEpoch: view.getInt32(AT.leaderEpoch),
    compression: attributes & COMPRESSION_MASK,
    logAppendTime: (attributes & LOG_APPEND_TIME) !== 0,
    transactional: (attributes & TRANSACTIONAL) !== 0,
    control: (attributes & CONTROL) !== 0,
    baseTimestamp: readInt64(view, AT.baseTimestamp),
    maxTimestamp: readInt64(view, AT.maxTimestamp),
    producerId: readInt64(view, AT.producerId),
    producerEpoch: view.getInt16(AT.producerEpoch),
    records: view.getInt32(AT.records),
  }
}

/** @throws RecordsUnreadable when the batch of `size` bytes at `at` does not match its checksum */
export function checkBatch(bytes: Uint8Array, at: number, size: number): void {
  const expected = new DataView(bytes.buffer, bytes.byteOffset + at, size).getUint32(AT.crc)
  const found = crc32c(bytes, at + AT.attributes, at + size)
  if (found !== expected) {
    throw new RecordsUnreadable('corrupt', `a batch has checksum ${hex(found)} where its header says ${hex(expected)}`)
  }
}

const hex = (value: number): string => value.toString(16).padStart(8, '0')

/** Offsets, times and ids are far below 2^53. */
export function readInt64(view: DataView, at: number): number {
  return view.getInt32(at) * 2 ** 32 + view.getUint32(at + 4)
}

export function writeInt64(view: DataView, at: number, value: number): void {
  view.setInt32(at, Math.floor(value / 2 ** 32))
  view.setUint32(at + 4, (value % 2 ** 32) >>> 0)
}
