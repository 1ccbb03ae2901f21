/** When own votes that are not certified yet are said again: less and less often, until there is progress. */
import type { Instant } from '../clock.ts'
import { TIMING } from '../limits.ts'

export class Repeating {
  #at: Instant = Number.POSITIVE_INFINITY
  #pauseMs: number = TIMING.resendMs

  /** A vote was cast. */
  started(now: Instant): void {
    if (this.#at === Number.POSITIVE_INFINITY) this.#at = now + this.#pauseMs
  }

  /** True: now, and then after twice as long. */
  isDue(now: Instant): boolean {
    if (now < this.#at) return false
    this.#pauseMs = Math.min(this.#pauseMs * 2, TIMING.resendMaxMs)
    this.#at = now + this.#pauseMs
    return true
  }

  /** Something was certified, or another term began. */
  restart(): void {
    this.#at = Number.POSITIVE_INFINITY
    this.#pauseMs = TIMING.resendMs
  }
}
