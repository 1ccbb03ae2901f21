/**
 * MurmurHash2, 32 bits, as Kafka's Java client computes it for keys (Austin Appleby's algorithm with Kafka's seed), so
 * that every client places a key in the same partition.
 */
const SEED = 0x9747b28c
const M = 0x5bd1e995

export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes
  let h = SEED ^ length
  let i = 0
  for (; i + 4 <= length; i += 4) {
    let k =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24)
    k = Math.imul(k, M)
    k ^= k >>> 24
    k = Math.imul(k, M)
    h = Math.imul(h, M) ^ k
  }
  const left = length - i
  if (left >= 3) h ^= (bytes[i + 2] as number) << 16
  if (left >= 2) h ^= (bytes[i + 1] as number) << 8
  if (left >= 1) h = Math.imul(h ^ (bytes[i] as number), M)
  h ^= h >>> 13
  h = Math.imul(h, M)
  return h ^ (h >>> 15)
}

/** Kafka's default partition of a key. */
export const partitionOf = (key: Uint8Array, partitions: number): number => (murmur2(key) & 0x7fffffff) % partitions
