/**
 * Simulated time: an ordered queue of actions and nothing else. Two actions at the same instant run in the order they
 * were asked for, so a run is a function of its inputs.
 */
import type { Clock, Instant } from '../../mesh/clock.ts'

interface Scheduled {
  readonly at: Instant
  readonly order: number
  action: (() => void) | undefined
}

const before = (a: Scheduled, b: Scheduled) => a.at < b.at || (a.at === b.at && a.order < b.order)

export class SimulatedClock implements Clock {
  #now: Instant = 0
  #order = 0
  /** A binary heap, earliest first. Cancelled entries stay until they come up. */
  readonly #queue: Scheduled[] = []

  now(): Instant {
    return this.#now
  }

  after(delayMs: number, action: () => void): () => void {
    const entry: Scheduled = { at: this.#now + Math.max(0, delayMs), order: this.#order++, action }
    this.#push(entry)
    return () => {
      entry.action = undefined
    }
  }

  /** Runs the next action, if there is one no later than `until`. What it resolves is not awaited here. */
  step(until: Instant = Number.POSITIVE_INFINITY): boolean {
    for (let next = this.#queue[0]; next !== undefined && next.at <= until; next = this.#queue[0]) {
      this.#pop()
      if (next.action === undefined) continue
      this.#now = next.at
      next.action()
      return true
    }
    return false
  }

  /** Runs everything up to `forMs` from now, and after each action whatever its promises set off. */
  async run(forMs: number): Promise<void> {
    const until = this.#now + forMs
    await settled()
    while (this.step(until)) await settled()
    this.#now = until
  }

  /** Runs until the condition holds. @throws when it does not within `deadlineMs` of simulated time. */
  async runUntil(what: string, condition: () => boolean, deadlineMs = 60_000): Promise<void> {
    const until = this.#now + deadlineMs
    await settled()
    while (!condition()) {
      if (!this.step(until)) throw new Error(`not within ${deadlineMs} simulated ms: ${what}`)
      await settled()
    }
  }

  #push(entry: Scheduled): void {
    const queue = this.#queue
    let place = queue.push(entry) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!before(entry, queue[parent]!)) break
      queue[place] = queue[parent]!
      place = parent
    }
    queue[place] = entry
  }

  #pop(): void {
    const queue = this.#queue
    const last = queue.pop()!
    if (queue.length === 0) return
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= queue.length) break
      if (child + 1 < queue.length && before(queue[child + 1]!, queue[child]!)) child++
      if (!before(queue[child]!, last)) break
      queue[place] = queue[child]!
      place = child
    }
    queue[place] = last
  }
}

/** Resolves once every promise that is ready has run its reactions: the check phase comes after all microtasks. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
