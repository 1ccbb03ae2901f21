/**
 * Taking over a unit from peers that have it (design: views and handoff): the terms, the latest certified snapshot in
 * chunks, and the certified batches before it. Every piece is checked against a certificate as it comes, whoever gives it;
 * a peer that fails is left for the next one, and what has come is kept. One that gave what does not check is left out for a
 * while, longer each time.
 *
 *   handoff    -> Manifest       what a peer has
 *   chunk      -> Chunk          a piece of its snapshot
 *   batches    -> BatchesAnswer  certified batches in order, as many as go into one answer
 */
import {
  type Certificate,
  type CutContent,
  type CutPosition,
  comparePositions,
  contentDigest,
  type Digest,
  isCertificate,
  isDigest,
  isTermList,
  leafDigest,
  merkleRoot,
  nextPosition,
  type PeerId,
  planted,
  type Term,
  type UnitId,
  type Wire,
} from '../../mesh/index.ts'
import { type Batch, decodeBatch } from './batch.ts'
import { PutOff } from './put-off.ts'
import { CHUNK_BYTES, decodeState } from './snapshots.ts'
import { outDigestOf } from './unit-replica.ts'

export type HandoffRequest =
  | { readonly q: 'handoff'; readonly unit: UnitId; readonly limit: number }
  | {
      readonly q: 'chunk'
      readonly unit: UnitId
      readonly position: CutPosition
      readonly index: number
      readonly limit: number
    }
  /** Certified batches after a position, up to and including another. `limit`: bytes, at least one batch. */
  | {
      readonly q: 'batches'
      readonly unit: UnitId
      readonly after: CutPosition | null
      readonly upTo: CutPosition
      readonly limit: number
    }

export interface Manifest {
  readonly terms: readonly Term[]
  readonly snapshot: {
    readonly certificate: Certificate
    readonly size: number
    /** Of each chunk; their root is the certified digest of the state. */
    readonly leaves: readonly Digest[]
  } | null
}

export interface Chunk {
  readonly bytes: Uint8Array
}

export interface BatchesAnswer {
  readonly batches: readonly { readonly certificate: Certificate; readonly bytes: Uint8Array }[]
}

export interface HandoffParts {
  readonly unit: UnitId
  /** Peers that may have it, the best first. */
  readonly givers: () => readonly PeerId[]
  /** @throws Error when the peer does not answer, or does not have it */
  readonly ask: (peer: PeerId, request: HandoffRequest) => Promise<Wire>
  /** Whether W members of its own term signed a certificate, under these terms. */
  readonly checks: (certificate: Certificate, terms: readonly Term[]) => boolean
  /** The last batch that is here. */
  readonly held: () => CutPosition | undefined
  /** A checked batch, the next one that there is. */
  readonly onBatch: (certificate: Certificate, batch: Batch, bytes: Uint8Array) => void
  /** Still wanted. */
  readonly wanted: () => boolean
  /** Monotonic. */
  readonly now: () => number
}

export interface TakenOver {
  readonly from: PeerId
  readonly terms: readonly Term[]
  readonly snapshot:
    | { readonly certificate: Certificate; readonly bytes: Uint8Array; readonly applied: number }
    | undefined
}

/** How far it has come. */
export interface HandoffProgress {
  /** Who gives at present; undefined: nobody has answered yet. */
  readonly from: PeerId | undefined
  /** Of the snapshot; undefined: there is none, or it is complete. */
  readonly chunks: { readonly done: number; readonly total: number } | undefined
  readonly batches: number
  /** Who gave what does not check, and is not asked for now. */
  readonly putOff: readonly PeerId[]
}

/** `lacking`: it does not answer, does not have it, or it is not wanted any more; `unsound`: what it gave does not check. */
type Failure = 'lacking' | 'unsound'

const BATCHES_BYTES = 1024 * 1024
const MOST_CHUNKS = 1 << 20

export class Handoff {
  readonly #parts: HandoffParts
  /** Chunks of the snapshot with this digest. */
  #snapshot: { readonly content: Digest; readonly chunks: (Uint8Array | undefined)[] } | undefined

  readonly #putOff = new PutOff()
  #from: PeerId | undefined
  #batches = 0

  constructor(parts: HandoffParts) {
    this.#parts = parts
  }

  get progress(): HandoffProgress {
    const chunks = this.#snapshot?.chunks
    const done = chunks?.filter((chunk) => chunk !== undefined).length ?? 0
    return {
      from: this.#from,
      chunks: chunks === undefined ? undefined : { done, total: chunks.length },
      batches: this.#batches,
      putOff: this.#putOff.at(this.#parts.now()),
    }
  }

  /**
   * Asks one peer after another until one gives all. Undefined when nobody could, now; the next attempt goes on where this
   * one ended.
   * @param after only a snapshot beyond this is of use; undefined: a young unit has none, and that is an answer too
   */
  async attempt(after: CutPosition | undefined): Promise<TakenOver | undefined> {
    for (const giver of this.#due(this.#parts.givers())) {
      if (!this.#parts.wanted()) return undefined
      const taken = await this.#checked(giver, () => this.#take(giver, after))
      if (taken !== 'lacking' && taken !== 'unsound') return taken
    }
    return undefined
  }

  /** What this peer gave leads nowhere: others are asked first. */
  putOff(giver: PeerId): void {
    this.#putOff.add(giver, this.#parts.now())
  }

  /**
   * Only the batches up to a position, which cannot be computed any more.
   * @param members all who may have them
   * @returns those that have not answered; empty: what is missing is nowhere; `here`: nothing is missing
   */
  async fill(
    upTo: CutPosition,
    terms: readonly Term[],
    members: readonly PeerId[],
  ): Promise<'here' | readonly PeerId[]> {
    const answered = new Set<PeerId>()
    for (const giver of this.#due(members)) {
      if (!this.#parts.wanted()) break
      this.#from = giver
      // One that does not answer may have it: that is not given up.
      if ((await this.#checked(giver, () => this.#results(giver, upTo, terms))) === 'given') answered.add(giver)
      const held = this.#parts.held()
      if (held !== undefined && comparePositions(held, upTo) >= 0) return 'here'
    }
    return members.filter((member) => !answered.has(member))
  }

  #due(givers: readonly PeerId[]): readonly PeerId[] {
    return givers.filter((giver) => !this.#putOff.at(this.#parts.now()).includes(giver))
  }

  /** Whatever makes no sense does not check. */
  async #checked<T>(giver: PeerId, take: () => Promise<T | Failure>): Promise<T | Failure> {
    const taken = await take().catch((): Failure => 'unsound')
    if (taken === 'unsound') this.putOff(giver)
    return taken
  }

  /** Undefined: no answer, or it does not have it. */
  async #ask(giver: PeerId, request: HandoffRequest): Promise<Wire | undefined> {
    return this.#parts.ask(giver, request).catch(() => undefined)
  }

  async #take(giver: PeerId, after: CutPosition | undefined): Promise<TakenOver | Failure> {
    const { unit, checks } = this.#parts
    const manifest = await this.#ask(giver, { q: 'handoff', unit, limit: 1 })
    if (manifest === undefined) return 'lacking'
    this.#from = giver
    const { terms, snapshot } = manifest as unknown as Manifest
    // It is about to open the unit itself.
    if (Array.isArray(terms) && terms.length === 0) return 'lacking'
    if (!isTermList(terms)) return 'unsound'
    if (snapshot === null) return after === undefined ? { from: giver, terms, snapshot: undefined } : 'lacking'
    const { certificate, size, leaves } = snapshot
    if (!isCertificate(certificate) || !isLeaves(leaves, size)) return 'unsound'
    const { content } = certificate
    if (after !== undefined && comparePositions(content, after) <= 0) return 'lacking'
    if (content.unit !== unit || merkleRoot(leaves) !== content.stateDigest || !checks(certificate, terms)) {
      return 'unsound'
    }
    const bytes = await this.#state(giver, content, leaves, size)
    if (bytes === 'lacking' || bytes === 'unsound') return bytes
    const results = await this.#results(giver, content, terms)
    if (results !== 'given') return results
    const { applied } = decodeState(bytes).course
    return { from: giver, terms, snapshot: { certificate, bytes, applied } }
  }

  async #state(
    giver: PeerId,
    content: CutContent,
    leaves: readonly Digest[],
    size: number,
  ): Promise<Uint8Array | Failure> {
    const { unit, wanted } = this.#parts
    const digest = contentDigest(content)
    if (this.#snapshot?.content !== digest) {
      this.#snapshot = { content: digest, chunks: leaves.map(() => undefined) }
    }
    const { chunks } = this.#snapshot
    const { seq, part } = content
    for (const [index, leaf] of leaves.entries()) {
      if (chunks[index] !== undefined) continue
      if (!wanted()) return 'lacking'
      const answer = await this.#ask(giver, { q: 'chunk', unit, position: { seq, part }, index, limit: 1 })
      if (answer === undefined) return 'lacking'
      const { bytes } = (answer ?? {}) as unknown as Partial<Chunk>
      if (!(bytes instanceof Uint8Array)) return 'unsound'
      if (leafDigest(bytes) !== leaf && !planted('snapshot-unchecked')) return 'unsound'
      chunks[index] = bytes
    }
    const state = new Uint8Array(size)
    for (const [index, chunk] of chunks.entries()) state.set(chunk ?? [], index * CHUNK_BYTES)
    this.#snapshot = undefined
    return state
  }

  /** All that the giver keeps up to the snapshot. */
  async #results(giver: PeerId, upTo: CutPosition, terms: readonly Term[]): Promise<'given' | Failure> {
    const { unit, checks, held, onBatch, wanted } = this.#parts
    const { seq, part } = upTo
    let next: CutPosition | undefined
    for (;;) {
      const after = held()
      if (after !== undefined && comparePositions(after, upTo) >= 0) return 'given'
      if (!wanted()) return 'lacking'
      const request = { q: 'batches', unit, after: after ?? null, upTo: { seq, part }, limit: BATCHES_BYTES } as const
      const answer = await this.#ask(giver, request)
      if (answer === undefined) return 'lacking'
      const { batches } = (answer ?? {}) as unknown as Partial<BatchesAnswer>
      if (!Array.isArray(batches)) return 'unsound'
      // It keeps no more: what is older has gone where it had to.
      if (batches.length === 0) return 'given'
      for (const { certificate, bytes } of batches) {
        if (!isCertificate(certificate) || !(bytes instanceof Uint8Array) || certificate.content.unit !== unit)
          return 'unsound'
        const { content } = certificate
        // Some of them went meanwhile.
        if (next !== undefined && comparePositions(content, next) !== 0) return 'lacking'
        const batch = decodeBatch(bytes)
        if (outDigestOf(batch) !== content.outDigest || !checks(certificate, terms)) return 'unsound'
        onBatch(certificate, batch, bytes)
        this.#batches += 1
        next = nextPosition(content)
      }
    }
  }
}

function isLeaves(leaves: unknown, size: unknown): leaves is readonly Digest[] {
  if (!Array.isArray(leaves) || !Number.isSafeInteger(size) || leaves.length > MOST_CHUNKS) return false
  return leaves.every(isDigest) && leaves.length === Math.max(1, Math.ceil((size as number) / CHUNK_BYTES))
}
