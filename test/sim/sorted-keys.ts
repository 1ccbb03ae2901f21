/** Keys in their order, as stores list them. */

/** Where a key is in sorted ones, or would be. */
export function firstAtOrAbove(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((keys[middle] ?? '') < key) low = middle + 1
    else high = middle
  }
  return low
}

/** @param key not among them */
export function insertKey(keys: string[], key: string): void {
  keys.splice(firstAtOrAbove(keys, key), 0, key)
}

/** @param key among them */
export function deleteKey(keys: string[], key: string): void {
  keys.splice(firstAtOrAbove(keys, key), 1)
}
