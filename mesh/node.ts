/**
 * The mesh node: the shell around the cores. Clock, transport and store drive membership, the control document and one
 * agreement per unit; effects go through the outbox. It holds no protocol of its own, and the simulator runs it as it is.
 */

import { Addresses } from './addresses.ts'
import { isControlMessage } from './agreement/control.ts'
import type { ControlChange, ControlDocument } from './agreement/control-document.ts'
import { decodeStored, encodeStored, type PersistOp } from './agreement/effects.ts'
import { isUnitMessage } from './agreement/messages.ts'
import type { Certificate, CutPosition, Term } from './agreement/types.ts'
import type { UnitAgreement } from './agreement/unit.ts'
import type { UnitEffect } from './agreement/unit-contract.ts'
import { isBootstrapMessage, peersExpecting } from './bootstrap.ts'
import { Control } from './control.ts'
import { assert, MeshError } from './errors.ts'
import { Flushes } from './flushes.ts'
import { type Heartbeat, heartbeatWire, readHeartbeat } from './heartbeat.ts'
import type { PeerId, UnitId } from './ids.ts'
import { TIMING } from './limits.ts'
import { createMembership, type Member, type MembershipCore, type MembershipEffect } from './membership/index.ts'
import { loadBytes, loadOwn } from './mesh-store.ts'
import type { MeshNodeOptions } from './node-contract.ts'
import { Outbox, type SignedItem } from './outbox.ts'
import { planted } from './planted.ts'
import { Requests } from './requests.ts'
import type { TransportEvent, Wire } from './transport/transport.ts'
import { type OpenedUnit, Units } from './units.ts'
import { DEFAULT_VIEW_SETTINGS, ViewKeeper } from './view-keeper.ts'
import { Wholeness } from './wholeness.ts'

const STEP_TIMEOUT_MS = 10_000

export class MeshNode {
  readonly #options: MeshNodeOptions & { readonly tickMs: number }
  readonly #requests: Requests
  #outbox: Outbox | undefined
  #membership: MembershipCore | undefined
  #addresses = new Addresses(undefined)
  #wholeness: Wholeness | undefined
  readonly #flushes: Flushes
  readonly #keeper: ViewKeeper
  readonly #versions = new Map<PeerId, readonly unknown[]>()
  #stepping = false
  #leaving = false
  #control: Control | undefined
  #units: Units | undefined
  #heartbeatAt = 0
  #viewAt = 0
  #cancelTick: () => void = () => undefined
  #closed = false

  constructor(options: MeshNodeOptions) {
    this.#options = { tickMs: TIMING.tickMs, ...options }
    this.#flushes = new Flushes(options.verifier, {
      onStatement: (from, item) => {
        this.#wholeness?.note(from, item.proof.counter)
        this.#onStatement(from, item)
      },
      onMalformed: (from, what) => this.#malformed(from, what),
    })
    this.#keeper = new ViewKeeper(options.signer.id, { ...DEFAULT_VIEW_SETTINGS, ...options.view })
    this.#requests = new Requests(options.clock, (to, body) => options.transport.send(to, body), options.onRequest)
  }

  get self(): PeerId {
    return this.#options.signer.id
  }
  get document(): ControlDocument | undefined {
    return this.#control?.document
  }
  /** A majority of the document's own acceptors have it: whoever it leaves out may go. */
  get documentInstalled(): boolean {
    return this.#control?.installed === true
  }
  /** Living members that may still go by an earlier document. */
  get laggards(): readonly PeerId[] {
    const alive = this.alive()
    return this.#control?.laggards(this.document?.view.members.filter((member) => alive.has(member)) ?? []) ?? []
  }
  /** Members that said that they are about to leave, this peer among them. */
  get leaving(): ReadonlySet<PeerId> {
    return this.#keeper.leaving
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
    return this.#membership?.alive() ?? new Set([this.self])
  }
  unit(unit: UnitId): UnitAgreement | undefined {
    return this.#units?.get(unit)
  }
  /** Who votes on a unit now, as far as this peer knows; empty when it has heard of nobody. */
  membersOf(unit: UnitId): readonly PeerId[] {
    return this.#units?.membersOf(unit) ?? []
  }
  /** Other peers that hold something of a unit. */
  holdersOf(unit: UnitId): readonly PeerId[] {
    return this.#units?.holdersOf(unit) ?? []
  }
  /** Determinism versions that these peers can all compute in, by what they said last; none while one has said nothing. */
  commonVersions(members: readonly PeerId[]): readonly number[] {
    const own = this.#options.versions
    return own.filter((version) => members.every((peer) => this.#versionsOf(peer).includes(version)))
  }
  body(hash: string): Uint8Array | undefined {
    return this.#control?.body(hash)
  }

  /** @param httpAddress where this peer serves its API, for others to know */
  async start(httpAddress: string): Promise<void> {
    try {
      await this.#start(httpAddress)
    } catch (error) {
      this.#damaged(error)
    }
  }

  async #start(httpAddress: string): Promise<void> {
    const { signer, clock, store, random, transport, onEvent, bootstrapExpect } = this.#options
    const addresses = await loadBytes(store, 'meta', 'addresses')
    this.#addresses = new Addresses(addresses === undefined ? undefined : decodeStored(addresses))
    const stored = await loadOwn(store, 'meta', 'flushCounter')
    const counter = typeof stored === 'number' ? stored : 0
    const seen = await loadBytes(store, 'meta', 'seen')
    this.#wholeness = new Wholeness(clock.now(), seen === undefined ? undefined : decodeStored(seen))
    const outbox = new Outbox({
      signer,
      clock,
      store,
      counter,
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
      tickMs: this.#options.tickMs,
      send: (to, unit, message) => this.#send(to, { c: 'unit', unit, m: message as unknown as Wire }),
      onEvent,
      onFailure: (error) => onEvent({ kind: 'failed', error }),
    })
    this.#control = new Control({
      self: signer.id,
      name: this.#options.name,
      clock,
      random,
      store,
      outbox,
      bootstrapExpect,
      bootstrapPeers: () => peersExpecting(bootstrapExpect, this.members(), this.self),
      send: (to, channel, message) => this.#send(to, { c: channel, m: message }),
      onDocument: (document) => this.#onDocument(document),
    })
    await this.#control.restore()
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

  /** Leaves the view as soon as that can be; what it holds goes to others. It goes on until it is closed. */
  leave(): void {
    this.#leaving = true
    this.#keeper.heard(this.self, [], true)
  }

  /** Runs a change of the control document; resolves with the document that holds it. */
  change(change: ControlChange, timeoutMs: number): Promise<ControlDocument> {
    return this.#started(this.#control).change(change, timeoutMs)
  }

  /**
   * Goes on without members that are gone for good where no majority is left: an operator's order, at one peer. What only
   * they knew is lost, and may differ from what comes in its place.
   */
  async force(lost: readonly PeerId[]): Promise<ControlDocument> {
    const document = await this.#started(this.#control).force(lost, STEP_TIMEOUT_MS)
    await this.durable()
    return document
  }

  /**
   * Loads a unit's agreement from disk, or begins its first term. `since`: certificates from here on are kept at hand.
   * Undefined when this identity has to be retired.
   */
  async openUnit(history: readonly Term[], since: CutPosition | undefined): Promise<OpenedUnit | undefined> {
    try {
      return await this.#started(this.#units).open(history, since, this.alive())
    } catch (error) {
      return this.#damaged(error)
    }
  }

  /** Whether W members of its own term signed a certificate, when these are the terms. */
  verifies(certificate: Certificate, terms: readonly Term[]): boolean {
    return this.#started(this.#units).verifies(certificate, terms)
  }

  /** What to write to go on, at the next opening, from what another peer handed over: see Units.takeOver. */
  takeOver(unit: UnitId, terms: readonly Term[], applied: number, certificate: Certificate | undefined) {
    return this.#started(this.#units).takeOver(unit, terms, applied, certificate)
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

  /** Resolves once everything before it is on disk. */
  durable(): Promise<void> {
    return new Promise((resolve) => this.#started(this.#outbox).after(resolve))
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
    const alive = this.alive()
    this.#control?.tick(alive)
    this.#units?.tick(alive, this.document?.lost)
    if (now >= this.#viewAt) {
      this.#viewAt = now + TIMING.viewMs
      this.#keepView(now)
    }
    if (this.#outbox?.holds === true) this.#clear(now)
    if (now >= this.#heartbeatAt) {
      this.#heartbeatAt = now + TIMING.heartbeatMs
      this.#control?.bootstrapTick()
      this.#storeSeen()
      this.#heartbeat()
    }
    this.#cancelTick = this.#options.clock.after(this.#options.tickMs, () => this.#tick())
  }

  /** What was seen of others is told to them after a restart as well. */
  #storeSeen(): void {
    const known = () => new Set([...this.members().map(({ id }) => id), ...(this.document?.view.members ?? [])])
    const seen = this.#wholeness?.toStore(known)
    if (seen !== undefined)
      this.#outbox?.persist([{ kind: 'put', table: 'meta', key: 'seen', value: encodeStored(seen) }])
  }

  /** Where our units stand, to everybody connected: what is missing anywhere is then asked for. */
  #heartbeat(): void {
    const has = this.#control?.has
    if (has === undefined) return
    const beat = {
      has,
      dead: this.members().flatMap(({ id, state }) => (state === 'dead' ? [id] : [])),
      leaving: this.#leaving,
      versions: this.#options.versions,
      units: this.#units?.standing() ?? [],
    }
    const { transport } = this.#options
    // What it says is there is on disk: others rely on it when they forget what they hold.
    this.#outbox?.after(() => {
      for (const peer of transport.peers.keys()) {
        transport.send(peer, heartbeatWire({ ...beat, seen: this.#wholeness?.seen(peer) ?? 0 }))
      }
    })
  }

  #onDocument(document: ControlDocument): void {
    if (!document.banned.includes(this.self)) {
      this.#options.onEvent({ kind: 'document', document })
      return
    }
    const successor = document.view.members.find((member) => document.names[member] === this.#options.name)
    const reason =
      successor === undefined ? 'it was removed from the cluster for good' : `${successor} took its name and its place`
    this.#retire(reason, false)
  }

  /** A peer that cannot read what it signed does not sign any more. @throws the error, when it is another one */
  #damaged(error: unknown): undefined {
    if (!(error instanceof MeshError) || error.code !== 'QRT_MESH_DAMAGED') throw error
    this.#retire(error.message, true)
  }

  #retire(reason: string, again: boolean): void {
    this.#outbox?.close()
    const others = this.members().flatMap(({ id, address }) => (id === this.self ? [] : [address]))
    const addresses = [...new Set([...others, ...this.#addresses.all])]
    this.#options.onEvent({ kind: 'retired', reason, again, addresses })
  }

  /** Proposes the step that this peer thinks is due; whether it is made is the acceptors' choice. */
  #keepView(now: number): void {
    const { document } = this
    // A step is made from a view that is known to hold, never from one that may still be lost.
    if (document === undefined || this.#stepping || !this.documentInstalled) return
    const step = this.#keeper.tick(now, document, this.members())
    if (step === undefined) return
    this.#stepping = true
    const ended = () => {
      this.#options.clock.after(TIMING.stepPauseMs, () => {
        this.#stepping = false
      })
    }
    // Refused or late: what is still due is proposed again.
    this.change({ kind: 'view', step }, STEP_TIMEOUT_MS).then(ended, ended)
  }

  /** Lets signed statements go once nobody can know of more than this peer does. */
  #clear(now: number): void {
    const gone = new Set(this.members().flatMap(({ id, state }) => (state === 'dead' || state === 'left' ? [id] : [])))
    const members = this.document?.view.members.filter((member) => member !== this.self)
    const others = members?.map((id) => ({ id, gone: gone.has(id) }))
    if (others !== undefined && this.#wholeness?.clears(now, others) === true) this.#outbox?.release()
  }

  #onBeat(from: PeerId, beat: Heartbeat): void {
    const known = this.#outbox?.counter ?? 0
    if (this.#wholeness?.told(from, beat.seen, known) === false && !planted('old-disk-signs')) {
      const reason = `peer ${from} has seen flush ${beat.seen} of this identity, and this disk knows of ${known} only: it is an old copy`
      this.#retire(reason, true)
      return
    }
    this.#keeper.heard(from, beat.dead, beat.leaving)
    this.#versions.set(from, beat.versions)
    this.#control?.heard(from, beat.has)
    this.#units?.heard(from, beat.units)
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
        this.#flushes.receive(from, envelope.items)
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
      case 'beat': {
        const beat = readHeartbeat(envelope)
        if (beat === undefined) this.#malformed(from, 'heartbeat')
        else this.#onBeat(from, beat)
        return
      }
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
      case 'disconnect':
        this.#options.transport.disconnect(effect.peer, 'it does not answer')
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

  #versionsOf(peer: PeerId): readonly unknown[] {
    return peer === this.self ? this.#options.versions : (this.#versions.get(peer) ?? [])
  }

  #malformed(from: PeerId, what: string): void {
    this.#options.onEvent({ kind: 'malformed', from, what })
  }
}
