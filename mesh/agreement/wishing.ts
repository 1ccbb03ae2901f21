/** What a member would like its unit's next term to bring, and when it says so again. */
import type { Instant } from '../clock.ts'
import { TIMING } from '../limits.ts'
import type { Wish } from './term.ts'
import type { Term } from './types.ts'

export class Wishing {
  #wish: Wish | undefined
  #notBefore: Instant = Number.NEGATIVE_INFINITY
  #pauseMs = 0

  /** Undefined: nothing any more. */
  put(wish: Wish | undefined): void {
    this.#wish = wish
  }

  /** What may be put forward now. */
  due(now: Instant): Wish | undefined {
    return now >= this.#notBefore ? this.#wish : undefined
  }

  /** What could not be granted is put forward again after a pause: each attempt stops the replicas for a moment. */
  answered(now: Instant, term: Term): void {
    const { decision, members } = this.#wish ?? {}
    const granted =
      (decision === undefined || term.decision?.kind === decision.kind) &&
      (members === undefined || term.view >= members.view)
    this.#pauseMs = granted ? 0 : Math.min(Math.max(TIMING.wishPauseMs, 2 * this.#pauseMs), TIMING.wishPauseMaxMs)
    this.#notBefore = now + this.#pauseMs
  }
}
