/**
 * What is to be told to others: one rumor per member, the latest. Each is sent a number of times that grows with the
 * logarithm of the cluster, the least often sent first, which reaches everybody with high probability (SWIM, section
 * 4.1). What it does not reach, the exchange of whole tables does.
 */
import type { Instant } from '../clock.ts'
import type { PeerId } from '../ids.ts'
import type { Claim } from './member.ts'
import type { MembershipSettings } from './settings.ts'

export interface Rumor {
  readonly claim: Claim
  /** Who suspects; present exactly in suspect claims. */
  readonly by?: PeerId
  /** When the claim's state began. */
  readonly since: Instant
}

/** Rumors in one message, whatever their size. */
export const MAX_RUMORS = 64
/** Public key, signature, id and the names of the fields. */
const FIXED_BYTES = 320

const sizeOf = ({ claim: { announcement } }: Rumor): number =>
  FIXED_BYTES +
  Buffer.byteLength(announcement.name) +
  Buffer.byteLength(announcement.address) +
  Buffer.byteLength(announcement.httpAddress) +
  Buffer.byteLength(announcement.version)

export class RumorQueue {
  readonly #settings: MembershipSettings
  readonly #waiting = new Map<PeerId, { readonly rumor: Rumor; readonly bytes: number; sent: number }>()

  constructor(settings: MembershipSettings) {
    this.#settings = settings
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Replaces what was to be told about the same member. */
  put(rumor: Rumor): void {
    this.#waiting.set(rumor.claim.announcement.id, { rumor, bytes: sizeOf(rumor), sent: 0 })
  }

  /** The rumors for one message; counts them as sent. */
  take(members: number): Rumor[] {
    if (this.#waiting.size === 0) return []
    const limit = this.#settings.retransmitFactor * Math.ceil(Math.log10(members + 1))
    const taken: Rumor[] = []
    let bytes = 0
    for (const waiting of [...this.#waiting.values()].sort((a, b) => a.sent - b.sent)) {
      if (taken.length === MAX_RUMORS || bytes + waiting.bytes > this.#settings.rumorBytes) break
      bytes += waiting.bytes
      taken.push(waiting.rumor)
      waiting.sent += 1
      if (waiting.sent >= limit) this.#waiting.delete(waiting.rumor.claim.announcement.id)
    }
    return taken
  }
}
