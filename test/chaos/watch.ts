/** What peers tell while a script plays, as a client of their event streams sees it: when each cut was first certified anywhere, whom they held suspect or dead. */
import type { PeerProcess } from '../e2e/peers.ts'

const RETRY_MS = 50

export class Watch {
  /** By unit: arrival of each cut with rows, monotonic milliseconds. */
  readonly #times = new Map<string, number[]>()
  readonly #seen = new Set<string>()
  /** By state: how often a peer said so of another. */
  readonly #claims = new Map<string, number>()
  #gaps = 0
  readonly #abort = new AbortController()
  readonly #following: Promise<void>[] = []

  follow(peer: PeerProcess): void {
    this.#following.push(this.#follow(peer))
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    await Promise.all(this.#following)
  }

  /** The longest time between two neighbouring cuts of a unit, both within the bounds or around them. */
  longestGapMs(from: number, to: number): number {
    let longest = 0
    for (const times of this.#times.values()) {
      for (let i = 1; i < times.length; i++) {
        const [before = 0, after = 0] = [times[i - 1], times[i]]
        if (after >= from && before <= to) longest = Math.max(longest, after - before)
      }
    }
    return longest
  }

  /** How often events were missed: a peer was restarted, or this client too slow. */
  get gaps(): number {
    return this.#gaps
  }

  claims(state: 'suspect' | 'dead'): number {
    return this.#claims.get(state) ?? 0
  }

  async #follow(peer: PeerProcess): Promise<void> {
    const { signal } = this.#abort
    let last: string | undefined
    while (!signal.aborted) {
      try {
        for await (const streamed of peer.client(signal).events(last)) {
          if (streamed.kind === 'gap') {
            this.#gaps += 1
            continue
          }
          last = streamed.id
          const { event } = streamed
          if (event.kind === 'member') this.#claims.set(event.state, (this.#claims.get(event.state) ?? 0) + 1)
          if (event.kind === 'certified' && event.rows > 0) this.#note(event.unit, event.position.seq)
        }
      } catch {
        // The peer is down, as it should be: it is asked again until it is back.
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }

  #note(unit: string, seq: number): void {
    const cut = `${unit} ${seq}`
    if (this.#seen.has(cut)) return
    this.#seen.add(cut)
    const times = this.#times.get(unit)
    if (times === undefined) this.#times.set(unit, [performance.now()])
    else times.push(performance.now())
  }
}
