/**
 * The member table: the greatest claim heard about each member. Merging is commutative, associative and idempotent
 * (member.ts), so peers that exchange claims end with equal tables. This peer itself is not in it.
 */
import type { Instant } from '../clock.ts'
import type { PeerId } from '../ids.ts'
import { type Claim, compareClaims, type Member, type MemberState } from './member.ts'

export interface Entry {
  readonly claim: Claim
  /** When the state began, as far as known here; ages travel with claims, clock readings do not. */
  readonly since: Instant
  readonly lastHeardAt: Instant
}

interface HeldEntry extends Entry {
  lastHeardAt: Instant
  /** As it was last shown: members are asked for far more often than any of them changes. */
  shown: Member | undefined
}

export type MergeOutcome = 'new' | 'newer' | 'same' | 'older' | 'refused'

export const isGone = (state: MemberState): boolean => state === 'dead' || state === 'left'

export class MemberTable {
  readonly #entries = new Map<PeerId, HeldEntry>()
  readonly #maxMembers: number
  /** Rises whenever another claim is held of somebody, or none any more. */
  changes = 0

  constructor(maxMembers: number) {
    this.#maxMembers = maxMembers
  }

  get(id: PeerId): Entry | undefined {
    return this.#entries.get(id)
  }

  entries(): IterableIterator<Entry> {
    return this.#entries.values()
  }

  /** Each as it stands now. */
  members(): Member[] {
    const members: Member[] = []
    for (const entry of this.#entries.values()) {
      const { claim, lastHeardAt, shown } = entry
      if (shown?.lastHeardAt !== lastHeardAt) entry.shown = memberOf(claim, lastHeardAt)
      if (entry.shown !== undefined) members.push(entry.shown)
    }
    return members
  }

  /** What `merge` would do with the claim; it is asked first, because a signature check costs more than a look. */
  judge(claim: Claim): MergeOutcome {
    const held = this.#entries.get(claim.announcement.id)
    if (held === undefined) return this.#entries.size < this.#maxMembers || this.#longestGone() ? 'new' : 'refused'
    const order = compareClaims(claim, held.claim)
    return order > 0 ? 'newer' : order < 0 ? 'older' : 'same'
  }

  /** @param ageMs how long the claim's state has held */
  merge(now: Instant, claim: Claim, ageMs: number): MergeOutcome {
    const outcome = this.judge(claim)
    if (outcome !== 'new' && outcome !== 'newer') return outcome
    const { id } = claim.announcement
    if (outcome === 'new' && this.#entries.size >= this.#maxMembers) {
      const longest = this.#longestGone()
      if (longest !== undefined) this.#entries.delete(longest)
    }
    this.changes += 1
    const lastHeardAt = this.#entries.get(id)?.lastHeardAt ?? now
    this.#entries.set(id, { claim, since: now - ageMs, lastHeardAt, shown: undefined })
    return outcome
  }

  heard(now: Instant, id: PeerId): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) entry.lastHeardAt = now
  }

  /** Drops the members that have been gone for longer than `rememberMs`. */
  forget(now: Instant, rememberMs: number): void {
    for (const { claim, since } of this.#entries.values()) {
      if (!isGone(claim.state) || now - since <= rememberMs) continue
      this.changes += 1
      this.#entries.delete(claim.announcement.id)
    }
  }

  #longestGone(): PeerId | undefined {
    let longest: Entry | undefined
    for (const entry of this.#entries.values()) {
      if (isGone(entry.claim.state) && (longest === undefined || entry.since < longest.since)) longest = entry
    }
    return longest?.claim.announcement.id
  }
}

export function memberOf(claim: Claim, lastHeardAt: Instant): Member {
  const { id, publicKey, name, address, httpAddress, version, bootstrapExpect, incarnation } = claim.announcement
  const expects = bootstrapExpect === undefined ? {} : { bootstrapExpect }
  const { state } = claim
  return { id, publicKey, name, address, httpAddress, version, ...expects, incarnation, state, lastHeardAt }
}
