/** Cursors of pages: JSON in base64url, opaque to clients and checked when they come back. */
import { QuorateError } from '../errors.ts'

export const encodeCursor = (place: unknown): string => Buffer.from(JSON.stringify(place)).toString('base64url')

/** @throws QuorateError QRT_REQUEST_INVALID when it is not one that this API gave out */
export function decodeCursor<Place>(cursor: string, isPlace: (value: unknown) => value is Place): Place {
  let place: unknown
  try {
    place = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    place = undefined
  }
  if (isPlace(place)) return place
  throw new QuorateError('QRT_REQUEST_INVALID', 'cursor: expected the "next" of an earlier page')
}
