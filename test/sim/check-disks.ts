/**
 * What reaches the disks of peers. A former member forgets a unit only when a majority of the members of the term that
 * it leaves it to have that term on their disks, and all results up to its base; and a peer is gone when a majority of the
 * acceptors have the document that leaves it out.
 */
import { normalTerm } from '../../mesh/agreement/messages.ts'
import {
  type ControlDocument,
  type CutPosition,
  decodeStored,
  type PeerId,
  positionKey,
  type Term,
  type UnitId,
} from '../../mesh/index.ts'
import type { StoreOp } from '../../src/store/store.ts'
import type { Cluster } from './cluster.ts'
import type { SimulatedDisk } from './disk.ts'
import { Violation } from './violation.ts'

const HOLDING = 'unit/'

export class DiskChecks {
  readonly #cluster: Cluster
  /** What was last read of each peer's counter: it is asked for with each message of some kinds. */
  readonly #counters = new Map<PeerId, { readonly stored: Uint8Array; readonly counter: number }>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** The highest number of a flush that a peer's disk knows of; undefined: it is not one of those that run. */
  durable(id: PeerId): number | undefined {
    const disk = this.#cluster.peers.find((peer) => peer.id === id)?.disk
    const stored = disk?.find('meta', 'flushCounter')
    if (disk === undefined || stored === undefined) return disk && 0
    const known = this.#counters.get(id)
    if (known?.stored === stored) return known.counter
    const counter = Number(decodeStored(stored))
    this.#counters.set(id, { stored, counter })
    return counter
  }

  isSpared(id: PeerId): boolean {
    return this.#cluster.peers.find((peer) => peer.id === id)?.spared !== false
  }

  /** A certificate of the unit up to this place could not be read any more: the peer began again before it. */
  forgot(id: PeerId, unit: UnitId, place: CutPosition): boolean {
    const upTo = positionKey(unit, place)
    return this.#cluster
      .damageOf(id)
      .some(({ table, key }) => table === 'certificate' && key.startsWith(`${unit}/`) && key <= upTo)
  }

  /** To be called right before these are on the disk of a peer. */
  written(name: string, disk: SimulatedDisk, ops: readonly StoreOp[]): void {
    for (const op of ops) {
      if (op.kind !== 'put' || op.table !== 'meta' || !op.key.startsWith(HOLDING)) continue
      if (decodeStored(op.value) === 'released') this.#released(name, op.key.slice(HOLDING.length) as UnitId, disk)
    }
  }

  /** To be called when a peer is about to be gone, which goes by this document. */
  left(name: string, { forced, number, acceptors }: ControlDocument): void {
    const holders = acceptors.filter((acceptor) => {
      const peer = this.#cluster.peers.find(({ id }) => id === acceptor)
      if (peer === undefined || peer.spared) return true
      const has = peer.storedDocument
      return has !== undefined && (has.forced > forced || (has.forced === forced && has.number >= number))
    })
    if (holders.length > acceptors.length / 2) return
    const told = `${name} is gone while ${holders.length} of ${acceptors.length} acceptors have document ${number}`
    throw new Violation('gone last', told)
  }

  #released(name: string, unit: UnitId, disk: SimulatedDisk): void {
    const term = latestTerm(disk, unit)
    if (term === undefined) return
    const { members, base, number, open, write } = term
    const have = (place: CutPosition | undefined) => {
      return members.filter((member) => this.#has(member, unit, number, place)).length
    }
    const holders = have(base)
    const last = open[open.length - 1]
    const settled = last === undefined ? write : have(last)
    if (holders > members.length / 2 && settled >= write) return
    const told = `${holders} of ${members.length} have term ${number} and its base, and ${settled} what it left open`
    throw new Violation('released last', `${name} forgets ${unit} while ${told}`)
  }

  /** Whether a member has a unit's term, and everything up to a place. */
  #has(member: PeerId, unit: UnitId, number: number, place: CutPosition | undefined): boolean {
    const peer = this.#cluster.peers.find(({ id }) => id === member)
    // Whose disk was lost or damaged had it: that is no fault of whoever relied on it.
    if (peer === undefined || peer.spared) return true
    const has = latestTerm(peer.disk, unit)?.number ?? 1
    // It went on in that term, and has been let go itself since: those who have it now were looked at then.
    if (has > number && holdingOf(peer.disk, unit) === 'released') return true
    const stored = peer.disk.keys('batch').findLast((key) => key.startsWith(`${unit}/`)) ?? ''
    return has >= number && (place === undefined || stored >= positionKey(unit, place))
  }
}

function holdingOf(disk: SimulatedDisk, unit: UnitId): unknown {
  const stored = disk.find('meta', `${HOLDING}${unit}`)
  return stored === undefined ? undefined : decodeStored(stored)
}

function latestTerm(disk: SimulatedDisk, unit: UnitId): Term | undefined {
  const key = disk.keys('term').findLast((each) => each.startsWith(`${unit}/`))
  const stored = key === undefined ? undefined : disk.find('term', key)
  return stored === undefined ? undefined : normalTerm(decodeStored(stored) as Term)
}
