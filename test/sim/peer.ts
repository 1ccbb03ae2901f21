/** A simulated peer: the production peer on a simulated process, network, disk, log and sinks. It crashes and comes back. */
import { type PeerId, type Signer, seededRandom } from '../../mesh/index.ts'
import type { Random } from '../../mesh/random.ts'
import type { Sink, SinkPlan } from '../../src/commit/sink.ts'
import { KafkaSink } from '../../src/commit/sinks/kafka.ts'
import { ShuffleSink } from '../../src/commit/sinks/shuffle.ts'
import type { Log } from '../../src/log/log.ts'
import type { Observer } from '../../src/peer/observer.ts'
import { Peer } from '../../src/peer/peer.ts'
import { Submissions } from '../../src/peer/submissions.ts'
import { SimulatedDisk } from './disk.ts'
import { fakeSigner, fakeVerifier } from './identity.ts'
import type { SimulatedLog } from './log.ts'
import type { SimulatedNetwork, SimulatedTransport } from './network.ts'
import { SimulatedProcess } from './process.ts'
import { quietLogger } from './quiet.ts'
import { SimulatedWorkers } from './workers.ts'

export interface World {
  readonly network: SimulatedNetwork
  readonly log: SimulatedLog
  readonly random: Random
  readonly expect: number
  readonly tickMs: number
  /** Sees what a peer says of itself. */
  readonly watch: (peer: SimulatedPeer) => Observer
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
  readonly signer: Signer
  readonly disk: SimulatedDisk
  readonly #world: World
  readonly #index: number
  #life: Life | undefined

  constructor(world: World, index: number) {
    this.#world = world
    this.#index = index
    this.name = `p${index}`
    this.signer = fakeSigner(this.name)
    this.disk = new SimulatedDisk({ clock: world.network.clock, random: world.random })
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
    if (this.#life !== undefined) return
    const { network, log, random, expect, tickMs, watch } = this.#world
    const process = new SimulatedProcess(network.clock)
    const { id, publicKey } = this.signer
    const transport = network.createTransport({ id, publicKey, name: this.name }, this.address, (action) =>
      process.run(action),
    )
    const client = log.open(process)
    let workers: SimulatedWorkers | undefined
    const observer = watch(this)
    const sinks = new Map<string, Sink>()
    const sink = (plan: SinkPlan): Sink => sinkOf(plan, client, sinks)
    const peer = new Peer(
      {
        clock: process,
        wallClock: () => Math.round(network.clock.now()),
        random: seededRandom(random.below(2 ** 31)),
        signer: this.signer,
        verifier: fakeVerifier,
        transport,
        store: this.disk.open(),
        workers: (events) => {
          workers = new SimulatedWorkers(process, client, events)
          return workers
        },
        sink,
        observer,
      },
      {
        name: this.name,
        version: 'simulated',
        seeds: [`ws://sim:7400`, `ws://sim:7401`],
        bootstrapExpect: expect,
        tickMs,
        onFailure: () => {
          if (!process.alive) return
          this.crash()
          // Whoever runs a peer starts it again.
          network.clock.after(SUPERVISED_MS, () => this.start())
        },
      },
    )
    const submissions = new Submissions({
      peer,
      log: client,
      sink,
      wallClock: () => Math.round(network.clock.now()),
      logger: quietLogger,
    })
    if (workers === undefined) throw new Error('a peer makes its workers when it is made')
    this.#life = { process, transport, peer, workers, submissions }
    peer.start(`http://sim:${this.#index}`).catch((error) => {
      if (process.alive) throw error
    })
  }

  /** The process is gone at once. */
  crash(): void {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
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
