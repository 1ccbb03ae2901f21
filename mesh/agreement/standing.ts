/** Where other peers say they stand with a unit: heard in their heartbeats, a hint that is asked after, never a proof. */
import type { Instant } from '../clock.ts'
import type { PeerId } from '../ids.ts'
import { TIMING } from '../limits.ts'
import { type CutPosition, furthest, isBehind, type Term } from './types.ts'

export interface Standing {
  readonly term: number
  readonly frontier: CutPosition | undefined
  /** Everything up to here is on its disk. */
  readonly stored: CutPosition | undefined
  /** The term that it votes in; undefined: it is sealed, or no member. */
  readonly votesIn: number | undefined
  /** Its replica has computed all that is certified. */
  readonly caughtUp: boolean
  /** Its replica cannot pass this offset. */
  readonly stuck: number | undefined
  /** It may have to read from this offset again; undefined: who knows. */
  readonly needed: number | undefined
}

export class Standings {
  readonly #of = new Map<PeerId, Standing & { readonly heardAt: Instant }>()

  note(now: Instant, peer: PeerId, standing: Standing): void {
    this.#of.set(peer, { ...standing, heardAt: now })
  }

  /** The peer has the unit no more. */
  forget(peer: PeerId): void {
    this.#of.delete(peer)
  }

  get(peer: PeerId): Standing | undefined {
    return this.#of.get(peer)
  }

  get latestTerm(): number {
    let latest = 0
    for (const { term } of this.#of.values()) latest = Math.max(latest, term)
    return latest
  }

  get furthest(): CutPosition | undefined {
    let place: CutPosition | undefined
    for (const { frontier } of this.#of.values()) place = furthest(place, frontier)
    return place
  }

  /** Peers among these that cannot pass an offset, and which, by what they said lately. */
  stuck(now: Instant, peers: readonly PeerId[]): Map<PeerId, number> {
    const offsets = new Map<PeerId, number>()
    for (const peer of peers) {
      const { stuck, heardAt } = this.#of.get(peer) ?? {}
      const lately = heardAt !== undefined && now - heardAt <= TIMING.standingMs
      if (stuck !== undefined && lately) offsets.set(peer, stuck)
    }
    return offsets
  }

  /**
   * Where the first of these, and of whoever else is heard of with the unit, may have to read again; undefined: one has not
   * said. Who is silent and none of these takes over from others when it comes back.
   */
  needed(now: Instant, members: readonly PeerId[]): number | undefined {
    let first = Number.POSITIVE_INFINITY
    for (const peer of new Set([...members, ...this.#of.keys()])) {
      const { needed, heardAt = Number.NEGATIVE_INFINITY } = this.#of.get(peer) ?? {}
      const lately = now - heardAt <= TIMING.standingMs
      if (!lately && !members.includes(peer)) continue
      if (!lately || needed === undefined) return undefined
      first = Math.min(first, needed)
    }
    return first
  }

  /** A term is installed when a majority of its members have stored it and its base: its predecessors may be forgotten. */
  installed(term: Term, self: PeerId, own: Standing): boolean {
    const holders = term.members.filter((member) => {
      const standing = member === self ? own : this.#of.get(member)
      // Its base, and the results up to there: who leaves takes nothing along that others do not have.
      return standing !== undefined && standing.term >= term.number && !isBehind(standing.stored, term.base)
    })
    return holders.length > term.members.length / 2
  }

  /**
   * As many members as certify have what was open: one of them is among any M − W + 1 that promise, so the base of every
   * later term lies beyond it, and nobody asks any more who had voted for it.
   */
  settled({ members, write }: Term, last: CutPosition | undefined): boolean {
    if (last === undefined) return true
    const holders = members.filter((member) => {
      const standing = this.#of.get(member)
      return standing !== undefined && !isBehind(standing.stored, last)
    })
    return holders.length >= write
  }

  /** Peers among these whose replica could take part at once, by what they said lately. */
  caughtUp(now: Instant, peers: readonly PeerId[]): readonly PeerId[] {
    return peers.filter((peer) => {
      const standing = this.#of.get(peer)
      return standing?.caughtUp === true && now - standing.heardAt <= TIMING.standingMs
    })
  }
}
