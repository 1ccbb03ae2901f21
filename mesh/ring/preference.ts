/**
 * Where a unit belongs: the first n distinct peers clockwise from its hash. The order is the order of preference: the
 * first peer commits first and is asked first, whoever is alive among them.
 */
import type { PeerId, UnitId } from '../ids.ts'
import type { Ring } from './ring.ts'

/** Fewer than n peers when the view has fewer: a unit never has two replicas on one peer. */
export function preferenceList(ring: Ring, unit: UnitId, n: number): PeerId[] {
  return ring.clockwise(unit, n)
}

/** The place of a peer among those of a list that are alive, itself among them; below zero: it is not in the list. */
export function rankAmong(self: PeerId, list: readonly PeerId[], alive: ReadonlySet<PeerId>): number {
  let rank = 0
  for (const peer of list) {
    if (peer === self) return rank
    if (alive.has(peer)) rank += 1
  }
  return -1
}
