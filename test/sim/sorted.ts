/** Searches in what is in order: keys, as stores list them, and records by their offsets. */

/** Index of the first that is not below what is looked for. */
export function firstNot<T>(isBelow: (item: T) => boolean, items: readonly T[]): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isBelow(items[middle] as T)) low = middle + 1
    else high = middle
  }
  return low
}

/** Where a key is in sorted ones, or would be. */
export const placeOf = (key: string, keys: readonly string[]): number => firstNot((each) => each < key, keys)

/** @param key not among them */
export function insertKey(keys: string[], key: string): void {
  keys.splice(placeOf(key, keys), 0, key)
}

/** @param key among them */
export function deleteKey(keys: string[], key: string): void {
  keys.splice(placeOf(key, keys), 1)
}
