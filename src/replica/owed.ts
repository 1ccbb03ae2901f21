/**
 * What a peer had of a unit before some of it was damaged, on its own disk: others count on finding it here, so it answers no
 * read in full before it has that again, also when it starts anew meanwhile.
 */
import { type CutPosition, encodeStored, type UnitId } from '../../mesh/index.ts'
import type { Store, StoreOp } from '../store/store.ts'
import { loadNote } from './notes.ts'

/** Of the table `meta`; one entry for each unit. */
export const OWED_PREFIX = 'owed/'
const keyOf = (unit: UnitId): string => `${OWED_PREFIX}${unit}`

export const keepOwed = (unit: UnitId, { seq, part }: CutPosition): StoreOp => {
  return { kind: 'put', table: 'meta', key: keyOf(unit), value: encodeStored({ seq, part }) }
}

export const dropOwed = (unit: UnitId): StoreOp => ({ kind: 'delete', table: 'meta', key: keyOf(unit) })

export const loadOwed = (store: Store, unit: UnitId): Promise<CutPosition | undefined> => loadNote(store, keyOf(unit))
