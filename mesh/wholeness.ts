/**
 * Whether this identity still has all that it ever signed. A disk that was restored from a backup has forgotten votes,
 * promises or accepts; the others remember the highest number of this peer's flushes, which covers all three, across their
 * own restarts too. At its start a peer signs nothing until the members have told it that number, or cannot; and one that
 * lacks a flush is to be retired. That holds for a disk without any flush as well: it may be the copy of one from before
 * the first. A pure core.
 */
import { majority } from './agreement/paxos.ts'
import type { Instant } from './clock.ts'
import type { PeerId } from './ids.ts'

/** Members that are neither heard from nor known to be gone are waited for so long once most have been heard. */
const WAIT_MS = 5_000
/** Without most of them a peer can do little; after this it goes on all the same. */
const WAIT_ALONE_MS = 30_000

export class Wholeness {
  readonly #seen: Map<PeerId, number>
  readonly #told = new Set<PeerId>()
  readonly #started: Instant
  #cleared = false
  #changed = false

  /** @param stored what `toStore` gave in an earlier run, in whatever state it is */
  constructor(now: Instant, stored: unknown) {
    this.#started = now
    this.#seen = new Map(isCounters(stored) ? stored : [])
  }

  /** The flushes seen of these peers, when there are more of them than were last asked for. */
  toStore(known: () => ReadonlySet<PeerId>): [PeerId, number][] | undefined {
    if (!this.#changed) return undefined
    this.#changed = false
    const kept = known()
    return [...this.#seen].filter(([peer]) => kept.has(peer))
  }

  /** The highest flush of a peer that was seen here: told to it in every heartbeat. */
  seen(peer: PeerId): number {
    return this.#seen.get(peer) ?? 0
  }

  /** A flush of a peer came. */
  note(peer: PeerId, counter: number): void {
    if (counter <= this.seen(peer)) return
    this.#seen.set(peer, counter)
    this.#changed = true
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

const isCounters = (value: unknown): value is [PeerId, number][] =>
  Array.isArray(value) &&
  value.every((item) => Array.isArray(item) && typeof item[0] === 'string' && typeof item[1] === 'number')
