/**
 * Variable-length integers as Kafka's records have them: base 128, least significant group first, signed ones in zigzag
 * (0, −1, 1, −2 … as 0, 1, 2, 3 …). Signed numbers up to 2^52 stay exact, which is 140,000 years in milliseconds.
 */

/** Reads forward through bytes. What does not fit ends in a RangeError: whoever reads knows what the bytes are. */
export class VarintReader {
  readonly bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  signed(): number {
    const value = this.unsigned()
    // Halves of what is beyond 31 bits are taken without bit operations.
    if (value <= 0x7fffffff) return (value >>> 1) ^ -(value & 1)
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  unsigned(): number {
    const { bytes } = this
    const first = bytes[this.at++]
    if (first === undefined) throw new RangeError('a number ends beyond its bytes')
    if (first < 128) return first
    let value = first & 127
    for (let scale = 128; scale <= 2 ** 63; scale *= 128) {
      const next = bytes[this.at++]
      if (next === undefined) throw new RangeError('a number ends beyond its bytes')
      value += (next & 127) * scale
      if (next < 128) return value
    }
    throw new RangeError('a number takes more than ten bytes')
  }
}

const zigzag = (value: number): number => (value < 0 ? -value * 2 - 1 : value * 2)

/** How many bytes a signed number takes. */
export function signedSize(value: number): number {
  let size = 1
  for (let left = zigzag(value); left >= 128; left = Math.floor(left / 128)) size += 1
  return size
}

/** Writes a signed number and returns where it ends. */
export function writeSigned(bytes: Uint8Array, at: number, value: number): number {
  return writeUnsigned(bytes, at, zigzag(value))
}

export function writeUnsigned(bytes: Uint8Array, at: number, value: number): number {
  let left = value
  let end = at
  while (left >= 128) {
    bytes[end++] = (left % 128) | 128
    left = Math.floor(left / 128)
  }
  bytes[end++] = left
  return end
}
