/** What doubles are, by the definition of IEEE 754 and not by the code under test. */
import assert from 'node:assert/strict'

/** A number in units of 2^-1074, of which every finite double is a whole number. */
export function unitsOf(x: number | bigint): bigint {
  if (typeof x === 'bigint') return x * 2n ** 1074n
  assert.ok(Number.isFinite(x), `${x} is no finite number`)
  let scaled = x
  let halvings = 0
  while (!Number.isInteger(scaled)) {
    scaled *= 2
    halvings += 1
  }
  return BigInt(scaled) * 2n ** BigInt(1074 - halvings)
}

/** The next double above or below. */
export function neighbour(x: number, direction: 1 | -1): number {
  if (x === 0) return direction * Number.MIN_VALUE
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, x)
  view.setBigInt64(0, view.getBigInt64(0) + BigInt(x > 0 === direction > 0 ? 1 : -1))
  return view.getFloat64(0)
}

export const magnitude = (x: bigint): bigint => (x < 0n ? -x : x)
