/** When each cut was first certified anywhere, as a client of the peers' event streams sees it. */
import type { PeerProcess, Peers } from '../e2e/peers.ts'

const RETRY_MS = 50

export class CertificateWatch {
  /** By unit: arrival of each cut with rows, monotonic milliseconds. */
  readonly #times = new Map<string, number[]>()
  readonly #seen = new Set<string>()
  readonly #abort = new AbortController()
  readonly #following: Promise<void>[] = []

  constructor(peers: Peers) {
    for (const peer of peers.all) this.#following.push(this.#follow(peer))
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

  get cuts(): number {
    return this.#seen.size
  }

  async #follow(peer: PeerProcess): Promise<void> {
    const { signal } = this.#abort
    while (!signal.aborted) {
      try {
        for await (const streamed of peer.client(signal).events(undefined)) {
          if (streamed.kind !== 'event' || streamed.event.kind !== 'certified' || streamed.event.rows === 0) continue
          this.#note(streamed.event.unit, streamed.event.position.seq)
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
