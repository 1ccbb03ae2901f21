/**
 * How many different values: exact up to 256, and a HyperLogLog beyond (Flajolet et al., 2007), of 4,096 registers and so with
 * a standard error of 1.6 %. The estimate is Ertl's improved one ("New cardinality estimation algorithms for HyperLogLog
 * sketches", 2017, algorithm 6), which needs no tables of bias and, as it happens, no logarithm. Whether hashes or registers
 * are kept depends on how many different hashes there were, so the bytes do not depend on their order.
 */
import { OperatorError } from '../errors.ts'
import { canonicalJson, type Value } from '../json.ts'
import { murmur3 } from '../murmur3.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'
import { TextBytes } from '../text-bytes.ts'
import type { AggregateState } from './state.ts'

const MOST_HASHES = 256
const REGISTERS = 4096
/** Hashes have 53 bits: 12 choose the register, the leading zeros of the other 41 are its rank. */
const RANK_BITS = 41
const RANK_SPAN = 2 ** RANK_BITS
const SEEDS = [0, 0x9747b28c] as const

const TEXT_BYTES = new TextBytes()

const HASHES = 0
const DENSE = 1

export class DistinctState implements AggregateState {
  #hashes: Set<number> | undefined = new Set()
  #registers: Uint8Array | undefined

  add(value: Value): void {
    const bytes = TEXT_BYTES.of(canonicalJson(value))
    this.#take((murmur3(bytes, SEEDS[0]) >>> 11) * 2 ** 32 + murmur3(bytes, SEEDS[1]))
  }

  #take(hash: number): void {
    if (this.#hashes === undefined) {
      this.#raise(Math.floor(hash / RANK_SPAN), rankOf(hash % RANK_SPAN))
      return
    }
    this.#hashes.add(hash)
    if (this.#hashes.size > MOST_HASHES) this.#densify()
  }

  #densify(): void {
    const hashes = this.#hashes ?? []
    this.#hashes = undefined
    this.#registers = new Uint8Array(REGISTERS)
    for (const hash of hashes) this.#take(hash)
  }

  #raise(register: number, rank: number): void {
    const registers = this.#registers
    if (registers !== undefined && rank > (registers[register] as number)) registers[register] = rank
  }

  merge(reader: StateReader): void {
    const form = reader.byte()
    if (form === HASHES) {
      for (let left = reader.varint(); left > 0; left--) this.#take(reader.varint())
    } else if (form === DENSE) {
      if (this.#hashes !== undefined) this.#densify()
      for (let register = 0; register < REGISTERS; register++) this.#raise(register, reader.byte())
    } else
      throw new OperatorError('QRT_STATE_CORRUPT', `a distinct count has the unknown form ${form}; known are 0 and 1`)
  }

  write(writer: StateWriter): void {
    if (this.#hashes === undefined) {
      writer.byte(DENSE)
      for (const rank of this.#registers ?? []) writer.byte(rank)
      return
    }
    writer.byte(HASHES)
    writer.varint(this.#hashes.size)
    for (const hash of [...this.#hashes].sort((a, b) => a - b)) writer.varint(hash)
  }

  result(): string {
    return String(this.#hashes?.size ?? Math.round(estimate(this.#registers ?? new Uint8Array(REGISTERS))))
  }

  get bytes(): number {
    return 32 + (this.#hashes === undefined ? REGISTERS : 16 * this.#hashes.size)
  }
}

/** One more than the leading zeros of the lower bits of a hash. */
function rankOf(rest: number): number {
  const high = Math.floor(rest / 2 ** 32)
  return high > 0 ? Math.clz32(high) - (64 - RANK_BITS) + 1 : Math.clz32(rest) + (RANK_BITS - 32) + 1
}

/** 1 / (2 ln 2). */
const ALPHA = 0.721_347_520_444_481_7

function estimate(registers: Uint8Array): number {
  const counts = new Uint32Array(RANK_BITS + 2)
  for (const rank of registers) counts[rank] = (counts[rank] as number) + 1
  let z = REGISTERS * tau(1 - (counts[RANK_BITS + 1] as number) / REGISTERS)
  for (let rank = RANK_BITS; rank >= 1; rank--) z = 0.5 * (z + (counts[rank] as number))
  z += REGISTERS * sigma((counts[0] as number) / REGISTERS)
  return (ALPHA * REGISTERS * REGISTERS) / z
}

/** x + sum of x^(2^k) 2^(k-1). */
function sigma(share: number): number {
  if (share === 1) return Number.POSITIVE_INFINITY
  let x = share
  let y = 1
  let z = x
  for (let before = Number.NaN; z !== before; ) {
    x *= x
    before = z
    z += x * y
    y += y
  }
  return z
}

/** (1 - x - sum of (1 - x^(2^-k))^2 2^-k) / 3. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0
  let x = share
  let y = 1
  let z = 1 - x
  for (let before = Number.NaN; z !== before; ) {
    x = Math.sqrt(x)
    before = z
    y *= 0.5
    z -= (1 - x) * (1 - x) * y
  }
  return z / 3
}
