/**
 * Replicas that computed something else than was certified: who, where, whether input or computation differed, and
 * whether it has agreed again since. What one replica of a unit sees is told to every peer, so that any of them can name
 * the machine.
 */
import {
  type CutContent,
  type CutPosition,
  comparePositions,
  isCutContent,
  isPeerId,
  type MeshNode,
  type PeerId,
  parseUnitId,
  type UnitId,
} from '../../mesh/index.ts'
import { HOST_TIMING, LIMITS } from '../limits.ts'

export interface Divergence {
  /** Wall clock of the peer that saw it, ISO 8601. */
  readonly at: string
  readonly peer: PeerId
  readonly unit: UnitId
  readonly position: CutPosition
  readonly offset: number
  readonly cause: 'input' | 'computation'
  repaired: boolean
}

export interface DivergedNote {
  readonly n: 'diverged'
  readonly at: string
  readonly peer: PeerId
  readonly computed: CutContent
  readonly certified: CutContent | null
}

/** The sender's own replica of the unit agrees again. */
export interface RepairedNote {
  readonly n: 'repaired'
  readonly unit: UnitId
}

export class Divergences {
  readonly #all: Divergence[] = []
  /** Monotonic. */
  readonly #learnedAt = new WeakMap<Divergence, number>()

  get all(): readonly Divergence[] {
    return this.#all
  }

  /** Undefined when it is known already. */
  add({ at, peer, computed, certified }: Omit<DivergedNote, 'n'>, now: number): Divergence | undefined {
    const { unit, seq, part, offset } = computed
    const known = this.#all.some(
      (other) => other.unit === unit && other.peer === peer && comparePositions(other.position, { seq, part }) === 0,
    )
    if (known) return undefined
    const sameInput = certified === null || certified.inDigest === computed.inDigest
    const divergence: Divergence = {
      at,
      peer,
      unit,
      position: { seq, part },
      offset,
      cause: sameInput ? 'computation' : 'input',
      repaired: false,
    }
    this.#all.push(divergence)
    this.#learnedAt.set(divergence, now)
    if (this.#all.length > LIMITS.divergences) this.#all.shift()
    return divergence
  }

  /** The peer signed a certificate beyond the place: it computes what the others do. */
  agreed(unit: UnitId, peers: readonly PeerId[], position: CutPosition): void {
    for (const divergence of this.#all) {
      if (divergence.repaired || divergence.unit !== unit || !peers.includes(divergence.peer)) continue
      if (comparePositions(position, divergence.position) > 0) divergence.repaired = true
    }
  }

  /** The peer says itself that it has caught up with the chain. */
  repaired(unit: UnitId, peer: PeerId): void {
    for (const divergence of this.#all) {
      if (divergence.unit === unit && divergence.peer === peer) divergence.repaired = true
    }
  }

  /**
   * The peer says of itself that it has computed all that is certified, up to a place: it agrees again, whether its note was
   * heard or not.
   */
  caughtUp(unit: UnitId, peer: PeerId, stored: CutPosition, now: number): void {
    for (const divergence of this.#all) {
      if (divergence.unit !== unit || divergence.peer !== peer) continue
      const old = now - (this.#learnedAt.get(divergence) ?? now) >= HOST_TIMING.divergedLatelyMs
      if (old && comparePositions(stored, divergence.position) > 0) divergence.repaired = true
    }
  }

  /** What a peer says of itself ends its divergence, should its note have been lost. */
  review(node: MeshNode, now: number): void {
    for (const { repaired, unit, peer } of this.#all) {
      const agreement = repaired ? undefined : node.unit(unit)
      if (agreement === undefined || agreement.following.caughtUp(now, [peer]).length === 0) continue
      const { stored } = (peer === node.self ? agreement.standing : agreement.following.standingOf(peer)) ?? {}
      if (stored !== undefined) this.caughtUp(unit, peer, stored, now)
    }
  }

  forget(generation: string): void {
    const kept = this.#all.filter(({ unit }) => parseUnitId(unit).generation !== generation)
    this.#all.splice(0, this.#all.length, ...kept)
  }
}

export function isRepairedNote(value: unknown): value is RepairedNote {
  const note = value as Partial<RepairedNote> | null
  return typeof note === 'object' && note?.n === 'repaired' && typeof note.unit === 'string'
}

export function isDivergedNote(value: unknown): value is DivergedNote {
  const note = value as Partial<DivergedNote> | null
  return (
    typeof note === 'object' &&
    note?.n === 'diverged' &&
    typeof note.at === 'string' &&
    isPeerId(note.peer) &&
    isCutContent(note.computed) &&
    (note.certified === null || isCutContent(note.certified))
  )
}
