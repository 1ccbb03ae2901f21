/** The most recent batches in memory, bounded in bytes: what was just certified is committed and read from here. */
import type { CutPosition, UnitId } from '../../mesh/index.ts'
import { type Batch, batchKey, decodeBatch } from '../replica/batch.ts'
import type { Store } from '../store/store.ts'

export class BatchCache {
  readonly #store: Store
  readonly #bound: number
  readonly #batches = new Map<string, Batch>()
  #bytes = 0

  constructor(store: Store, boundBytes: number) {
    this.#store = store
    this.#bound = boundBytes
  }

  put(unit: UnitId, position: CutPosition, batch: Batch): void {
    const key = batchKey(unit, position)
    this.#batches.set(key, { bodies: batch.bodies, deadLetters: batch.deadLetters })
    this.#bytes += sizeOf(batch)
    for (const [oldest, dropped] of this.#batches) {
      if (this.#bytes <= this.#bound || oldest === key) break
      this.#batches.delete(oldest)
      this.#bytes -= sizeOf(dropped)
    }
  }

  /** From memory, else from disk; undefined when this peer does not hold it. */
  async load(unit: UnitId, position: CutPosition): Promise<Batch | undefined> {
    const key = batchKey(unit, position)
    const cached = this.#batches.get(key)
    if (cached !== undefined) return cached
    const bytes = await this.#store.get('batch', key)
    return bytes === undefined ? undefined : decodeBatch(bytes)
  }
}

const sizeOf = ({ bodies, deadLetters }: Batch): number =>
  bodies.reduce((sum, body) => sum + body.length, deadLetters.length)
