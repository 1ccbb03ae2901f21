/**
 * Probes on behalf of others: an ack of the target is passed on to whoever asked; when there is none in time, a nack
 * tells the asker that at least this peer is well (Lifeguard, section IV-A).
 */
import type { Instant } from '../clock.ts'
import type { PeerId } from '../ids.ts'
import type { MembershipSettings } from './settings.ts'

/** The answer's address: who asked, and under which of its sequence numbers. */
export interface Asked {
  readonly by: PeerId
  readonly sequence: number
}

interface Relay extends Asked {
  readonly target: PeerId
  nackAt: Instant
  endsAt: Instant
  nacked: boolean
}

export class Relays {
  readonly #settings: MembershipSettings
  readonly #open = new Map<number, Relay>()

  constructor(settings: MembershipSettings) {
    this.#settings = settings
  }

  /** False when too many are open: the asker then misses its nack, which is the truth about this peer's load. */
  start(now: Instant, ownSequence: number, target: PeerId, asked: Asked): boolean {
    const { maxRelays, nackShare, probeTimeoutMs, probeIntervalMs, healthMax } = this.#settings
    if (this.#open.size >= maxRelays) return false
    const nackAt = now + nackShare * probeTimeoutMs
    // An asker in poor health waits this long at most.
    const endsAt = now + (healthMax + 1) * probeIntervalMs
    this.#open.set(ownSequence, { ...asked, target, nackAt, endsAt, nacked: false })
    return true
  }

  /** Who is to be told of the ack; undefined: not an answer to a relayed probe. */
  ack(from: PeerId, ownSequence: number): Asked | undefined {
    const relay = this.#open.get(ownSequence)
    if (relay === undefined || relay.target !== from) return undefined
    this.#open.delete(ownSequence)
    return relay
  }

  /** The nacks that are due. */
  tick(now: Instant): Asked[] {
    const due: Asked[] = []
    for (const [sequence, relay] of this.#open) {
      if (!relay.nacked && now >= relay.nackAt) {
        relay.nacked = true
        due.push(relay)
      }
      if (now >= relay.endsAt) this.#open.delete(sequence)
    }
    return due
  }
}
