/** What peers ask of one another on behalf of the API, and the shape checks of what comes. */
import type { Certificate, CutPosition, UnitId, Wire } from '../../mesh/index.ts'
import type { ReadRequest } from '../read/quorum.ts'

export type PeerRequest =
  | ReadRequest
  /** Rows of open windows, from the replica itself. */
  | { readonly q: 'open'; readonly unit: UnitId; readonly limit: number }
  /** Where the replica stands. */
  | { readonly q: 'status'; readonly unit: UnitId; readonly limit: number }
  /** Dead letters of a unit after a place. */
  | { readonly q: 'deadLetters'; readonly unit: UnitId; readonly after: LetterPlace | null; readonly limit: number }

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

export function isPeerRequest(value: Wire): boolean {
  const request = value as Partial<Record<string, unknown>> | null
  if (typeof request !== 'object' || request === null || typeof request.unit !== 'string') return false
  if (!isLimit(request.limit)) return false
  switch (request.q) {
    case 'rows':
      return (
        (request.key === null || request.key instanceof Uint8Array) &&
        isTime(request.from) &&
        isTime(request.to) &&
        (request.upTo === null || isPlace(request.upTo)) &&
        (request.after === null || typeof request.after === 'object')
      )
    case 'open':
    case 'status':
      return true
    case 'deadLetters':
      return request.after === null || isPlace(request.after)
    default:
      return false
  }
}
