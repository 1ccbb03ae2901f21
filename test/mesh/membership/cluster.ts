/**
 * Membership cores wired together in memory: one clock that moves in steps, a network with delay, loss and cuts, and
 * connections made by dialling. The same seed gives the same run.
 */
import type { Signer } from '../../../mesh/identity.ts'
import type { PeerId } from '../../../mesh/ids.ts'
import type { MembershipCore, MembershipEffect } from '../../../mesh/membership/core.ts'
import type { Member, MemberState } from '../../../mesh/membership/member.ts'
import { createMembership } from '../../../mesh/membership/membership.ts'
import type { MembershipSettings } from '../../../mesh/membership/settings.ts'
import { type Random, seededRandom } from '../../../mesh/random.ts'
import type { Wire } from '../../../mesh/transport/transport.ts'
import { fakeSigner, fakeVerifier } from '../../sim/identity.ts'

export interface ClusterOptions {
  readonly seed: number
  readonly settings?: Partial<MembershipSettings>
  readonly stepMs?: number
}

interface Peer {
  readonly name: string
  readonly signer: Signer
  readonly address: string
  core: MembershipCore
  running: boolean
  /** Not ticked and nothing delivered until then: a stopped process with a live connection. */
  stoppedUntil: number
}

interface Delivery {
  readonly at: number
  readonly from: Peer
  readonly to: Peer
  readonly body: Wire
}

export type Change = { readonly at: number; readonly seenBy: string; readonly name: string; readonly to: MemberState }

export class Cluster {
  now = 0
  loss = 0
  /** Every change of state that a peer reported. */
  readonly changes: Change[] = []
  readonly malformed: PeerId[] = []
  /** Every round trip that a peer measured. */
  readonly roundTrips: { readonly seenBy: string; readonly peer: PeerId; readonly durationMs: number }[] = []
  readonly #random: Random
  readonly #options: ClusterOptions
  readonly #peers = new Map<string, Peer>()
  readonly #links = new Set<string>()
  readonly #cuts = new Set<string>()
  /** Connections that carry nothing any more; for an end that has noticed, `left>right` too. */
  readonly #dead = new Set<string>()
  #inFlight: Delivery[] = []

  constructor(options: ClusterOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
  }

  /** Starts a peer, or starts it again with the same identity and nothing remembered. */
  start(name: string, seeds: readonly string[] = [], version = '1'): MembershipCore {
    const signer = fakeSigner(name)
    const address = `ws://${name}`
    const self = { id: signer.id, publicKey: signer.publicKey, name, address, httpAddress: `http://${name}`, version }
    const core = createMembership({
      self,
      signer,
      verifier: fakeVerifier,
      random: seededRandom(this.#random.below(2 ** 31)),
      seeds: seeds.map((seed) => `ws://${seed}`),
      now: this.now,
      ...(this.#options.settings === undefined ? {} : { settings: this.#options.settings }),
    })
    this.#peers.set(name, { name, signer, address, core, running: true, stoppedUntil: 0 })
    return core
  }

  /** Peers that know and are connected to one another. */
  static started(names: readonly string[], options: ClusterOptions): Cluster {
    const cluster = new Cluster(options)
    for (const name of names) cluster.start(name, [names[0]!])
    cluster.runUntil(() => names.every((name) => cluster.seenAlive(name).length === names.length), 10_000)
    return cluster
  }

  core(name: string): MembershipCore {
    return this.#peer(name).core
  }

  /** The process ends. `silent`: its connections do not (a host that lost power); the others must find out. */
  kill(name: string, how: 'reset' | 'silent'): void {
    const peer = this.#peer(name)
    peer.running = false
    if (how === 'reset') this.#disconnect(peer)
  }

  leave(name: string): void {
    const peer = this.#peer(name)
    this.#carry(peer, peer.core.leave(this.now))
    this.run(100)
    this.kill(name, 'reset')
  }

  /** The process does nothing for a while and then goes on, with all that arrived meanwhile in its queue. */
  stop(name: string, forMs: number): void {
    this.#peer(name).stoppedUntil = this.now + forMs
  }

  /** Messages one way are lost; connections stay. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`)
  }

  /** Two groups lose all messages and connections between them. */
  partition(left: readonly string[], right: readonly string[]): void {
    for (const a of left) {
      for (const b of right) {
        this.cut(a, b)
        this.cut(b, a)
        this.#unlink(this.#peer(a), this.#peer(b))
      }
    }
  }

  /** As a network does it: packets vanish, and no connection ends. It is of no use afterwards either. */
  swallow(left: readonly string[], right: readonly string[]): void {
    for (const a of left) {
      for (const b of right) {
        this.cut(a, b)
        this.cut(b, a)
        this.#dead.add(linkOf(this.#peer(a), this.#peer(b)))
      }
    }
  }

  heal(): void {
    this.#cuts.clear()
  }

  isConnected(from: string, to: string): boolean {
    const link = linkOf(this.#peer(from), this.#peer(to))
    return this.#links.has(link) && !this.#dead.has(link)
  }

  deliver(from: string, to: string, body: Wire): void {
    const peer = this.#peer(to)
    this.#carry(peer, peer.core.receive(this.now, { kind: 'message', from: this.#peer(from).signer.id, body }))
  }

  view(name: string, of: string): Member | undefined {
    return this.core(name)
      .members()
      .find((member) => member.name === of)
  }

  /** Names that a peer holds alive, itself included. */
  seenAlive(name: string): string[] {
    return this.core(name)
      .members()
      .filter(({ state }) => state === 'alive')
      .map((member) => member.name)
      .sort()
  }

  changesTo(to: MemberState, name?: string): Change[] {
    return this.changes.filter((change) => change.to === to && (name === undefined || change.name === name))
  }

  run(durationMs: number): void {
    const end = this.now + durationMs
    while (this.now < end) this.#step()
  }

  /** Runs until the condition holds and returns how long that took. */
  runUntil(condition: () => boolean, deadlineMs: number): number {
    const start = this.now
    while (!condition()) {
      if (this.now - start >= deadlineMs) throw new Error(`not so after ${deadlineMs} ms (seed ${this.#options.seed})`)
      this.#step()
    }
    return this.now - start
  }

  #step(): void {
    this.now += this.#options.stepMs ?? 20
    // Ticks first: a process that was stopped finds its timers due before it reads what has arrived meanwhile.
    for (const peer of this.#peers.values()) {
      if (peer.running && peer.stoppedUntil <= this.now) this.#carry(peer, peer.core.tick(this.now))
    }
    const due = this.#inFlight.filter(({ at, to }) => at <= this.now && to.stoppedUntil <= this.now)
    this.#inFlight = this.#inFlight.filter(({ at, to }) => at > this.now || to.stoppedUntil > this.now)
    for (const { from, to, body } of due.sort((a, b) => a.at - b.at)) {
      if (!to.running) continue
      this.#carry(to, to.core.receive(this.now, { kind: 'message', from: from.signer.id, body }))
    }
  }

  #carry(peer: Peer, effects: readonly MembershipEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.#send(peer, effect.to, effect.body)
          break
        case 'dial':
          this.#dial(peer, effect.address)
          break
        case 'disconnect': {
          const other = [...this.#peers.values()].find(({ signer }) => signer.id === effect.peer)
          if (other !== undefined) this.#leave(peer, other)
          break
        }
        case 'changed':
          this.changes.push({ at: this.now, seenBy: peer.name, name: effect.member.name, to: effect.to })
          break
        case 'roundTrip':
          this.roundTrips.push({ seenBy: peer.name, peer: effect.peer, durationMs: effect.durationMs })
          break
        case 'malformed':
          this.malformed.push(effect.from)
      }
    }
  }

  #send(from: Peer, toId: PeerId, body: Wire): void {
    const to = [...this.#peers.values()].find(({ signer }) => signer.id === toId)
    if (to === undefined || !this.isConnected(from.name, to.name) || this.#cuts.has(`${from.name}>${to.name}`)) return
    if (this.#random.next() < this.loss) return
    this.#inFlight.push({ at: this.now + 1 + this.#random.below(20), from, to, body })
  }

  #dial(from: Peer, address: string): void {
    const to = [...this.#peers.values()].find((peer) => peer.address === address)
    if (to === undefined || !to.running || from === to || this.isConnected(from.name, to.name)) return
    if (this.#cuts.has(`${from.name}>${to.name}`) || this.#cuts.has(`${to.name}>${from.name}`)) return
    // A new connection takes the place of a dead one at the end that has not noticed yet.
    if (this.#dead.has(linkOf(from, to))) this.#leave(to, from)
    this.#revive(from, to)
    this.#links.add(linkOf(from, to))
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      const { signer, name } = other
      const peer = { id: signer.id, publicKey: signer.publicKey, name, address: other.address }
      this.#carry(one, one.core.receive(this.now, { kind: 'connected', peer }))
    }
  }

  /** One end gives up a connection; over a dead one the other end does not hear of it. */
  #leave(peer: Peer, other: Peer): void {
    const link = linkOf(peer, other)
    if (!this.#links.has(link)) return
    if (!this.#dead.has(link)) {
      this.#unlink(peer, other)
      return
    }
    const end = `${peer.name}>${other.name}`
    if (this.#dead.has(end)) return
    this.#dead.add(end)
    this.#carry(peer, peer.core.receive(this.now, { kind: 'disconnected', peer: other.signer.id }))
  }

  #revive(a: Peer, b: Peer): void {
    for (const name of [linkOf(a, b), `${a.name}>${b.name}`, `${b.name}>${a.name}`]) this.#dead.delete(name)
  }

  #disconnect(peer: Peer): void {
    for (const other of this.#peers.values()) this.#unlink(peer, other)
  }

  #unlink(a: Peer, b: Peer): void {
    if (!this.#links.delete(linkOf(a, b))) return
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      if (one.running) this.#carry(one, one.core.receive(this.now, { kind: 'disconnected', peer: other.signer.id }))
    }
  }

  #peer(name: string): Peer {
    const peer = this.#peers.get(name)
    if (peer === undefined) throw new Error(`no peer is called ${name}`)
    return peer
  }
}

const linkOf = (a: Peer, b: Peer): string => [a.name, b.name].sort().join('-')
