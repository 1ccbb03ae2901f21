/** A simulated peer: the production peer on a simulated process, network, disk, log and sinks. It crashes and comes back. */
import {
  type ControlChange,
  type ControlDocument,
  decodeStored,
  type PeerId,
  type Signer,
  seededRandom,
  type Wire,
} from '../../mesh/index.ts'
import type { Random } from '../../mesh/random.ts'
import { restore } from '../../src/checkpoint/restorer.ts'
import type { Sink, SinkPlan } from '../../src/commit/sink.ts'
import { KafkaSink } from '../../src/commit/sinks/kafka.ts'
import { ShuffleSink } from '../../src/commit/sinks/shuffle.ts'
import type { Log } from '../../src/log/log.ts'
import { Growth } from '../../src/peer/growth.ts'
import type { Observer } from '../../src/peer/observer.ts'
import { Peer } from '../../src/peer/peer.ts'
import { Submissions } from '../../src/peer/submissions.ts'
import type { StoreOp } from '../../src/store/store.ts'
import { STORE_TABLES } from '../../src/store/store.ts'
import type { Branch } from './branches.ts'
import type { SimulatedCheckpoints } from './checkpoints.ts'
import { SimulatedDisk } from './disk.ts'
import { fakeSigner, fakeVerifier } from './identity.ts'
import type { SimulatedLog } from './log.ts'
import type { SimulatedNetwork, SimulatedTransport } from './network.ts'
import { SimulatedProcess } from './process.ts'
import { quietLogger } from './quiet.ts'
import type { Quirks } from './stages.ts'
import type { SimulatedStores } from './stores.ts'
import { SimulatedWorkers } from './workers.ts'

export interface World {
  readonly network: SimulatedNetwork
  readonly log: SimulatedLog
  readonly stores: SimulatedStores
  /** Undefined: peers keep none. */
  readonly checkpoints: SimulatedCheckpoints | undefined
  readonly random: Random
  readonly expect: number
  readonly tickMs: number
  /** Of peers that are there now. */
  readonly seeds: () => readonly string[]
  /** Undefined: a dead member stays one. */
  readonly removeAfterMs: number | undefined
  /** Sees what a peer says of itself. */
  readonly watch: (peer: SimulatedPeer) => Observer
  readonly took: (branch: Branch) => void
  /** A client of a peer asks for a change; the answer goes to what is returned. */
  readonly onChange: (peer: SimulatedPeer, change: ControlChange) => (document: ControlDocument) => void
  /** Sees what is about to be on a peer's disk. */
  readonly onWrite: (peer: SimulatedPeer, ops: readonly StoreOp[]) => void
  /** A peer is about to be gone for good, by this document. */
  readonly onLeft: (peer: SimulatedPeer, document: ControlDocument) => void
  /** A peer stopped because of this. */
  readonly onFailure: (peer: SimulatedPeer, error: Error) => void
  /** A peer could not take over the jobs of the cluster that was lost. */
  readonly onUnrestorable: (peer: SimulatedPeer, error: unknown) => void
  /** A peer gave up its identity because of what its disk says. */
  readonly onRetired: (peer: SimulatedPeer, reason: string) => void
}

const SUPERVISED_MS = 2_000

interface Life {
  readonly process: SimulatedProcess
  readonly transport: SimulatedTransport
  readonly peer: Peer
  readonly workers: SimulatedWorkers
  readonly submissions: Submissions
}

export class SimulatedPeer {
  readonly name: string
  signer: Signer
  disk: SimulatedDisk
  /** It was told to leave, and has not yet. */
  leaving = false
  /** It was made to compute wrongly, at some time. */
  spoiled = false
  /** Its identities so far. */
  readonly ids: PeerId[] = []
  /** How wrong its clock is; people read it, and nothing else does. */
  wrongByMs = 0
  /** What is wrong with the machine: it outlives restarts. */
  readonly quirks: Quirks
  /** Its disk was damaged, or is an old one: what it has forgotten is no fault of the protocols. */
  spared = false
  /** What of the disks of which identity could not be read any more. */
  readonly damage: { readonly id: PeerId; readonly table: string; readonly key: string }[] = []
  #identities = 1
  /** With how many it forms a cluster of its own, while it has this identity; undefined: it joins one. */
  #expects: number | undefined
  /** The lost cluster whose jobs it takes over. */
  #restores: string | undefined
  /** Its machine is gone for now: it cannot be started. */
  #buried = false
  readonly #world: World
  readonly #index: number
  #life: Life | undefined

  constructor(world: World, index: number) {
    this.#world = world
    this.#index = index
    this.#expects = index < world.expect ? world.expect : undefined
    this.name = `p${index}`
    this.signer = fakeSigner(this.name)
    this.quirks = { wrong: 'never', error: index + 1, cuts: 0, givesWrong: false, versions: [1] }
    this.disk = this.#disk()
    this.ids.push(this.signer.id)
  }

  get id(): PeerId {
    return this.signer.id
  }
  get address(): string {
    return `ws://sim:${7400 + this.#index}`
  }
  get running(): boolean {
    return this.#life !== undefined
  }
  get peer(): Peer | undefined {
    return this.#life?.peer
  }
  get submissions(): Submissions | undefined {
    return this.#life?.submissions
  }
  get transport(): SimulatedTransport | undefined {
    return this.#life?.transport
  }

  start(): void {
    if (this.#life !== undefined || this.#buried) return
    const { network, log, random, tickMs, removeAfterMs, watch, checkpoints } = this.#world
    const process = new SimulatedProcess(network.clock)
    const { id, publicKey } = this.signer
    const transport = network.createTransport(
      { id, publicKey, name: this.name },
      this.address,
      (action) => process.run(action),
      (body) => (this.quirks.givesWrong ? damaged(body) : body),
    )
    const client = log.open(process)
    let workers: SimulatedWorkers | undefined
    const observer = watch(this)
    const sinks = new Map<string, Sink>()
    const sink = (plan: SinkPlan): Sink => this.#world.stores.sink(plan, process) ?? sinkOf(plan, client, sinks)
    const peerRandom = seededRandom(random.below(2 ** 31))
    const peer = new Peer(
      {
        clock: process,
        wallClock: () => Math.round(network.clock.now()) + this.wrongByMs,
        random: peerRandom,
        signer: this.signer,
        verifier: fakeVerifier,
        transport,
        store: this.disk.open(),
        workers: (events) => {
          workers = new SimulatedWorkers(process, client, events, this.quirks, { took: this.#world.took, random })
          return workers
        },
        sink,
        trim: (at, offset) => client.trim(at, offset).then(() => this.#world.took('trimmed')),
        ...(checkpoints === undefined ? {} : { checkpoints: checkpoints.keeper(process) }),
        observer,
      },
      {
        name: this.name,
        version: 'simulated',
        seeds: this.#world.seeds(),
        bootstrapExpect: this.#expects,
        view: { admitAfterMs: 2_000, removeAfterMs },
        versions: this.quirks.versions,
        tickMs,
        onFailure: (error) => {
          if (!process.alive) return
          this.#world.onFailure(this, error)
          this.crash()
          // Whoever runs a peer starts it again.
          network.clock.after(SUPERVISED_MS, () => this.start())
        },
        onRetired: ({ again, reason }) => {
          if (!process.alive) return
          if (!again) throw new Error(`${this.name} was removed: ${reason}`)
          this.#world.onRetired(this, reason)
          this.#world.took('retired')
          this.crash()
          this.wipe()
          network.clock.after(SUPERVISED_MS, () => this.start())
        },
      },
    )
    const change = peer.node.change.bind(peer.node)
    peer.node.change = async (wanted, timeoutMs) => {
      const answered = this.#world.onChange(this, wanted)
      const document = await change(wanted, timeoutMs)
      // The client of a process that died never hears of the answer.
      if (process.alive) answered(document)
      return document
    }
    const submissions = new Submissions({
      peer,
      log: client,
      sink,
      wallClock: () => Math.round(network.clock.now()),
      logger: quietLogger,
    })
    if (workers === undefined) throw new Error('a peer makes its workers when it is made')
    this.#life = { process, transport, peer, workers, submissions }
    new Growth({ peer, log: client, clock: process, random: peerRandom, logger: quietLogger }).start()
    peer.start(`http://sim:${this.#index}`).catch((error) => {
      if (process.alive) throw error
    })
    if (this.#restores !== undefined) this.#restore(this.#restores, peer, process, sink)
  }

  /** As a peer does that is started with `--restore`. */
  #restore(cluster: string, peer: Peer, process: SimulatedProcess, sink: (plan: SinkPlan) => Sink): void {
    const keeper = this.#world.checkpoints?.keeper(process)
    if (keeper === undefined) throw new Error('a cluster is restored from checkpoints')
    restore({
      ...{ cluster, keeper, sink, node: peer.node, logger: quietLogger },
      verifies: (certificate, terms) => peer.node.verifies(certificate, terms),
      after: (delayMs, action) => {
        process.after(delayMs, action)
      },
      stopped: () => !process.alive,
    }).catch((error) => {
      if (process.alive) this.#world.onUnrestorable(this, error)
    })
  }

  #disk(): SimulatedDisk {
    const disk = new SimulatedDisk({ clock: this.#world.network.clock, random: this.#world.random })
    disk.onWrite = (ops) => this.#world.onWrite(this, ops)
    return disk
  }

  /** The control document on its disk. To be asked of a disk that is whole. */
  get storedDocument(): ControlDocument | undefined {
    const stored = this.disk.find('control', 'document')
    return stored === undefined ? undefined : (decodeStored(stored) as ControlDocument)
  }

  /** Makes it compute wrongly. */
  spoil(how: 'once' | 'always' | 'everyOther'): void {
    this.spoiled = true
    this.quirks.wrong = how
  }

  /** Another disk, empty, and so another identity under the same name. To be called while it is down. */
  wipe(): void {
    this.#identities += 1
    this.#expects = undefined
    this.#restores = undefined
    this.spared = false
    this.signer = fakeSigner(`${this.name}, ${this.#identities}`)
    this.ids.push(this.signer.id)
    this.disk = this.#disk()
  }

  /** Its machine is gone, disk and all, until another one rises in its place. */
  bury(): void {
    this.crash()
    this.wipe()
    this.#buried = true
  }

  /** One of so many that form another cluster, which takes over the jobs of the lost one. */
  rise(expects: number, restores: string): void {
    this.#buried = false
    this.#expects = expects
    this.#restores = restores
    this.start()
  }

  /** Hands over what it has, and is gone for good; a crash on the way undoes that. */
  leave(gone: () => void): void {
    const life = this.#life
    if (life === undefined) return
    this.leaving = true
    life.peer.leave().then(() => {
      if (this.#life !== life) return
      const { document } = life.peer.node
      if (document !== undefined) this.#world.onLeft(this, document)
      this.crash()
      this.leaving = false
      gone()
    })
  }

  /** One entry of its disk, of those that others could give again or not, cannot be read any more. False: it is empty. */
  flipBit(random: Random): boolean {
    const found = STORE_TABLES.flatMap((table) => this.disk.keys(table).map((key) => ({ table, key })))
    const entry = found[random.below(Math.max(1, found.length))]
    if (entry === undefined) return false
    this.disk.corrupt(entry.table, entry.key)
    this.damage.push({ id: this.id, ...entry })
    this.spared = true
    return true
  }

  /** The process is gone at once. */
  crash(): void {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
    this.leaving = false
    life.process.kill()
    life.transport.crash()
    this.disk.crash()
  }

  /** The process stands still for so long. */
  stop(forMs: number): void {
    this.#life?.process.stop(forMs)
  }

  crashWorker(): void {
    this.#life?.workers.crash()
  }
}

/** A piece of a snapshot that is on its way to another peer, with one bit changed. */
function damaged(body: Wire): Wire {
  const { c, body: answer, ...envelope } = (body ?? {}) as { readonly [key: string]: Wire }
  const { bytes } = (answer ?? {}) as { readonly [key: string]: Wire }
  if (c !== 'response' || !(bytes instanceof Uint8Array) || bytes.length === 0) return body
  const other = new Uint8Array(bytes)
  other[bytes.length >> 1] = (other[bytes.length >> 1] ?? 0) ^ 1
  return { ...envelope, c, body: { bytes: other } }
}

function sinkOf(plan: SinkPlan, log: Log, sinks: Map<string, Sink>): Sink {
  if (plan.kind !== 'kafka' && plan.kind !== 'shuffle') throw new Error(`no simulated sink of kind ${plan.kind}`)
  const name = `${plan.kind}:${plan.topic}`
  const known = sinks.get(name)
  if (known !== undefined) return known
  const sink =
    plan.kind === 'kafka' ? new KafkaSink(plan.topic, log) : new ShuffleSink(plan.topic, plan.partitions, log)
  sinks.set(name, sink)
  return sink
}
