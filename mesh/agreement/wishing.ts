/**
 * What a member would like its unit's next term to bring, and when it says so again: each attempt stops the replicas for a
 * moment, and one after a cut that was disputed has them compute anew.
 */
import type { Instant } from '../clock.ts'
import { TIMING } from '../limits.ts'
import type { Wish } from './term.ts'
import type { Term } from './types.ts'

export class Wishing {
  #wish: Wish | undefined
  #notBefore: Instant = Number.NEGATIVE_INFINITY
  #pauseMs = 0
  #noRenewalBefore: Instant = Number.NEGATIVE_INFINITY
  #renewalPauseMs = 0

  /** Undefined: nothing any more. */
  put(wish: Wish | undefined): void {
    this.#wish = wish
  }

  /** What may be put forward now. */
  due(now: Instant): Wish | undefined {
    return now >= this.#notBefore ? this.#wish : undefined
  }

  /** Whether a term in which no value of the next cut can win any more may be followed by another one now. */
  mayRenew(now: Instant): boolean {
    return now >= this.#noRenewalBefore
  }

  /** A term ended in which no value could win: the next one may follow at once, those after it at growing intervals. */
  failed(now: Instant): void {
    this.#noRenewalBefore = now + this.#renewalPauseMs
    this.#renewalPauseMs = longer(this.#renewalPauseMs)
  }

  certified(): void {
    this.#noRenewalBefore = Number.NEGATIVE_INFINITY
    this.#renewalPauseMs = 0
  }

  /** Whoever still wants the same puts it again; what could not be granted is put forward after a pause. */
  answered(now: Instant, term: Term): void {
    const { decision, members } = this.#wish ?? {}
    const granted =
      (decision === undefined || term.decision?.kind === decision.kind) &&
      (members === undefined || term.view >= members.view)
    this.#pauseMs = granted ? 0 : longer(this.#pauseMs)
    this.#notBefore = now + this.#pauseMs
    this.#wish = undefined
  }
}

const longer = (pauseMs: number): number => Math.min(Math.max(TIMING.wishPauseMs, 2 * pauseMs), TIMING.wishPauseMaxMs)
