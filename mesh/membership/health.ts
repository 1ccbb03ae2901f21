/**
 * How well this peer itself is (Lifeguard, section IV-A). A peer that misses acks and nacks, is suspected by others or
 * was stopped, is likely to be the slow one: its probes then wait (score + 1) times as long before they blame others.
 */
export class LocalHealth {
  readonly #max: number
  #score = 0

  constructor(max: number) {
    this.#max = max
  }

  /** 1 when all is well, up to max + 1. */
  get multiplier(): number {
    return this.#score + 1
  }

  /** Positive: signs of our own trouble. Negative: an answered probe. */
  adjust(by: number): void {
    this.#score = Math.min(this.#max, Math.max(0, this.#score + by))
  }
}
