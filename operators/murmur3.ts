/**
 * MurmurHash3 for 32 bits, x86 variant (Austin Appleby, public domain): spreads well, also in its low bits, and is cheap with
 * Math.imul. For sketches; never for what an attacker must not choose.
 */
const C1 = 0xcc9e2d51
const C2 = 0x1b873593

/** An unsigned integer of 32 bits. */
export function murmur3(bytes: Uint8Array, seed: number): number {
  const { length } = bytes
  let h = seed
  let i = 0
  for (; i + 4 <= length; i += 4) {
    const k =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24)
    h ^= mixed(k)
    h = (h << 13) | (h >>> 19)
    h = (Math.imul(h, 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let j = length - 1; j >= i; j--) tail = (tail << 8) | (bytes[j] as number)
  if (i < length) h ^= mixed(tail)
  h ^= length
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

function mixed(k: number): number {
  const spread = Math.imul(k, C1)
  return Math.imul((spread << 15) | (spread >>> 17), C2)
}
