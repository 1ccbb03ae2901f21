/**
 * How long a suspect has to refute (Lifeguard, section IV-B). Alone, an accuser may be the one that is unwell, so it
 * waits long; each independent confirmation shortens the wait, logarithmically:
 *
 *   timeout(c) = max(least, most − (most − least) × log(c + 1) / log(k + 1))
 *
 * with c confirmations heard of k expected. The first ones count most, and k of them bring it down to the least.
 */
import type { Instant } from '../clock.ts'
import type { PeerId } from '../ids.ts'
import type { MembershipSettings } from './settings.ts'

export class Suspicion {
  /** Who was heard to accuse first. */
  readonly accuser: PeerId
  readonly #accusers: Set<PeerId>
  readonly #leastMs: number
  readonly #mostMs: number
  readonly #expected: number
  #startedAt: Instant

  /** @param members alive and suspect members, this peer included */
  constructor(now: Instant, accuser: PeerId, members: number, settings: MembershipSettings) {
    this.#startedAt = now
    this.accuser = accuser
    this.#accusers = new Set([accuser])
    this.#leastMs = settings.suspicionFactor * Math.max(1, Math.log10(members)) * settings.probeIntervalMs
    this.#mostMs = settings.suspicionMaxFactor * this.#leastMs
    // The suspect and the first accuser cannot confirm.
    this.#expected = Math.max(0, Math.min(settings.suspicionConfirmations, members - 2))
  }

  /** True when the confirmation is new and counts: it is then worth telling on. */
  confirm(accuser: PeerId): boolean {
    if (this.#accusers.has(accuser) || this.#accusers.size - 1 >= this.#expected) return false
    this.#accusers.add(accuser)
    return true
  }

  get deadline(): Instant {
    return this.#startedAt + this.#timeoutMs()
  }

  /** This process was stopped for so long: the suspect gets that time back. */
  extend(byMs: number): void {
    this.#startedAt += byMs
  }

  #timeoutMs(): number {
    if (this.#expected === 0) return this.#leastMs
    const share = Math.log(this.#accusers.size) / Math.log(this.#expected + 1)
    return Math.max(this.#leastMs, this.#mostMs - (this.#mostMs - this.#leastMs) * share)
  }
}
