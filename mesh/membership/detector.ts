/**
 * The failure detector (SWIM, section 3, with Lifeguard's nacks): round after round, in a fresh random order, each
 * member is pinged; without an ack in time, other peers are asked to ping it; without any ack by the end of the
 * interval, the probe has failed. Every member is so probed once a round, and a cut between two peers alone accuses
 * nobody. Between two of these probes whoever has been silent longest is probed as well: a peer that stops is soon that
 * one for all others at once, so it is found, and confirmed, in a time that does not depend on the order of rounds.
 *
 *   0            probeTimeout × health         probeInterval × health
 *   ├─ ping ────────────┼─ ping requests to k others ────┤ failed
 */
import type { Instant } from '../clock.ts'
import type { PeerId } from '../ids.ts'
import { type Random, shuffled } from '../random.ts'
import type { LocalHealth } from './health.ts'
import type { MembershipSettings } from './settings.ts'

export type DetectorEffect =
  | { readonly kind: 'ping'; readonly to: PeerId; readonly sequence: number }
  | { readonly kind: 'pingRequest'; readonly to: PeerId; readonly sequence: number; readonly target: PeerId }
  | { readonly kind: 'failed'; readonly target: PeerId }

interface Probe {
  readonly target: PeerId
  /** When the only ping was sent; undefined where an ack could be the answer to either of two, or none was sent. */
  sentAt: Instant | undefined
  indirectAt: Instant
  endsAt: Instant
  /** Peers asked to probe; undefined until then. */
  asked: ReadonlySet<PeerId> | undefined
  readonly nacks: Set<PeerId>
}

/** What an ack says of its member. */
export interface Answered {
  readonly target: PeerId
  /** From the ping to the ack; undefined where that is not known, because others pinged too or it was sent twice. */
  readonly roundTripMs: number | undefined
}

export interface DetectorOptions {
  readonly settings: MembershipSettings
  readonly random: Random
  readonly health: LocalHealth
  readonly nextSequence: () => number
  /** Alive and suspect members. */
  readonly targets: () => PeerId[]
  /** Of those, the one not heard from for the longest, if that is longer than a probe interval. */
  readonly silent: (now: Instant) => PeerId | undefined
  /** Connected peers that can be asked to probe. */
  readonly relays: () => PeerId[]
  readonly isConnected: (peer: PeerId) => boolean
}

export class Detector {
  readonly #options: DetectorOptions
  readonly #probes = new Map<number, Probe>()
  #round: PeerId[] = []
  #nextProbeAt: Instant
  #nextLookAt: Instant

  constructor(now: Instant, options: DetectorOptions) {
    this.#options = options
    // Peers started at once do not all probe at once.
    this.#nextProbeAt = now + options.random.below(options.settings.probeIntervalMs)
    this.#nextLookAt = this.#nextProbeAt + options.settings.probeIntervalMs / 2
  }

  /** A new member is probed in the running round already, at a random place. */
  added(member: PeerId): void {
    this.#round.splice(this.#options.random.below(this.#round.length + 1), 0, member)
  }

  /** A connection ended: its peer is probed now instead of in its turn. It is no proof of anything. */
  hurry(now: Instant, target: PeerId): DetectorEffect[] {
    return this.#start(now, target)
  }

  /** A peer is reachable again: a running probe of it is sent once more. */
  connected(peer: PeerId): DetectorEffect[] {
    const sequence = this.#probing(peer)
    const probe = sequence === undefined ? undefined : this.#probes.get(sequence)
    if (sequence === undefined || probe === undefined) return []
    probe.sentAt = undefined
    return [{ kind: 'ping', to: peer, sequence }]
  }

  /** The member that an ack proves alive; undefined: not an answer to a running probe. */
  ack(now: Instant, from: PeerId, sequence: number): Answered | undefined {
    const probe = this.#probes.get(sequence)
    if (probe === undefined || (from !== probe.target && !probe.asked?.has(from))) return undefined
    this.#probes.delete(sequence)
    this.#options.health.adjust(-1)
    const { target, sentAt } = probe
    return { target, roundTripMs: from === target && sentAt !== undefined ? now - sentAt : undefined }
  }

  nack(from: PeerId, sequence: number): void {
    const probe = this.#probes.get(sequence)
    if (probe?.asked?.has(from)) probe.nacks.add(from)
  }

  /** This process was stopped for so long: acks that came meanwhile are still in its queues. */
  extend(byMs: number): void {
    for (const probe of this.#probes.values()) {
      probe.indirectAt += byMs
      probe.endsAt += byMs
    }
  }

  tick(now: Instant): DetectorEffect[] {
    const effects: DetectorEffect[] = []
    for (const [sequence, probe] of this.#probes) {
      if (probe.asked === undefined && now >= probe.indirectAt) {
        probe.asked = this.#askOthers(probe.target)
        for (const to of probe.asked) effects.push({ kind: 'pingRequest', to, sequence, target: probe.target })
      }
      if (now < probe.endsAt) continue
      this.#probes.delete(sequence)
      this.#blame(probe)
      effects.push({ kind: 'failed', target: probe.target })
    }
    const intervalMs = this.#options.settings.probeIntervalMs * this.#options.health.multiplier
    if (now >= this.#nextProbeAt) {
      this.#nextProbeAt = now + intervalMs
      effects.push(...this.#start(now, this.#nextTarget()))
    }
    if (now >= this.#nextLookAt) {
      this.#nextLookAt = now + intervalMs
      effects.push(...this.#start(now, this.#options.silent(now)))
    }
    return effects
  }

  /** One probe of a member at a time. */
  #start(now: Instant, target: PeerId | undefined): DetectorEffect[] {
    if (target === undefined || this.#probing(target) !== undefined) return []
    const { settings, health, isConnected, nextSequence } = this.#options
    const sequence = nextSequence()
    const reachable = isConnected(target)
    this.#probes.set(sequence, {
      target,
      sentAt: reachable ? now : undefined,
      indirectAt: reachable ? now + settings.probeTimeoutMs * health.multiplier : now,
      endsAt: now + settings.probeIntervalMs * health.multiplier,
      asked: undefined,
      nacks: new Set(),
    })
    return reachable ? [{ kind: 'ping', to: target, sequence }] : []
  }

  #askOthers(target: PeerId): ReadonlySet<PeerId> {
    const others = this.#options.relays().filter((peer) => peer !== target)
    return new Set(shuffled(others, this.#options.random).slice(0, this.#options.settings.indirectProbes))
  }

  /** Whose fault a failed probe is: with nacks from all that were asked, the target's; each missing one is ours. */
  #blame({ asked, nacks }: Probe): void {
    const expected = asked?.size ?? 0
    this.#options.health.adjust(expected === 0 ? 1 : expected - nacks.size)
  }

  #nextTarget(): PeerId | undefined {
    const targets = this.#options.targets()
    const probeable = new Set(targets)
    // What is left of this round may all be gone or under way: the next round then begins at once.
    for (const round of [this.#round, shuffled(targets, this.#options.random)]) {
      this.#round = round
      for (let target = round.pop(); target !== undefined; target = round.pop()) {
        if (probeable.has(target) && this.#probing(target) === undefined) return target
      }
    }
    return undefined
  }

  #probing(target: PeerId): number | undefined {
    for (const [sequence, probe] of this.#probes) if (probe.target === target) return sequence
    return undefined
  }
}
