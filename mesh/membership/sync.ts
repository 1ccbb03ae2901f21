/**
 * Anti-entropy: whole tables are exchanged with a random peer every so often, and with everybody who connects. Rumors
 * are fast and may miss somebody; this is slow and misses nobody.
 */
import type { Instant } from '../clock.ts'
import type { PeerId } from '../ids.ts'
import type { Random } from '../random.ts'
import type { MembershipMessage } from './messages.ts'
import { MAX_RUMORS, type Rumor } from './rumors.ts'

/** A table as messages of bounded size; only the first asks for the other's table, where that is wanted. */
export function syncMessages(table: readonly Rumor[], reply: boolean): MembershipMessage[] {
  const messages: MembershipMessage[] = []
  for (let at = 0; at === 0 || at < table.length; at += MAX_RUMORS) {
    messages.push({ t: 'sync', rumors: table.slice(at, at + MAX_RUMORS), reply: reply && at === 0 })
  }
  return messages
}

export class SyncSchedule {
  readonly #intervalMs: number
  readonly #random: Random
  #nextAt: Instant

  constructor(now: Instant, intervalMs: number, random: Random) {
    this.#intervalMs = intervalMs
    this.#random = random
    this.#nextAt = now + intervalMs * random.next()
  }

  /** The peer to exchange tables with now. */
  due(now: Instant, connected: () => readonly PeerId[]): PeerId | undefined {
    if (now < this.#nextAt) return undefined
    this.#nextAt = now + this.#intervalMs
    const peers = connected()
    return peers[this.#random.below(peers.length)]
  }
}
