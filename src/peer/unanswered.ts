/**
 * Units of which no replica answers. For a moment that is usual: a job was submitted, or a peer started, and its replicas are not there
 * yet. It is a stall once too few replicas can be reached to agree on anything, or when it has lasted.
 */
import type { UnitId } from '../../mesh/index.ts'
import type { UnitStatus } from '../http/api.ts'

/** Replicas of a job are there within a second or two of its submission; what takes longer is no beginning. */
const PATIENCE_MS = 10_000

export interface Reach {
  readonly unit: UnitId
  /** Replicas that gossip takes for alive. */
  readonly alive: number
  /** So many have to agree. */
  readonly write: number
}

export class Unanswered {
  /** Since when nobody answers for a unit, as far as was asked. */
  readonly #since = new Map<UnitId, number>()

  answered(unit: UnitId): void {
    this.#since.delete(unit)
  }

  /** @param now monotonic */
  stateOf({ unit, alive, write }: Reach, now: number): Pick<UnitStatus, 'state' | 'reasons'> {
    const since = this.#since.get(unit) ?? now
    this.#since.set(unit, since)
    if (alive < write) {
      return { state: 'stalled', reasons: [`${write} replicas must agree and ${alive} can be reached; none answers`] }
    }
    if (now - since < PATIENCE_MS)
      return { state: 'taking-over', reasons: ['no replica of this unit has answered yet'] }
    return { state: 'stalled', reasons: ['no replica of this unit answers'] }
  }

  /** Forgets all others. */
  keep(units: ReadonlySet<UnitId>): void {
    for (const unit of this.#since.keys()) if (!units.has(unit)) this.#since.delete(unit)
  }
}
