/**
 * The k greatest numbers, greatest first; an equal number counts again. Of an equal double and bigint the bigint comes first,
 * so that which ones are kept depends on nothing but the numbers.
 */
import { OperatorError } from '../errors.ts'
import { canonicalJson, type Value } from '../json.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'
import type { AggregateState } from './state.ts'

const DOUBLE = 0
const BIG = 1

export class TopKState implements AggregateState {
  readonly #limit: number
  /** Descending. */
  readonly #numbers: (number | bigint)[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  add(value: Value): void {
    if (typeof value === 'number' || typeof value === 'bigint') this.#take(value)
  }

  #take(value: number | bigint): void {
    const numbers = this.#numbers
    let at = numbers.length
    while (at > 0 && isBefore(value, numbers[at - 1] as number | bigint)) at -= 1
    if (at >= this.#limit) return
    // A zero is always +0.
    numbers.splice(at, 0, typeof value === 'number' ? value + 0 : value)
    if (numbers.length > this.#limit) numbers.pop()
  }

  merge(reader: StateReader): void {
    for (let left = reader.varint(); left > 0; left--) {
      const form = reader.byte()
      if (form === DOUBLE) this.#take(reader.float())
      else if (form === BIG) this.#take(reader.bigint())
      else throw new OperatorError('QRT_STATE_CORRUPT', `a top-k has the unknown form ${form}; known are 0 and 1`)
    }
  }

  write(writer: StateWriter): void {
    writer.varint(this.#numbers.length)
    for (const value of this.#numbers) {
      if (typeof value === 'number') {
        writer.byte(DOUBLE)
        writer.float(value)
      } else {
        writer.byte(BIG)
        writer.bigint(value)
      }
    }
  }

  result(): string {
    return canonicalJson(this.#numbers)
  }

  get bytes(): number {
    return 32 + 8 * this.#numbers.length
  }
}

const isBefore = (a: number | bigint, b: number | bigint): boolean =>
  a > b || (!(a < b) && typeof a === 'bigint' && typeof b === 'number')
