/**
 * One replica of one unit: takes records in order, applies decisions at their places, and turns what the stage emits
 * into cut contents with digests. It knows no clock, thread or network; the worker feeds it and carries its cuts out.
 */
import {
  assert,
  type CutContent,
  type CutPosition,
  contentDigest,
  type Decision,
  type Digest,
  GENESIS,
  leafDigest,
  merkleRoot,
  nextPosition,
  sha256,
  type UnitId,
} from '../../mesh/index.ts'
import type { CutPart, RecordBatch, StageProcessor } from '../../operators/index.ts'
import { InputDigest } from './input-digest.ts'

/** A decision with the term that made it: applied in term order, each once. */
export interface PlacedDecision extends Decision {
  readonly term: number
}

/** Where a replica begins: nowhere, or right after a certified snapshot cut. */
export interface ReplicaStart {
  readonly offset: number
  readonly snapshot: { readonly position: CutPosition; readonly digest: Digest; readonly bytes: Uint8Array } | undefined
  readonly decisions: readonly PlacedDecision[]
}

/** One part of a cut, with the exact bytes for each destination. */
export interface ComputedCut {
  readonly content: CutContent
  readonly bodies: readonly Uint8Array[]
  readonly deadLetters: Uint8Array
  /** Watermark after the cut, epoch milliseconds or an infinity. */
  readonly watermark: number
  /** Of the whole state, at snapshot cuts. */
  readonly snapshot: Uint8Array | undefined
}

export interface UnitReplicaOptions {
  readonly cluster: string
  readonly unit: UnitId
  readonly stage: StageProcessor
  readonly snapshotEvery: number
  /** A bounded source ends here: records at or beyond are not taken. */
  readonly endOffset: number | undefined
  readonly start: ReplicaStart
  /** Uncertified cuts and bytes beyond which no record is taken. */
  readonly runAhead: { readonly cuts: number; readonly bytes: number }
  readonly onCut: (cut: ComputedCut) => void
}

export class UnitReplica {
  readonly #options: UnitReplicaOptions
  readonly #stage: StageProcessor
  readonly #input = new InputDigest()
  #decisions: PlacedDecision[]
  #appliedTerm = 0
  /** Every record below this was taken. */
  #offset: number
  #last: (CutPosition & { readonly last: boolean }) | undefined
  #parent: Digest
  #finished = false
  #paused = false
  readonly #uncertified: { readonly position: CutPosition; readonly bytes: number }[] = []
  #uncertifiedBytes = 0

  constructor(options: UnitReplicaOptions) {
    const { snapshot, offset, decisions } = options.start
    this.#options = options
    this.#stage = options.stage
    this.#offset = offset
    this.#parent = snapshot?.digest ?? GENESIS
    this.#last = snapshot === undefined ? undefined : { ...snapshot.position, last: true }
    if (snapshot !== undefined) {
      this.#appliedTerm = new DataView(snapshot.bytes.buffer, snapshot.bytes.byteOffset).getUint32(0)
      this.#stage.restore(snapshot.bytes.subarray(4))
    }
    this.#decisions = decisions.filter(({ term }) => term > this.#appliedTerm)
    this.#applyDue(offset)
  }

  get offset(): number {
    return this.#offset
  }
  get finished(): boolean {
    return this.#finished
  }
  get stage(): StageProcessor {
    return this.#stage
  }
  /** All records of a bounded source were taken; only the final decision is missing. */
  get atEnd(): boolean {
    const { endOffset } = this.#options
    return !this.#finished && endOffset !== undefined && this.#offset >= endOffset
  }
  get blocked(): boolean {
    const { cuts, bytes } = this.#options.runAhead
    return this.#paused || this.#uncertified.length >= cuts || this.#uncertifiedBytes >= bytes
  }

  /** Takes records [start, length) as far as it may; returns how many. */
  take(batch: RecordBatch, start: number): number {
    const { endOffset } = this.#options
    const end = endOffset === undefined ? batch.length : firstAtOrAbove(batch, start, batch.length, endOffset)
    let at = start
    while (at < end && !this.blocked && !this.#finished) {
      const [decision] = this.#decisions
      const limit = decision === undefined ? end : firstAtOrAbove(batch, at, end, decision.offset)
      if (limit === at && decision !== undefined) {
        this.#apply(decision)
        continue
      }
      const next = this.#stage.run(batch, at, limit)
      assert(next > at || this.#stage.cutDue, 'a stage takes a record or asks for a cut')
      this.#input.add(batch, at, next)
      if (next > at) this.#offset = batch.offset(next - 1) + 1
      at = next
      if (this.#stage.cutDue) this.#cut(this.#offset)
    }
    if (at === end && end < batch.length && endOffset !== undefined) this.#offset = Math.max(this.#offset, endOffset)
    if (at === end) this.#applyDue(this.#offset)
    return this.#finished || (at === end && end < batch.length) ? batch.length - start : at - start
  }

  /** A fetch found nothing below `position`: what lies between are gaps, so decisions up to there are due. */
  passed(position: number): void {
    if (this.#paused) return
    const { endOffset } = this.#options
    this.#offset = Math.max(this.#offset, endOffset === undefined ? position : Math.min(position, endOffset))
    this.#applyDue(this.#offset)
  }

  /** A new decision; its place is never before what was taken, else the caller restores first. */
  decide(decision: PlacedDecision): void {
    assert(decision.offset >= this.#offset, `decision at ${decision.offset}, taken up to ${this.#offset}`)
    this.#decisions.push(decision)
    this.#applyDue(this.#offset)
  }

  /** Takes nothing more until `resume`; returns the offset below which everything was taken. */
  pause(): number {
    this.#paused = true
    return this.#offset
  }

  resume(): void {
    this.#paused = false
    this.#applyDue(this.#offset)
  }

  /** Everything up to this position is certified (and the sinks keep up): room for more. */
  settled(position: CutPosition): void {
    for (;;) {
      const [first] = this.#uncertified
      if (first === undefined) break
      if (first.position.seq > position.seq) break
      if (first.position.seq === position.seq && first.position.part > position.part) break
      this.#uncertified.shift()
      this.#uncertifiedBytes -= first.bytes
    }
  }

  #applyDue(offset: number): void {
    for (;;) {
      const [decision] = this.#decisions
      if (decision === undefined || decision.offset > offset || this.#finished || this.#paused) return
      this.#apply(decision)
    }
  }

  #apply(decision: PlacedDecision): void {
    this.#decisions.shift()
    this.#appliedTerm = decision.term
    this.#offset = Math.max(this.#offset, decision.offset)
    this.#stage.decide(decision.kind)
    if (decision.kind === 'final') this.#finished = true
    this.#cut(decision.offset)
  }

  #cut(offset: number): void {
    const { cluster, unit, snapshotEvery, onCut } = this.#options
    const { counts, parts, watermark } = this.#stage.cut()
    const inDigest = this.#input.take()
    parts.forEach((part, index) => {
      const position = nextPosition(this.#last)
      const last = index === parts.length - 1
      const snapshot = last && position.seq % snapshotEvery === 0 ? this.#snapshot() : undefined
      const content: CutContent = {
        cluster,
        unit,
        ...position,
        last,
        offset,
        counts,
        parent: this.#parent,
        inDigest,
        outDigest: outDigest(part),
        ...(snapshot === undefined ? {} : { stateDigest: sha256(snapshot) }),
      }
      this.#parent = contentDigest(content)
      this.#last = { ...position, last }
      const bytes = part.bodies.reduce((sum, body) => sum + body.length, part.deadLetters.length)
      this.#uncertified.push({ position, bytes })
      this.#uncertifiedBytes += bytes
      onCut({ content, bodies: part.bodies, deadLetters: part.deadLetters, watermark, snapshot })
    })
  }

  #snapshot(): Uint8Array {
    const state = this.#stage.snapshot()
    const bytes = new Uint8Array(4 + state.length)
    new DataView(bytes.buffer).setUint32(0, this.#appliedTerm)
    bytes.set(state, 4)
    return bytes
  }
}

/** One leaf per destination and one for the dead letters: a slice can be checked without the others. */
export const outLeaves = (part: CutPart): Digest[] => [...part.bodies, part.deadLetters].map(leafDigest)
const outDigest = (part: CutPart): Digest => merkleRoot(outLeaves(part))

/** First index in [from, to) whose offset is at or above; `to` when none is. */
function firstAtOrAbove(batch: RecordBatch, from: number, to: number, offset: number): number {
  if (to === from || batch.offset(to - 1) < offset) return to
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >>> 1
    if (batch.offset(middle) < offset) low = middle + 1
    else high = middle
  }
  return low
}
