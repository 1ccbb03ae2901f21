/**
 * A quantile to within 1 % of its value: a DDSketch (Masson, Rim, Lee, VLDB 2019) whose buckets are the exponent and the six
 * highest bits of the fraction of a double, the linear interpolation of the logarithm in its authors' own libraries. No
 * logarithm is computed, and equal numbers are in equal buckets anywhere. A bucket is at most 1/64 of its numbers wide.
 *
 * Bounded: numbers 2^64 times smaller than the greatest in magnitude count as zero, so that at most 8,193 buckets are kept.
 */
import { canonicalJson, type Value } from '../json.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'
import type { AggregateState } from './state.ts'

const SHIFT = 14
const BUCKETS = 64 * 64
const ZERO = 0

const bits = new DataView(new ArrayBuffer(8))

/** 1 and more for positive numbers, -1 and less for negative ones, rising with the number; 0 for zero. */
function bucketOf(value: number): number {
  if (value === 0) return ZERO
  bits.setFloat64(0, Math.abs(value))
  const bucket = (bits.getUint32(0) >>> SHIFT) + 1
  return value > 0 ? bucket : -bucket
}

/** The number in the middle of a bucket. */
function middleOf(bucket: number): number {
  if (bucket === ZERO) return 0
  bits.setUint32(0, ((Math.abs(bucket) - 1) << SHIFT) | (1 << (SHIFT - 1)))
  bits.setUint32(4, 0)
  const middle = bits.getFloat64(0)
  return bucket > 0 ? middle : -middle
}

export class QuantileState implements AggregateState {
  readonly #quantile: number
  readonly #counts = new Map<number, number>()
  /** Buckets nearer to zero than this count as zero. */
  #least = 1
  #total = 0
  #min = Number.POSITIVE_INFINITY
  #max = Number.NEGATIVE_INFINITY

  /** @param quantile 0 is the least number, 1 the greatest */
  constructor(quantile: number) {
    this.#quantile = quantile
  }

  add(value: Value): void {
    if (typeof value !== 'number' && typeof value !== 'bigint') return
    // An integer beyond the doubles counts as the greatest of them.
    const number = Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, Number(value))) + 0
    this.#min = Math.min(this.#min, number)
    this.#max = Math.max(this.#max, number)
    this.#take(bucketOf(number), 1)
  }

  #take(bucket: number, count: number): void {
    const size = Math.abs(bucket)
    if (size - BUCKETS >= this.#least) this.#collapse(size - BUCKETS + 1)
    const kept = size < this.#least ? ZERO : bucket
    this.#counts.set(kept, (this.#counts.get(kept) ?? 0) + count)
    this.#total += count
  }

  #collapse(least: number): void {
    this.#least = least
    let zeros = this.#counts.get(ZERO) ?? 0
    for (const [bucket, count] of this.#counts) {
      if (bucket === ZERO || Math.abs(bucket) >= least) continue
      zeros += count
      this.#counts.delete(bucket)
    }
    if (zeros > 0) this.#counts.set(ZERO, zeros)
  }

  merge(reader: StateReader): void {
    const buckets = reader.varint()
    if (buckets === 0) return
    this.#min = Math.min(this.#min, reader.float())
    this.#max = Math.max(this.#max, reader.float())
    for (let left = buckets; left > 0; left--) {
      const bucket = reader.signed()
      this.#take(bucket, reader.varint())
    }
  }

  write(writer: StateWriter): void {
    writer.varint(this.#counts.size)
    if (this.#counts.size === 0) return
    writer.float(this.#min)
    writer.float(this.#max)
    for (const bucket of this.#buckets()) {
      writer.signed(bucket)
      writer.varint(this.#counts.get(bucket) ?? 0)
    }
  }

  #buckets(): number[] {
    return [...this.#counts.keys()].sort((a, b) => a - b)
  }

  result(): string {
    const rank = this.#quantile * (this.#total - 1)
    let below = 0
    for (const bucket of this.#buckets()) {
      below += this.#counts.get(bucket) ?? 0
      if (below > rank) return canonicalJson(Math.min(this.#max, Math.max(this.#min, middleOf(bucket))))
    }
    return 'null'
  }

  get bytes(): number {
    return 64 + 24 * this.#counts.size
  }
}
