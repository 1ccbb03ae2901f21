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
  planted,
  type Term,
  type UnitId,
} from '../../mesh/index.ts'
import type { CutPart, RecordBatch, StageProcessor } from '../../operators/index.ts'
import { InputDigest } from './input-digest.ts'
import { type Course, decodeState, encodeState, FRESH, stateDigest } from './snapshots.ts'

/** A decision with the term that made it: applied in term order, each once. */
export interface PlacedDecision extends Decision {
  readonly term: number
  /** Of that term. */
  readonly base: Term['base']
}

/** Where a replica begins: nowhere, or right after a certified snapshot cut. */
export interface ReplicaStart {
  readonly offset: number
  readonly snapshot: { readonly position: CutPosition; readonly digest: Digest; readonly bytes: Uint8Array } | undefined
  readonly decisions: readonly PlacedDecision[]
  /** The snapshot is that of a gap, and this the decision: the replica begins where the gap ends. */
  readonly gap?: PlacedDecision
  /**
   * Beside a gap without a snapshot: what decisions had made of the unit before those in `decisions`, where it has forgotten them
   * because a snapshot of its own held them.
   */
  readonly before?: Course
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
  /** Makes the operators of a revision of the job, as they are in a determinism version. */
  readonly createStage: (course: Pick<Course, 'version' | 'revision'>) => StageProcessor
  readonly snapshotEvery: number
  /** A bounded source ends here: records at or beyond are not taken. */
  readonly endOffset: number | undefined
  readonly start: ReplicaStart
  /** Headers of records are input as well. */
  readonly readsHeaders?: boolean
  /** Uncertified cuts and bytes beyond which no record is taken. */
  readonly runAhead: { readonly cuts: number; readonly bytes: number }
  readonly onCut: (cut: ComputedCut) => void
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Which cuts have one: every so many, or this one whatever its number, or not this one. */
type Snapshots = 'due' | 'always' | 'never'

export class UnitReplica {
  readonly #options: UnitReplicaOptions
  #stage: StageProcessor
  readonly #input: InputDigest
  #decisions: PlacedDecision[]
  /** Every record below this was taken. */
  #offset: number
  #last: (CutPosition & { readonly last: boolean }) | undefined
  #parent: Digest
  /** What decisions have made of it. */
  #course: Mutable<Course>
  /** While a succession runs. */
  #paused = false
  readonly #uncertified: { readonly position: CutPosition; readonly bytes: number }[] = []
  #uncertifiedBytes = 0

  constructor(options: UnitReplicaOptions) {
    const { snapshot, offset, decisions, gap } = options.start
    this.#options = options
    this.#input = new InputDigest(options.readsHeaders)
    this.#offset = offset
    this.#parent = snapshot?.digest ?? GENESIS
    this.#last = snapshot === undefined ? undefined : { ...snapshot.position, last: true }
    const state = snapshot === undefined ? undefined : decodeState(snapshot.bytes)
    this.#course = { ...(state?.course ?? FRESH) }
    this.#stage = options.createStage(this.#course)
    if (state !== undefined) this.#stage.restore(state.stage)
    this.#decisions = decisions.filter(({ term }) => term > this.#course.applied)
    if (gap !== undefined) this.#goOnAfter(gap)
    this.#applyDue(this.#offset)
  }

  /** The determinism version that the operators are in. */
  get version(): number {
    return this.#course.version
  }
  get offset(): number {
    return this.#offset
  }
  get finished(): boolean {
    return this.#course.finished
  }
  get stage(): StageProcessor {
    return this.#stage
  }
  /** All records of a bounded source were taken; only the final decision is missing. */
  get atEnd(): boolean {
    const { endOffset } = this.#options
    return !this.#course.finished && endOffset !== undefined && this.#offset >= endOffset
  }
  get blocked(): boolean {
    const { cuts, bytes } = this.#options.runAhead
    return this.#paused || this.#course.paused || this.#uncertified.length >= cuts || this.#uncertifiedBytes >= bytes
  }

  /** Takes records [start, length) as far as it may; returns how many. */
  take(batch: RecordBatch, start: number): number {
    const { endOffset } = this.#options
    const end = endOffset === undefined ? batch.length : firstAtOrAbove(batch, start, batch.length, endOffset)
    let at = start
    while (at < end && !this.#paused && !this.#course.finished) {
      if (batch.offset(at) < this.#offset) {
        // A decision has passed over it.
        at = firstAtOrAbove(batch, at, end, this.#offset)
        continue
      }
      const [decision] = this.#decisions
      const inPlace = decision !== undefined && !planted('decision-at-fetch')
      const limit = inPlace ? firstAtOrAbove(batch, at, end, decision.offset) : end
      if (limit === at && decision !== undefined) {
        this.#apply(decision)
        continue
      }
      if (this.blocked) break
      const next = this.#stage.run(batch, at, limit)
      assert(next > at || this.#stage.cutDue, 'a stage takes a record or asks for a cut')
      this.#input.add(batch, at, next)
      if (next > at) this.#offset = batch.offset(next - 1) + 1
      at = next
      if (this.#stage.cutDue) this.#cut(this.#offset)
    }
    if (at === end) this.#reach(end < batch.length && endOffset !== undefined ? endOffset : this.#offset)
    return this.#course.finished || (at === end && end < batch.length) ? batch.length - start : at - start
  }

  /** A fetch found nothing below `position`: what lies between are gaps, so decisions up to there are due. */
  passed(position: number): void {
    const { endOffset } = this.#options
    this.#reach(endOffset === undefined ? position : Math.min(position, endOffset))
  }

  /** There is no record below `offset`. What is decided on the way is applied where it was placed, wherever gaps are. */
  #reach(offset: number): void {
    this.#applyDue(offset)
    if (!this.blocked && !this.#course.finished) this.#offset = Math.max(this.#offset, offset)
  }

  /** A new decision; its place is never before what was taken, else the caller restores first. */
  decide(decision: PlacedDecision): void {
    assert(decision.offset >= this.#offset, `decision at ${decision.offset}, taken up to ${this.#offset}`)
    const known = this.#decisions[this.#decisions.length - 1]?.term ?? this.#course.applied
    assert(decision.term > known, `decision of term ${decision.term}, known up to ${known}`)
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
      if (decision === undefined || decision.offset > offset || this.#course.finished || this.#paused) return
      this.#apply(decision)
    }
  }

  #apply(decision: PlacedDecision): void {
    this.#decisions.shift()
    this.#course.applied = decision.term
    this.#offset = Math.max(this.#offset, decision.offset)
    let snapshots: Snapshots = 'due'
    switch (decision.kind) {
      case 'cut':
      case 'idle':
      case 'final':
        this.#stage.decide(decision.kind)
        this.#course.finished = decision.kind === 'final'
        break
      case 'pause':
        // However long the pause, nothing before it is read from the log again.
        snapshots = 'always'
        this.#course.paused = true
        break
      case 'resume':
        this.#course.paused = false
        break
      case 'skip':
        this.#stage.pass('quarantined', this.#offset, this.#offset + 1)
        this.#offset += 1
        break
      case 'version':
        snapshots = 'always'
        this.#changeOperators({ version: decision.value ?? this.#course.version })
        break
      case 'revision':
        snapshots = 'always'
        this.#changeOperators({ revision: decision.value ?? this.#course.revision })
        break
      case 'gap':
        assert(false, 'a replica begins anew at a gap')
    }
    this.#cut(this.#offset, snapshots)
  }

  /** The same state in other operators: right after a cut, so that they part at certified bytes. */
  #changeOperators(to: Partial<Pick<Course, 'version' | 'revision'>>): void {
    // The decision counts as applied and is not yet: whoever began with a snapshot from here would never apply it.
    this.#cut(this.#offset, 'never')
    Object.assign(this.#course, to)
    this.#exchangeStage()
  }

  /** From the state before the gap, right after the base of the term that decided it. */
  #goOnAfter(gap: PlacedDecision): void {
    const { base, floor, value } = gap
    const from = this.#offset
    const stateAt = this.#last?.seq ?? 0
    this.#catchUpCourse(
      this.#options.start.before,
      this.#decisions.filter(({ term }) => term < gap.term),
    )
    this.#decisions = this.#decisions.filter(({ term }) => term > gap.term)
    this.#course.applied = gap.term
    this.#parent = base?.digest ?? GENESIS
    this.#last = base === undefined ? undefined : { seq: base.seq, part: base.part, last: base.last }
    this.#offset = value ?? from
    if (typeof floor === 'number') this.#stage.forget(floor, (base?.seq ?? 0) - stateAt)
    this.#stage.pass('lost', from, this.#offset)
    this.#cut(this.#offset, 'always')
  }

  /** What was decided between the snapshot and the gap holds, though nothing of what was taken there does. */
  #catchUpCourse(before: Course | undefined, decisions: readonly PlacedDecision[]): void {
    const course = this.#course
    const { version, revision } = course
    if (before !== undefined) {
      const { paused } = before
      Object.assign(course, { paused, version: before.version, revision: before.revision })
    }
    for (const { kind, value } of decisions) {
      if (kind === 'pause' || kind === 'resume') course.paused = kind === 'pause'
      if (kind === 'version') course.version = value ?? course.version
      if (kind === 'revision') course.revision = value ?? course.revision
    }
    if (course.version !== version || course.revision !== revision) this.#exchangeStage()
  }

  #exchangeStage(): void {
    const state = this.#stage.snapshot()
    this.#stage = this.#options.createStage(this.#course)
    this.#stage.restore(state)
  }

  #cut(offset: number, snapshots: Snapshots = 'due'): void {
    const { cluster, unit, onCut } = this.#options
    const { counts, parts, watermark } = this.#stage.cut()
    const taken = this.#input.take()
    const inDigest = planted('input-left-out') ? GENESIS : taken
    parts.forEach((part, index) => {
      const position = nextPosition(this.#last)
      const last = index === parts.length - 1
      const snapshot = last && this.#isKept(position.seq, snapshots) ? this.#snapshot() : undefined
      const content: CutContent = {
        cluster,
        unit,
        ...position,
        last,
        offset,
        counts,
        parent: this.#parent,
        inDigest,
        outDigest: outDigestOf(part),
        ...(snapshot === undefined ? {} : { stateDigest: stateDigest(snapshot) }),
      }
      this.#parent = contentDigest(content)
      this.#last = { ...position, last }
      const bytes = part.bodies.reduce((sum, body) => sum + body.length, part.deadLetters.length)
      this.#uncertified.push({ position, bytes })
      this.#uncertifiedBytes += bytes
      onCut({ content, bodies: part.bodies, deadLetters: part.deadLetters, watermark, snapshot })
    })
  }

  #isKept(seq: number, snapshots: Snapshots): boolean {
    return snapshots === 'always' || (snapshots === 'due' && seq % this.#options.snapshotEvery === 0)
  }

  #snapshot(): Uint8Array {
    return encodeState(this.#course, this.#stage.snapshot())
  }
}

/** One leaf per destination and one for the dead letters: a slice can be checked without the others. */
export const outLeaves = (part: Pick<CutPart, 'bodies' | 'deadLetters'>): Digest[] =>
  [...part.bodies, part.deadLetters].map(leafDigest)
export const outDigestOf = (part: Pick<CutPart, 'bodies' | 'deadLetters'>): Digest => merkleRoot(outLeaves(part))

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
