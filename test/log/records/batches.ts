/** Record batches as brokers store them, made by hand: transactional ones, markers, and whatever else a test asks for. */
import type { LogRecord } from '../../../src/log/log.ts'
import { AT, writeInt64 } from '../../../src/log/records/batch-header.ts'
import { crc32c } from '../../../src/log/records/crc32c.ts'
import { encodeBatch } from '../../../src/log/records/encode.ts'

export interface BatchParts {
  readonly baseOffset: number
  readonly records: readonly LogRecord[]
  readonly attributes?: number
  readonly producerId?: number
}

export const TRANSACTIONAL = 16
export const CONTROL = 32

export function batch({ baseOffset, records, attributes = 0, producerId = -1 }: BatchParts): Uint8Array {
  const bytes = encodeBatch(records, baseOffset, 0)
  const view = new DataView(bytes.buffer)
  view.setInt16(AT.attributes, attributes)
  writeInt64(view, AT.producerId, producerId)
  return sealed(bytes)
}

/** With a checksum that fits what is there now. */
export function sealed(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(AT.crc, crc32c(bytes, AT.attributes, bytes.length))
  return bytes
}

/** The end of a producer's transaction. */
export function marker(baseOffset: number, producerId: number, type: 'abort' | 'commit'): Uint8Array {
  const key = Buffer.from([0, 0, 0, type === 'commit' ? 1 : 0])
  const value = Buffer.alloc(6)
  return batch({ baseOffset, records: [{ key, value }], attributes: TRANSACTIONAL | CONTROL, producerId })
}

/** A batch whose records are compressed bytes, as a producer with that codec makes it. */
export function compressed(plain: Uint8Array, codec: number, compress: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const records = compress(plain.subarray(AT.records + 4))
  const bytes = new Uint8Array(AT.records + 4 + records.length)
  bytes.set(plain.subarray(0, AT.records + 4))
  bytes.set(records, AT.records + 4)
  const view = new DataView(bytes.buffer)
  view.setInt32(AT.length, bytes.length - AT.leaderEpoch)
  view.setInt16(AT.attributes, view.getInt16(AT.attributes) | codec)
  return sealed(bytes)
}

export const concat = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))
