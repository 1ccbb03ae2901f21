/**
 * Whether the replicas of a unit write to one place or to one each. Looked into again now and then, and whenever others
 * belong to the unit. Until it is known they are taken to write apart, which costs work where it is wrong and loses nothing.
 */
import type { PeerId } from '../../mesh/index.ts'
import { HOST_TIMING } from '../limits.ts'

export class Sharing {
  readonly #ask: (peers: readonly PeerId[]) => Promise<boolean>
  readonly #tell: (shared: boolean) => void
  #asked = ''
  #askedAt = Number.NEGATIVE_INFINITY
  #asking = false

  constructor(ask: (peers: readonly PeerId[]) => Promise<boolean>, tell: (shared: boolean) => void) {
    this.#ask = ask
    this.#tell = tell
  }

  /** @param now monotonic */
  review(members: readonly PeerId[], now: number): void {
    const of = members.join()
    if (this.#asking || (of === this.#asked && now - this.#askedAt < HOST_TIMING.sharingMs)) return
    if (of !== this.#asked) this.#tell(false)
    this.#asking = true
    this.#asked = of
    this.#askedAt = now
    this.#ask(members)
      // A place that cannot be looked at now cannot be written to either: the committer tells why.
      .catch(() => false)
      .then((shared) => {
        this.#asking = false
        if (of === this.#asked) this.#tell(shared)
      })
  }
}
