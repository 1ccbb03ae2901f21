/**
 * Which units this peer holds: those whose target set by the view it belongs to, those that it was given at first, and those
 * that it still keeps for its successors. What it holds and what it has let go is on disk.
 */
import {
  createRing,
  decodeStored,
  encodeStored,
  type PeerId,
  preferenceList,
  type Ring,
  type UnitId,
  type View,
} from '../../mesh/index.ts'
import type { Target, UnitDescription } from '../replica/hosted.ts'
import { dropOrders, ORDER_PREFIX } from '../replica/kept-orders.ts'
import { dropOwed, OWED_PREFIX } from '../replica/owed.ts'
import type { Store, StoreOp, StoreTable } from '../store/store.ts'

/** By members too: where a majority was lost, two views may have one number. */
const isSame = (known: View, { number, members }: View): boolean =>
  known.number === number && known.members.join() === members.join()

type Holding = 'held' | 'released'

const PREFIX = 'unit/'
/** What of a unit goes when it is released; its terms stay, and lead whoever asks to its successors. */
const RELEASED_TABLES = ['certificate', 'statement', 'acceptor', 'batch', 'snapshot'] as const

export class Placement {
  readonly #self: PeerId
  readonly #holdings = new Map<string, Holding>()
  #ring: { readonly view: View; readonly ring: Ring } | undefined

  constructor(self: PeerId) {
    this.#self = self
  }

  async load(store: Store): Promise<void> {
    for (const entry of await store.range('meta', PREFIX, `${PREFIX}~`, Number.MAX_SAFE_INTEGER)) {
      if ('corrupt' in entry) continue
      const holding = decodeStored(entry.value)
      if (holding === 'held' || holding === 'released') this.#holdings.set(entry.key.slice(PREFIX.length), holding)
    }
  }

  target({ unit, replicas }: UnitDescription, view: View): Target {
    const known = this.#ring
    const current = known !== undefined && isSame(known.view, view) ? known : { view, ring: createRing(view) }
    this.#ring = current
    return { view: view.number, members: preferenceList(current.ring, unit, replicas) }
  }

  /** Whether the unit belongs here, or does until it is released. */
  wants({ unit, members }: UnitDescription, target: Target): boolean {
    if (target.members.includes(this.#self)) return true
    const holding = this.#holdings.get(unit)
    return holding === 'held' || (holding === undefined && members.includes(this.#self))
  }

  hold(unit: UnitId): StoreOp[] {
    return this.#holdings.get(unit) === 'held' ? [] : [this.#note(unit, 'held')]
  }

  release(unit: UnitId): StoreOp[] {
    const range = { from: `${unit}/`, to: `${unit}/~` }
    return [
      ...RELEASED_TABLES.map((table): StoreOp => ({ kind: 'deleteRange', table, ...range })),
      dropOrders(unit),
      dropOwed(unit),
      this.#note(unit, 'released'),
    ]
  }

  /** A deleted generation leaves nothing behind. */
  forget(generation: string): StoreOp[] {
    for (const unit of this.#holdings.keys()) if (unit.startsWith(`${generation}:`)) this.#holdings.delete(unit)
    const tables = ['term', ...RELEASED_TABLES] as const
    const range = (table: StoreTable, prefix = ''): StoreOp => {
      return { kind: 'deleteRange', table, from: `${prefix}${generation}:`, to: `${prefix}${generation};` }
    }
    const notes = [PREFIX, ORDER_PREFIX, OWED_PREFIX]
    return [...tables.map((table) => range(table)), ...notes.map((prefix) => range('meta', prefix))]
  }

  #note(unit: UnitId, holding: Holding): StoreOp {
    this.#holdings.set(unit, holding)
    return { kind: 'put', table: 'meta', key: `${PREFIX}${unit}`, value: encodeStored(holding) }
  }
}
