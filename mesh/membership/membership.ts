/**
 * The membership core: puts detector, suspicions, rumors and table exchange together. Pure: time and randomness are
 * arguments, and what it wants done comes back as effects.
 *
 * What it says is a hint: who is likely alive, whom to ask first, whom to dial. It places nothing and counts no votes.
 */
import type { Instant } from '../clock.ts'
import type { PeerId } from '../ids.ts'
import { announce, isAuthentic, sameAnnouncement } from './announcement.ts'
import type {
  MembershipCore,
  MembershipCounters,
  MembershipEffect,
  MembershipInput,
  MembershipOptions,
} from './core.ts'
import { Detector, type DetectorEffect } from './detector.ts'
import { Dialer, type Wanted } from './dialer.ts'
import { LocalHealth } from './health.ts'
import { type Claim, compareClaims, type Member } from './member.ts'
import { decodeMessage, encodeMessage, type MembershipMessage } from './messages.ts'
import { Relays } from './relays.ts'
import { MAX_RUMORS, type Rumor, RumorQueue } from './rumors.ts'
import { DEFAULT_SETTINGS, type MembershipSettings } from './settings.ts'
import { Suspicion } from './suspicion.ts'
import { SyncSchedule, syncMessages } from './sync.ts'
import { type Entry, isGone, MemberTable, memberOf } from './table.ts'
import { Unanswered } from './unanswered.ts'

export function createMembership(options: MembershipOptions): MembershipCore {
  return new Membership(options)
}

/** Claims about the gone are not taken from others this shortly before everybody forgets them. */
const MEMORY_SHARE = 0.9

class Membership implements MembershipCore {
  readonly #options: MembershipOptions
  readonly #settings: MembershipSettings
  readonly #table: MemberTable
  readonly #rumors: RumorQueue
  readonly #health: LocalHealth
  readonly #detector: Detector
  readonly #relays: Relays
  readonly #suspicions = new Map<PeerId, Suspicion>()
  readonly #dialer: Dialer
  readonly #unanswered: Unanswered
  readonly #sync: SyncSchedule
  readonly #connected = new Map<PeerId, string>()
  #self: Claim
  #selfSince: Instant
  #sequence = 0
  #gossipAt: Instant
  #tickedAt: Instant
  #counters = { malformed: 0, refused: 0, refuted: 0 }
  #effects: MembershipEffect[] = []
  /** As of the last input: asked for several times between two of them. */
  #members: readonly Member[] | undefined
  #alive: ReadonlySet<PeerId> = new Set()
  /** `changes` of the table when that was made. */
  #aliveAt = -1
  /** Rises with each connection that begins or ends. */
  #connections = 0
  #wantedNow: readonly Wanted[] = []
  #wantedAt = -1

  constructor(options: MembershipOptions) {
    const { now, random, self } = options
    const settings = { ...DEFAULT_SETTINGS, ...options.settings }
    this.#options = options
    this.#settings = settings
    this.#table = new MemberTable(settings.maxMembers)
    this.#rumors = new RumorQueue(settings)
    this.#health = new LocalHealth(settings.healthMax)
    this.#relays = new Relays(settings)
    this.#dialer = new Dialer(settings, random)
    this.#unanswered = new Unanswered(settings.unansweredMs)
    this.#sync = new SyncSchedule(now, settings.syncIntervalMs, random)
    this.#detector = new Detector(now, {
      settings,
      random,
      health: this.#health,
      nextSequence: () => this.#nextSequence(),
      targets: () => this.#present(),
      silent: (at) => this.#longestSilent(at),
      relays: () => this.#present().filter((id) => this.#connected.has(id)),
      isConnected: (peer) => this.#connected.has(peer),
    })
    this.#self = announce(options.signer, { ...self, incarnation: 0, left: false })
    this.#selfSince = now
    this.#gossipAt = now
    this.#tickedAt = now
    this.#rumors.put(this.#selfRumor())
  }

  get healthMultiplier(): number {
    return this.#health.multiplier
  }

  get counters(): MembershipCounters {
    return this.#counters
  }

  members(): readonly Member[] {
    this.#members ??= [memberOf(this.#self, this.#tickedAt), ...this.#table.members()]
    return this.#members
  }

  alive(): ReadonlySet<PeerId> {
    if (this.#aliveAt !== this.#table.changes) {
      this.#aliveAt = this.#table.changes
      const alive = new Set([this.#options.self.id])
      for (const { claim } of this.#table.entries()) if (claim.state === 'alive') alive.add(claim.announcement.id)
      this.#alive = alive
    }
    return this.#alive
  }

  receive(now: Instant, input: MembershipInput): readonly MembershipEffect[] {
    this.#members = undefined
    if (this.#hasLeft) return []
    switch (input.kind) {
      case 'connected':
        this.#connections += 1
        this.#connected.set(input.peer.id, input.peer.address)
        this.#unanswered.forget(input.peer.id)
        this.#dialer.hurry(now)
        this.#table.heard(now, input.peer.id)
        this.#sendTable(now, input.peer.id, false)
        this.#carry(now, this.#detector.connected(input.peer.id))
        break
      case 'disconnected': {
        this.#connections += 1
        this.#connected.delete(input.peer)
        this.#unanswered.forget(input.peer)
        const entry = this.#table.get(input.peer)
        if (entry !== undefined && !isGone(entry.claim.state)) this.#carry(now, this.#detector.hurry(now, input.peer))
        break
      }
      case 'message': {
        const message = decodeMessage(now, input.body)
        if (message === undefined) this.#malformed(input.from)
        else this.#onMessage(now, input.from, message)
      }
    }
    return this.#takeEffects()
  }

  tick(now: Instant): readonly MembershipEffect[] {
    this.#members = undefined
    if (this.#hasLeft) return []
    this.#allowForStall(now)
    this.#carry(now, this.#detector.tick(now))
    for (const [id, suspicion] of this.#suspicions) if (now >= suspicion.deadline) this.#declareDead(now, id)
    for (const { by, sequence } of this.#relays.tick(now)) this.#send(now, by, { t: 'nack', sequence, rumors: [] })
    if (now >= this.#gossipAt) this.#gossip(now)
    const partner = this.#sync.due(now, () => [...this.#connected.keys()])
    if (partner !== undefined) this.#sendTable(now, partner, true)
    this.#table.forget(now, this.#settings.rememberMs)
    for (const peer of this.#unanswered.due(now)) this.#effects.push({ kind: 'disconnect', peer })
    for (const address of this.#dialer.due(now, this.#wanted())) this.#effects.push({ kind: 'dial', address })
    return this.#takeEffects()
  }

  leave(now: Instant): readonly MembershipEffect[] {
    this.#members = undefined
    if (this.#hasLeft) return []
    this.#announce(now, this.#self.announcement.incarnation + 1, true)
    for (const to of this.#connected.keys()) this.#send(now, to, { t: 'gossip', rumors: [this.#selfRumor()] })
    return this.#takeEffects()
  }

  get #hasLeft(): boolean {
    return this.#self.announcement.left
  }

  #onMessage(now: Instant, from: PeerId, message: MembershipMessage): void {
    for (const rumor of message.rumors) this.#onRumor(now, from, rumor)
    this.#table.heard(now, from)
    this.#unanswered.forget(from)
    switch (message.t) {
      case 'ping':
        this.#send(now, from, { t: 'ack', sequence: message.sequence, rumors: this.#rumorsFor(from) })
        return
      case 'ack': {
        const asked = this.#relays.ack(from, message.sequence)
        if (asked !== undefined) this.#send(now, asked.by, { t: 'ack', sequence: asked.sequence, rumors: [] })
        const answered = this.#detector.ack(now, from, message.sequence)
        if (answered === undefined) return
        this.#table.heard(now, answered.target)
        if (answered.roundTripMs !== undefined) {
          this.#effects.push({ kind: 'roundTrip', peer: answered.target, durationMs: answered.roundTripMs })
        }
        return
      }
      case 'nack':
        this.#detector.nack(from, message.sequence)
        return
      case 'pingRequest': {
        const sequence = this.#nextSequence()
        if (!this.#relays.start(now, sequence, message.target, { by: from, sequence: message.sequence })) return
        this.#send(now, message.target, { t: 'ping', sequence, rumors: this.#takeRumors() })
        return
      }
      case 'sync':
        if (message.reply) this.#sendTable(now, from, false)
        return
      case 'gossip':
        return
    }
  }

  #onRumor(now: Instant, from: PeerId, rumor: Rumor): void {
    const { claim, by, since } = rumor
    const { id } = claim.announcement
    if (id === this.#options.self.id) {
      this.#onRumorAboutSelf(now, from, claim)
      return
    }
    const held = this.#table.get(id)
    const fades = isGone(claim.state) && now - since > this.#settings.rememberMs * MEMORY_SHARE
    if (held === undefined && fades) return
    switch (this.#table.judge(claim)) {
      case 'older':
        return
      case 'refused':
        this.#counters.refused += 1
        return
      case 'same':
        if (by !== undefined && this.#suspicions.get(id)?.confirm(by)) this.#rumors.put(rumor)
        return
      default: {
        const known = held !== undefined && sameAnnouncement(claim, held.claim)
        if (known || isAuthentic(this.#options.verifier, claim)) this.#adopt(now, rumor, held)
        else this.#malformed(from)
      }
    }
  }

  /** Something newer than what was held: kept, told on, and watched. */
  #adopt(now: Instant, rumor: Rumor, held: Entry | undefined): void {
    const { claim, by, since } = rumor
    const { id } = claim.announcement
    this.#table.merge(now, claim, now - since)
    this.#rumors.put(rumor)
    this.#suspicions.delete(id)
    if (by !== undefined) this.#suspicions.set(id, new Suspicion(now, by, this.#present().length + 1, this.#settings))
    const wasPresent = held !== undefined && !isGone(held.claim.state)
    if (!wasPresent && !isGone(claim.state)) this.#detector.added(id)
    if (held === undefined || held.claim.state !== claim.state || !saysTheSame(held.claim, claim)) {
      const member = memberOf(claim, this.#table.get(id)?.lastHeardAt ?? now)
      this.#effects.push({ kind: 'changed', member, from: held?.claim.state, to: claim.state })
    }
  }

  /** An accusation, or words of a former life of this process: answered under a higher incarnation. */
  #onRumorAboutSelf(now: Instant, from: PeerId, claim: Claim): void {
    const order = compareClaims(claim, this.#self)
    if (order === 0) return
    const own = sameAnnouncement(claim, this.#self)
    if (!own && !isAuthentic(this.#options.verifier, claim)) {
      this.#malformed(from)
      return
    }
    if (claim.announcement.incarnation >= this.#self.announcement.incarnation) {
      this.#announce(now, claim.announcement.incarnation + 1, false)
      if (own) {
        this.#counters.refuted += 1
        this.#health.adjust(1)
      }
    }
    // Whoever still believes it is told directly; the others hear it by gossip.
    if (claim.state !== 'alive' || order > 0) this.#send(now, from, { t: 'gossip', rumors: [this.#selfRumor()] })
  }

  #announce(now: Instant, incarnation: number, left: boolean): void {
    this.#self = announce(this.#options.signer, { ...this.#options.self, incarnation, left })
    this.#selfSince = now
    this.#rumors.put(this.#selfRumor())
  }

  #carry(now: Instant, effects: readonly DetectorEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'failed') this.#suspect(now, effect.target)
      else {
        const { sequence } = effect
        const rumors = this.#takeRumors()
        if (effect.kind === 'ping') {
          this.#unanswered.asked(now, effect.to)
          this.#send(now, effect.to, { t: 'ping', sequence, rumors })
        } else this.#send(now, effect.to, { t: 'pingRequest', sequence, target: effect.target, rumors })
      }
    }
  }

  #suspect(now: Instant, id: PeerId): void {
    const held = this.#table.get(id)
    if (held === undefined) return
    const by = this.#options.self.id
    if (held.claim.state === 'alive') {
      this.#adopt(now, { claim: { ...held.claim, state: 'suspect' }, by, since: now }, held)
    } else if (this.#suspicions.get(id)?.confirm(by)) this.#rumors.put({ claim: held.claim, by, since: held.since })
  }

  #declareDead(now: Instant, id: PeerId): void {
    const held = this.#table.get(id)
    if (held !== undefined) this.#adopt(now, { claim: { ...held.claim, state: 'dead' }, since: now }, held)
  }

  #allowForStall(now: Instant): void {
    const stoppedMs = now - this.#tickedAt - this.#settings.stallMs
    this.#tickedAt = now
    if (stoppedMs <= 0) return
    this.#health.adjust(1)
    this.#detector.extend(stoppedMs)
    this.#unanswered.extend(stoppedMs)
    for (const suspicion of this.#suspicions.values()) suspicion.extend(stoppedMs)
  }

  #gossip(now: Instant): void {
    this.#gossipAt = now + this.#settings.gossipIntervalMs
    // A suspect hears of it from everybody who suspects it, again and again: it must get its chance to refute.
    for (const id of this.#suspicions.keys()) {
      const held = this.#table.get(id)
      if (held !== undefined && this.#connected.has(id)) {
        this.#send(now, id, { t: 'gossip', rumors: [this.#heldRumor(held)] })
      }
    }
    const peers = [...this.#connected.keys()]
    for (let sent = 0; sent < this.#settings.gossipFanout && this.#rumors.size > 0 && peers.length > 0; sent++) {
      const [to] = peers.splice(this.#options.random.below(peers.length), 1)
      if (to !== undefined) this.#send(now, to, { t: 'gossip', rumors: this.#takeRumors() })
    }
  }

  #sendTable(now: Instant, to: PeerId, reply: boolean): void {
    const table = [this.#selfRumor(), ...[...this.#table.entries()].map((entry) => this.#heldRumor(entry))]
    for (const message of syncMessages(table, reply)) this.#send(now, to, message)
  }

  /** Full mesh: whoever may be alive or come back, and is not connected. Asked for in every tick, and seldom another. */
  #wanted(): readonly Wanted[] {
    const state = this.#connections + this.#table.changes
    if (this.#wantedAt !== state) {
      this.#wantedAt = state
      this.#wantedNow = this.#nowWanted()
    }
    return this.#wantedNow
  }

  #nowWanted(): Wanted[] {
    const addresses = new Set([this.#options.self.address, ...this.#connected.values()])
    const wanted: Wanted[] = []
    const want = (address: string, deferMs: number) => {
      if (address !== '' && !addresses.has(address)) wanted.push({ address, deferMs })
      addresses.add(address)
    }
    for (const seed of this.#options.seeds) want(seed, 0)
    for (const { claim } of this.#table.entries()) {
      const { id, address } = claim.announcement
      if (claim.state === 'left' || this.#connected.has(id)) continue
      want(address, id < this.#options.self.id ? this.#settings.dialDeferMs : 0)
    }
    return wanted
  }

  /** Members that are not gone, this peer left out. */
  #present(): PeerId[] {
    const present: PeerId[] = []
    for (const { claim } of this.#table.entries()) if (!isGone(claim.state)) present.push(claim.announcement.id)
    return present
  }

  /** What is held about a member, with the accuser it was first heard from: passing on confirms nothing. */
  #heldRumor({ claim, since }: Entry): Rumor {
    const by = this.#suspicions.get(claim.announcement.id)?.accuser
    return by === undefined ? { claim, since } : { claim, since, by }
  }

  #longestSilent(now: Instant): PeerId | undefined {
    let longest: Entry | undefined
    for (const entry of this.#table.entries()) {
      if (isGone(entry.claim.state) || now - entry.lastHeardAt <= this.#settings.probeIntervalMs) continue
      if (longest === undefined || entry.lastHeardAt < longest.lastHeardAt) longest = entry
    }
    return longest?.claim.announcement.id
  }

  #selfRumor(): Rumor {
    return { claim: this.#self, since: this.#selfSince }
  }

  #takeRumors(): Rumor[] {
    return this.#rumors.take(this.#present().length + 1)
  }

  /** A peer that is held dead and yet asks is told so first: it can refute. */
  #rumorsFor(peer: PeerId): Rumor[] {
    const held = this.#table.get(peer)
    const rumors = this.#takeRumors()
    return held?.claim.state === 'dead' ? [this.#heldRumor(held), ...rumors.slice(0, MAX_RUMORS - 1)] : rumors
  }

  #nextSequence(): number {
    this.#sequence += 1
    return this.#sequence
  }

  #send(now: Instant, to: PeerId, message: MembershipMessage): void {
    this.#effects.push({ kind: 'send', to, body: encodeMessage(now, message) })
  }

  #malformed(from: PeerId): void {
    this.#counters.malformed += 1
    this.#effects.push({ kind: 'malformed', from })
  }

  #takeEffects(): readonly MembershipEffect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }
}

/** True when two announcements differ in their incarnation at most. */
function saysTheSame(a: Claim, b: Claim): boolean {
  const text = ({ announcement: { name, address, httpAddress, version, bootstrapExpect } }: Claim): string =>
    [name, address, httpAddress, version, bootstrapExpect].join('\n')
  return text(a) === text(b)
}
