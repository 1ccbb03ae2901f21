/** The most recent batches in memory, bounded in bytes: what was just certified is committed and read from here. */
import type { CutPosition, UnitId } from '../../mesh/index.ts'
import { QuorateError } from '../errors.ts'
import { type Batch, batchKey, decodeBatch } from '../replica/batch.ts'
import type { Store } from '../store/store.ts'

export class BatchCache {
  readonly #store: Store
  readonly #bound: number
  readonly #onDamage: (unit: UnitId) => void
  readonly #batches = new Map<string, Batch>()
  #bytes = 0

  /** @param onDamage a batch of the unit cannot be read from disk */
  constructor(store: Store, boundBytes: number, onDamage: (unit: UnitId) => void) {
    this.#store = store
    this.#bound = boundBytes
    this.#onDamage = onDamage
  }

  put(unit: UnitId, position: CutPosition, batch: Batch): void {
    const key = batchKey(unit, position)
    // Computed again after a restart, it counts once.
    const before = this.#batches.get(key)
    if (before !== undefined) this.#bytes -= sizeOf(before)
    this.#batches.set(key, { bodies: batch.bodies, deadLetters: batch.deadLetters, watermark: batch.watermark })
    this.#bytes += sizeOf(batch)
    for (const [oldest, dropped] of this.#batches) {
      if (this.#bytes <= this.#bound || oldest === key) break
      this.#batches.delete(oldest)
      this.#bytes -= sizeOf(dropped)
    }
  }

  /**
   * From memory, else from disk; undefined when this peer does not hold it.
   * @throws QuorateError QRT_STORE_CORRUPT: it is asked of other peers meanwhile
   */
  async load(unit: UnitId, position: CutPosition): Promise<Batch | undefined> {
    const key = batchKey(unit, position)
    const cached = this.#batches.get(key)
    if (cached !== undefined) return cached
    const bytes = await this.#read(unit, key)
    return bytes === undefined ? undefined : decodeBatch(bytes)
  }

  async #read(unit: UnitId, key: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#store.get('batch', key)
    } catch (error) {
      if (error instanceof QuorateError && error.code === 'QRT_STORE_CORRUPT') this.#onDamage(unit)
      throw error
    }
  }
}

const sizeOf = ({ bodies, deadLetters }: Batch): number =>
  bodies.reduce((sum, body) => sum + body.length, deadLetters.length)
