/**
 * The committers of this peer: one per unit and sink, fed with the certified batches it holds, told by others what is
 * already there, and telling them. It also says which units' sources must pause because a sink is behind.
 */
import {
  type Certificate,
  type CutPosition,
  comparePositions,
  encodeStored,
  type MeshNode,
  type PeerId,
  rankAmong,
  type Term,
  type UnitId,
} from '../../mesh/index.ts'
import { Committer } from '../commit/committer.ts'
import { encodeRecord, openUntaken } from '../commit/record.ts'
import { Sharing } from '../commit/sharing.ts'
import type { CertifiedBatch, Sink, SinkPlan, UnitIdentity } from '../commit/sink.ts'
import { encodeDestinations } from '../commit/slice.ts'
import { QuorateError } from '../errors.ts'
import { LIMITS } from '../limits.ts'
import type { BatchCache } from '../read/cache.ts'
import type { Batch, BatchEntry, BatchIndex } from '../replica/batch.ts'
import type { HostedUnit } from '../replica/hosted.ts'
import type { PlacedUnit } from './jobs.ts'

/** A hint to the other replicas of a unit: this sink has everything up to here. */
export interface CommittedNote {
  readonly n: 'committed'
  readonly unit: UnitId
  readonly sink: string
  readonly seq: number
  readonly part: number
}

export interface CommitsOptions {
  readonly node: MeshNode
  readonly cache: BatchCache
  readonly now: () => number
  readonly random: () => number
  readonly sink: (plan: SinkPlan) => Sink
  readonly certificate: (unit: UnitId, position: CutPosition) => Promise<Certificate | undefined>
  /** Those that go beside the results to each sink; undefined: none, there are no checkpoints. */
  readonly terms: (unit: UnitId) => readonly Term[] | undefined
  /** The checkpoints name what brought the unit: before that, nothing of it goes anywhere. */
  readonly kept: (placed: PlacedUnit) => boolean
  readonly onCommitted: (
    unit: UnitId,
    sink: string,
    position: CutPosition,
    written: readonly Written[],
    hedged: boolean,
  ) => void
  readonly onHalt: (unit: UnitId, sink: string, error: QuorateError) => void
}

/** What a batch brought to a sink. */
export interface Written {
  readonly rows: number
  /** The latest end of a window among them, or -Infinity. */
  readonly maxEnd: number
}

/** What a sink has yet to get from a unit, for metrics. */
export interface SinkBacklog {
  readonly sink: string
  readonly backlogBytes: number
  /** Something keeps it from there. */
  readonly problem: boolean
}

/** What of a batch a sink gets; undefined: nothing. */
type BodyOf = (batch: Batch) => Uint8Array | undefined

interface UnitCommits {
  readonly placed: PlacedUnit
  readonly batches: BatchIndex
  readonly committers: readonly Committer[]
  /** Of the sinks where replicas may each have a place of their own. */
  readonly sharings: readonly Sharing[]
  readonly members: () => readonly PeerId[]
}

export class Commits {
  readonly #options: CommitsOptions
  readonly #units = new Map<UnitId, UnitCommits>()

  constructor(options: CommitsOptions) {
    this.#options = options
  }

  open(hosted: HostedUnit, placed: PlacedUnit): void {
    const { unit, cluster, job, generation } = hosted.description
    const identity: UnitIdentity = { cluster, job, generation, unit }
    const committers: Committer[] = []
    const sharings: Sharing[] = []
    const add = (plan: SinkPlan, bodyOf: BodyOf, writtenOf: (entry: BatchEntry) => Written) => {
      const sink = this.#options.sink(plan)
      const committer = this.#committer(hosted, identity, sink, bodyOf, writtenOf)
      committers.push(committer)
      const { sharedBy } = sink
      if (sharedBy === undefined) return
      sharings.push(
        new Sharing(
          (peers) => sharedBy(peers),
          (shared) => {
            committer.apart = !shared
          },
        ),
      )
    }
    for (const plan of placed.sinks)
      add(plan, mainBody(plan), plan.kind === 'shuffle' ? nothingOf : rowsOf(plan.branch))
    if (placed.deadLetters !== undefined) add(placed.deadLetters, ({ deadLetters }) => deadLetters, lettersOf)
    const first = hosted.description.members
    this.#units.set(unit, {
      placed,
      batches: hosted.batches,
      committers,
      sharings,
      members: () => this.#options.node.unit(unit)?.term.members ?? first,
    })
  }

  async close(unit: UnitId): Promise<void> {
    const commits = this.#units.get(unit)
    this.#units.delete(unit)
    await Promise.all((commits?.committers ?? []).map((committer) => committer.close()))
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#units.keys()].map((unit) => this.close(unit)))
  }

  tick(): void {
    const { node, now, kept } = this.#options
    const alive = node.alive()
    for (const { placed, committers, sharings, members } of this.#units.values()) {
      if (!kept(placed)) continue
      for (const sharing of sharings) sharing.review(members(), now())
      const rank = rankAmong(node.self, members(), alive)
      if (rank >= 0) for (const committer of committers) committer.tick(rank)
    }
  }

  /** A batch of the unit came. */
  poke(unit: UnitId): void {
    const commits = this.#units.get(unit)
    if (commits === undefined || !this.#options.kept(commits.placed)) return
    for (const committer of commits.committers) committer.poke()
  }

  /** A note of another peer. */
  heard({ unit, sink, seq, part }: CommittedNote): void {
    const committers = this.#units.get(unit)?.committers ?? []
    for (const committer of committers) if (committer.sinkName === sink) committer.heard({ seq, part })
  }

  /** A peer has come: without this it would open the sinks of others only to see how far they are. */
  greet(peer: PeerId): void {
    for (const [unit, { committers, members }] of this.#units) {
      if (!members().includes(peer)) continue
      for (const { sinkName: sink, progress, apart } of committers) {
        if (progress !== undefined && !apart) this.#note(peer, unit, sink, progress)
      }
    }
  }

  congested(unit: UnitId): boolean {
    const committers = this.#units.get(unit)?.committers ?? []
    return committers.some((committer) => committer.backlogBytes() > LIMITS.sinkBacklogBytes)
  }

  /** What every sink is known to have; undefined when one of them has nothing. Without sinks, all that is here. */
  committed(unit: UnitId): CutPosition | undefined {
    const { batches, committers } = this.#units.get(unit) ?? {}
    if (committers?.length === 0) return batches?.last?.position
    let least: CutPosition | undefined
    for (const { progress } of committers ?? []) {
      if (progress === undefined) return undefined
      if (least === undefined || comparePositions(progress, least) < 0) least = progress
    }
    return least
  }

  /** As far as this peer knows: another may have written more than it has heard of. */
  backlogs(unit: UnitId): readonly SinkBacklog[] {
    return (this.#units.get(unit)?.committers ?? []).map((committer) => ({
      sink: committer.sinkName,
      backlogBytes: committer.backlogBytes(),
      problem: committer.problem !== undefined,
    }))
  }

  /** Why batches wait, in sentences. */
  problems(unit: UnitId): readonly string[] {
    const { placed, committers = [] } = this.#units.get(unit) ?? {}
    const waits = placed !== undefined && !this.#options.kept(placed)
    return [...(waits ? [NOT_KEPT] : []), ...committers.flatMap(({ problem }) => problem ?? [])]
  }

  #committer(
    hosted: HostedUnit,
    identity: UnitIdentity,
    sink: Sink,
    bodyOf: BodyOf,
    writtenOf: (entry: BatchEntry) => Written,
  ): Committer {
    const { random, onCommitted, onHalt, node, now } = this.#options
    const { unit } = identity
    const { name } = sink
    const committer = new Committer({
      unit,
      sinkName: name,
      batches: hosted.batches,
      now,
      apart: sink.sharedBy !== undefined,
      open: () => openUntaken(sink, identity, hosted.description.origin?.restored ?? 0),
      load: (entry, previous) => this.#load(identity, entry, previous, bodyOf),
      random,
      onCommitted: (position, entries, hedged) => {
        for (const member of this.#units.get(unit)?.members() ?? []) {
          if (member !== node.self && !committer.apart) this.#note(member, unit, name, position)
        }
        onCommitted(unit, name, position, entries.map(writtenOf), hedged)
      },
      onHalt: (error) => onHalt(unit, name, error),
    })
    return committer
  }

  async #load(
    identity: UnitIdentity,
    entry: BatchEntry,
    previous: BatchEntry | undefined,
    bodyOf: BodyOf,
  ): Promise<CertifiedBatch | undefined> {
    const { unit } = identity
    const { position } = entry
    const batch = await this.#options.cache.load(unit, position)
    const body = batch === undefined ? undefined : bodyOf(batch)
    if (batch !== undefined && (body === undefined || body.length === 0)) return undefined
    const certificate = await this.#options.certificate(unit, position)
    if (body === undefined || certificate === undefined) {
      const what = `cut ${position.seq} part ${position.part} of ${unit} is not on this peer's disk yet`
      throw new QuorateError('QRT_SINK_UNREACHABLE', what)
    }
    const terms = this.#options.terms(unit)
    return {
      ...identity,
      position,
      previous: previous?.position,
      body,
      outDigest: certificate.content.outDigest,
      certificate: encodeStored(certificate),
      record: encodeRecord(certificate, terms),
      restorable: terms !== undefined,
    }
  }

  #note(to: PeerId, unit: UnitId, sink: string, { seq, part }: CutPosition): void {
    const note: CommittedNote = { n: 'committed', unit, sink, seq, part }
    this.#options.node.note(to, { ...note })
  }
}

const NOT_KEPT = 'its results wait until a checkpoint names its job, so that a cluster rebuilt from there knows of them'

const rowsOf =
  (branch = 0) =>
  ({ rows, branchRows, maxEnd }: BatchEntry): Written => ({
    rows: branch === 0 ? rows : (branchRows[branch - 1] ?? 0),
    maxEnd,
  })
const lettersOf = ({ deadRows }: BatchEntry): Written => ({ rows: deadRows, maxEnd: Number.NEGATIVE_INFINITY })
/** What goes to the next stage is on its way and has reached no sink. */
const nothingOf = (): Written => ({ rows: 0, maxEnd: Number.NEGATIVE_INFINITY })

/** A sink gets the rows, or those of its branch; the next stage gets every body, so that the certified root can be checked over them. */
const mainBody =
  (plan: SinkPlan): BodyOf =>
  ({ bodies, deadLetters }) => {
    if (plan.kind !== 'shuffle') return bodies[plan.branch ?? 0]
    return bodies.every(({ length }) => length === 0) ? undefined : encodeDestinations([...bodies, deadLetters])
  }

export function isCommittedNote(value: unknown): value is CommittedNote {
  const note = value as Partial<CommittedNote> | null
  return (
    typeof note === 'object' &&
    note?.n === 'committed' &&
    typeof note.unit === 'string' &&
    typeof note.sink === 'string' &&
    Number.isSafeInteger(note.seq) &&
    Number.isSafeInteger(note.part)
  )
}
