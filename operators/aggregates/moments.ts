/**
 * Variance and standard deviation of a sample. The sum and the sum of the squares are kept exactly, as exact-sum.ts does, so
 * the variance is the exact one, rounded once, and the deviation is its square root. Null of fewer than two numbers.
 */
import { addToPair, exactUnits, integerUnits, pairOf, roundUnits } from '../exact-sum.ts'
import { canonicalJson, type Value } from '../json.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'
import type { AggregateState } from './state.ts'

/** Squares are in units of 2^-2148, the square of the smallest double. */
const SQUARE_SHIFT = 1074n
const FRACTION = (1n << SQUARE_SHIFT) - 1n

/** Between these the product of a double with itself is exactly a sum of two doubles. */
const LEAST = 1e-135
const MOST = 1e145

const SPLITTER = 2 ** 27 + 1

/** Cells of the pairs. */
const SUM = 0
const SQUARES = 2

const PAIR = 0
const BIG = 1

export class MomentsState implements AggregateState {
  readonly #root: boolean
  readonly #pairs = new Float64Array(4)
  #count = 0
  /** In place of the first pair, where it cannot hold the sum. */
  #sum: bigint | undefined
  /** In place of the second. */
  #squares: bigint | undefined

  constructor(what: 'variance' | 'stddev') {
    this.#root = what === 'stddev'
  }

  add(value: Value): void {
    if (typeof value === 'number') {
      this.#count += 1
      this.#addToSum(value)
      this.#addSquareOf(value)
    } else if (typeof value === 'bigint') {
      this.#count += 1
      this.#sum = this.#sumUnits + integerUnits(value)
      this.#squares = this.#squareUnits + (integerUnits(value * value) << SQUARE_SHIFT)
    }
  }

  #addToSum(value: number): void {
    if (this.#sum !== undefined || !addToPair(this.#pairs, SUM, value)) this.#sum = this.#sumUnits + exactUnits(value)
  }

  #addSquareOf(value: number): void {
    const size = Math.abs(value)
    if (size === 0) return
    if (size < LEAST || size > MOST) {
      const units = exactUnits(value)
      this.#squares = this.#squareUnits + units * units
      return
    }
    const product = value * value
    const scaled = SPLITTER * value
    const high = scaled - (scaled - value)
    const low = value - high
    this.#addToSquares(product)
    const error = low * low - (product - high * high - 2 * high * low)
    if (error !== 0) this.#addToSquares(error)
  }

  #addToSquares(value: number): void {
    if (this.#squares !== undefined || !addToPair(this.#pairs, SQUARES, value)) {
      this.#squares = this.#squareUnits + (exactUnits(value) << SQUARE_SHIFT)
    }
  }

  get #sumUnits(): bigint {
    return this.#sum ?? this.#unitsAt(SUM)
  }

  get #squareUnits(): bigint {
    return this.#squares ?? this.#unitsAt(SQUARES) << SQUARE_SHIFT
  }

  #unitsAt(cell: number): bigint {
    return exactUnits(this.#pairs[cell] as number) + exactUnits(this.#pairs[cell + 1] as number)
  }

  merge(reader: StateReader): void {
    this.#count += reader.varint()
    if (reader.byte() === BIG) this.#sum = this.#sumUnits + reader.bigint()
    else for (let i = 0; i < 2; i++) this.#addToSum(reader.float())
    if (reader.byte() === BIG) this.#squares = this.#squareUnits + reader.bigint()
    else for (let i = 0; i < 2; i++) this.#addToSquares(reader.float())
  }

  write(writer: StateWriter): void {
    writer.varint(this.#count)
    writeExact(this.#sumUnits, pairOf(this.#sumUnits), writer)
    const squares = this.#squareUnits
    writeExact(squares, (squares & FRACTION) === 0n ? pairOf(squares >> SQUARE_SHIFT) : undefined, writer)
  }

  result(): string {
    const variance = this.#variance()
    if (variance === null || !Number.isFinite(variance)) return 'null'
    return canonicalJson(this.#root ? Math.sqrt(variance) : variance)
  }

  #variance(): number | null {
    const n = this.#count
    if (n < 2) return null
    const [sum = 0, sumLow, squares = 0, squaresLow] = this.#pairs
    if (this.#sum === undefined && this.#squares === undefined && sumLow === 0 && squaresLow === 0) {
      const scaled = n * squares
      const squared = sum * sum
      // All exact, and a quotient of two integers is rounded once.
      const integers = [sum, squares, scaled, squared, n * (n - 1)]
      if (integers.every(Number.isSafeInteger)) return (scaled - squared) / (n * (n - 1))
    }
    const total = this.#sumUnits
    const count = BigInt(n)
    return roundUnits(count * this.#squareUnits - total * total, (count * (count - 1n)) << SQUARE_SHIFT)
  }

  get bytes(): number {
    return 96
  }
}

/** The pair where there is one: which form it is depends on the value alone. */
function writeExact(units: bigint, pair: readonly [number, number] | undefined, writer: StateWriter): void {
  if (pair === undefined) {
    writer.byte(BIG)
    writer.bigint(units)
    return
  }
  writer.byte(PAIR)
  writer.float(pair[0])
  writer.float(pair[1])
}
