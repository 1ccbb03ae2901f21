/**
 * Every machine of a cluster is lost at once, disks and all. What is left is the log, the sinks and the checkpoints; other
 * machines under the same names form a cluster of their own, and take the jobs over.
 */
import { type CutPosition, furthest, type UnitId } from '../../mesh/index.ts'
import { placesAtSinks } from './at-sinks.ts'
import type { SimulatedCheckpoints } from './checkpoints.ts'
import type { SimulatedClock } from './clock.ts'
import type { Cluster } from './cluster.ts'
import type { SimulatedLog } from './log.ts'
import type { SimulatedStores } from './stores.ts'

/** By then what was on its way to a sink is there, or never will be. */
const GONE_MS = 4_000

export interface DisasterParts {
  readonly clock: SimulatedClock
  readonly cluster: Cluster
  readonly log: SimulatedLog
  readonly stores: SimulatedStores
  readonly checkpoints: SimulatedCheckpoints | undefined
  /** What was known beyond these places is known to nobody any more. */
  readonly onLost: (places: ReadonlyMap<UnitId, CutPosition>) => void
}

export class Disaster {
  readonly #parts: DisasterParts
  #struck = false

  constructor(parts: DisasterParts) {
    this.#parts = parts
  }

  /** False: it has struck before, or there is nothing to begin with again. */
  strike(): boolean {
    const { clock, cluster, log, stores, checkpoints, onLost } = this.#parts
    const lost = cluster.running.map(({ peer }) => peer?.node.document?.cluster).find((id) => id !== undefined)
    if (this.#struck || lost === undefined || checkpoints?.hasJobOf(lost) !== true) return false
    this.#struck = true
    const peers = [...cluster.peers]
    for (const peer of peers) peer.bury()
    clock.after(GONE_MS, () => {
      const places = new Map(placesAtSinks(log, stores))
      for (const [unit, place] of checkpoints.places(lost)) {
        places.set(unit, furthest(places.get(unit), place) ?? place)
      }
      onLost(places)
      for (const peer of peers) peer.rise(peers.length, lost)
    })
    return true
  }
}
