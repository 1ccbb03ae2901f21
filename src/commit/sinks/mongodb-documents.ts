/**
 * What the MongoDB sink writes. A row's `_id` is (job, what the row is), so a later revision, or a later generation of the
 * job, replaces it; `guard` lets nothing older do so.
 */
import { Binary, type Document, Long } from 'mongodb'
import { type CutPosition, type Digest, planted } from '../../../mesh/index.ts'
import { type Row, readRows } from '../../../operators/index.ts'
import { QuorateError } from '../../errors.ts'
import type { CertifiedBatch, SinkProgress, UnitIdentity } from '../sink.ts'
import { jsonToBson } from './json-to-bson.ts'
import { isDate, placeOf } from './row-text.ts'

/** A row as a document, and the filter of what it may replace. */
export interface RowDocument {
  readonly id: string
  readonly rank: Rank
  readonly document: Document
  readonly older: Document
}

/** What decides between two writes of one row: the submission of the job, then the revision. */
export interface Rank {
  readonly submission: number
  readonly revision: number
}

/** Generations end in the number of their submission; text would sort 10 before 9. */
export function submissionOf(generation: string): number {
  const [, digits] = /-(\d+)$/.exec(generation) ?? []
  if (digits !== undefined) return Number(digits)
  throw new QuorateError(
    'QRT_SINK_REFUSED',
    `expected a generation that ends in the number of its submission, such as name-0123456789ab-1, found "${generation}"`,
  )
}

export function rowDocuments(batch: CertifiedBatch): RowDocument[] {
  const submission = submissionOf(batch.generation)
  return Array.from(readRows(batch.body), (row) => rowDocument(batch, submission, row))
}

function rowDocument({ job, generation }: CertifiedBatch, submission: number, row: Row): RowDocument {
  const place = placeOf(row)
  const identity =
    place.kind === 'window'
      ? `${place.start}/${place.end}/${Buffer.from(row.key).toString()}`
      : `${place.of === 0 ? '' : `${place.of}:`}${place.partition}/${place.offset}/${place.index}`
  const id = `${job}/${place.kind}/${identity}`
  const revision = place.kind === 'window' ? place.revision : 0
  const fields =
    place.kind === 'window'
      ? {
          window: { start: bsonTime(place.start), end: bsonTime(place.end) },
          revision,
          final: place.final,
          // The document stays, so that an older row that comes late does not.
          ...(place.removed === undefined ? {} : { removed: place.removed }),
        }
      : { source: { partition: place.partition, offset: place.offset, index: place.index } }
  const document = {
    _id: id,
    job,
    key: row.key.length === 0 ? null : jsonToBson(row.key),
    ...fields,
    value: jsonToBson(row.value),
    quorate: { generation, submission, revision },
  }
  // An older one that comes late, from a committer that stood still, must not win.
  const below = planted('older-row-wins') ? Number.MAX_SAFE_INTEGER : revision
  const older = {
    _id: id,
    $or: [
      { 'quorate.submission': { $lt: submission } },
      { 'quorate.submission': submission, 'quorate.revision': { $lt: below } },
    ],
  }
  return { id, rank: { submission, revision }, document, older }
}

export const isAtLeast = (found: Rank, rank: Rank): boolean =>
  found.submission > rank.submission || (found.submission === rank.submission && found.revision >= rank.revision)

const bsonTime = (epochMs: number): Date | number => (isDate(epochMs) ? new Date(epochMs) : epochMs)

export const markerId = ({ cluster, unit }: UnitIdentity): string => `${cluster}/${unit}`
/** Of the marker that rises before the rows are there. */
export const announcedId = (unit: UnitIdentity): string => `${markerId(unit)}/announced`

export function markerDocument({ position, outDigest, record }: SinkProgress): Document {
  return { seq: Long.fromNumber(position.seq), part: position.part, outDigest, certificate: new Binary(record) }
}

/** Markers below a position. */
export function markerBelow(id: string, { seq, part }: CutPosition): Document {
  return { _id: id, $or: [{ seq: { $lt: Long.fromNumber(seq) } }, { seq: Long.fromNumber(seq), part: { $lt: part } }] }
}

/** @throws QuorateError QRT_SINK_REFUSED when the document is not a marker. */
export function readMarker(sink: string, marker: Document | null): SinkProgress | undefined {
  if (marker === null) return undefined
  const { seq, part, outDigest, certificate } = marker
  if (
    seq === undefined ||
    typeof part !== 'number' ||
    typeof outDigest !== 'string' ||
    !(certificate instanceof Binary)
  ) {
    throw new QuorateError('QRT_SINK_REFUSED', `${sink}: the marker ${marker._id} is not one that Quorate wrote`)
  }
  return {
    position: { seq: Number(seq), part },
    outDigest: outDigest as Digest,
    record: new Uint8Array(certificate.buffer.subarray(0, certificate.length())),
  }
}
