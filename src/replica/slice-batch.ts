/**
 * A batch of the internal topic as the merging stage wants it: each value is the body of a slice whose certificate was
 * checked. A slice that does not check is never believed: it halts the unit.
 */
import { leafDigest, type PeerId, rootFromPath, type StatementProof, verifyCertificate } from '../../mesh/index.ts'
import type { RecordBatch } from '../../operators/index.ts'
import { decodeSlice } from '../commit/slice.ts'
import { QuorateError } from '../errors.ts'
import type { SliceTrust } from './protocol.ts'

type VerifySignature = (peer: PeerId, bytes: Uint8Array, signature: Uint8Array) => boolean

/** @throws QuorateError QRT_CERTIFICATE_INVALID naming the record. */
export function checkedSlices(
  batch: RecordBatch,
  start: number,
  partition: number,
  trust: SliceTrust,
  verifySignature: VerifySignature,
): RecordBatch {
  const bodies: (Uint8Array | null)[] = []
  const members = trust.members.map(({ id }) => id)
  for (let i = start; i < batch.length; i++) {
    const value = batch.value(i)
    const problem = (what: string, cause?: unknown) =>
      new QuorateError(
        'QRT_CERTIFICATE_INVALID',
        `the record at offset ${batch.offset(i)} of shuffle partition ${partition} is not a certified slice: ${what}; ` +
          'somebody else writes to this internal topic, or a peer is not what it says',
        cause === undefined ? {} : { cause },
      )
    if (value === null) throw problem('it has no value')
    const slice = decodeSlice(value)
    const verdict = verifyCertificate(slice.certificate, trust.write, members, verifySignature)
    if (!verdict.ok) throw problem(verdict.reason)
    const root = rootFromPath(leafDigest(slice.body), slice.destination, slice.leaves, slice.path)
    if (slice.destination !== partition || root !== slice.certificate.content.outDigest) {
      throw problem('its bytes are not those that were certified')
    }
    bodies.push(slice.body)
  }
  return {
    length: batch.length,
    offset: (i) => batch.offset(i),
    timestamp: (i) => batch.timestamp(i),
    key: (i) => batch.key(i),
    value: (i) => bodies[i - start] ?? null,
  }
}

/** Signers of a certificate, for messages. */
export const signersOf = (signers: readonly StatementProof[]): PeerId[] => signers.map(({ peer }) => peer)
