/** What peers ask of one another on behalf of the API, and the shape checks of what comes. */
import type { Certificate, CutPosition, Term, UnitId, Wire } from '../../mesh/index.ts'
import type { RowPlace } from '../read/local.ts'
import type { ReadRequest } from '../read/quorum.ts'
import type { HandoffRequest } from '../replica/handoff.ts'
import { RESOLUTIONS, type Resolution } from '../replica/resolution.ts'

export type PeerRequest =
  | ReadRequest
  | HandoffRequest
  /** An operator's word on what the unit cannot decide by itself. */
  | { readonly q: 'resolve'; readonly unit: UnitId; readonly what: Resolution; readonly limit: number }
  /** Every term of the unit that is known. */
  | { readonly q: 'terms'; readonly unit: UnitId; readonly limit: number }
  /** Rows of open windows, from the replica itself. */
  | {
      readonly q: 'open'
      readonly unit: UnitId
      readonly key: Uint8Array | null
      readonly from: number | null
      readonly to: number | null
      readonly after: (RowPlace & { readonly inclusive: boolean }) | null
      readonly limit: number
    }
  /** Where the replica stands. */
  | { readonly q: 'status'; readonly unit: UnitId; readonly limit: number }
  /** Dead letters of a unit after a place. */
  | { readonly q: 'deadLetters'; readonly unit: UnitId; readonly after: LetterPlace | null; readonly limit: number }
  /** Certificates of a unit after a position, from the replica's store. */
  | { readonly q: 'certificates'; readonly unit: UnitId; readonly after: CutPosition | null; readonly limit: number }

export interface CertificatesAnswer {
  readonly certificates: readonly Certificate[]
}

export interface ResolveAnswer {
  /** False: this replica waits for no such word. */
  readonly accepted: boolean
}

export interface TermsAnswer {
  readonly terms: readonly Term[]
}

export interface LetterPlace extends CutPosition {
  /** Of the letter within its batch. */
  readonly index: number
}

export interface LetterAnswer {
  readonly letters: readonly { readonly place: LetterPlace; readonly value: Uint8Array }[]
}

export interface OpenAnswer {
  readonly body: Uint8Array
}

export type CertificateLookup = (unit: UnitId, position: CutPosition) => Promise<Certificate | undefined>

const isPlace = (value: unknown): boolean => {
  const place = value as Partial<LetterPlace> | null
  return typeof place === 'object' && Number.isSafeInteger(place?.seq) && Number.isSafeInteger(place?.part)
}

const isLimit = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0
const isTime = (value: unknown): boolean => value === null || typeof value === 'number'

const isKey = (value: unknown): value is Uint8Array => value instanceof Uint8Array

function isRange({ key, from, to, after }: Partial<Record<string, unknown>>): boolean {
  return (key === null || isKey(key)) && isTime(from) && isTime(to) && (after === null || isRowPlace(after))
}

function isRowPlace(value: unknown): boolean {
  const place = value as Partial<RowPlace> | null
  return (
    typeof place === 'object' && typeof place?.end === 'number' && typeof place.start === 'number' && isKey(place.key)
  )
}

export function isPeerRequest(value: Wire): boolean {
  const request = value as Partial<Record<string, unknown>> | null
  if (typeof request !== 'object' || request === null || typeof request.unit !== 'string') return false
  if (!isLimit(request.limit)) return false
  switch (request.q) {
    case 'rows':
      return isRange(request) && (request.upTo === null || isPlace(request.upTo))
    case 'open':
      return isRange(request)
    case 'status':
    case 'terms':
    case 'handoff':
      return true
    case 'resolve':
      return (RESOLUTIONS as readonly unknown[]).includes(request.what)
    case 'chunk':
      return isPlace(request.position) && request.position !== null && Number.isSafeInteger(request.index)
    case 'batches':
      return (request.after === null || isPlace(request.after)) && isPlace(request.upTo) && request.upTo !== null
    case 'certificates':
    case 'deadLetters':
      return request.after === null || isPlace(request.after)
    default:
      return false
  }
}
