/**
 * Copies of bytes, many of them in one allocation: a run makes millions of small ones, and an allocation for each costs more
 * than all the copying.
 */
/** One copy that is kept keeps all of its slab. */
const SLAB_BYTES = 8_192
/** Beyond this a copy has an allocation of its own: it would leave too much of a slab unused. */
const MOST_SHARED_BYTES = 1_024

let slab = new ArrayBuffer(SLAB_BYTES)
let used = 0

export function copyOfBytes(bytes: Uint8Array): Uint8Array {
  const { length } = bytes
  if (length > MOST_SHARED_BYTES) return new Uint8Array(bytes)
  if (used + length > SLAB_BYTES) {
    slab = new ArrayBuffer(SLAB_BYTES)
    used = 0
  }
  const copy = new Uint8Array(slab, used, length)
  copy.set(bytes)
  // Aligned, as an allocation of its own would be.
  used += (length + 7) & ~7
  return copy
}
