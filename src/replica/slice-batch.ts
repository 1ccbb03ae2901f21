/**
 * A batch of the internal topic as the merging stage wants it: each value is the body of a slice whose certificate was
 * checked. A slice that does not check is never believed: it halts the unit.
 */
import { leafDigest, rootFromPath, type Verifier, verifyCertificate } from '../../mesh/index.ts'
import type { RecordBatch } from '../../operators/index.ts'
import { decodeSlice } from '../commit/slice.ts'
import { QuorateError } from '../errors.ts'
import type { SliceTrust } from './protocol.ts'

/**
 * Slices are checked as they are read, each once.
 * @throws QuorateError QRT_CERTIFICATE_INVALID from `value`, naming the record.
 */
export function checkedSlices(
  batch: RecordBatch,
  partition: number,
  trust: readonly SliceTrust[],
  verify: Verifier['verify'],
): RecordBatch {
  const bodies = new Map<number, Uint8Array>()
  return {
    length: batch.length,
    offset: (i) => batch.offset(i),
    timestamp: (i) => batch.timestamp(i),
    key: (i) => batch.key(i),
    value(i) {
      const known = bodies.get(i)
      if (known !== undefined) return known
      const body = checkedBody(batch.value(i), batch.offset(i), partition, trust, verify)
      bodies.set(i, body)
      return body
    },
  }
}

function checkedBody(
  value: Uint8Array | null,
  offset: number,
  partition: number,
  trust: readonly SliceTrust[],
  verify: Verifier['verify'],
): Uint8Array {
  const problem = (what: string) =>
    new QuorateError(
      'QRT_CERTIFICATE_INVALID',
      `the record at offset ${offset} of shuffle partition ${partition} is not a certified slice: ${what}; ` +
        'somebody else writes to this internal topic, or a peer is not what it says',
    )
  if (value === null) throw problem('it has no value')
  const slice = decodeSlice(value)
  const { content } = slice.certificate
  const source = trust.find(({ unit }) => unit === content.unit)
  if (source === undefined) throw problem(`it comes from ${content.unit}, which is no unit of the stage before`)
  const verdict = verifyCertificate(slice.certificate, source.write, source.members, verify)
  if (!verdict.ok) throw problem(verdict.reason)
  const root = rootFromPath(leafDigest(slice.body), slice.destination, slice.leaves, slice.path)
  if (slice.destination !== partition || root !== content.outDigest) {
    throw problem('its bytes are not those that were certified')
  }
  return slice.body
}
