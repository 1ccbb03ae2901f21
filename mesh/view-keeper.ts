/**
 * When the view should change, as one member sees it: a peer that has been alive for a while and stays is admitted; a member that a
 * majority of members has reported dead for long is removed. Gossip alone moves nothing: what this proposes must win as a
 * change of the control document. A pure core.
 */
import type { ControlDocument } from './agreement/control-document.ts'
import { majority } from './agreement/paxos.ts'
import type { ViewStep } from './agreement/view-change.ts'
import type { Instant } from './clock.ts'
import type { PeerId } from './ids.ts'
import type { Member } from './membership/index.ts'
import { rankAmong } from './ring/preference.ts'

export interface ViewSettings {
  /** A peer is admitted once it has been alive for this long. */
  readonly admitAfterMs: number
  /** A member is removed once a majority has reported it dead for this long; undefined: never. */
  readonly removeAfterMs: number | undefined
  /** Each rank waits this much longer, so that one proposes and the others see it done. */
  readonly staggerMs: number
}

export const DEFAULT_VIEW_SETTINGS: ViewSettings = {
  admitAfterMs: 3_000,
  removeAfterMs: 600_000,
  staggerMs: 1_500,
}

export class ViewKeeper {
  readonly #self: PeerId
  readonly #settings: ViewSettings
  readonly #aliveSince = new Map<PeerId, Instant>()
  /** Whom each member holds dead. */
  readonly #reports = new Map<PeerId, ReadonlySet<PeerId>>()
  readonly #deadSince = new Map<PeerId, Instant>()
  readonly #leaving = new Set<PeerId>()
  /** Who has said, since it was last gone, that it is not about to leave: what gossip tells of a peer is no word of its own. */
  readonly #staying = new Set<PeerId>()
  /** At the last look. */
  #members: readonly PeerId[] = []
  #lookedAt: Instant | undefined

  constructor(self: PeerId, settings: ViewSettings) {
    this.#self = self
    this.#settings = settings
  }

  /** Who said so, and is not gone. */
  get leaving(): ReadonlySet<PeerId> {
    return this.#leaving
  }

  /** What a peer reports of others, and whether it is about to leave itself. */
  heard(from: PeerId, dead: readonly PeerId[], leaving: boolean): void {
    this.#reports.set(from, new Set(dead))
    if (leaving) {
      this.#leaving.add(from)
      this.#staying.delete(from)
    } else {
      this.#leaving.delete(from)
      this.#staying.add(from)
    }
  }

  /** The step that this peer should propose now. */
  tick(now: Instant, document: ControlDocument, members: readonly Member[]): ViewStep | undefined {
    this.#note(now, document, members)
    const alive = new Set(members.filter(({ state }) => state === 'alive').map(({ id }) => id))
    const rank = rankAmong(this.#self, document.view.members, alive)
    if (rank < 0) return undefined
    const patienceMs = rank * this.#settings.staggerMs
    const by = now - patienceMs
    return this.#departure(document) ?? this.#admission(by, document, members) ?? this.#removal(by, document)
  }

  #note(now: Instant, { view }: ControlDocument, members: readonly Member[]): void {
    if (now - (this.#lookedAt ?? now) >= this.#settings.admitAfterMs) this.#beginAnew()
    this.#lookedAt = now
    // Who has just been let go is gone soon; it comes again only if it is there for as long as any other that comes.
    for (const member of this.#members) if (!view.members.includes(member)) this.#aliveSince.delete(member)
    this.#members = view.members
    for (const { id, state } of members) {
      if (state !== 'alive') this.#aliveSince.delete(id)
      else if (!this.#aliveSince.has(id)) this.#aliveSince.set(id, now)
    }
    const own = members.filter(({ state }) => state === 'dead').map(({ id }) => id)
    this.#reports.set(this.#self, new Set(own))
    for (const { id, state } of members) {
      if (state !== 'dead' && state !== 'left') continue
      this.#leaving.delete(id)
      this.#staying.delete(id)
    }
    this.#noteDead(now, view)
  }

  /** After a pause of this peer: who was there, or missed, may long be gone, or back. */
  #beginAnew(): void {
    this.#aliveSince.clear()
    this.#deadSince.clear()
    this.#reports.clear()
    this.#staying.clear()
  }

  /** Mostly nobody holds anybody dead. */
  #noteDead(now: Instant, view: ControlDocument['view']): void {
    let reported = this.#deadSince.size > 0
    for (const dead of this.#reports.values()) reported ||= dead.size > 0
    if (!reported) return
    const needed = majority(view.members.length)
    for (const member of view.members) {
      const reporters = view.members.filter((reporter) => this.#reports.get(reporter)?.has(member) === true)
      if (reporters.length < needed) this.#deadSince.delete(member)
      else if (!this.#deadSince.has(member)) this.#deadSince.set(member, now)
    }
    for (const member of this.#deadSince.keys()) {
      if (!view.members.includes(member)) this.#deadSince.delete(member)
    }
  }

  /** Who leaves says so itself, and sees to it itself. */
  #departure({ view }: ControlDocument): ViewStep | undefined {
    if (!this.#leaving.has(this.#self) || view.members.length === 1) return undefined
    return { kind: 'remove', peer: this.#self, ban: false }
  }

  #admission(by: Instant, { view, banned }: ControlDocument, members: readonly Member[]): ViewStep | undefined {
    const { admitAfterMs } = this.#settings
    const candidates = members.filter(({ id, name }) => {
      if (view.members.includes(id) || banned.includes(id) || !this.#staying.has(id)) return false
      // Two at a time under one name: the one that is a member stays, until it is gone.
      const namesake = members.find(
        (other) => other.id !== id && other.name === name && view.members.includes(other.id),
      )
      const since = this.#aliveSince.get(id)
      return since !== undefined && by - since >= admitAfterMs && namesake?.state !== 'alive'
    })
    const [first] = candidates.sort((a, b) => (a.id < b.id ? -1 : 1))
    return first === undefined ? undefined : { kind: 'admit', peer: first.id, name: first.name }
  }

  #removal(by: Instant, { view }: ControlDocument): ViewStep | undefined {
    const { removeAfterMs } = this.#settings
    if (removeAfterMs === undefined) return undefined
    const peer = view.members.find((member) => {
      const since = this.#deadSince.get(member)
      return since !== undefined && by - since >= removeAfterMs
    })
    return peer === undefined ? undefined : { kind: 'remove', peer, ban: false }
  }
}
