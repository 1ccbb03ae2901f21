/**
 * Whoever runs the simulated cluster: pauses and resumes the job, has records deleted that every replica could do without,
 * and decides what units cannot decide for themselves.
 */
import type { ControlDocument, MeshNode, PeerId, UnitId } from '../../mesh/index.ts'
import { lostHolders, lostMajority, lostWitnesses } from '../../src/replica/gone.ts'
import type { Branches } from './branches.ts'
import type { SimulatedClock } from './clock.ts'
import type { Cluster } from './cluster.ts'
import { jobText } from './job-text.ts'
import type { SimulatedLog } from './log.ts'
import type { SimulatedPeer } from './peer.ts'
import { inputAt, JOB, type Workload } from './workload.ts'

const CHANGE_MS = 10_000
const LOOKS_EVERY_MS = 5_000
/** Looks at a unit that waits for records that are gone. */
const PATIENCE_LOOKS = 3
const RETURNS_AFTER_MS = 12_000

export class Operator {
  readonly #clock: SimulatedClock
  readonly #cluster: Cluster
  readonly #log: SimulatedLog
  readonly #branches: Branches
  readonly #workload: Workload
  #paused = false
  #revisions = 0

  /** Units that wait for records that are gone, and for how many looks. */
  readonly #waiting = new Map<UnitId, number>()
  /** Units that miss members for good without which they cannot go on, and for how many looks. */
  readonly #missed = new Map<UnitId, number>()
  #hasLost = false
  #healed = false

  constructor(
    clock: SimulatedClock,
    cluster: Cluster,
    log: SimulatedLog,
    { branches, workload }: { readonly branches: Branches; readonly workload: Workload },
  ) {
    this.#branches = branches
    this.#clock = clock
    this.#workload = workload
    this.#cluster = cluster
    this.#log = log
  }

  /** Which windows take a late record after a gap, only those who met the gap can say. */
  get #mayLose(): boolean {
    return !this.#workload.lateRecords
  }

  start(): void {
    this.#clock.after(LOOKS_EVERY_MS, () => {
      this.#look()
      this.start()
    })
  }

  pause(at: SimulatedPeer): void {
    this.#paused = true
    this.#order(at.peer?.node)
  }

  resume(): void {
    this.#paused = false
    this.#order(this.#cluster.running[0]?.peer?.node)
  }

  /** The job goes on by another document, with the state that it has. */
  upgradeJob(at: SimulatedPeer): void {
    const job = at.peer?.jobs.named(JOB)
    if (job === undefined) return
    this.#revisions += 1
    const text = jobText(this.#workload, this.#revisions)
    // Refused or unanswered: the job goes on as it is.
    at.submissions?.upgrade(job, { text, format: 'yaml' }, CHANGE_MS).catch(() => undefined)
  }

  heal(): void {
    this.#healed = true
    this.#paused = false
  }

  /**
   * The log forgets records of a partition of the source that as many replicas as certify have in a certified snapshot.
   * False: there are none.
   */
  loseOldRecords(partition: number): boolean {
    const at = inputAt(this.#workload, partition)
    const offsets: number[] = []
    let write = 1
    for (const { peer } of this.#cluster.running) {
      for (const { description, snapshots, state } of peer?.host.units.values() ?? []) {
        if (description.topic !== at.topic || description.partition !== at.partition || state !== 'running') continue
        write = description.write
        const [older, newer] = snapshots
        if (newer !== undefined && older !== undefined) offsets.push(older.offset)
      }
    }
    const enough = offsets.sort((a, b) => b - a)[write - 1]
    const start = this.#log.partition(at)?.start ?? 0
    if (enough === undefined || enough <= start) return false
    this.#log.trim(at, enough)
    return true
  }

  /** An outage of the log, after which nothing is there that nobody has read. False: no job here can do without. */
  loseUnreadRecords(partition: number, outageMs: number): boolean {
    if (!this.#mayLose || this.#hasLost) return false
    this.#hasLost = true
    const at = inputAt(this.#workload, partition)
    this.#log.outage = true
    this.#clock.after(outageMs, () => {
      if (this.#healed) return
      this.#log.trim(at, this.#log.partition(at)?.end ?? 0)
      this.#log.outage = false
    })
    return true
  }

  /**
   * A majority burns down at once, disks and all, at a moment when nothing is under way that only they know. The operator
   * says so at one that is left, and starts others under the old names. False: this is no such moment.
   */
  loseMajority(): boolean {
    const victims = this.#cluster.expendable()
    const [survivor] = this.#cluster.running.filter((peer) => !victims.includes(peer))
    const node = survivor?.peer?.node
    if (victims.length === 0 || node === undefined) return false
    const lost = victims.map(({ id }) => id)
    for (const victim of victims) this.#cluster.burn(victim)
    const force = () => {
      if (survivor === undefined) return
      const node = survivor.peer?.node
      // An order that was not on the disk yet when its process ended was never answered, and is given again. A disk that was
      // damaged is not asked.
      const document = survivor.spared ? node?.document : survivor.storedDocument
      if (isWithout(document, lost)) return
      // They must have been missed first: whoever is alive is counted as one that can go on.
      if (!isWithout(node?.document, lost) && !lost.some((id) => node?.alive().has(id)))
        node?.force(lost).catch(() => undefined)
      this.#clock.after(LOOKS_EVERY_MS, force)
    }
    this.#clock.after(LOOKS_EVERY_MS, force)
    this.#clock.after(RETURNS_AFTER_MS, () => {
      for (const victim of victims) victim.start()
    })
    return true
  }

  /** What was ordered and not carried out is ordered again; units that cannot go on are told to try. */
  #look(): void {
    const node = this.#cluster.running.find(({ peer }) => peer?.node.document !== undefined)?.peer?.node
    const state = node?.document?.jobs.find(({ name }) => name === JOB)?.state
    if (state !== undefined && (state === 'paused') !== this.#paused) this.#order(node)
    const lost = new Set<UnitId>()
    this.#giveUpMembers()
    for (const { peer } of this.#cluster.running) {
      const view = peer?.node.document?.view.members ?? []
      const alive = peer?.node.alive() ?? new Set()
      for (const [unit, hosted] of peer?.host.units ?? []) {
        if (hosted.trouble.logStart !== undefined) lost.add(unit)
        const agreement = peer?.node.unit(unit)
        const parts = agreement && { hosted, agreement, view, alive, now: this.#clock.now() }
        const unsettled = parts !== undefined && lostWitnesses(parts).length + lostHolders(parts).length > 0
        if (agreement?.deadlocked !== true && !unsettled) continue
        if (unsettled) this.#branches.took('settled')
        peer?.host.resolve(unit, unsettled ? 'settle' : 'retry')
      }
    }
    this.#giveUp(lost)
  }

  /** Members that are gone for good, and without which the others are too few, when a unit has missed them for a while. */
  #giveUpMembers(): void {
    const missed = new Map<UnitId, () => Promise<unknown>>()
    for (const { peer } of this.#cluster.running) {
      const { node, host } = peer ?? {}
      const { view, lost } = node?.document ?? {}
      for (const [unit, hosted] of host?.units ?? []) {
        const agreement = node?.unit(unit)
        if (node === undefined || agreement === undefined) continue
        const parts = { hosted, agreement, view: view?.members ?? [], alive: node.alive(), now: this.#clock.now() }
        const peers = lostMajority(parts, lost ?? [])
        if (peers.length > 0) missed.set(unit, () => node.change({ kind: 'lose', peers }, CHANGE_MS))
      }
    }
    for (const unit of this.#missed.keys()) if (!missed.has(unit)) this.#missed.delete(unit)
    for (const [unit, giveUp] of missed) {
      const looks = (this.#missed.get(unit) ?? 0) + 1
      this.#missed.set(unit, looks)
      // Refused or unanswered: the next look orders it again.
      if (looks >= PATIENCE_LOOKS) giveUp().catch(() => undefined)
    }
  }

  /** Records that are gone are given up when a unit has waited for a while: another peer may have been past them. */
  #giveUp(lost: ReadonlySet<UnitId>): void {
    for (const unit of this.#waiting.keys()) if (!lost.has(unit)) this.#waiting.delete(unit)
    for (const unit of lost) {
      const looks = (this.#waiting.get(unit) ?? 0) + 1
      this.#waiting.set(unit, looks)
      if (!this.#mayLose || looks < PATIENCE_LOOKS) continue
      for (const { peer } of this.#cluster.running) peer?.host.resolve(unit, 'accept-gap')
    }
  }

  #order(node: MeshNode | undefined): void {
    const state = this.#paused ? 'paused' : 'running'
    // Refused or unanswered: the next look orders it again.
    node?.change({ kind: 'state', name: JOB, state }, CHANGE_MS).catch(() => undefined)
  }
}

const isWithout = (document: ControlDocument | undefined, lost: readonly PeerId[]): boolean =>
  lost.every((id) => document?.lost.includes(id) === true)
