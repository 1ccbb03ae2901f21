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

/**
 * Node runs all microtasks before the next tick, so a turn costs no round of the event loop. One is taken now and then all
 * the same: rejections that nobody handled are reported there.
 */
const TURNS_PER_LOOP = 256

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
    await this.#drive(() => !this.step(until))
    this.#now = until
  }

  /** Runs until the condition holds. @throws when it does not within `deadlineMs` of simulated time. */
  async runUntil(what: string, condition: () => boolean, deadlineMs = 60_000): Promise<void> {
    const until = this.#now + deadlineMs
    await this.#drive(() => {
      if (condition()) return true
      if (!this.step(until)) throw new Error(`not within ${deadlineMs} simulated ms: ${what}`)
      return false
    })
  }

  /** Takes turns until one says that it was the last; before each, every promise that is ready runs its reactions. */
  #drive(turn: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let turns = 0
      // A tick asked for by a microtask waits for all microtasks; one asked for by a tick would not.
      const ready = Promise.resolve()
      const soon = () => process.nextTick(next)
      const next = (): void => {
        try {
          if (turn()) resolve()
          else if (++turns % TURNS_PER_LOOP === 0) setImmediate(next)
          else ready.then(soon)
        } catch (error) {
          reject(error)
        }
      }
      setImmediate(next)
    })
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
