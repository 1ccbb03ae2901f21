/**
 * One run: a cluster, a job and producers, all chosen by the seed. First safety under faults, then, when they have ended,
 * progress within a bounded time. The same seed gives the same trace.
 */
import {
  type ControlDocument,
  type CutPosition,
  MeshError,
  type PeerId,
  parseUnitId,
  seededRandom,
  type UnitId,
  type Wire,
} from '../../mesh/index.ts'
import { type PlantedBug, plant } from '../../mesh/planted.ts'
import { QuorateError } from '../../src/errors.ts'
import { pick } from '../pick.ts'
import { type Branch, Branches } from './branches.ts'
import { ControlChecks } from './check-control.ts'
import { DiskChecks } from './check-disks.ts'
import { Readers } from './check-reads.ts'
import { StatementChecks } from './check-statements.ts'
import { StoreChecks } from './check-stores.ts'
import { TermChecks } from './check-terms.ts'
import { SimulatedCheckpoints } from './checkpoints.ts'
import { Checks } from './checks.ts'
import { SimulatedClock } from './clock.ts'
import { Cluster } from './cluster.ts'
import { asPlainData, throughCodec } from './copying.ts'
import { Disaster } from './disaster.ts'
import { type Fault, Faults } from './faults.ts'
import { forgeSlices } from './forgery.ts'
import { jobText, leastAt } from './job-text.ts'
import { SimulatedLog } from './log.ts'
import { SimulatedNetwork } from './network.ts'
import { SimulatedObserver } from './observer.ts'
import { Operator } from './operator.ts'
import { type Expected, expectedAt, expectedOf, type Gap } from './oracle.ts'
import type { SimulatedPeer, World } from './peer.ts'
import { Producers } from './producers.ts'
import { reshaped } from './shapes.ts'
import { SimulatedStores } from './stores.ts'
import { Trace } from './trace.ts'
import { type Check, Violation } from './violation.ts'
import {
  chooseWorkload,
  dependsOnOthers,
  firstsOf,
  inputsOf,
  mayLack,
  partitionsOf,
  SINK,
  type SinkKind,
  topicOf,
} from './workload.ts'

export interface RunOptions {
  readonly seed: number
  /** Of simulated time under faults. */
  readonly faultsMs: number
  /** These faults instead of those that the seed chooses. */
  readonly only?: readonly Fault[] | undefined
  /** So many peers at first, instead of what the seed chooses. */
  readonly peers?: number | undefined
  /** The rule that peers break. */
  readonly bug?: PlantedBug | undefined
  /** What this seed gave before, when it held: it is made again for its trace, and nothing is checked anew. */
  readonly first?: RunResult | undefined
  /** Tells what happens, for a person. */
  readonly say?: (text: string) => void
}

export interface RunResult {
  readonly seed: number
  /** Undefined: everything held. */
  readonly violation: string | undefined
  /** Which check found it. */
  readonly check: Check | undefined
  /** SHA-256 over all that happened, in order. */
  readonly trace: string
  readonly simulatedMs: number
  /** After the faults, until every sink has everything. */
  readonly finishMs: number
  readonly certificates: number
  /** With which it was played. */
  readonly chosen: readonly Fault[]
  readonly peers: number
  readonly faults: Readonly<Record<string, number>>
  readonly branches: Readonly<Record<Branch, number>>
}

const FORM_WITHIN_MS = 60_000
/** After healing, everything must be at the sink within this; and a forged slice be refused, once it is there. */
const PROGRESS_WITHIN_MS = 120_000
const LOOK_EVERY_MS = 1_000
const TICKS_MS = [150, 200, 250, 300] as const
/** What faults lead to, and others or an operator lead out of. */
const EXPECTED_HALTS: ReadonlySet<string> = new Set([
  'QRT_RECORD_QUARANTINED',
  'QRT_LOG_OFFSET_LOST',
  'QRT_VERSION_UNSUPPORTED',
  'QRT_REVISION_UNKNOWN',
])

export async function run(options: RunOptions): Promise<RunResult> {
  const simulation = new Simulation(options)
  const onRejection = (error: unknown) => simulation.failed(error)
  process.on('unhandledRejection', onRejection)
  plant(options.bug)
  try {
    await simulation.play()
  } catch (error) {
    simulation.failed(error)
  } finally {
    // What is rejected by now is heard of in the event loop.
    await new Promise((resolve) => setImmediate(resolve))
    plant(undefined)
    process.off('unhandledRejection', onRejection)
  }
  return simulation.result()
}

/** One in ten, whatever else the seed chooses: so that seeds keep their meaning. */
const isOneThatLosesAll = (seed: number): boolean => seededRandom(seed + LOSES_ALL).next() < 0.1
const LOSES_ALL = 7_000_019
const RESHAPES = 5_000_011

class Simulation {
  readonly #options: RunOptions
  readonly #trace = new Trace()
  readonly #clock = new SimulatedClock()
  readonly #checks = new Checks()
  readonly #branches: Branches
  readonly #statements: StatementChecks
  readonly #terms: TermChecks
  #control = new ControlChecks()
  readonly #disks: DiskChecks
  readonly #readers: Readers
  /** What was found first. */
  #violation: Violation | undefined
  /** Stages that read what somebody else has written: a unit of each is to halt. */
  #forging = false
  #finishMs = 0
  readonly #refused = new Set<number>()
  readonly #network: SimulatedNetwork
  readonly #log: SimulatedLog
  readonly #stores: SimulatedStores
  readonly #storeChecks: StoreChecks
  readonly #cluster: Cluster
  readonly #producers: Producers
  readonly #faults: Faults
  readonly #operator: Operator
  readonly #workload
  readonly #peers: number

  constructor(options: RunOptions) {
    this.#options = options
    const random = seededRandom(options.seed)
    const some = 3 + random.below(3)
    const count = options.peers ?? some
    this.#peers = count
    this.#workload = reshaped(chooseWorkload(random, count), seededRandom(options.seed + RESHAPES))
    this.#branches = new Branches(this.#workload.sourcePartitions)
    this.#network = new SimulatedNetwork(this.#clock, seededRandom(random.below(2 ** 31)))
    this.#network.copying = random.below(8) === 0 ? throughCodec : asPlainData
    this.#network.onSend = (from, to, body) => this.#sent(from, to, body)
    this.#network.onReceive = (from, to, body) => this.#check(() => this.#statements.received(from, to, body))
    this.#log = new SimulatedLog(this.#clock, seededRandom(random.below(2 ** 31)))
    this.#log.onFenced = () => this.#branches.took('fenced')
    const took = (branch: Branch) => this.#branches.took(branch)
    this.#stores = new SimulatedStores(this.#clock, seededRandom(random.below(2 ** 31)), took)
    this.#storeChecks = new StoreChecks(this.#stores, leastAt(this.#workload, 's3'))
    this.#checks.onRows = (content, texts) => this.#storeChecks.certified(content, texts)
    this.#checks.onForgotten = (content, texts) => this.#storeChecks.forgotten(content, texts)
    const losesCluster = options.only?.includes('clusterLost') ?? isOneThatLosesAll(options.seed)
    const checkpoints = losesCluster ? new SimulatedCheckpoints(this.#clock, seededRandom(options.seed)) : undefined
    const world: World = {
      stores: this.#stores,
      checkpoints,
      network: this.#network,
      log: this.#log,
      random: seededRandom(random.below(2 ** 31)),
      expect: count,
      // With a shorter one less happens between two ticks, and it costs more.
      tickMs: pick(TICKS_MS, random),
      took,
      seeds: () => this.#cluster.peers.map(({ address }) => address),
      removeAfterMs: random.below(3) === 0 ? 20_000 : undefined,
      watch: (peer) => this.#watch(peer),
      onChange: ({ name }, change) => {
        const answered = this.#control.ask(name, change)
        return (document) => this.#check(() => answered(document))
      },
      onWrite: ({ name, disk }, ops) => this.#check(() => this.#disks.written(name, disk, ops)),
      onLeft: ({ name }, document) => this.#check(() => this.#disks.left(name, document)),
      onFailure: (_peer, error) => {
        // A disk that fails stops its peer, and nothing else does.
        if (!(error instanceof QuorateError || error instanceof MeshError)) this.failed(error)
      },
      onUnrestorable: ({ name }, error) => {
        this.failed(new Violation('restored', `${name} cannot take over the jobs of the lost cluster: ${error}`))
      },
      onRetired: ({ name, spared }, reason) => {
        if (!spared) this.failed(new Violation('identity kept', `${name} gave up its identity: ${reason}`))
      },
    }
    this.#cluster = new Cluster(world)
    this.#cluster.need(this.#workload.quorum.replicas)
    const nameOf = (id: PeerId) => this.#nameOf(id)
    const { replicas, write } = this.#workload.quorum
    const onDocument = (document: ControlDocument) => this.#control.chosen(document)
    this.#terms = new TermChecks({
      replicas,
      write,
      sourcePartitions: this.#workload.sourcePartitions,
      nameOf,
      onDocument,
      versionsOf: (id) => this.#cluster.versionsOf(id),
    })
    this.#disks = new DiskChecks(this.#cluster)
    this.#statements = new StatementChecks({
      nameOf,
      durable: (id) => this.#disks.durable(id),
      isSpared: (id) => this.#disks.isSpared(id),
      mayVoteAgain: (id, vote) =>
        this.#cluster.isSpoiled(id) &&
        this.#checks.isCertifiedAt(vote.unit, vote) &&
        this.#disks.forgot(id, vote.unit, vote),
      onVote: (voter, vote) => this.#terms.voted(voter, vote),
    })
    this.#readers = new Readers({
      random,
      cluster: this.#cluster,
      workload: this.#workload,
      now: () => this.#clock.now(),
      isCertified: (unit, text) => this.#isRepeated || this.#checks.isCertified(unit, text),
      onViolation: (violation) => this.failed(violation),
    })
    this.#producers = new Producers(this.#log, seededRandom(random.below(2 ** 31)), this.#workload)
    this.#operator = new Operator(this.#clock, this.#cluster, this.#log, {
      branches: this.#branches,
      workload: this.#workload,
    })
    const disaster = new Disaster({
      clock: this.#clock,
      cluster: this.#cluster,
      log: this.#log,
      stores: this.#stores,
      checkpoints,
      onLost: (places) => this.#lost(places),
    })
    this.#faults = new Faults({
      operator: this.#operator,
      disaster,
      losesCluster,
      random: seededRandom(random.below(2 ** 31)),
      network: this.#network,
      log: this.#log,
      stores: this.#stores,
      checkpoints,
      cluster: this.#cluster,
      producers: this.#producers,
      sourcePartitions: this.#workload.sourcePartitions,
      only: options.only,
    })
    this.#say(`${count} peers, ${JSON.stringify(this.#workload)}, faults: ${this.#faults.chosen.join(', ')}`)
  }

  async play(): Promise<void> {
    for (const source of firstsOf(this.#workload).keys()) {
      this.#log.createTopic(topicOf(source), { partitions: partitionsOf(this.#workload, source) })
    }
    this.#log.createTopic(SINK, { partitions: this.#workload.sinkPartitions })
    for (const peer of this.#cluster.peers) peer.start()
    await this.#clock.runUntil('the peers form a cluster', () => this.#formed(), FORM_WITHIN_MS)
    this.#producers.start()
    await this.#clock.run(this.#workload.backlogMs)
    await this.#submit()
    this.#faults.start()
    this.#operator.start()
    await this.#runChecked(this.#options.faultsMs)
    this.#faults.heal()
    this.#producers.stop()
    await this.#runChecked(1_000)
    const before = this.#producers.flush()
    const { first } = this.#options
    if (first === undefined) {
      await this.#finish(before)
      this.#control.finish()
    } else await this.#runChecked(first.finishMs)
    await this.#forge()
  }

  /** What only the lost disks could say, and what they had promised one another, holds no more; what a sink has does. */
  #lost(places: ReadonlyMap<UnitId, CutPosition>): void {
    this.#say('every disk is lost, and other peers go on from the checkpoints')
    this.#branches.took('restored')
    this.#checks.lost(places)
    this.#terms.lost()
    this.#readers.lost()
    this.#control = new ControlChecks()
  }

  /** A violation, or an error that nothing in a peer should throw; the first one counts. */
  failed(error: unknown): void {
    const told = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#violation ??= error instanceof Violation ? error : new Violation('no assertion', told)
  }

  result(): RunResult {
    return {
      seed: this.#options.seed,
      violation: this.#violation?.message,
      check: this.#violation?.check,
      trace: this.#trace.digest(),
      simulatedMs: Math.round(this.#clock.now()),
      finishMs: this.#finishMs,
      certificates: this.#checks.certificates,
      chosen: this.#faults.chosen,
      peers: this.#peers,
      faults: this.#faults.counts,
      branches: { ...this.#branches.counts, ...this.#checks.counts },
    }
  }

  /** What is looked at inside of a peer must not go through it: it would take a violation for a failure of its own. */
  #check(look: () => void): void {
    if (this.#isRepeated) return
    try {
      look()
    } catch (error) {
      this.failed(error)
    }
  }

  get #isRepeated(): boolean {
    return this.#options.first !== undefined
  }

  #nameOf(id: PeerId): string {
    return this.#cluster.nameOf(id)
  }

  #formed(): boolean {
    return this.#cluster.peers.every((peer) => peer.peer?.node.document !== undefined)
  }

  async #submit(): Promise<void> {
    const submissions = this.#cluster.peers[0]?.submissions
    if (submissions === undefined) throw new Error('the first peer runs')
    let done = false
    let failure: unknown
    submissions.submit({ text: jobText(this.#workload), format: 'yaml' }, 30_000).then(
      () => {
        done = true
      },
      (error) => {
        failure = error
      },
    )
    await this.#clock.runUntil('the job is submitted', () => done || failure !== undefined, 40_000)
    if (failure !== undefined) throw failure
  }

  async #runChecked(forMs: number): Promise<void> {
    for (let left = forMs; left > 0; left -= LOOK_EVERY_MS) {
      await this.#clock.run(Math.min(left, LOOK_EVERY_MS))
      if (this.#violation !== undefined) throw this.#violation
      if (!this.#isRepeated) this.#look()
      this.#readers.look()
    }
  }

  #look(): void {
    this.#checks.sink(this.#log)
    this.#storeChecks.look()
    for (const { id, name, disk, spared } of this.#cluster.running) {
      const stored = spared ? undefined : disk.find('control', 'document')
      if (stored !== undefined) this.#control.held(id, name, stored)
    }
  }

  /** Until the sink has what the source says. */
  async #finish(before: number): Promise<void> {
    const deadline = this.#clock.now() + PROGRESS_WITHIN_MS
    let known: { readonly by: string; readonly expected: Expected; readonly whole: Set<SinkKind> } | undefined
    for (;;) {
      await this.#runChecked(LOOK_EVERY_MS)
      this.#finishMs += LOOK_EVERY_MS
      const gaps = this.#gaps()
      // Nobody writes to the source any more, as a rule.
      const written = inputsOf(this.#log, this.#workload).map(({ history }) => history.length)
      const by = JSON.stringify([written, gaps])
      if (known?.by !== by) known = { by, expected: expectedOf(this.#log, this.#workload, gaps), whole: new Set() }
      const { expected, whole } = known
      const letters = this.#checks.deadLetters()
      const shuffled = mayLack(this.#workload)
      const asleep = this.#workload.onIdle === 'emit' && this.#terms.idled
      // Nobody waits for a new partition before it is noticed.
      if (shuffled && !asleep && !this.#producers.grown && letters.late > 0) {
        throw new Violation('complete', `${letters.late} late records, though no partition was decided to be silent`)
      }
      const missing = this.#missing(expected, before, shuffled ? letters.late : undefined, whole)
      const counted =
        (shuffled || this.#mayBeLate(gaps) || letters.late === expected.late) &&
        letters.dead >= expected.dead &&
        letters.dead <= expected.deadMost
      if (missing === undefined && counted) return this.#storeChecks.finish()
      if (this.#clock.now() < deadline) continue
      const why =
        missing ??
        `${letters.late} late and ${letters.dead} dead letters, expected ${expected.late} and ${expected.dead}`
      this.#sayWhereUnitsStand()
      throw new Violation('progress', `no progress ${PROGRESS_WITHIN_MS / 1000} s after the faults ended: ${why}`)
    }
  }

  /** Behind a gap the watermark may be beyond records that come later. */
  #mayBeLate(gaps: readonly Gap[]): boolean {
    return dependsOnOthers(this.#workload) && gaps.length > 0
  }

  /** Records that were given up. What was taken after the snapshot is in no state any more. */
  #gaps(): Gap[] {
    return this.#terms.gaps.flatMap(({ unit, snapshot, to }) => {
      const { stage, partition } = parseUnitId(unit)
      return stage === 0 ? [{ partition, from: this.#checks.offsetOf(unit, snapshot), to }] : []
    })
  }

  /**
   * What the first sink lacks that lacks something.
   * @param whole had everything when they were looked at. What they have is much to read: they come last, and so are looked at again when all have it
   */
  #missing(expected: Expected, before: number, late: number | undefined, whole: Set<SinkKind>): string | undefined {
    const lackingFirst = this.#workload.sinks.toSorted((a, b) => Number(whole.has(a)) - Number(whole.has(b)))
    for (const kind of lackingFirst) {
      const records = kind === 'kafka' ? this.#checks.records(this.#log) : this.#storeChecks.records(kind)
      const wanted = expectedAt(expected, leastAt(this.#workload, kind))
      const missing = this.#checks.complete(records, wanted, before, late)
      if (missing === undefined) whole.add(kind)
      else {
        whole.delete(kind)
        return `${kind}: ${missing}`
      }
    }
    return undefined
  }

  /** In the end somebody else writes to the topics between the stages: whoever reads that stops, and believes nothing. */
  async #forge(): Promise<void> {
    this.#forging = true
    const readers = forgeSlices(this.#log)
    const believing = () => [...readers].filter((stage) => !this.#refused.has(stage))
    // Where records were given up nothing said that units have caught up.
    for (let left = PROGRESS_WITHIN_MS; left > 0 && believing().length > 0; left -= LOOK_EVERY_MS) {
      await this.#runChecked(LOOK_EVERY_MS)
    }
    const [stage] = believing()
    if (stage === undefined) return
    throw new Violation('forgery refused', `no unit of stage ${stage} halted at a slice that nobody signed`)
  }

  /** For whoever looks into a run that does not end. */
  #sayWhereUnitsStand(): void {
    for (const { name, peer, leaving } of this.#cluster.peers) {
      const { view, acceptors, number } = peer?.node.document ?? {}
      const known = view?.members.map((member) => this.#nameOf(member))
      const chosen = acceptors?.map((member) => this.#nameOf(member))
      const others = peer?.node.members().map((member) => `${this.#nameOf(member.id)} ${member.state}`)
      this.#say(
        `${name} leaving ${leaving}: document ${number}, view ${view?.number} of ${known}, acceptors ${chosen}; ${others}`,
      )
      for (const hosted of peer?.host.units.values() ?? []) {
        const { unit } = hosted.description
        const agreement = peer?.node.unit(unit)
        const { state, offset, epoch, waiting, decisions, blocked, trouble, halt, orders, course } = hosted
        const cuts = [...waiting.keys()]
        const known = { state, offset, epoch, waiting: cuts, decisions, blocked, trouble, halt, orders, course }
        const { term, frontier, computedPosition: computed, sealed, poll, keptBackBy = [] } = agreement ?? {}
        const keptBack = keptBackBy.map((witness) => this.#nameOf(witness))
        const all = { ...known, term, frontier, computed, sealed, poll, keptBack }
        this.#say(`${name} ${unit} ${JSON.stringify(all)}`)
      }
    }
  }

  #watch(peer: SimulatedPeer): SimulatedObserver {
    return new SimulatedObserver({
      certified: (certificate) => {
        const { unit, seq, part } = certificate.content
        const what = `certified ${peer.name} ${unit} ${seq} ${part}`
        this.#note(what)
        this.#say(what)
        this.#check(() => {
          const goneBelow = () => this.#terms.goneBelow(certificate.content)
          const inputs = () => inputsOf(this.#log, this.#workload)
          this.#checks.certifiedBy(peer.name, certificate, { log: this.#log, inputs, goneBelow })
          this.#terms.certified(certificate)
        })
        this.#branches.certified(unit, seq, certificate.content.counts.late)
      },
      held: (certificate, batch) => this.#check(() => this.#checks.heldBy(peer.name, certificate, batch)),
      took: (branch) => this.#branches.took(branch),
      diverged: ({ peer: by, unit, position, cause }) => {
        this.#branches.took('diverged')
        if (this.#cluster.isSpoiled(by)) return
        const place = `${unit} ${position.seq}.${position.part}`
        const told = `${this.#nameOf(by)} diverged at ${place} (${cause}), seen by ${peer.name}`
        this.failed(new Violation('nobody diverges', told))
      },
      sinkHalted: (unit, sink, { message }) => {
        // No sink of a run ever refuses for good, and two results for one place are a fork.
        this.failed(new Violation('no halt', `${peer.name} writes nothing more of ${unit} to ${sink}: ${message}`))
      },
      halted: (unit, { code, message }) => {
        if (code === 'QRT_CERTIFICATE_INVALID' && this.#forging) this.#refused.add(parseUnitId(unit).stage)
        else if (!EXPECTED_HALTS.has(code))
          this.failed(new Violation('no halt', `${peer.name} halted ${unit}: ${message}`))
      },
    })
  }

  #sent(from: PeerId, to: PeerId, body: Wire): void {
    const channel = (body as { readonly c?: unknown } | null)?.c
    this.#note(`sent ${from} ${to} ${channel}`)
    this.#check(() => {
      this.#statements.sent(from, body)
      this.#terms.sent(body)
    })
    this.#branches.sent(body)
    const { c, m } = (body ?? {}) as { readonly c?: unknown; readonly m?: { readonly t?: unknown } }
    if (c === 'unit' && m?.t === 'propose') this.#faults.proposed(from)
  }

  #note(what: string): void {
    this.#trace.add(`${this.#clock.now()} ${what}\n`)
  }

  #say(text: string): void {
    this.#options.say?.(`${(this.#clock.now() / 1000).toFixed(3).padStart(9)}  ${text}`)
  }
}
