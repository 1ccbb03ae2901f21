/**
 * Whoever runs the simulated cluster: pauses and resumes the job, has records deleted that every replica could do without,
 * and decides what units cannot decide for themselves.
 */
import type { MeshNode } from '../../mesh/index.ts'
import { lostWitnesses } from '../../src/replica/wishes.ts'
import type { Branches } from './branches.ts'
import type { SimulatedClock } from './clock.ts'
import type { Cluster } from './cluster.ts'
import type { SimulatedLog } from './log.ts'
import type { SimulatedPeer } from './peer.ts'
import { JOB, jobText, SOURCE, type Workload } from './workload.ts'

const CHANGE_MS = 10_000
const LOOKS_EVERY_MS = 5_000
const RETURNS_AFTER_MS = 12_000

export class Operator {
  readonly #clock: SimulatedClock
  readonly #cluster: Cluster
  readonly #log: SimulatedLog
  readonly #branches: Branches
  readonly #workload: Workload
  #paused = false
  #revisions = 0

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
    this.#paused = false
  }

  /**
   * The log forgets records of a partition of the source that as many replicas as certify have in a certified snapshot.
   * False: there are none.
   */
  loseOldRecords(partition: number): boolean {
    const offsets: number[] = []
    let write = 1
    for (const { peer } of this.#cluster.running) {
      for (const { description, snapshots, state } of peer?.host.units.values() ?? []) {
        if (description.topic !== SOURCE || description.partition !== partition || state !== 'running') continue
        write = description.write
        const [older, newer] = snapshots
        if (newer !== undefined && older !== undefined) offsets.push(older.offset)
      }
    }
    const enough = offsets.sort((a, b) => b - a)[write - 1]
    const start = this.#log.partition({ topic: SOURCE, partition })?.start ?? 0
    if (enough === undefined || enough <= start) return false
    this.#log.trim({ topic: SOURCE, partition }, enough)
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
      const node = survivor?.peer?.node
      if (lost.every((id) => node?.document?.lost.includes(id))) return
      // They must have been missed first: whoever is alive is counted as one that can go on.
      if (!lost.some((id) => node?.alive().has(id))) node?.force(lost).catch(() => undefined)
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
    for (const { peer } of this.#cluster.running) {
      for (const { unit } of [...(peer?.host.units.values() ?? [])].map(({ description }) => description)) {
        const agreement = peer?.node.unit(unit)
        const view = peer?.node.document?.view.members ?? []
        const alive = peer?.node.alive() ?? new Set()
        const unsettled = agreement !== undefined && lostWitnesses({ agreement, view, alive }).length > 0
        if (agreement?.deadlocked !== true && !unsettled) continue
        if (unsettled) this.#branches.took('settled')
        peer?.host.resolve(unit, unsettled ? 'settle' : 'retry')
      }
    }
  }

  #order(node: MeshNode | undefined): void {
    const state = this.#paused ? 'paused' : 'running'
    // Refused or unanswered: the next look orders it again.
    node?.change({ kind: 'state', name: JOB, state }, CHANGE_MS).catch(() => undefined)
  }
}
