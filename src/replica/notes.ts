/** Small things that a peer keeps of a unit in the table `meta`. */
import { decodeStored } from '../../mesh/index.ts'
import type { Store } from '../store/store.ts'

/** As it was written; undefined where there is none, or it cannot be read. */
export async function loadNote<Note>(store: Store, key: string): Promise<Note | undefined> {
  const [entry] = await store.range('meta', key, `${key}~`, 1)
  // The key of another unit may begin with that of this one.
  const found = entry !== undefined && entry.key === key && !('corrupt' in entry)
  return found ? (decodeStored(entry.value) as Note) : undefined
}
