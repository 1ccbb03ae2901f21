/**
 * A network on simulated time, seeded: delay, loss, duplication, reordering, partitions in one or both directions,
 * connections that break. Peers share no objects: each gets a copy, through the real codec if not told otherwise. Without
 * faults it keeps what the Transport promises; reordering and duplication are more than TCP does, for protocols that
 * must not care.
 */
import { MeshError } from '../../mesh/errors.ts'
import type { PeerId } from '../../mesh/ids.ts'
import type { Random } from '../../mesh/random.ts'
import type { PeerIdentity, Transport, TransportEvent, Wire } from '../../mesh/transport/transport.ts'
import type { SimulatedClock } from './clock.ts'
import { type Copied, type Copying, throughCodec } from './copying.ts'

export interface NetworkFaults {
  /** One way takes between these, in milliseconds. */
  readonly delayMs: readonly [number, number]
  /** Share of messages that vanish though the connection lives. */
  readonly loss: number
  /** Share of messages that arrive twice. */
  readonly duplication: number
  /** Share of messages that may overtake others. */
  readonly reordering: number
}

const CALM: NetworkFaults = { delayMs: [0.2, 1], loss: 0, duplication: 0, reordering: 0 }

export class SimulatedNetwork {
  readonly clock: SimulatedClock
  readonly #random: Random
  readonly #listening = new Map<string, SimulatedTransport>()
  readonly #cut = new Set<string>()
  #nextPort = 7400
  faults: NetworkFaults = CALM
  copying: Copying = throughCodec
  /** Sees every message as it is sent: for checkers. */
  onSend: ((from: PeerId, to: PeerId, body: Wire) => void) | undefined
  /** Sees every message as it arrives. */
  onReceive: ((from: PeerId, to: PeerId, body: Wire) => void) | undefined

  constructor(clock: SimulatedClock, random: Random) {
    this.clock = clock
    this.#random = random
  }

  /** A transport of a process that starts now; give the address of an earlier one to a restarted peer. */
  createTransport(
    peer: Omit<PeerIdentity, 'address'>,
    address = `ws://sim:${this.#nextPort++}`,
    run: (action: () => void) => void = (action) => action(),
    alter: (body: Wire) => Wire = (body) => body,
  ): SimulatedTransport {
    return new SimulatedTransport(this, { ...peer, address }, run, alter)
  }

  listen(transport: SimulatedTransport): void {
    this.#listening.set(transport.self.address, transport)
  }

  unlisten(transport: SimulatedTransport): void {
    if (this.#listening.get(transport.self.address) === transport) this.#listening.delete(transport.self.address)
  }

  at(address: string): SimulatedTransport | undefined {
    return this.#listening.get(address)
  }

  /** Nothing passes from one group to the other; with `oneWay`, only from the first to the second. */
  partition(from: readonly PeerId[], to: readonly PeerId[], oneWay = false): void {
    for (const a of from) {
      for (const b of to) {
        this.#cut.add(`${a} ${b}`)
        if (!oneWay) this.#cut.add(`${b} ${a}`)
      }
    }
  }

  heal(): void {
    this.#cut.clear()
  }

  passes(from: PeerId, to: PeerId): boolean {
    return this.#cut.size === 0 || !this.#cut.has(`${from} ${to}`)
  }

  /** Breaks the connection of two peers; either may dial again. */
  breakConnection(a: SimulatedTransport, b: SimulatedTransport): void {
    a.drop(b.self.id, 'the simulated connection broke')
    b.drop(a.self.id, 'the simulated connection broke')
  }

  delay(): number {
    const [least, most] = this.faults.delayMs
    return least + this.#random.next() * (most - least)
  }

  happens(share: number): boolean {
    return share > 0 && this.#random.next() < share
  }
}

/** One end of a connection; both ends carry the same number. */
interface Link {
  readonly number: number
  readonly remote: SimulatedTransport
  /** When the latest ordered message arrives at the other end: none sent later arrives before. */
  arrivesAt: number
}

let linkNumber = 0

export class SimulatedTransport implements Transport {
  readonly self: PeerIdentity
  readonly #network: SimulatedNetwork
  readonly #links = new Map<PeerId, Link>()
  readonly #peers = new Map<PeerId, PeerIdentity>()
  readonly #dialling = new Set<string>()
  /** Runs what happens to the process, when it runs. */
  readonly #run: (action: () => void) => void
  /** What becomes of a message in the hands of its sender. */
  readonly #alter: (body: Wire) => Wire
  #onEvent: ((event: TransportEvent) => void) | undefined
  #closed = false

  constructor(
    network: SimulatedNetwork,
    self: PeerIdentity,
    run: (action: () => void) => void,
    alter: (body: Wire) => Wire,
  ) {
    this.#network = network
    this.#run = run
    this.#alter = alter
    this.self = self
  }

  get peers(): ReadonlyMap<PeerId, PeerIdentity> {
    return this.#peers
  }

  async start(onEvent: (event: TransportEvent) => void): Promise<PeerIdentity> {
    this.#onEvent = (event) => this.#run(() => onEvent(event))
    this.#network.listen(this)
    return this.self
  }

  dial(address: string): void {
    if (this.#closed || this.#dialling.has(address)) return
    for (const peer of this.#peers.values()) if (peer.address === address) return
    this.#dialling.add(address)
    const network = this.#network
    network.clock.after(network.delay() + network.delay(), () => {
      this.#dialling.delete(address)
      if (this.#closed) return
      const remote = network.at(address)
      if (remote === this) return this.#refused(address, 'QRT_MESH_IDENTITY', 'it is this peer itself')
      const id = remote?.self.id
      const reachable = id !== undefined && network.passes(this.self.id, id) && network.passes(id, this.self.id)
      if (remote === undefined || !reachable) return this.#refused(address, 'QRT_MESH_UNREACHABLE', 'nobody answers')
      if (this.#links.get(remote.self.id)?.remote === remote) return
      const number = ++linkNumber
      remote.accept(this, number)
      this.accept(remote, number)
    })
  }

  accept(remote: SimulatedTransport, number: number): void {
    const { id } = remote.self
    // A restarted peer replaces the connection of the process before it.
    this.drop(id, 'replaced by a newer connection')
    this.#links.set(id, { number, remote, arrivesAt: 0 })
    this.#peers.set(id, remote.self)
    this.#onEvent?.({ kind: 'connected', peer: remote.self })
  }

  send(to: PeerId, body: Wire): boolean {
    const link = this.#links.get(to)
    if (link === undefined || this.#closed) return false
    const { faults } = this.#network
    this.#network.onSend?.(this.self.id, to, body)
    if (this.#network.happens(faults.loss)) return true
    const altered = this.#alter(body)
    this.#deliver(link, this.#network.copying(altered))
    // Each gets a copy of its own, also when both come to the same peer.
    if (this.#network.happens(faults.duplication)) this.#deliver(link, this.#network.copying(altered))
    return true
  }

  disconnect(peer: PeerId, reason: string): void {
    const link = this.#links.get(peer)
    if (link === undefined) return
    this.drop(peer, reason)
    this.#hangUp(link)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#network.unlisten(this)
    for (const link of this.#links.values()) this.#hangUp(link)
    this.#links.clear()
    this.#peers.clear()
  }

  /** The process is gone: nothing is sent, and a peer finds out when it next sends. */
  crash(): void {
    this.#closed = true
    this.#network.unlisten(this)
    this.#links.clear()
    this.#peers.clear()
  }

  /** The connection ends here, and only here. */
  drop(peer: PeerId, reason: string): void {
    if (!this.#links.delete(peer)) return
    this.#peers.delete(peer)
    this.#onEvent?.({ kind: 'disconnected', peer, reason })
  }

  /** False where this end knows no such connection: a real one answers with a reset. */
  receive(from: PeerId, number: number, copied: Copied): boolean {
    if (this.#closed || this.#links.get(from)?.number !== number) return false
    const body = copied.body()
    this.#network.onReceive?.(from, this.self.id, body)
    this.#onEvent?.({ kind: 'message', from, body, bytes: copied.bytes })
    return true
  }

  hungUp(from: PeerId, number: number): void {
    if (!this.#closed && this.#links.get(from)?.number === number) this.drop(from, 'the other end closed')
  }

  #deliver(link: Link, copied: Copied): void {
    const network = this.#network
    let at = network.clock.now() + network.delay()
    if (!network.happens(network.faults.reordering)) {
      at = Math.max(at, link.arrivesAt)
      link.arrivesAt = at
    }
    network.clock.after(at - network.clock.now(), () => {
      // A partition drops what is under way: it acts when a message would arrive.
      const { id } = link.remote.self
      if (!network.passes(this.self.id, id) || link.remote.receive(this.self.id, link.number, copied)) return
      if (network.passes(id, this.self.id)) this.hungUp(id, link.number)
    })
  }

  #hangUp({ remote, number, arrivesAt }: Link): void {
    const network = this.#network
    const at = Math.max(network.clock.now() + network.delay(), arrivesAt)
    network.clock.after(at - network.clock.now(), () => remote.hungUp(this.self.id, number))
  }

  #refused(address: string, code: 'QRT_MESH_IDENTITY' | 'QRT_MESH_UNREACHABLE', why: string): void {
    this.#onEvent?.({ kind: 'refused', address, error: new MeshError(code, `${address}: ${why}`) })
  }
}
