/**
 * Where a worker thread is, in memory that it shares with the main thread: read when the thread ends or hangs, to know which
 * unit and, when it takes records one by one, which record it was at.
 */
import type { UnitId } from '../../mesh/index.ts'

const BEAT = 0
const SLOT = 1
const OFFSET = 2
const WORDS = 3
const NOBODY = -1n

export class Mark {
  readonly #words: BigInt64Array

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 8)) {
    this.#words = new BigInt64Array(buffer)
    if (this.#words[BEAT] === 0n) this.leave()
  }

  get buffer(): SharedArrayBuffer {
    return this.#words.buffer as SharedArrayBuffer
  }

  /** The thread lives. */
  beat(): void {
    Atomics.add(this.#words, BEAT, 1n)
  }

  get beats(): bigint {
    return Atomics.load(this.#words, BEAT)
  }

  /** The unit of this slot takes records; `offset`: just this one. */
  enter(slot: number, offset?: number): void {
    Atomics.store(this.#words, OFFSET, offset === undefined ? NOBODY : BigInt(offset))
    Atomics.store(this.#words, SLOT, BigInt(slot))
  }

  leave(): void {
    Atomics.store(this.#words, SLOT, NOBODY)
  }

  get at(): { readonly slot: number; readonly offset: number | undefined } | undefined {
    const slot = Atomics.load(this.#words, SLOT)
    if (slot === NOBODY) return undefined
    const offset = Atomics.load(this.#words, OFFSET)
    return { slot: Number(slot), offset: offset === NOBODY ? undefined : Number(offset) }
  }
}

/** What a worker was doing when it ended. */
export interface Culprit {
  readonly unit: UnitId
  /** The record, when it took them one by one. */
  readonly offset: number | undefined
}
