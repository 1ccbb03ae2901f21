/**
 * Brings a unit up to what other peers have: takes over what they hand, writes it down, and says when the unit can be
 * opened again. It repeats itself until it succeeds or the unit is closed; what was fetched is kept between attempts.
 */
import {
  type CutPosition,
  encodeStored,
  furthest,
  isBehind,
  type MeshNode,
  type PeerId,
  positionKey,
  type Term,
  type Wire,
} from '../../mesh/index.ts'
import { HOST_TIMING } from '../limits.ts'
import type { StoreOp } from '../store/store.ts'
import { batchKey, describeBatch } from './batch.ts'
import { beginningOf, placed } from './beginning.ts'
import { isGone } from './gone.ts'
import { Handoff, type HandoffRequest, type TakenOver } from './handoff.ts'
import type { HostedUnit, UnitDescription } from './hosted.ts'
import { snapshotOps } from './snapshots.ts'

/** Answers as a peer would that has nothing of a restored unit but what its checkpoint says. */
export type CheckpointGiver = (description: UnitDescription, request: HandoffRequest) => Promise<Wire>

export interface JoiningOptions {
  readonly node: MeshNode
  readonly checkpoint: CheckpointGiver
  readonly now: () => number
  readonly after: (delayMs: number, action: () => void) => void
  /** The unit is still the one that joins. */
  readonly wanted: (hosted: HostedUnit) => boolean
  /** All is written: open it again. */
  readonly onJoined: (hosted: HostedUnit) => void
  readonly onFailure: (hosted: HostedUnit, error: Error) => void
}

const ASK_TIMEOUT_MS = 5_000
/** Among the peers that are asked, what is no peer. */
const CHECKPOINT = 'checkpoint' as PeerId

export class Joining {
  readonly #options: JoiningOptions

  constructor(options: JoiningOptions) {
    this.#options = options
  }

  /**
   * Starts; the unit's state is `joining` until `onJoined`.
   * @param beyond only a snapshot after this one is of use
   * @param tries after so many it goes on with what is here
   */
  start(hosted: HostedUnit, beyond: CutPosition | undefined, tries = Number.POSITIVE_INFINITY): void {
    const handoff = this.#begin(hosted)
    this.#attempt(hosted, handoff, () => this.#takeOver(hosted, handoff, beyond), tries)
  }

  /** Starts; only results up to the base of a term are wanted, of which nothing can be computed any more. */
  fill(hosted: HostedUnit, base: CutPosition, terms: readonly Term[]): void {
    const handoff = this.#begin(hosted)
    const { node } = this.#options
    const latest = terms[terms.length - 1]
    const fill = async () => {
      const others = latest?.members.filter((member) => member !== node.self) ?? []
      const found = await handoff.fill(base, terms, others)
      if (!this.#isCurrent(hosted, handoff)) return false
      if (found !== 'here') {
        hosted.missing = { upTo: base, silent: found }
        if (!found.every((member) => this.#isGivenUp(hosted, member))) return false
        hosted.lostUpTo = base
      }
      hosted.missing = undefined
      hosted.trouble.found()
      await this.#finish(hosted, handoff, [])
      return true
    }
    this.#attempt(hosted, handoff, fill, Number.POSITIVE_INFINITY)
  }

  /** The unit still joins, and has not begun to anew since. */
  #isCurrent(hosted: HostedUnit, handoff: Handoff): boolean {
    return hosted.handoff === handoff && this.#options.wanted(hosted)
  }

  /** It is gone for good, and an operator has said so. */
  #isGivenUp({ trouble }: HostedUnit, peer: PeerId): boolean {
    const { node } = this.#options
    const { document } = node
    if (document?.lost.includes(peer) === true) return true
    return trouble.settleWanted && isGone({ view: document?.view.members ?? [], alive: node.alive() }, peer)
  }

  #begin(hosted: HostedUnit): Handoff {
    hosted.state = 'joining'
    hosted.missing = undefined
    const { unit } = hosted.description
    const { node, now } = this.#options
    const handoff: Handoff = new Handoff({
      unit,
      givers: () => this.#givers(hosted),
      ask: (peer, request: HandoffRequest) =>
        peer === CHECKPOINT
          ? this.#options.checkpoint(hosted.description, request)
          : node.request(peer, request as unknown as Wire, ASK_TIMEOUT_MS),
      checks: (certificate, terms) => node.verifies(certificate, terms),
      held: () => hosted.batches.last?.position,
      onBatch: (certificate, batch, bytes) => {
        const { seq, part } = certificate.content
        const position = { seq, part }
        const key = batchKey(unit, position)
        const { last } = hosted.batches
        // The giver keeps nothing older than this, and some of it is missing here: what lies before the hole has had its time.
        const leavesHole = last !== undefined && !mayFollow(last.position, position)
        const outdated = leavesHole ? [this.#forget(hosted, key)] : []
        hosted.batches.add(describeBatch(position, batch, now()))
        node.persist([
          ...outdated,
          { kind: 'put', table: 'batch', key, value: bytes },
          { kind: 'put', table: 'certificate', key, value: encodeStored(certificate) },
        ])
      },
      wanted: () => this.#isCurrent(hosted, handoff),
      now,
    })
    hosted.handoff = handoff
    return handoff
  }

  /** All results that are here. @param end of their keys on disk: what is there from it on stays */
  #forget({ description, batches }: HostedUnit, end: string): StoreOp {
    batches.drop(batches.entries.length)
    return { kind: 'deleteRange', table: 'batch', from: `${description.unit}/`, to: end }
  }

  async #takeOver(hosted: HostedUnit, handoff: Handoff, beyond: CutPosition | undefined): Promise<boolean> {
    const taken = await handoff.attempt(beyond)
    if (taken === undefined || !this.#isCurrent(hosted, handoff)) return false
    if (await this.#write(hosted, handoff, taken)) return true
    handoff.putOff(taken.from)
    return false
  }

  /** @param attempt true: it is done */
  #attempt(hosted: HostedUnit, handoff: Handoff, attempt: () => Promise<boolean>, tries: number): void {
    const { after, onFailure } = this.#options
    const isCurrent = () => this.#isCurrent(hosted, handoff)
    attempt()
      .then(async (done) => {
        if (done || !isCurrent()) return
        if (tries <= 1) await this.#finish(hosted, handoff, [])
        else {
          after(HOST_TIMING.joinRetryMs, () => {
            if (isCurrent()) this.#attempt(hosted, handoff, attempt, tries - 1)
          })
        }
      })
      .catch((error) => onFailure(hosted, error instanceof Error ? error : new Error(String(error))))
  }

  /** False: what was given cannot be gone on from. */
  async #write(hosted: HostedUnit, handoff: Handoff, { terms, snapshot }: TakenOver): Promise<boolean> {
    const { node } = this.#options
    const { unit } = hosted.description
    const content = snapshot?.certificate.content
    const given = content === undefined ? [] : [{ position: content, course: { applied: snapshot?.applied ?? 0 } }]
    if (beginningOf(given, terms.flatMap(placed)).lacking) return false
    const ops = node.takeOver(unit, terms, snapshot?.applied ?? 0, snapshot?.certificate)
    if (ops === undefined) return false
    const state = content === undefined ? [] : snapshotOps(content, snapshot?.bytes ?? new Uint8Array(), content)
    await this.#finish(hosted, handoff, [
      ...this.#cleared(hosted, content),
      ...this.#expired(hosted, content),
      ...ops,
      ...state,
    ])
    return true
  }

  /**
   * The giver keeps no results up to its snapshot: those have had their time, and the older ones that are here even more so. What
   * comes after the snapshot does not continue them.
   */
  #expired(hosted: HostedUnit, snapshot: CutPosition | undefined): StoreOp[] {
    const { last } = hosted.batches
    if (last === undefined || snapshot === undefined || !isBehind(last.position, snapshot)) return []
    return [this.#forget(hosted, `${hosted.description.unit}/~`)]
  }

  /** What is damaged makes room: others tell it again. */
  #cleared({ description, damage, batches }: HostedUnit, snapshot: CutPosition | undefined): StoreOp[] {
    if (damage === undefined) return []
    const { unit } = description
    const range = (table: 'certificate' | 'batch', after: CutPosition | undefined): StoreOp => {
      const from = after === undefined ? `${unit}/` : `${positionKey(unit, after)}~`
      return { kind: 'deleteRange', table, from, to: `${unit}/~` }
    }
    return [range('certificate', furthest(damage.intact, snapshot)), range('batch', batches.last?.position)]
  }

  async #finish(hosted: HostedUnit, handoff: Handoff, ops: readonly StoreOp[]): Promise<void> {
    const { node, onJoined } = this.#options
    node.persist(ops)
    await node.durable()
    if (!this.#isCurrent(hosted, handoff)) return
    hosted.handoff = undefined
    onJoined(hosted)
  }

  /** Members first, then whoever else speaks of the unit; the checkpoint that it was restored from is asked last. */
  #givers({ description }: HostedUnit): readonly PeerId[] {
    const { node } = this.#options
    const alive = node.alive()
    const { unit } = description
    const known = new Set<PeerId>([...node.membersOf(unit), ...description.members, ...node.holdersOf(unit)])
    const peers = [...known].filter((peer) => peer !== node.self && alive.has(peer))
    return description.origin?.checkpoint === undefined ? peers : [...peers, CHECKPOINT]
  }
}

/** Whether nothing lies between the two; in some cases it takes the first one's content to tell that something does. */
const mayFollow = (before: CutPosition, next: CutPosition): boolean =>
  (next.seq === before.seq && next.part === before.part + 1) || (next.seq === before.seq + 1 && next.part === 0)
