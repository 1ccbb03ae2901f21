/**
 * Whether this identity still has all that it ever signed. A disk that was restored from a backup has forgotten votes,
 * promises or accepts; the others remember the highest number of this peer's flushes, which covers all three. At its start
 * a peer signs nothing until the members have told it that number, or cannot; and one that lacks a flush is to be retired.
 * A pure core.
 */
import { majority } from './agreement/paxos.ts'
import type { Instant } from './clock.ts'
import type { PeerId } from './ids.ts'

/** Members that are neither heard from nor known to be gone are waited for so long once most have been heard. */
const WAIT_MS = 5_000
/** Without most of them a peer can do little; after this it goes on all the same. */
const WAIT_ALONE_MS = 30_000

export class Wholeness {
  readonly #seen = new Map<PeerId, number>()
  readonly #told = new Set<PeerId>()
  readonly #started: Instant
  #cleared: boolean

  /** @param fresh the identity has never signed anything */
  constructor(now: Instant, fresh: boolean) {
    this.#started = now
    this.#cleared = fresh
  }

  /** The highest flush of a peer that was seen here: told to it in every heartbeat. */
  seen(peer: PeerId): number {
    return this.#seen.get(peer) ?? 0
  }

  /** A flush of a peer came. */
  note(peer: PeerId, counter: number): void {
    if (counter > this.seen(peer)) this.#seen.set(peer, counter)
  }

  /** What another peer has seen of this one; false: it has seen more than this one knows of. */
  told(from: PeerId, counter: number, own: number): boolean {
    this.#told.add(from)
    return counter <= own
  }

  /** True once, when this peer may sign. */
  clears(now: Instant, others: readonly { readonly id: PeerId; readonly gone: boolean }[]): boolean {
    if (this.#cleared) return false
    const told = others.filter(({ id }) => this.#told.has(id)).length
    const waiting = others.some(({ id, gone }) => !gone && !this.#told.has(id))
    const most = told + 1 >= majority(others.length + 1)
    const waitMs = !waiting && most ? 0 : most ? WAIT_MS : WAIT_ALONE_MS
    this.#cleared = now - this.#started >= waitMs
    return this.#cleared
  }
}
