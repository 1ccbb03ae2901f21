/**
 * Sums whose result does not depend on order or grouping: the sum is kept exactly and rounded once, when it is read.
 *
 * A sum is a pair of doubles (high, low) whose exact sum is the value, with high the value rounded to nearest. The pair is
 * therefore determined by the value alone, and high is the correctly rounded result. Addition uses Knuth's TwoSum (TAOCP 2,
 * 4.2.2, theorem B; error-free under round-to-nearest). Where a value does not fit a pair, which takes magnitudes more than
 * 2^53 apart twice over, it moves to a bigint in units of 2^-1074, the smallest double: slower, and always exact.
 */

/** Beyond this the pair gives way to the bigint, so that no intermediate of TwoSum can overflow. */
const PAIR_LIMIT = 1e300

/** Units of the exact bigint form: one is the smallest positive double. */
const UNIT_SHIFT = 1074n

const bits = new DataView(new ArrayBuffer(8))

/**
 * Adds a finite double to the pair at cells[at], cells[at + 1]. False when the result does not fit a pair (always so for a
 * pair marked as spilled by NaN); the cells are then as before.
 */
export function addToPair(cells: Float64Array, at: number, x: number): boolean {
  const high = cells[at] as number
  const low = cells[at + 1] as number
  const s = high + x
  const sx = s - high
  const e = high - (s - sx) + (x - sx)
  const t = low + e
  const te = t - low
  const rest = low - (t - te) + (e - te)
  const h = s + t
  const ht = h - s
  if (rest !== 0 || !(h <= PAIR_LIMIT && h >= -PAIR_LIMIT)) return false
  cells[at] = h
  cells[at + 1] = s - (h - ht) + (t - ht)
  return true
}

/** A finite double in units of 2^-1074. */
export function exactUnits(x: number): bigint {
  bits.setFloat64(0, x)
  const top = bits.getUint32(0)
  const exponent = (top >>> 20) & 0x7ff
  const fraction = (BigInt(top & 0xfffff) << 32n) | BigInt(bits.getUint32(4))
  const magnitude = exponent === 0 ? fraction : (fraction | (1n << 52n)) << BigInt(exponent - 1)
  return top >>> 31 === 1 ? -magnitude : magnitude
}

/** An integer in units of 2^-1074. */
export const integerUnits = (x: bigint): bigint => x << UNIT_SHIFT

/** The integer that so many units are; only for values that are integers. */
export const unitsToInteger = (units: bigint): bigint => units >> UNIT_SHIFT

const bitLength = (x: bigint): number => (x === 0n ? 0 : 4 * x.toString(16).length - leadingZeros(x))

/** Zero bits in the first hexadecimal digit. */
function leadingZeros(x: bigint): number {
  return Math.clz32(Number.parseInt(x.toString(16)[0] ?? '0', 16)) - 28
}

/** (units / divisor) * 2^-1074 rounded once to the nearest double, ties to even; +-Infinity beyond the range. divisor > 0. */
export function roundUnits(units: bigint, divisor: bigint): number {
  const negative = units < 0n
  const magnitude = negative ? -units : units
  let shift = Math.max(0, bitLength(magnitude) - bitLength(divisor) - 53)
  let scaled = divisor << BigInt(shift)
  let quotient = magnitude / scaled
  if (quotient >> 53n !== 0n) {
    shift += 1
    scaled <<= 1n
    quotient = magnitude / scaled
  }
  const twice = 2n * (magnitude - quotient * scaled)
  if (twice > scaled || (twice === scaled && quotient % 2n === 1n)) quotient += 1n
  // In steps that are each exact, or overflow: 2^shift, and 2^(shift - 1074), can lie outside the doubles.
  let rounded = Number(quotient) * Number.MIN_VALUE
  for (let left = shift; left > 0; left -= 1000) rounded *= 2 ** Math.min(left, 1000)
  return negative ? -rounded : rounded
}

/** The pair for a value, or undefined where two doubles cannot hold it. */
export function pairOf(units: bigint): readonly [number, number] | undefined {
  const high = roundUnits(units, 1n)
  if (!Number.isFinite(high)) return undefined
  const rest = units - exactUnits(high)
  const low = roundUnits(rest, 1n)
  // Normalizes -0, which a zero remainder of a negative sum would leave.
  return exactUnits(low) === rest ? [high + 0, low + 0] : undefined
}

const SPLITTER = 2 ** 27 + 1

/**
 * (high + low) / count, rounded once. The quotient in doubles is corrected by its remainder (Dekker's product), and taken
 * when the correction is far from a rounding boundary; the rest go through bigints.
 */
export function divideExactly(high: number, low: number, count: number): number {
  if (low === 0) return high / count + 0
  const quotient = high / count
  const size = Math.abs(quotient)
  if (size > 1e-200 && size < 1e200) {
    const product = quotient * count
    const a = SPLITTER * quotient
    const quotientHigh = a - (a - quotient)
    const quotientLow = quotient - quotientHigh
    const b = SPLITTER * count
    const countHigh = b - (b - count)
    const countLow = count - countHigh
    const error =
      quotientLow * countLow - (product - quotientHigh * countHigh - quotientLow * countHigh - quotientHigh * countLow)
    const correction = (high - product - error + low) / count
    const nearer = quotient + correction * (1 - 2 ** -40)
    const farther = quotient + correction * (1 + 2 ** -40)
    if (nearer === farther) return nearer
  }
  return roundUnits(exactUnits(high) + exactUnits(low), BigInt(count)) + 0
}
