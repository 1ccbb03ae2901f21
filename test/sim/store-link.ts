/**
 * The way from a process to a store and back on simulated time: delays, outages that also cut off what is under way,
 * answers that are lost after the work was done, and a store that is busy and says so.
 */
import type { Random } from '../../mesh/random.ts'
import type { SimulatedClock } from './clock.ts'
import type { SimulatedProcess } from './process.ts'

/** Carries out an action at the store and brings its answer, or what became of it. */
export type Call = <T>(action: () => T) => Promise<T>

export interface StoreFaults {
  /** One way, in milliseconds. */
  readonly delayMs: readonly [number, number]
  /** Share of calls whose answer is lost after they were carried out. */
  readonly lostAnswers: number
  /** Share of calls that the store refuses for the moment. */
  readonly busy: number
}

const CALM: StoreFaults = { delayMs: [0.5, 4], lostAnswers: 0, busy: 0 }

/** How the store's own client tells of these. */
export interface StoreErrors {
  readonly unreachable: () => Error
  readonly busy: () => Error
}

export class StoreLink {
  readonly #clock: SimulatedClock
  readonly #random: Random
  faults: StoreFaults = CALM
  #outage = false
  /** Rises with each outage: what was asked before it is not answered. */
  #epoch = 0

  constructor(clock: SimulatedClock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  calm(): void {
    this.faults = CALM
    this.#outage = false
  }

  outage(down: boolean): void {
    this.#outage = down
    this.#epoch += 1
  }

  /** What the process asked for is carried out even if it dies meanwhile; it hears of it only if it lives. */
  of(process: SimulatedProcess, errors: StoreErrors): Call {
    return (action) =>
      new Promise((resolve, reject) => {
        const epoch = this.#epoch
        const answer = (settle: () => void) => this.#clock.after(this.#delay(), () => process.run(settle))
        const lost = this.#random.next() < this.faults.lostAnswers
        const busy = this.#random.next() < this.faults.busy
        this.#clock.after(this.#delay(), () => {
          if (this.#outage || busy) {
            const failure = this.#outage ? errors.unreachable() : errors.busy()
            answer(() => reject(failure))
            return
          }
          try {
            const value = action()
            answer(() => (lost || epoch !== this.#epoch ? reject(errors.unreachable()) : resolve(value)))
          } catch (error) {
            answer(() => reject(error))
          }
        })
      })
  }

  #delay(): number {
    const [least, most] = this.faults.delayMs
    return least + this.#random.next() * (most - least)
  }
}
