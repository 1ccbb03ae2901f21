/** The giving side of a handoff: what this peer has of a unit, its latest snapshot in chunks, its batches. */
import {
  type Certificate,
  type CutPosition,
  comparePositions,
  type MeshNode,
  type UnitId,
  type Wire,
} from '../../mesh/index.ts'
import type { Store } from '../store/store.ts'
import { batchKey } from './batch.ts'
import { beginningOf } from './beginning.ts'
import type { BatchesAnswer, Chunk, HandoffRequest, Manifest } from './handoff.ts'
import type { HostedUnit } from './hosted.ts'
import { chunkOf, type StoredSnapshot, stateLeaves, storedSnapshots } from './snapshots.ts'

export interface GivingOptions {
  readonly node: MeshNode
  readonly store: Store
  readonly now: () => number
  readonly certificate: (unit: UnitId, position: CutPosition) => Promise<Certificate | undefined>
}

/** A snapshot that is being given stays in memory for so long after it was last asked for. */
const KEEP_MS = 30_000
/** So many at a time; the one that was asked for longest ago goes. */
const MOST_KEPT = 4
const MOST_BATCHES = 256

interface Kept {
  readonly snapshot: StoredSnapshot
  askedAt: number
}

export class Giving {
  readonly #options: GivingOptions
  readonly #kept = new Map<UnitId, Kept>()

  constructor(options: GivingOptions) {
    this.#options = options
  }

  /** @throws Error for what this peer does not have: its text goes back to the asker */
  async answer(hosted: HostedUnit, request: HandoffRequest): Promise<Wire> {
    // One that looks for results which are missing says which of them it has: perhaps nobody has them all.
    const complete = hosted.state === 'joining' ? request.q === 'batches' : hosted.loaded
    if (!complete) throw new Error('this replica is not complete itself')
    switch (request.q) {
      case 'handoff':
        return (await this.#manifest(hosted)) as unknown as Wire
      case 'chunk':
        return this.#chunk(request.unit, request.position, request.index) as unknown as Wire
      case 'batches':
        return (await this.#batches(hosted, request)) as unknown as Wire
    }
  }

  async #manifest({ description, decisions }: HostedUnit): Promise<Manifest> {
    const { node, store, now, certificate: find } = this.#options
    const { unit } = description
    const terms = node.unit(unit)?.terms ?? []
    const snapshots = await storedSnapshots(store, unit)
    const beginning = beginningOf(snapshots, decisions)
    if (beginning.lacking) throw new Error(`the snapshot that ${unit} goes on from is not here either`)
    const snapshot = beginning.snapshot ?? snapshots[snapshots.length - 1]
    if (snapshot === undefined) return { terms, snapshot: null }
    const certificate = await find(unit, snapshot.position)
    if (certificate === undefined) throw new Error(`the certificate of the snapshot of ${unit} is not here`)
    this.#keep(unit, { snapshot, askedAt: now() })
    const { bytes } = snapshot
    return { terms, snapshot: { certificate, size: bytes.length, leaves: stateLeaves(bytes) } }
  }

  #chunk(unit: UnitId, position: CutPosition, index: number): Chunk {
    const kept = this.#kept.get(unit)
    if (kept === undefined || comparePositions(kept.snapshot.position, position) !== 0) {
      throw new Error(`the snapshot of ${unit} at ${position.seq} is not here any more`)
    }
    this.#keep(unit, { ...kept, askedAt: this.#options.now() })
    return { bytes: chunkOf(kept.snapshot.bytes, index) }
  }

  async #batches(hosted: HostedUnit, request: HandoffRequest & { q: 'batches' }): Promise<BatchesAnswer> {
    const { store, certificate: find } = this.#options
    const { unit, after, upTo, limit } = request
    const batches: { certificate: Certificate; bytes: Uint8Array }[] = []
    let taken = 0
    for (const { position } of hosted.batches.allAfter(after ?? undefined, MOST_BATCHES)) {
      if (comparePositions(position, upTo) > 0 || taken >= limit) break
      const bytes = await store.get('batch', batchKey(unit, position))
      const certificate = await find(unit, position)
      if (bytes === undefined || certificate === undefined) throw new Error(`a batch of ${unit} is not here`)
      batches.push({ certificate, bytes })
      taken += bytes.length
    }
    return { batches }
  }

  #keep(unit: UnitId, kept: Kept): void {
    this.#kept.delete(unit)
    this.#kept.set(unit, kept)
    for (const [other, { askedAt }] of this.#kept) {
      if (this.#kept.size > MOST_KEPT || kept.askedAt - askedAt > KEEP_MS) this.#kept.delete(other)
    }
  }
}
