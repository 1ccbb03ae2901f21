/**
 * A batch of the internal topic as the merging stage wants it: each value is the body of a slice whose certificate was
 * checked. A slice that does not check is never believed: it halts the unit. One whose certificate is of a term, or of a unit,
 * that is not known here ends the batch: it is taken once its voters are known, which those of a unit are with the revision
 * of the job that brought it.
 */
import {
  leafDigest,
  parseUnitId,
  planted,
  rootFromPath,
  type UnitId,
  type Verifier,
  verifyCertificate,
} from '../../mesh/index.ts'
import type { RecordBatch } from '../../operators/index.ts'
import { decodeSlice } from '../commit/slice.ts'
import { QuorateError } from '../errors.ts'
import type { SliceTrust } from './protocol.ts'

export interface CheckedSlices {
  /** As long as what could be checked. */
  readonly batch: RecordBatch
  /** Why it is shorter than what came. */
  readonly untrusted: { readonly source: UnitId; readonly term: number } | undefined
}

/** @throws QuorateError QRT_CERTIFICATE_INVALID, naming the record */
export function checkedSlices(
  batch: RecordBatch,
  start: number,
  partition: number,
  trust: readonly SliceTrust[],
  verify: Verifier['verify'],
): CheckedSlices {
  const bodies: Uint8Array[] = []
  let untrusted: CheckedSlices['untrusted']
  for (let i = start; i < batch.length; i++) {
    const checked = checkedBody(batch.value(i), batch.offset(i), partition, trust, verify)
    if (!(checked instanceof Uint8Array)) {
      untrusted = checked
      break
    }
    bodies.push(checked)
  }
  return {
    untrusted,
    batch: {
      length: start + bodies.length,
      offset: (i) => batch.offset(i),
      timestamp: (i) => batch.timestamp(i),
      key: (i) => batch.key(i),
      value: (i) => bodies[i - start] ?? null,
    },
  }
}

function checkedBody(
  value: Uint8Array | null,
  offset: number,
  partition: number,
  trust: readonly SliceTrust[],
  verify: Verifier['verify'],
): Uint8Array | { readonly source: UnitId; readonly term: number } {
  const problem = (what: string) =>
    new QuorateError(
      'QRT_CERTIFICATE_INVALID',
      `the record at offset ${offset} of shuffle partition ${partition} is not a certified slice: ${what}; ` +
        'somebody else writes to this internal topic, or a peer is not what it says',
    )
  if (value === null) throw problem('it has no value')
  const slice = decodeSlice(value)
  if (planted('slice-unchecked')) return slice.body
  const { content, term } = slice.certificate
  const source = trust.find(({ unit }) => unit === content.unit)
  if (source === undefined) {
    if (comesLater(content.unit, trust)) return { source: content.unit, term }
    throw problem(`it comes from ${content.unit}, which is no unit of the stage before`)
  }
  if (term > source.latest) return { source: source.unit, term }
  const voters = source.voters.findLast((each) => each.term <= term)
  if (voters === undefined) throw problem(`nobody votes in term ${term} of ${content.unit}`)
  const verdict = verifyCertificate(slice.certificate, voters.write, voters.members, verify)
  if (!verdict.ok) throw problem(verdict.reason)
  const root = rootFromPath(leafDigest(slice.body), slice.destination, slice.leaves, slice.path)
  if (slice.destination !== partition || root !== content.outDigest) {
    throw problem('its bytes are not those that were certified')
  }
  return slice.body
}

/** Of the stage before, and of a partition of its source that this peer has not heard of yet. */
function comesLater(unit: UnitId, trust: readonly SliceTrust[]): boolean {
  const [known] = trust
  if (known === undefined) return false
  const { generation, stage } = parseUnitId(known.unit)
  const came = parseUnitId(unit)
  return came.generation === generation && came.stage === stage
}
