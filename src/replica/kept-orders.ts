/**
 * What an operator has ordered of a unit, on this peer's disk: a replica that starts again before it was carried out does so
 * all the same. An order counts for the wait that it was given for and for no other, so the place of that wait is kept beside
 * it: an order about a term is void in the next one, and one about lost records once anything more is certified or a gap decided.
 */
import {
  type CutPosition,
  comparePlaces,
  encodeStored,
  type Term,
  type UnitAgreement,
  type UnitId,
} from '../../mesh/index.ts'
import type { Store, StoreOp } from '../store/store.ts'
import { loadNote } from './notes.ts'
import type { Trouble } from './trouble.ts'

/** Of the table `meta`; one entry for each unit. */
export const ORDER_PREFIX = 'order/'
const keyOf = (unit: UnitId): string => `${ORDER_PREFIX}${unit}`

interface Kept {
  readonly gapAccepted: boolean
  readonly retryWanted: boolean
  readonly settleWanted: boolean
  readonly term: number
  readonly frontier: CutPosition | null
}

type Wait = Pick<UnitAgreement, 'frontier'> & { readonly term: Term; readonly terms: readonly Term[] }

export function keepOrders(unit: UnitId, trouble: Trouble, { term, frontier }: Wait): StoreOp {
  const { gapAccepted, retryWanted, settleWanted } = trouble
  const place = frontier === undefined ? null : { seq: frontier.seq, part: frontier.part }
  const kept: Kept = { gapAccepted, retryWanted, settleWanted, term: term.number, frontier: place }
  return { kind: 'put', table: 'meta', key: keyOf(unit), value: encodeStored(kept) }
}

export const dropOrders = (unit: UnitId): StoreOp => ({ kind: 'delete', table: 'meta', key: keyOf(unit) })

/** Undefined: there are none. One that cannot be read is asked for again. */
export const loadOrders = (store: Store, unit: UnitId): Promise<Kept | undefined> => loadNote(store, keyOf(unit))

/** Those that the unit still waits for. */
export function recallOrders(kept: Kept, trouble: Trouble, { term, terms, frontier }: Wait): void {
  const sameTerm = term.number === kept.term
  const decided = terms.some(({ number, decision }) => number > kept.term && decision?.kind === 'gap')
  const samePlace = comparePlaces(frontier, kept.frontier ?? undefined) === 0
  trouble.gapAccepted ||= kept.gapAccepted && samePlace && !decided
  trouble.retryWanted ||= kept.retryWanted && sameTerm
  trouble.settleWanted ||= kept.settleWanted && (sameTerm || trouble.gapAccepted)
}
