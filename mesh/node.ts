/**
 * The mesh node: the shell around the cores. Clock, transport and store drive membership, the control document and one
 * agreement per unit; effects go through the outbox. It holds no protocol of its own, and the simulator runs it as it is.
 */

import { Addresses } from './addresses.ts'
import { type ControlChange, type ControlDocument, isControlMessage } from './agreement/control.ts'
import type { PersistOp } from './agreement/effects.ts'
import { isUnitMessage } from './agreement/messages.ts'
import { isStatement, isStatementProof, verifyStatement } from './agreement/statement.ts'
import type { CutPosition, Term } from './agreement/types.ts'
import type { UnitAgreement, UnitEffect, UnitEvent } from './agreement/unit.ts'
import { isBootstrapMessage } from './bootstrap.ts'
import type { Clock } from './clock.ts'
import { Control } from './control.ts'
import { assert, type MeshError } from './errors.ts'
import type { Signer, Verifier } from './identity.ts'
import type { PeerId, UnitId } from './ids.ts'
import { LIMITS, TIMING } from './limits.ts'
import { createMembership, type Member, type MembershipCore, type MembershipEffect } from './membership/index.ts'
import { loadValue, type MeshStore } from './mesh-store.ts'
import { Outbox, type SignedItem } from './outbox.ts'
import type { Random } from './random.ts'
import { Requests } from './requests.ts'
import type { Transport, TransportEvent, Wire } from './transport/transport.ts'
import { type OpenedUnit, Units } from './units.ts'

export type MeshEvent =
  | UnitEvent
  | { readonly kind: 'member'; readonly member: Member }
  | { readonly kind: 'connected'; readonly peer: PeerId }
  | { readonly kind: 'document'; readonly document: ControlDocument }
  | { readonly kind: 'refusedConnection'; readonly address: string; readonly error: MeshError }
  | { readonly kind: 'malformed'; readonly from: PeerId; readonly what: string }
  /** A member answered a probe. */
  | { readonly kind: 'roundTrip'; readonly peer: PeerId; readonly durationMs: number }
  /** The peer can no longer keep its promises: stop it. */
  | { readonly kind: 'failed'; readonly error: Error }

export interface MeshNodeOptions {
  readonly signer: Signer
  readonly verifier: Verifier
  readonly clock: Clock
  readonly random: Random
  readonly transport: Transport
  readonly store: MeshStore
  readonly name: string
  readonly version: string
  readonly seeds: readonly string[]
  /** Start a first cluster with this many peers; undefined: join one. */
  readonly bootstrapExpect: number | undefined
  /** How often the cores are given the time; default 20 ms. */
  readonly tickMs?: number
  readonly onEvent: (event: MeshEvent) => void
  /** Answers requests of other peers (reads, for example). */
  readonly onRequest: (from: PeerId, body: Wire) => Promise<Wire>
  /** One-way notes of other peers, such as commit hints. */
  readonly onNote: (from: PeerId, body: Wire) => void
}

const TICK_MS = 20

export class MeshNode {
  readonly #options: MeshNodeOptions
  readonly #requests: Requests
  #outbox: Outbox | undefined
  #membership: MembershipCore | undefined
  #addresses = new Addresses(undefined)
  #control: Control | undefined
  #units: Units | undefined
  #heartbeatAt = 0
  #cancelTick: () => void = () => undefined
  #closed = false

  constructor(options: MeshNodeOptions) {
    this.#options = options
    this.#requests = new Requests(options.clock, (to, body) => options.transport.send(to, body), options.onRequest)
  }

  get self(): PeerId {
    return this.#options.signer.id
  }
  get document(): ControlDocument | undefined {
    return this.#control?.document
  }
  /** Why there is no cluster yet. */
  get waitingFor(): string | undefined {
    return this.#control === undefined ? 'starting' : this.#control.waitingFor
  }
  members(): readonly Member[] {
    return this.#membership?.members() ?? []
  }
  /** Alive by gossip, self included: a hint for who goes first, never for placement. */
  alive(): ReadonlySet<PeerId> {
    const alive = new Set<PeerId>([this.self])
    for (const member of this.members()) if (member.state === 'alive') alive.add(member.id)
    return alive
  }
  unit(unit: UnitId): UnitAgreement | undefined {
    return this.#units?.get(unit)
  }
  body(job: { readonly hash: string }): Uint8Array | undefined {
    return this.#control?.body(job.hash)
  }

  /** @param httpAddress where this peer serves its API, for others to know */
  async start(httpAddress: string): Promise<void> {
    const { signer, clock, store, random, transport, onEvent, bootstrapExpect } = this.#options
    const counter = await loadValue(store, 'meta', 'flushCounter')
    const outbox = new Outbox({
      signer,
      clock,
      store,
      counter: typeof counter === 'number' ? counter : 0,
      deliver: (to, items) => this.#deliver(to, items),
      onFailure: (error) => onEvent({ kind: 'failed', error }),
    })
    this.#outbox = outbox
    this.#units = new Units({
      self: signer.id,
      clock,
      random,
      store,
      outbox,
      verify: this.#options.verifier.verify,
      send: (to, unit, message) => this.#send(to, { c: 'unit', unit, m: message as unknown as Wire }),
      onEvent,
      onFailure: (error) => onEvent({ kind: 'failed', error }),
    })
    this.#control = new Control({
      self: signer.id,
      clock,
      random,
      store,
      outbox,
      bootstrapExpect,
      bootstrapPeers: () => this.#bootstrapPeers(),
      send: (to, channel, message) => this.#send(to, { c: channel, m: message }),
      onDocument: (document) => onEvent({ kind: 'document', document }),
    })
    await this.#control.restore()
    this.#addresses = new Addresses(await loadValue(store, 'meta', 'addresses'))
    const identity = await transport.start((event) => this.#onTransport(event))
    this.#membership = createMembership({
      self: {
        id: signer.id,
        publicKey: signer.publicKey,
        name: this.#options.name,
        address: identity.address,
        httpAddress,
        version: this.#options.version,
        ...(bootstrapExpect === undefined ? {} : { bootstrapExpect }),
      },
      signer,
      verifier: this.#options.verifier,
      random,
      seeds: [...this.#options.seeds, ...this.#addresses.all],
      now: clock.now(),
    })
    this.#tick()
  }

  /** Runs a change of the control document; resolves with the document that holds it. */
  change(change: ControlChange, timeoutMs: number): Promise<ControlDocument> {
    return this.#started(this.#control).change(change, timeoutMs)
  }

  /** Loads a unit's agreement from disk, or begins its first term. `since`: certificates from here on are kept at hand. */
  openUnit(
    unit: UnitId,
    members: readonly PeerId[],
    write: number,
    since: CutPosition | undefined,
  ): Promise<OpenedUnit> {
    const view = this.document?.view.number ?? 1
    const first: Term = { unit, number: 1, view, members, write, base: undefined, open: [], floor: 0 }
    return this.#started(this.#units).open(first, since, this.alive())
  }

  closeUnit(unit: UnitId): void {
    this.#units?.close(unit)
  }

  /** Runs an input of a unit's core and carries its effects out. */
  drive(unit: UnitId, input: (agreement: UnitAgreement, now: number) => readonly UnitEffect[]): void {
    this.#units?.drive(unit, input)
  }

  /** The host's own writes, in order with everything else. */
  persist(ops: readonly PersistOp[]): void {
    this.#started(this.#outbox).persist(ops)
  }

  /** Sends a one-way note once everything before it is durable. */
  note(to: PeerId, body: Wire): void {
    this.#started(this.#outbox).after(() => this.#options.transport.send(to, { c: 'note', body }))
  }

  request(to: PeerId, body: Wire, timeoutMs: number): Promise<Wire> {
    return this.#requests.request(to, body, timeoutMs)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTick()
    for (const effect of this.#membership?.leave(this.#options.clock.now()) ?? []) this.#carryMembership(effect)
    this.#requests.close()
    this.#outbox?.close()
    this.#control?.close()
    await this.#options.transport.close()
  }

  #started<Part>(part: Part | undefined): Part {
    assert(part !== undefined, 'a node is used once it was started')
    return part
  }

  #tick(): void {
    if (this.#closed) return
    const now = this.#options.clock.now()
    for (const effect of this.#membership?.tick(now) ?? []) this.#carryMembership(effect)
    this.#control?.tick()
    this.#units?.tick(this.alive())
    if (now >= this.#heartbeatAt) {
      this.#heartbeatAt = now + TIMING.heartbeatMs
      this.#control?.bootstrapTick()
      this.#heartbeat()
    }
    this.#cancelTick = this.#options.clock.after(this.#options.tickMs ?? TICK_MS, () => this.#tick())
  }

  /** Where our units stand, to everybody connected: what is missing anywhere is then asked for. */
  #heartbeat(): void {
    const { document } = this
    if (document === undefined) return
    const units = this.#units?.standing() ?? []
    for (const peer of this.#options.transport.peers.keys()) {
      this.#options.transport.send(peer, { c: 'beat', cluster: document.cluster, control: document.number, units })
    }
  }

  #onTransport(event: TransportEvent): void {
    if (this.#closed) return
    const { clock, onEvent } = this.#options
    switch (event.kind) {
      case 'connected':
        this.#toMembership({ kind: 'connected', peer: event.peer })
        this.#heartbeatAt = clock.now()
        onEvent({ kind: 'connected', peer: event.peer.id })
        return
      case 'disconnected':
        this.#requests.disconnected(event.peer)
        this.#toMembership({ kind: 'disconnected', peer: event.peer })
        return
      case 'refused':
        onEvent({ kind: 'refusedConnection', address: event.address, error: event.error })
        return
      case 'message':
        this.#onMessage(event.from, event.body)
    }
  }

  #onMessage(from: PeerId, body: Wire): void {
    const envelope = body as { readonly c?: unknown; readonly [key: string]: unknown } | null
    switch (envelope?.c) {
      case 'membership':
        this.#toMembership({ kind: 'message', from, body })
        return
      case 'flush':
        this.#onFlush(from, envelope.items)
        return
      case 'unit':
        if (!isUnitMessage(envelope.m)) this.#malformed(from, 'unit message')
        else this.#units?.message(from, envelope.unit as UnitId, envelope.m)
        return
      case 'control':
        if (!isControlMessage(envelope.m)) this.#malformed(from, 'control message')
        else this.#control?.message(from, envelope.m)
        return
      case 'bootstrap':
        if (!isBootstrapMessage(envelope.m)) this.#malformed(from, 'bootstrap message')
        else this.#control?.bootstrapMessage(from, envelope.m)
        return
      case 'beat':
        if (typeof envelope.control !== 'number' || !Array.isArray(envelope.units)) {
          this.#malformed(from, 'heartbeat')
          return
        }
        this.#control?.heard(from, envelope.control)
        this.#units?.heard(from, envelope.units)
        return
      case 'request':
      case 'response':
        this.#requests.receive(from, envelope as never)
        return
      case 'note':
        this.#options.onNote(from, (envelope as { body: Wire }).body)
        return
      default:
        this.#malformed(from, 'channel')
    }
  }

  #onFlush(from: PeerId, items: unknown): void {
    if (!Array.isArray(items) || items.length > LIMITS.flushStatements) {
      this.#malformed(from, 'flush')
      return
    }
    for (const item of items as SignedItem[]) {
      if (!isStatement(item?.statement) || !isStatementProof(item.proof) || item.proof.peer !== from) {
        this.#malformed(from, 'statement')
        return
      }
      if (!verifyStatement(item.statement, item.proof, this.#verifyFlush)) {
        this.#malformed(from, 'signature')
        return
      }
      this.#onStatement(from, item)
    }
  }

  /** Statements of one flush share its signature: the last one that checked is remembered. */
  #checked = ''
  readonly #verifyFlush: Verifier['verify'] = (publicKey, bytes, signature) => {
    const key = [publicKey, bytes, signature].map((part) => Buffer.from(part).toString('latin1')).join('/')
    if (key === this.#checked) return true
    const ok = this.#options.verifier.verify(publicKey, bytes, signature)
    if (ok) this.#checked = key
    return ok
  }

  #onStatement(from: PeerId, { statement, attachment, proof }: SignedItem): void {
    if (statement.kind !== 'vote' && statement.scope.startsWith('control/')) {
      this.#control?.statement(from, statement, attachment)
    } else this.#units?.statement(from, statement, attachment, proof)
  }

  #deliver(to: PeerId, items: readonly SignedItem[]): void {
    if (to === this.self) for (const item of items) this.#onStatement(to, item)
    else this.#options.transport.send(to, { c: 'flush', items: items as unknown as Wire })
  }

  #send(to: PeerId, body: Wire): void {
    if (to === this.self) this.#onMessage(to, body)
    else this.#options.transport.send(to, body)
  }

  #toMembership(input: Parameters<MembershipCore['receive']>[1]): void {
    const effects = this.#membership?.receive(this.#options.clock.now(), input) ?? []
    for (const effect of effects) this.#carryMembership(effect)
  }

  #carryMembership(effect: MembershipEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#options.transport.send(effect.to, effect.body)
        return
      case 'dial':
        this.#options.transport.dial(effect.address)
        return
      case 'changed':
        if (effect.member.id !== this.self) this.#remember(effect.member)
        this.#options.onEvent({ kind: 'member', member: effect.member })
        return
      case 'roundTrip':
        this.#options.onEvent(effect)
        return
      case 'malformed':
        this.#malformed(effect.from, 'membership message')
    }
  }

  #remember(member: Member): void {
    const ops = this.#addresses.changed(member)
    if (ops.length > 0) this.#outbox?.persist(ops)
  }

  #bootstrapPeers(): PeerId[] {
    const { bootstrapExpect } = this.#options
    return this.members()
      .filter(({ id, state, ...member }) => {
        return id !== this.self && state === 'alive' && member.bootstrapExpect === bootstrapExpect
      })
      .map(({ id }) => id)
  }

  #malformed(from: PeerId, what: string): void {
    this.#options.onEvent({ kind: 'malformed', from, what })
  }
}
