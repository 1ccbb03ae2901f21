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
  readonly #pause = new Pause(TIMING.wishPauseMs)
  /** The first renewal comes at once. */
  readonly #renewalPause = new Pause(0)

  /** Undefined: nothing any more. */
  put(wish: Wish | undefined): void {
    this.#wish = wish
  }

  /** What may be put forward now. */
  due(now: Instant): Wish | undefined {
    return this.#pause.isOver(now) ? this.#wish : undefined
  }

  /** Whether a term in which no value of the next cut can win any more may be followed by another one now. */
  mayRenew(now: Instant): boolean {
    return this.#renewalPause.isOver(now)
  }

  certified(): void {
    this.#renewalPause.forget()
  }

  /**
   * Whoever still wants the same puts it again; what could not be granted is put forward after a pause.
   * @param lost no value of the next cut could win in the term before
   */
  answered(now: Instant, term: Term, lost: boolean): void {
    const { decision, members } = this.#wish ?? {}
    const granted =
      (decision === undefined || term.decision?.kind === decision.kind) &&
      (members === undefined || term.view >= members.view)
    if (granted) this.#pause.forget()
    else this.#pause.begin(now)
    if (lost || term.dispute !== undefined) this.#renewalPause.begin(now)
    this.#wish = undefined
  }
}

/** Between attempts that fail: twice as long each time. */
class Pause {
  readonly #firstMs: number
  #nextMs: number
  #until: Instant = Number.NEGATIVE_INFINITY

  constructor(firstMs: number) {
    this.#firstMs = firstMs
    this.#nextMs = firstMs
  }

  isOver(now: Instant): boolean {
    return now >= this.#until
  }

  begin(now: Instant): void {
    this.#until = now + this.#nextMs
    this.#nextMs = Math.min(Math.max(TIMING.wishPauseMs, 2 * this.#nextMs), TIMING.wishPauseMaxMs)
  }

  forget(): void {
    this.#until = Number.NEGATIVE_INFINITY
    this.#nextMs = this.#firstMs
  }
}
