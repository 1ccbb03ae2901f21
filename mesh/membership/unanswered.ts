/**
 * Connections on which nothing comes any more, though their peers were asked. TCP notices a network that swallows packets
 * after many minutes, and when the network is well again it waits for its own next repetition: both are far too late here.
 */
import type { Instant } from '../clock.ts'
import type { PeerId } from '../ids.ts'

export class Unanswered {
  readonly #afterMs: number
  /** When the first ping since its last message was sent. */
  readonly #askedAt = new Map<PeerId, Instant>()

  constructor(afterMs: number) {
    this.#afterMs = afterMs
  }

  asked(now: Instant, peer: PeerId): void {
    if (!this.#askedAt.has(peer)) this.#askedAt.set(peer, now)
  }

  /** A message of it came, or its connection is another one now. */
  forget(peer: PeerId): void {
    this.#askedAt.delete(peer)
  }

  /** This process was stopped for so long: what came meanwhile is still in its queues. */
  extend(byMs: number): void {
    for (const [peer, askedAt] of this.#askedAt) this.#askedAt.set(peer, askedAt + byMs)
  }

  /** Whose connections are of no use, each once. */
  due(now: Instant): PeerId[] {
    const silent: PeerId[] = []
    if (this.#askedAt.size === 0) return silent
    for (const [peer, askedAt] of this.#askedAt) if (now - askedAt >= this.#afterMs) silent.push(peer)
    for (const peer of silent) this.#askedAt.delete(peer)
    return silent
  }
}
