/**
 * Room in the topics between two stages: records go once no replica can need them again, whatever happens to it. That is
 * below the older snapshot of every member, and below the older checkpoint where there are any. Proposed by nobody and
 * agreed on by nobody: the first living member of a unit deletes what all of them said they are past, and a replica that
 * was away for longer takes a snapshot over from the others. Topics that others write to are never touched.
 */
import type { MeshNode, UnitId } from '../../mesh/index.ts'
import { HOST_TIMING } from '../limits.ts'
import type { LogPartition } from '../log/log.ts'
import type { HostedUnit } from '../replica/hosted.ts'

export interface TrimmingOptions {
  readonly node: Pick<MeshNode, 'unit' | 'alive' | 'self'>
  readonly units: ReadonlyMap<UnitId, HostedUnit>
  readonly now: () => number
  /** Who begins at a checkpoint of the unit reads from here on; Infinity: there are no checkpoints. */
  readonly keepFrom: (unit: UnitId) => number
  /** Deletes what is below the offset. */
  readonly trim: (at: LogPartition, offset: number) => Promise<void>
  /** It could not be deleted; it is tried again. */
  readonly onProblem: (at: LogPartition, error: unknown) => void
}

export class Trimming {
  readonly #options: TrimmingOptions
  readonly #trimmed = new Map<UnitId, number>()
  #at = Number.NEGATIVE_INFINITY
  #busy = false

  constructor(options: TrimmingOptions) {
    this.#options = options
  }

  /** Call it every few tens of milliseconds. */
  tick(): void {
    const now = this.#options.now()
    if (this.#busy || now - this.#at < HOST_TIMING.trimMs) return
    this.#at = now
    this.#busy = true
    this.#trimAll(now).finally(() => {
      this.#busy = false
    })
  }

  /** What of the topic that a unit reads can go; undefined: nothing, or it is not for this peer to say. */
  #trimmable(unit: UnitId, hosted: HostedUnit, now: number): number | undefined {
    const { node, keepFrom } = this.#options
    const agreement = node.unit(unit)
    if (agreement === undefined || !hosted.description.readsSlices) return undefined
    const { term, following } = agreement
    const alive = node.alive()
    if (term.members.find((member) => alive.has(member)) !== node.self) return undefined
    const needed = following.needed(now, term)
    return needed === undefined ? undefined : Math.min(needed, keepFrom(unit))
  }

  async #trimAll(now: number): Promise<void> {
    const { units, trim, onProblem } = this.#options
    for (const unit of this.#trimmed.keys()) if (!units.has(unit)) this.#trimmed.delete(unit)
    for (const [unit, hosted] of units) {
      const offset = this.#trimmable(unit, hosted, now)
      if (offset === undefined || offset <= (this.#trimmed.get(unit) ?? hosted.description.startOffset)) continue
      const { topic, partition } = hosted.description
      try {
        await trim({ topic, partition }, offset)
        this.#trimmed.set(unit, offset)
      } catch (error) {
        onProblem({ topic, partition }, error)
      }
    }
  }
}
