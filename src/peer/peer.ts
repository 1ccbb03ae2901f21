/**
 * A peer: mesh node, replicas, committers and readers put together. It follows the control document: opens the units that
 * it is a member of, commits what is certified, and answers other peers. What it is made of (clock, network, disk, workers,
 * sinks) is given to it, so that the simulator runs the same peer.
 */
import {
  type Certificate,
  type Clock,
  type ControlDocument,
  type CutPosition,
  decodeStored,
  isCertificate,
  type JobEntry,
  type MeshEvent,
  MeshNode,
  type PeerId,
  planted,
  positionKey,
  type Random,
  type Retirement,
  type Signer,
  type Transport,
  type UnitId,
  type Verifier,
  type ViewSettings,
  type Wire,
} from '../../mesh/index.ts'
import type { OpenRange } from '../../operators/index.ts'
import { Checkpointer, isCheckpointedNote } from '../checkpoint/checkpointer.ts'
import { checkpointGiver } from '../checkpoint/giver.ts'
import type { CheckpointKeeper } from '../checkpoint/keeper.ts'
import type { Sink, SinkPlan } from '../commit/sink.ts'
import type { UnitStatus } from '../http/api.ts'
import { HOST_TIMING, LIMITS } from '../limits.ts'
import type { LogPartition } from '../log/log.ts'
import { BatchCache } from '../read/cache.ts'
import { Reader } from '../read/quorum.ts'
import { DETERMINISM_VERSIONS } from '../replica/determinism.ts'
import { Giving } from '../replica/giving.ts'
import { type HostEvent, ReplicaHost } from '../replica/host.ts'
import type { HostedUnit, Orders } from '../replica/hosted.ts'
import type { Culprit } from '../replica/mark.ts'
import type { WorkerReport } from '../replica/protocol.ts'
import type { WorkerPort } from '../replica/runs.ts'
import type { Store } from '../store/store.ts'
import { Answers } from './answers.ts'
import { Commits, isCommittedNote } from './commits.ts'
import { Divergences, isDivergedNote, isRepairedNote } from './divergences.ts'
import { Jobs, type PlacedUnit } from './jobs.ts'
import { Leaving } from './leaving.ts'
import type { Observer } from './observer.ts'
import { Placement } from './placement.ts'
import { unitStatus } from './status.ts'
import { Trimming } from './trimming.ts'
import { Trust } from './trust.ts'

/** Where replicas run; the pool of threads in a process. */
export interface Workers {
  /** `careful`: in a thread of its own. */
  port(unit: UnitId, careful: boolean): WorkerPort
  release(unit: UnitId): void
  openRows(unit: UnitId, range: OpenRange): Promise<Uint8Array>
  close(): Promise<void>
}

export interface WorkerEvents {
  readonly onReport: (report: WorkerReport) => void
  readonly onFailure: (units: readonly UnitId[], error: Error, culprit: Culprit | undefined) => void
}

export interface PeerParts {
  readonly clock: Clock
  /** Epoch milliseconds: for what people read, never for a decision. */
  readonly wallClock: () => number
  readonly random: Random
  readonly signer: Signer
  readonly verifier: Verifier
  readonly transport: Transport
  readonly store: Store
  readonly workers: (events: WorkerEvents) => Workers
  readonly sink: (plan: SinkPlan) => Sink
  /** Deletes what is below an offset, in a topic between two stages. */
  readonly trim: (at: LogPartition, offset: number) => Promise<void>
  /** Undefined: there are none. */
  readonly checkpoints?: CheckpointKeeper
  readonly observer: Observer
}

export interface PeerOptions {
  readonly name: string
  readonly version: string
  readonly seeds: readonly string[]
  readonly bootstrapExpect: number | undefined
  /** Determinism versions that its workers can compute in; default: those of this release. */
  readonly versions?: readonly number[]
  /** When peers are admitted and removed; default: as ViewKeeper has it. */
  readonly view?: Partial<ViewSettings>
  /** How often cores and hosts are given the time; default: each its own. */
  readonly tickMs?: number
  /** The peer can no longer keep its promises. */
  readonly onFailure: (error: Error) => void
  readonly onRetired: (retirement: Retirement) => void
}

export class Peer {
  readonly node: MeshNode
  readonly jobs = new Jobs()
  readonly host: ReplicaHost
  readonly commits: Commits
  readonly reader: Reader
  readonly answers: Answers
  readonly divergences = new Divergences()
  readonly leaving: Leaving
  readonly checkpointer: Checkpointer | undefined
  readonly #parts: PeerParts
  readonly #options: PeerOptions
  readonly #cache: BatchCache
  readonly #workers: Workers
  readonly #placement: Placement
  readonly #trust: Trust
  readonly #trimming: Trimming
  /** Why the log cannot be read at present. */
  outage: string | undefined
  #cancelTick: () => void = () => undefined
  #closed = false

  constructor(parts: PeerParts, options: PeerOptions) {
    const { clock, store, random } = parts
    this.#parts = parts
    this.#options = options
    this.#cache = new BatchCache(store, LIMITS.batchCacheBytes, (unit) => this.host.damaged(unit))
    this.#placement = new Placement(parts.signer.id)
    this.node = new MeshNode({
      signer: parts.signer,
      verifier: parts.verifier,
      clock,
      random,
      transport: parts.transport,
      store,
      name: options.name,
      version: options.version,
      versions: options.versions ?? DETERMINISM_VERSIONS,
      seeds: options.seeds,
      bootstrapExpect: options.bootstrapExpect,
      ...(options.view === undefined ? {} : { view: options.view }),
      ...(options.tickMs === undefined ? {} : { tickMs: options.tickMs }),
      onEvent: (event) => this.#onMesh(event),
      onRequest: (_from, body) => this.answers.answer(body),
      onNote: (from, body) => this.#onNote(from, body),
    })
    this.#workers = parts.workers({
      onReport: (report) => this.#onReport(report),
      onFailure: (units, error, culprit) => {
        parts.observer.workerFailed(units, error)
        this.host.workerFailed(units, error, culprit)
      },
    })
    const after = (delayMs: number, action: () => void) => {
      clock.after(delayMs, action)
    }
    this.#trust = new Trust({
      node: this.node,
      jobs: this.jobs,
      after,
      onLearned: (unit) => this.host.trustLearned(unit),
    })
    const kept = (unit: UnitId) =>
      this.checkpointer?.revisionsOf(this.jobs.ofUnit(unit)?.job.entry) ?? Number.POSITIVE_INFINITY
    this.host = new ReplicaHost({
      node: this.node,
      store,
      now: () => clock.now(),
      after,
      worker: (unit, careful) => this.#workers.port(unit, careful),
      released: (unit) => this.#workers.release(unit),
      trust: (unit) => this.#trust.of(unit),
      untrusted: (unit, source, term) => this.#trust.need(unit, source, term),
      versions: (members) => this.node.commonVersions(planted('version-unasked') ? [] : members),
      revisions: kept,
      congested: (unit) => this.commits.congested(unit) || this.checkpointer?.congested(unit) === true,
      checkpoint: checkpointGiver(parts.checkpoints, (unit, problem) =>
        parts.observer.checkpointProblem(unit, problem),
      ),
      keepTerms: (unit) => this.checkpointer?.keepTerms(unit) ?? Number.POSITIVE_INFINITY,
      committed: (unit) => this.commits.committed(unit),
      onEvent: (event) => this.#onHost(event),
    })
    this.commits = new Commits({
      node: this.node,
      cache: this.#cache,
      now: () => clock.now(),
      random: () => random.next(),
      sink: parts.sink,
      terms: (unit) => {
        const carries = this.checkpointer !== undefined || this.host.units.get(unit)?.description.origin !== undefined
        return carries ? this.node.unit(unit)?.terms : undefined
      },
      kept: ({ description, born }) => kept(description.unit) > born,
      certificate: (unit, position) => this.certificate(unit, position),
      onCommitted: (unit, sink, position, written, hedged) =>
        parts.observer.committed(unit, sink, position, written, hedged),
      onHalt: (unit, sink, error) => parts.observer.sinkHalted(unit, sink, error),
    })
    const { checkpoints: keeper, observer } = parts
    this.checkpointer =
      keeper &&
      new Checkpointer({
        node: this.node,
        store,
        keeper,
        units: this.host.units,
        now: () => clock.now(),
        committed: (unit) => this.commits.committed(unit),
        certificate: (unit, position) => this.certificate(unit, position),
        onProblem: (problem) => observer.checkpointProblem(undefined, problem),
        onSaved: (unit, seq) => observer.checkpointed(unit, seq),
      })
    this.#trimming = new Trimming({
      node: this.node,
      units: this.host.units,
      now: () => clock.now(),
      keepFrom: (unit) => this.checkpointer?.keepFrom(unit) ?? Number.POSITIVE_INFINITY,
      trim: parts.trim,
      onProblem: (at, error) => observer.trimProblem(at, error),
    })
    this.reader = new Reader(this.node, this.host, this.#cache, clock, {
      certificate: (unit, position) => this.certificate(unit, position),
      onRepair: (unit) => parts.observer.readRepair(unit),
    })
    const giving = new Giving({
      node: this.node,
      store,
      now: () => clock.now(),
      certificate: (unit, position) => this.certificate(unit, position),
    })
    const units = () => [...this.host.units.keys()]
    this.leaving = new Leaving({ node: this.node, units, jobs: () => this.jobs.all })
    this.answers = new Answers({
      node: this.node,
      host: this.host,
      giving,
      reader: this.reader,
      cache: this.#cache,
      store,
      openRows: (unit, range) => this.#workers.openRows(unit, range),
      status: (hosted) => this.statusOf(hosted),
    })
  }

  /** @param httpAddress where this peer serves its API */
  async start(httpAddress: string): Promise<void> {
    await this.#placement.load(this.#parts.store)
    await this.node.start(httpAddress)
    const { document } = this.node
    if (document !== undefined) this.#follow(document)
    this.#tick()
  }

  /** Hands over all that it holds; resolves when the cluster needs nothing of this peer any more. */
  leave(): Promise<void> {
    this.leaving.begin()
    return this.leaving.left
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTick()
    await this.node.close()
    await this.#workers.close()
    await this.commits.closeAll()
  }

  /** Of this peer, as others know it: the name, or the first digits of the id of one that was never heard of. */
  nameOf(peer: PeerId): string {
    const member = this.node.members().find(({ id }) => id === peer)
    return member === undefined || member.name === '' ? peer.slice(0, 8) : member.name
  }

  /** Held in memory since the last snapshot, on disk before. */
  async certificate(unit: UnitId, position: CutPosition): Promise<Certificate | undefined> {
    const known = this.node.unit(unit)?.certificateAt(position)
    if (known !== undefined) return known
    const bytes = await this.#parts.store.get('certificate', positionKey(unit, position))
    const certificate = bytes === undefined ? undefined : decodeStored(bytes)
    return isCertificate(certificate) ? certificate : undefined
  }

  #tick(): void {
    if (this.#closed) return
    this.host.tick()
    this.commits.tick()
    this.checkpointer?.tick()
    this.#trimming.tick()
    this.leaving.tick()
    this.divergences.review(this.node, this.#parts.clock.now())
    this.#cancelTick = this.#parts.clock.after(this.#options.tickMs ?? HOST_TIMING.tickMs, () => this.#tick())
  }

  #onMesh(event: MeshEvent): void {
    const { observer } = this.#parts
    switch (event.kind) {
      case 'document':
        this.#follow(event.document)
        return
      case 'connected':
        this.commits.greet(event.peer)
        return
      case 'member':
        observer.member(event.member)
        return
      case 'refusedConnection':
        observer.refusedConnection(event.address, event.error)
        return
      case 'malformed':
        observer.malformed(event.from, event.what)
        return
      case 'roundTrip':
        observer.roundTrip(event.durationMs)
        return
      case 'named':
        this.#named(event.unit, event.term)
        return
      case 'failed':
        this.#options.onFailure(event.error)
        return
      case 'retired':
        this.#options.onRetired(event)
        return
      default:
        this.host.meshEvent(event)
    }
  }

  /** Opens and closes units until they are those of the document. */
  #follow(document: ControlDocument): void {
    const { observer } = this.#parts
    const { added, ordered, removed } = this.jobs.follow(document, (hash) => this.node.body(hash))
    for (const job of removed) {
      for (const { description } of job.units) this.#closeUnit(description.unit)
      this.divergences.forget(job.entry.generation)
      this.checkpointer?.forget(job.entry.generation)
      this.#trust.forget(job.entry.generation)
      // After what is on its way to disk: nothing of the generation is written later.
      const { generation, hash, earlier } = job.entry
      const bodies = [...earlier, hash].map((key) => ({ kind: 'delete', table: 'job', key }) as const)
      this.node.persist([...this.#placement.forget(generation), ...bodies])
      observer.jobDeleted(job)
    }
    for (const job of added) observer.jobAdded(job)
    for (const job of ordered) observer.jobOrdered(job)
    for (const { entry, units } of this.jobs.all) {
      for (const placed of units) this.#place(placed, entry, document)
    }
  }

  /** Holds a unit as long as it belongs here, and until its successors have all of it. */
  #place(placed: PlacedUnit, entry: JobEntry, document: ControlDocument): void {
    const { description } = placed
    const { number, members } = document.view
    const alive = planted('suspicion-moves-ring') ? this.node.alive() : new Set(members)
    const view = { number, members: members.filter((member) => alive.has(member)) }
    const target = this.#placement.target(description, view)
    const isOpen = this.host.units.has(description.unit)
    if (!isOpen && this.#placement.wants(description, target)) this.#openUnit(placed)
    this.host.steer(description, target, ordersOf(entry))
    this.#release(description.unit)
  }

  /**
   * A member of the unit's term, whatever the latest view says: whoever chose the term went by an earlier one, which this peer
   * may have let the unit go after, or never have heard of. Until a later term the others may not be able to do without it.
   */
  #named(unit: UnitId, term: number): void {
    const { document } = this.node
    const found = this.jobs.ofUnit(unit)
    if (found === undefined || document === undefined) return
    if (!this.host.units.has(unit)) this.#openUnit(found.unit)
    this.host.named(unit, term)
    this.#place(found.unit, found.job.entry, document)
  }

  #openUnit(placed: PlacedUnit): void {
    const { unit } = placed.description
    this.node.persist(this.#placement.hold(unit))
    this.host.open(placed.description).then(
      () => {
        const hosted = this.host.units.get(unit)
        if (hosted !== undefined) this.commits.open(hosted, placed)
      },
      (error) => this.#options.onFailure(error instanceof Error ? error : new Error(String(error))),
    )
  }

  /** Its present members have it: unless it is to come here (again), it goes. */
  #release(unit: UnitId): void {
    if (!this.host.isReleased(unit)) return
    this.#closeUnit(unit)
    this.node.persist(this.#placement.release(unit))
  }

  #closeUnit(unit: UnitId): void {
    this.host.close(unit)
    this.commits.close(unit).catch((error) => this.#parts.observer.sinkClosing(unit, error))
  }

  #onReport(report: WorkerReport): void {
    if (report.kind === 'outage') {
      this.outage = report.message
      this.#parts.observer.outage(report.message)
    } else this.host.report(report)
  }

  #onHost(event: HostEvent): void {
    const { observer, wallClock } = this.#parts
    switch (event.kind) {
      case 'held':
        this.#cache.put(event.unit, event.certificate.content, event.batch)
        this.divergences.agreed(
          event.unit,
          event.certificate.signers.map(({ peer }) => peer),
          event.certificate.content,
        )
        observer.held(event.unit, event.certificate, event.rows, event.batch)
        this.commits.poke(event.unit)
        return
      case 'diverged': {
        const note = {
          n: 'diverged',
          at: new Date(wallClock()).toISOString(),
          peer: event.peer,
          computed: event.computed,
          certified: event.certified ?? null,
        } as const
        const divergence = this.divergences.add(note, this.#parts.clock.now())
        if (divergence === undefined) return
        observer.diverged(divergence)
        this.#tellAll(note as unknown as Wire)
        return
      }
      case 'repaired':
        this.divergences.repaired(event.unit, this.node.self)
        observer.repaired(event.unit, event.position)
        this.#tellAll({ n: 'repaired', unit: event.unit })
        return
      case 'certified': {
        const { unit, certificate } = event
        observer.certified(unit, certificate, this.node.unit(unit)?.term.members ?? [])
        return
      }
      case 'confirmed':
        observer.confirmed(event.peer)
        return
      case 'released':
        // Not inside the event: the agreement that tells of it is closed.
        queueMicrotask(() => this.#release(event.unit))
        return
      case 'progress':
        observer.progress(event.unit, event.records)
        return
      case 'halted':
        observer.halted(event.unit, event.halt)
        return
      case 'equivocated':
        observer.equivocated(event.unit, event.peer, event.position)
    }
  }

  #tellAll(note: Wire): void {
    for (const { id } of this.node.members()) if (id !== this.node.self) this.node.note(id, note)
  }

  #onNote(from: PeerId, body: Wire): void {
    if (isCommittedNote(body)) this.commits.heard(body)
    else if (isCheckpointedNote(body)) this.checkpointer?.heard(body)
    else if (isRepairedNote(body)) this.divergences.repaired(body.unit, from)
    else if (isDivergedNote(body)) {
      const divergence = this.divergences.add(body, this.#parts.clock.now())
      if (divergence !== undefined) this.#parts.observer.diverged(divergence)
    } else this.#parts.observer.malformed(from, 'note')
  }

  statusOf(hosted: HostedUnit): UnitStatus {
    const found = this.jobs.ofUnit(hosted.description.unit)
    if (found === undefined) throw new Error(`there is no job of ${hosted.description.unit}`)
    return unitStatus(found.unit, hosted, {
      node: this.node,
      commits: this.commits,
      checkpointer: this.checkpointer,
      now: this.#parts.clock.now(),
      nameOf: (peer) => this.nameOf(peer),
      outage: this.outage,
    })
  }
}

function ordersOf({ state, stopped }: JobEntry): Orders {
  return { paused: state === 'paused', ...(stopped === undefined ? {} : { stopped }) }
}
