/**
 * Whom to dial: every seed and every member that may be alive, until connected. A full mesh needs no routing, and the
 * dead are dialled too, because that is how two halves of a partition find each other again.
 */
import type { Instant } from '../clock.ts'
import type { Random } from '../random.ts'
import type { MembershipSettings } from './settings.ts'

interface Attempt {
  nextAt: Instant
  /** Wait after the next dial. */
  delayMs: number
  dialledAt: Instant
}

export interface Wanted {
  readonly address: string
  /** Wait before the first dial. */
  readonly deferMs: number
}

export class Dialer {
  readonly #settings: MembershipSettings
  readonly #random: Random
  readonly #attempts = new Map<string, Attempt>()

  constructor(settings: MembershipSettings, random: Random) {
    this.#settings = settings
    this.#random = random
  }

  /** Somebody who was out of reach is back: so may be the others, who are dialled soon instead of in their turn. */
  hurry(now: Instant): void {
    for (const attempt of this.#attempts.values()) {
      const soon = now + this.#settings.dialMinMs * (0.5 + this.#random.next())
      attempt.nextAt = Math.min(attempt.nextAt, soon)
    }
  }

  /** The addresses to dial now, of those that are wanted and not connected. */
  due(now: Instant, wanted: readonly Wanted[]): string[] {
    const { dialMinMs, dialMaxMs } = this.#settings
    const due: string[] = []
    for (const { address, deferMs } of wanted) {
      const attempt = this.#attempts.get(address)
      if (attempt === undefined && deferMs > 0) {
        this.#attempts.set(address, { nextAt: now + deferMs, delayMs: dialMinMs, dialledAt: now })
      } else if (attempt === undefined || now >= attempt.nextAt) {
        const delayMs = attempt?.delayMs ?? dialMinMs
        const nextAt = now + delayMs * (0.5 + this.#random.next())
        this.#attempts.set(address, { nextAt, delayMs: Math.min(2 * delayMs, dialMaxMs), dialledAt: now })
        due.push(address)
      }
    }
    // Kept for a while after success, so that a connection that breaks at once is not dialled ever faster.
    for (const [address, { dialledAt }] of this.#attempts) {
      if (now - dialledAt > 2 * dialMaxMs) this.#attempts.delete(address)
    }
    return due
  }
}
