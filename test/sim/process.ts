/**
 * A process on simulated time: its timers die with it, and stand still while it is stopped (SIGSTOP). What would have
 * happened meanwhile happens, in order, when it goes on.
 */
import type { Clock, Instant } from '../../mesh/clock.ts'
import type { SimulatedClock } from './clock.ts'

export class SimulatedProcess implements Clock {
  readonly #clock: SimulatedClock
  #alive = true
  #stoppedUntil: Instant = Number.NEGATIVE_INFINITY

  constructor(clock: SimulatedClock) {
    this.#clock = clock
  }

  get alive(): boolean {
    return this.#alive
  }

  get stopped(): boolean {
    return this.#clock.now() < this.#stoppedUntil
  }

  now(): Instant {
    return this.#clock.now()
  }

  after(delayMs: number, action: () => void): () => void {
    let cancelled = false
    let cancel = this.#clock.after(delayMs, () => run())
    const run = (): void => {
      if (cancelled || !this.#alive) return
      const leftMs = this.#stoppedUntil - this.#clock.now()
      if (leftMs > 0) cancel = this.#clock.after(leftMs, run)
      else action()
    }
    return () => {
      cancelled = true
      cancel()
    }
  }

  /** Runs an action of the process now, or when it goes on; never once it is dead. */
  run(action: () => void): void {
    if (!this.#alive) return
    if (this.stopped) this.after(0, action)
    else action()
  }

  stop(forMs: number): void {
    this.#stoppedUntil = Math.max(this.#stoppedUntil, this.#clock.now() + forMs)
  }

  kill(): void {
    this.#alive = false
  }
}
