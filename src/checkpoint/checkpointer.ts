/**
 * When checkpoints are written, and by whom: the document by the first living member of the view, a snapshot by the first
 * of its unit, once every sink has what was certified up to it. Anybody else who takes itself for the first writes the same.
 * Terms that no checkpoint holds are kept until one does: without them what a sink has could not be computed again.
 */
import {
  bodiesOf,
  type Certificate,
  type CutPosition,
  comparePositions,
  type JobEntry,
  type MeshNode,
  type PeerId,
  rankAmong,
  type UnitId,
} from '../../mesh/index.ts'
import { HOST_TIMING, LIMITS } from '../limits.ts'
import { snapshotKey } from '../replica/batch.ts'
import type { HostedUnit, SnapshotPlace } from '../replica/hosted.ts'
import type { Store } from '../store/store.ts'
import type { CheckpointKeeper, CheckpointMark } from './keeper.ts'
import { KeptJobs } from './kept-jobs.ts'

/** A hint to the other members of a unit: this much of it is in a checkpoint. */
export interface CheckpointedNote extends CheckpointMark {
  readonly n: 'checkpointed'
  readonly unit: UnitId
}

export interface CheckpointerOptions {
  readonly node: MeshNode
  readonly store: Store
  readonly keeper: CheckpointKeeper
  readonly units: ReadonlyMap<UnitId, HostedUnit>
  readonly now: () => number
  /** What all of the unit's sinks have. */
  readonly committed: (unit: UnitId) => CutPosition | undefined
  readonly certificate: (unit: UnitId, position: CutPosition) => Promise<Certificate | undefined>
  /** It cannot be written (again, after it could). */
  readonly onProblem: (problem: string) => void
  readonly onSaved: (unit: UnitId, seq: number) => void
}

interface Known {
  /** What is there; undefined: nothing. */
  mark: CheckpointMark | undefined
  /** Where a replica that begins at the latest one, or the one before, reads on; undefined: not written by this peer. */
  offset: number | undefined
  before: number | undefined
  /** Monotonic: when this peer wrote or looked. */
  at: number
}

export class Checkpointer {
  readonly #options: CheckpointerOptions
  readonly #known = new Map<UnitId, Known>()
  readonly #forgotten: string[] = []
  readonly #kept = new KeptJobs()
  #busy = false
  #notBefore = 0
  #retryMs: number = HOST_TIMING.retryMs
  #problem: string | undefined

  constructor(options: CheckpointerOptions) {
    this.#options = options
  }

  /** Why nothing is written at present, for `status`. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** How many revisions of a job the checkpoints name. */
  revisionsOf(entry: JobEntry | undefined): number {
    return entry === undefined ? 0 : this.#kept.of(entry)
  }

  /** Terms from this one on are in no checkpoint. */
  keepTerms(unit: UnitId): number {
    return this.#known.get(unit)?.mark?.applied ?? 0
  }

  /** Who begins at a checkpoint reads from here on at the earliest. */
  keepFrom(unit: UnitId): number {
    return this.#known.get(unit)?.before ?? 0
  }

  /** So many terms wait for a checkpoint that the unit should. */
  congested(unit: UnitId): boolean {
    return (this.#options.node.unit(unit)?.terms.length ?? 0) > LIMITS.heldTerms
  }

  heard({ unit, seq, applied }: CheckpointedNote): void {
    const known = this.#known.get(unit)
    if (known !== undefined && (known.mark === undefined || known.mark.seq < seq)) known.mark = { seq, applied }
  }

  /** A job was deleted. */
  forget(generation: string): void {
    for (const unit of this.#known.keys()) if (unit.startsWith(`${generation}:`)) this.#known.delete(unit)
    this.#forgotten.push(generation)
  }

  /** Call it every few tens of milliseconds: one thing at a time is done in the background. */
  tick(): void {
    const now = this.#options.now()
    if (this.#busy || now < this.#notBefore) return
    const due = this.#due(now)
    if (due === undefined) return
    this.#busy = true
    due()
      .then(
        () => {
          this.#retryMs = HOST_TIMING.retryMs
          this.#problem = undefined
        },
        (error) => {
          const problem = error instanceof Error ? error.message : String(error)
          if (this.#problem === undefined) this.#options.onProblem(problem)
          this.#problem = problem
          this.#notBefore = this.#options.now() + this.#retryMs
          this.#retryMs = Math.min(this.#retryMs * 2, HOST_TIMING.retryMaxMs)
        },
      )
      .finally(() => {
        this.#busy = false
      })
  }

  #due(now: number): (() => Promise<void>) | undefined {
    const { node, units } = this.#options
    const { document } = node
    if (document === undefined) return undefined
    const alive = node.alive()
    const rankIn = (members: readonly PeerId[]) => rankAmong(node.self, members, alive)
    const todo = this.#kept.due(now, document, rankIn(document.view.members))
    if (todo === 'save') return () => this.#saveDocument()
    if (todo === 'look') return () => this.#lookAtDocument(document.cluster)
    const [generation] = this.#forgotten
    if (generation !== undefined) {
      return async () => {
        // What somebody wrote meanwhile goes with the next job that is deleted, or stays and is never read.
        if (rankIn(document.view.members) === 0) await this.#options.keeper.forget(document.cluster, generation)
        this.#forgotten.shift()
      }
    }
    for (const [unit, hosted] of units) {
      const known = this.#known.get(unit)
      if (known === undefined) return () => this.#look(document.cluster, unit)
      const mine = rankIn(node.unit(unit)?.term.members ?? []) === 0
      if (!mine && this.congested(unit) && now - known.at > HOST_TIMING.checkpointMs) {
        return () => this.#look(document.cluster, unit)
      }
      if (!mine || now - known.at < HOST_TIMING.checkpointMs) continue
      const snapshot = this.#newest(hosted)
      if (snapshot !== undefined && snapshot.position.seq > (known.mark?.seq ?? 0)) {
        return () => this.#save(document.cluster, unit, snapshot)
      }
    }
    return undefined
  }

  /** A snapshot that no sink needs anything from before. */
  #newest({ description, snapshots }: HostedUnit): SnapshotPlace | undefined {
    const committed = this.#options.committed(description.unit)
    return snapshots.findLast(({ position }) => committed !== undefined && comparePositions(position, committed) <= 0)
  }

  async #look(cluster: string, unit: UnitId): Promise<void> {
    const mark = await this.#options.keeper.latest(cluster, unit)
    const known = this.#known.get(unit)
    // The first look may be followed by the first checkpoint at once.
    if (known === undefined)
      this.#known.set(unit, { mark, offset: undefined, before: undefined, at: Number.NEGATIVE_INFINITY })
    else Object.assign(known, { mark: mark ?? known.mark, at: this.#options.now() })
  }

  async #save(cluster: string, unit: UnitId, { position, offset }: SnapshotPlace): Promise<void> {
    const { node, store, keeper, certificate: find, now, onSaved } = this.#options
    const known = this.#known.get(unit)
    if (known === undefined) return
    known.at = now()
    const certificate = await find(unit, position)
    const snapshot = await store.get('snapshot', snapshotKey(unit, position))
    const terms = node.unit(unit)?.terms
    // A later one has taken its place, or the unit has left this peer.
    if (certificate === undefined || snapshot === undefined || terms === undefined) return
    const mark = await keeper.saveUnit(cluster, certificate, terms, snapshot)
    known.mark = mark
    if (mark.seq === position.seq) {
      known.before = known.offset
      known.offset = offset
    }
    onSaved(unit, mark.seq)
    for (const member of node.unit(unit)?.term.members ?? []) {
      if (member !== node.self) node.note(member, { n: 'checkpointed', unit, ...mark })
    }
  }

  async #saveDocument(): Promise<void> {
    const { node, keeper } = this.#options
    const { document } = node
    if (document === undefined) return
    const named = bodiesOf(document)
    const bodies = named.flatMap((hash) => node.body(hash) ?? [])
    // One that names a job which has not arrived could not be restored.
    if (bodies.length < named.length) return
    await keeper.saveDocument(document, bodies)
    this.#kept.saved(document)
  }

  async #lookAtDocument(cluster: string): Promise<void> {
    const document = await this.#options.keeper.readDocument(cluster)
    if (document !== undefined) this.#kept.note(document)
  }
}

export function isCheckpointedNote(value: unknown): value is CheckpointedNote {
  const note = value as Partial<CheckpointedNote> | null
  return (
    typeof note === 'object' &&
    note?.n === 'checkpointed' &&
    typeof note.unit === 'string' &&
    Number.isSafeInteger(note.seq) &&
    Number.isSafeInteger(note.applied)
  )
}
