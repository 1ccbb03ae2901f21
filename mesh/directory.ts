/**
 * Who holds which unit, by what peers say in their heartbeats: a hint for whom to ask, never a proof of membership. Whoever
 * answers says under which term.
 */
import type { PeerId, UnitId } from './ids.ts'

interface Holder {
  readonly term: number
  readonly member: boolean
}

export class Directory {
  readonly #units = new Map<UnitId, Map<PeerId, Holder>>()

  heard(peer: PeerId, unit: UnitId, holder: Holder): void {
    const known = this.#units.get(unit)
    if (known === undefined) this.#units.set(unit, new Map([[peer, holder]]))
    else known.set(peer, holder)
  }

  /** Members of the latest term that anybody spoke of. */
  members(unit: UnitId): readonly PeerId[] {
    const holders = [...(this.#units.get(unit) ?? [])].filter(([, { member }]) => member)
    const latest = Math.max(...holders.map(([, { term }]) => term))
    return holders.flatMap(([peer, { term }]) => (term === latest ? [peer] : [])).sort()
  }

  /** Everybody who speaks of it. */
  holders(unit: UnitId): readonly PeerId[] {
    return [...(this.#units.get(unit)?.keys() ?? [])].sort()
  }

  /** Forgets what a peer said last: it says all that it holds each time. */
  restart(peer: PeerId): void {
    for (const [unit, holders] of this.#units) {
      holders.delete(peer)
      if (holders.size === 0) this.#units.delete(unit)
    }
  }
}
