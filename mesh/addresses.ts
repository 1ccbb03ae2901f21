/**
 * Where the others were last: a peer that was a member before finds its cluster again without seeds. Kept on disk, one
 * address a peer; those who left are kept too, since stopping a peer is not the end of its membership.
 */
import { encodeStored, type PersistOp } from './agreement/effects.ts'
import type { PeerId } from './ids.ts'
import { LIMITS } from './limits.ts'
import type { Member } from './membership/index.ts'

export class Addresses {
  readonly #known: Map<PeerId, string>

  /** @param stored as `changed` persisted it; anything else counts as nothing */
  constructor(stored: unknown) {
    const entries = Array.isArray(stored) ? stored : []
    this.#known = new Map(entries.filter(isEntry).slice(-LIMITS.addresses))
  }

  get all(): readonly string[] {
    return [...this.#known.values()]
  }

  /** What to persist after a member announced itself; nothing when that is known. */
  changed({ id, address }: Member): PersistOp[] {
    if (this.#known.get(id) === address) return []
    this.#known.delete(id)
    this.#known.set(id, address)
    const [oldest] = this.#known.keys()
    if (this.#known.size > LIMITS.addresses && oldest !== undefined) this.#known.delete(oldest)
    return [{ kind: 'put', table: 'meta', key: 'addresses', value: encodeStored([...this.#known]) }]
  }
}

const isEntry = (entry: unknown): entry is [PeerId, string] =>
  Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'string'
