/**
 * How far a sink is, in bytes, and the question every sink asks of it first: is this batch there already?
 *
 *   progress = u8 version | f64 seq | u32 part | 32 bytes outDigest | record
 */
import { type CutPosition, comparePositions, type Digest } from '../../../mesh/index.ts'
import { QuorateError } from '../../errors.ts'
import type { CertifiedBatch, SinkProgress } from '../sink.ts'

const VERSION = 1
const DIGEST_BYTES = 32
const HEADER_BYTES = 1 + 8 + 4 + DIGEST_BYTES

export function encodeProgress({ position, outDigest, record }: SinkProgress): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + record.length)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, VERSION)
  view.setFloat64(1, position.seq)
  view.setUint32(9, position.part)
  bytes.set(Buffer.from(outDigest, 'hex'), 13)
  bytes.set(record, HEADER_BYTES)
  return bytes
}

/** @throws QuorateError QRT_SINK_REFUSED when the bytes are not such a record. */
export function decodeProgress(sink: string, bytes: Uint8Array): SinkProgress {
  if (bytes.length < HEADER_BYTES || bytes[0] !== VERSION) {
    throw new QuorateError(
      'QRT_SINK_REFUSED',
      `${sink}: expected a progress record of version ${VERSION}, found ${bytes.length} bytes of version ${bytes[0]}; ` +
        'it was written by another version of Quorate, or by something else',
    )
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    position: { seq: view.getFloat64(1), part: view.getUint32(9) },
    outDigest: Buffer.from(bytes.subarray(13, HEADER_BYTES)).toString('hex') as Digest,
    record: bytes.slice(HEADER_BYTES),
  }
}

/**
 * True when the sink has the batch. Positions below the sink's own were compared when they were the latest.
 * @throws QuorateError QRT_SINK_FORK when it has something else there.
 */
export function isThere(sink: string, progress: SinkProgress | undefined, batch: CertifiedBatch): boolean {
  if (progress === undefined) return false
  const order = comparePositions(batch.position, progress.position)
  if (order === 0) compareDigests(sink, batch, progress.outDigest)
  return order <= 0
}

/** @throws QuorateError QRT_SINK_FORK when the digest found at the sink is not the batch's. */
export function compareDigests(sink: string, batch: CertifiedBatch, found: string | undefined): void {
  if (found === batch.outDigest) return
  throw new QuorateError(
    'QRT_SINK_FORK',
    `${sink} holds something else at ${describePosition(batch.position)} of ${batch.unit}: expected digest ` +
      `${batch.outDigest}, found ${found ?? 'none'}; nothing was overwritten, compare both certificates`,
  )
}

const describePosition = ({ seq, part }: CutPosition): string => `cut ${seq} part ${part}`

export const progressOf = ({ position, outDigest, record }: CertifiedBatch): SinkProgress => ({
  position: { seq: position.seq, part: position.part },
  outDigest,
  record,
})
