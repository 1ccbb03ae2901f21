/**
 * The mesh node: the shell around the cores. Clock, transport and store drive membership, bootstrap, the control
 * document and one agreement per unit; effects go through the outbox. It holds no protocol of its own, and the simulator
 * runs it as it is.
 */

import { verifyCertificate } from './agreement/certificate.ts'
import {
  ControlAgreement,
  type ControlChange,
  type ControlDocument,
  type ControlEffect,
  isControlDocument,
  isControlMessage,
} from './agreement/control.ts'
import {
  type AgreementEffect,
  decodeStored,
  type PersistOp,
  positionKey,
  termKey,
  unitEnd,
} from './agreement/effects.ts'
import { canonicalText } from './agreement/encoding.ts'
import { isTerm, isUnitMessage, normalTerm } from './agreement/messages.ts'
import type { AcceptorState } from './agreement/paxos.ts'
import { isStatementProof, type Statement, verifyStatement } from './agreement/statement.ts'
import type { SuccessionState } from './agreement/succession.ts'
import type { Certificate, CutContent, CutPosition, Term } from './agreement/types.ts'
import { UnitAgreement, type UnitEffect, type UnitEvent } from './agreement/unit.ts'
import { Bootstrap, type BootstrapEffect, isBootstrapMessage } from './bootstrap.ts'
import type { Clock } from './clock.ts'
import { MeshError } from './errors.ts'
import type { Signer, Verifier } from './identity.ts'
import type { PeerId, UnitId } from './ids.ts'
import { LIMITS, TIMING } from './limits.ts'
import { createMembership, type Member, type MembershipCore, type MembershipEffect } from './membership/index.ts'
import { Outbox, type SignedItem } from './outbox.ts'
import type { Random } from './random.ts'
import { Requests } from './requests.ts'
import type { Transport, TransportEvent, Wire } from './transport/transport.ts'

/** What the node needs of a store; a structural part of the product's. */
export interface MeshStore {
  write(ops: readonly PersistOp[]): Promise<void>
  get(table: PersistOp['table'], key: string): Promise<Uint8Array | undefined>
  range(
    table: PersistOp['table'],
    from: string,
    to: string,
    limit: number,
  ): Promise<
    readonly ({ readonly key: string; readonly value: Uint8Array } | { readonly key: string; readonly corrupt: true })[]
  >
}

export type MeshEvent =
  | UnitEvent
  | { readonly kind: 'member'; readonly member: Member }
  | { readonly kind: 'document'; readonly document: ControlDocument }
  | { readonly kind: 'refusedConnection'; readonly address: string; readonly error: MeshError }
  | { readonly kind: 'malformed'; readonly from: PeerId; readonly what: string }
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
  readonly httpAddress: string
  readonly version: string
  readonly seeds: readonly string[]
  /** Start a first cluster with this many peers; undefined: join one. */
  readonly bootstrapExpect: number | undefined
  readonly onEvent: (event: MeshEvent) => void
  /** Answers requests of other peers (reads, for example). */
  readonly onRequest: (from: PeerId, body: Wire) => Promise<Wire>
  /** One-way notes of other peers, such as commit hints. */
  readonly onNote: (from: PeerId, body: Wire) => void
}

/** What is known of a unit when its replica starts. */
export interface OpenedUnit {
  readonly term: Term
  /** Every decision so far, with its term. */
  readonly terms: readonly Term[]
  readonly frontier: CutPosition | undefined
}

const TICK_MS = 20
const ALL = 1_000_000

export class MeshNode {
  readonly #options: MeshNodeOptions
  readonly #units = new Map<UnitId, UnitAgreement>()
  #outbox!: Outbox
  #membership!: MembershipCore
  readonly #requests: Requests
  #bootstrap: Bootstrap | undefined
  #control: ControlAgreement | undefined
  #publicKeys = new Map<PeerId, Uint8Array>()
  #heartbeatAt = 0
  #changes = new Map<string, { resolve: (document: ControlDocument) => void; reject: (error: Error) => void }>()
  #changeNumber = 0
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
    if (this.#control !== undefined) return undefined
    if (this.#bootstrap === undefined) return 'joining: no member of a cluster has answered yet'
    return this.#bootstrap.reason(this.#bootstrapPeers())
  }
  members(): readonly Member[] {
    return this.#membership.members()
  }
  publicKey(peer: PeerId): Uint8Array | undefined {
    return peer === this.self ? this.#options.signer.publicKey : this.#publicKeys.get(peer)
  }
  /** Alive by gossip, self included: a hint for who goes first, never for placement. */
  alive(): ReadonlySet<PeerId> {
    const alive = new Set<PeerId>([this.self])
    for (const member of this.#membership.members()) if (member.state === 'alive') alive.add(member.id)
    return alive
  }
  unit(unit: UnitId): UnitAgreement | undefined {
    return this.#units.get(unit)
  }
  body(job: { readonly hash: string }): Uint8Array | undefined {
    return this.#control?.body(job.hash as never)
  }

  async start(): Promise<void> {
    const { signer, clock, store, transport, onEvent } = this.#options
    const counter = await this.#load('meta', 'flushCounter')
    this.#outbox = new Outbox({
      signer,
      clock,
      store,
      counter: typeof counter === 'number' ? counter : 0,
      deliver: (to, items) => this.#deliver(to, items),
      onFailure: (error) => onEvent({ kind: 'failed', error }),
    })
    await this.#restoreControl()
    const identity = await transport.start((event) => this.#onTransport(event))
    this.#membership = createMembership({
      self: {
        id: signer.id,
        publicKey: signer.publicKey,
        name: this.#options.name,
        address: identity.address,
        httpAddress: this.#options.httpAddress,
        version: this.#options.version,
        ...(this.#options.bootstrapExpect === undefined ? {} : { bootstrapExpect: this.#options.bootstrapExpect }),
      },
      signer,
      verifier: this.#options.verifier,
      random: this.#options.random,
      seeds: this.#options.seeds,
      now: clock.now(),
    })
    this.#tick()
  }

  /** Runs a change of the control document; resolves with the document that holds it. */
  change(change: ControlChange, timeoutMs: number): Promise<ControlDocument> {
    const control = this.#control
    if (control === undefined)
      return Promise.reject(new MeshError('QRT_MESH_BOOTSTRAP', this.waitingFor ?? 'no cluster'))
    this.#changeNumber += 1
    const id = String(this.#changeNumber)
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(timeoutMs, () => {
        this.#changes.delete(id)
        control.withdraw(id)
        reject(
          new MeshError('QRT_MESH_UNREACHABLE', 'no majority of the acceptors answered in time; it may still be done'),
        )
      })
      this.#changes.set(id, {
        resolve: (document) => {
          cancel()
          resolve(document)
        },
        reject: (error) => {
          cancel()
          reject(error)
        },
      })
      this.#carryControl(control.change(this.#options.clock.now(), id, change))
    })
  }

  /** Loads a unit's agreement from disk, or begins its first term. `since`: certificates from here on are kept at hand. */
  async openUnit(
    unit: UnitId,
    members: readonly PeerId[],
    write: number,
    since: CutPosition | undefined,
  ): Promise<OpenedUnit> {
    const first: Term = {
      unit,
      number: 1,
      view: this.document?.view.number ?? 1,
      members,
      write,
      base: undefined,
      open: [],
      floor: 0,
    }
    const { random } = this.#options
    const terms: Term[] = [first]
    for (const value of await this.#loadRange('term', `${unit}/`, unitEnd(unit))) {
      if (isTerm(value)) terms.push(normalTerm(value))
    }
    const term = terms[terms.length - 1] ?? first
    const from = since === undefined ? `${unit}/` : positionKey(unit, since)
    const certificates = (await this.#loadRange('certificate', from, unitEnd(unit))) as Certificate[]
    const votes = (await this.#loadRange('statement', `${unit}/`, unitEnd(unit))) as {
      term: number
      content: CutContent
    }[]
    const succession = (await this.#load('acceptor', termKey(unit, term.number))) as SuccessionState | undefined
    const agreement = new UnitAgreement({
      self: this.self,
      random,
      verify: (certificate, under) => verifyCertificate(certificate, under.write, under.members, this.#verify).ok,
      term,
      certificates,
      votes: votes.filter((vote) => vote.term === term.number).map(({ content }) => content),
      succession,
    })
    agreement.setAlive(this.alive())
    this.#units.set(unit, agreement)
    const { frontier } = agreement
    return { term, terms, frontier: frontier && { seq: frontier.seq, part: frontier.part } }
  }

  closeUnit(unit: UnitId): void {
    this.#units.delete(unit)
  }

  /** Runs an input of a unit's core and carries its effects out. */
  drive(unit: UnitId, input: (agreement: UnitAgreement, now: number) => readonly UnitEffect[]): void {
    const agreement = this.#units.get(unit)
    if (agreement !== undefined) this.#carryUnit(unit, input(agreement, this.#options.clock.now()))
  }

  /** The host's own writes, in order with everything else. */
  persist(ops: readonly PersistOp[]): void {
    this.#outbox.persist(ops)
  }

  /** Sends a one-way note once everything before it is durable. */
  note(to: PeerId, body: Wire): void {
    this.#outbox.after(() => this.#options.transport.send(to, { c: 'note', body }))
  }

  request(to: PeerId, body: Wire, timeoutMs: number): Promise<Wire> {
    return this.#requests.request(to, body, timeoutMs)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTick()
    for (const effect of this.#membership.leave(this.#options.clock.now())) this.#carryMembership(effect)
    this.#requests.close()
    this.#outbox.close()
    for (const { reject } of this.#changes.values()) reject(new MeshError('QRT_MESH_CLOSED', 'this peer is stopping'))
    await this.#options.transport.close()
  }

  readonly #verify = (peer: PeerId, bytes: Uint8Array, signature: Uint8Array): boolean => {
    const publicKey = this.publicKey(peer)
    return publicKey !== undefined && this.#options.verifier.verify(publicKey, bytes, signature)
  }

  #tick(): void {
    if (this.#closed) return
    const now = this.#options.clock.now()
    for (const effect of this.#membership.tick(now)) this.#carryMembership(effect)
    if (this.#control === undefined && this.#bootstrap !== undefined && now >= this.#heartbeatAt) {
      this.#carryBootstrap(this.#bootstrap.tick(this.#bootstrapPeers()))
    }
    if (this.#control !== undefined) this.#carryControl(this.#control.tick(now))
    const alive = this.alive()
    for (const [unit, agreement] of this.#units) {
      agreement.setAlive(alive)
      this.#carryUnit(unit, agreement.tick(now))
    }
    if (now >= this.#heartbeatAt) this.#heartbeat(now)
    this.#cancelTick = this.#options.clock.after(TICK_MS, () => this.#tick())
  }

  /** Where our units stand, to everybody connected: what is missing anywhere is then asked for. */
  #heartbeat(now: number): void {
    this.#heartbeatAt = now + TIMING.heartbeatMs
    const document = this.document
    if (document === undefined) return
    const units = [...this.#units].map(([unit, agreement]) => [
      unit,
      agreement.term.number,
      agreement.frontier === undefined ? null : [agreement.frontier.seq, agreement.frontier.part],
      positionTuple(agreement.storedPosition(this.self)),
    ])
    for (const peer of this.#options.transport.peers.keys()) {
      this.#options.transport.send(peer, { c: 'beat', cluster: document.cluster, control: document.number, units })
    }
  }

  #onTransport(event: TransportEvent): void {
    if (this.#closed) return
    const now = this.#options.clock.now()
    switch (event.kind) {
      case 'connected':
        this.#publicKeys.set(event.peer.id, event.peer.publicKey)
        for (const effect of this.#membership.receive(now, { kind: 'connected', peer: event.peer })) {
          this.#carryMembership(effect)
        }
        this.#heartbeatAt = now
        return
      case 'disconnected':
        this.#requests.disconnected(event.peer)
        for (const effect of this.#membership.receive(now, event)) this.#carryMembership(effect)
        return
      case 'refused':
        this.#options.onEvent({ kind: 'refusedConnection', address: event.address, error: event.error })
        return
      case 'message':
        this.#onMessage(event.from, event.body)
    }
  }

  #onMessage(from: PeerId, body: Wire): void {
    const now = this.#options.clock.now()
    const envelope = body as { readonly c?: unknown; readonly [key: string]: unknown } | null
    switch (envelope?.c) {
      case 'membership':
        for (const effect of this.#membership.receive(now, { kind: 'message', from, body }))
          this.#carryMembership(effect)
        return
      case 'flush':
        this.#onFlush(from, envelope.items)
        return
      case 'unit': {
        const agreement = this.#units.get(envelope.unit as UnitId)
        if (!isUnitMessage(envelope.m)) this.#malformed(from, 'unit message')
        else if (agreement !== undefined) this.#carryUnit(agreement.unit, agreement.message(now, from, envelope.m))
        return
      }
      case 'control':
        if (!isControlMessage(envelope.m)) this.#malformed(from, 'control message')
        else if (this.#control !== undefined) this.#carryControl(this.#control.message(now, from, envelope.m))
        else if (envelope.m.t === 'chosen') this.#adoptDocument(envelope.m.value)
        return
      case 'bootstrap':
        if (!isBootstrapMessage(envelope.m)) this.#malformed(from, 'bootstrap message')
        else if (this.#bootstrap !== undefined) this.#carryBootstrap(this.#bootstrap.receive(from, envelope.m))
        return
      case 'beat':
        this.#onBeat(from, envelope)
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

  #onBeat(from: PeerId, beat: { readonly [key: string]: unknown }): void {
    const { control, units } = beat
    if (typeof control !== 'number' || !Array.isArray(units)) {
      this.#malformed(from, 'heartbeat')
      return
    }
    if (this.#control === undefined) {
      const ask = { t: 'ask', number: 0, hashes: [] }
      this.#options.transport.send(from, { c: 'control', m: ask })
    } else this.#carryControl(this.#control.heard(from, control))
    for (const entry of units) {
      if (!Array.isArray(entry)) continue
      const agreement = this.#units.get(entry[0] as UnitId)
      if (agreement === undefined || typeof entry[1] !== 'number') continue
      this.#carryUnit(agreement.unit, agreement.heard(from, entry[1], positionOf(entry[2]), positionOf(entry[3])))
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
  readonly #verifyFlush = (peer: PeerId, bytes: Uint8Array, signature: Uint8Array): boolean => {
    const key = `${peer}/${Buffer.from(bytes).toString('latin1')}/${Buffer.from(signature).toString('latin1')}`
    if (key === this.#checked) return true
    const ok = this.#verify(peer, bytes, signature)
    if (ok) this.#checked = key
    return ok
  }

  #onStatement(from: PeerId, { statement, attachment, proof }: SignedItem): void {
    const now = this.#options.clock.now()
    if (statement.kind !== 'vote' && statement.scope.startsWith('control/')) {
      if (this.#control !== undefined) this.#carryControl(this.#control.statement(from, statement, attachment))
      return
    }
    const unit =
      statement.kind === 'vote'
        ? statement.unit
        : (statement.scope.slice(0, statement.scope.lastIndexOf('/')) as UnitId)
    const agreement = this.#units.get(unit)
    if (agreement !== undefined) this.#carryUnit(unit, agreement.statement(now, from, statement, attachment, proof))
  }

  #deliver(to: PeerId, items: readonly SignedItem[]): void {
    if (to === this.self) for (const item of items) this.#onStatement(to, item)
    else this.#options.transport.send(to, { c: 'flush', items: items as unknown as Wire })
  }

  #carryUnit(unit: UnitId, effects: readonly UnitEffect[]): void {
    this.#carry(
      effects,
      (body) => ({ c: 'unit', unit, m: body }),
      (to, term, after) => this.#tell(unit, to, term, after),
      this.#options.onEvent,
    )
  }

  #carryControl(effects: readonly ControlEffect[]): void {
    this.#carry(
      effects,
      (body) => ({ c: 'control', m: body }),
      () => undefined,
      (event) => {
        if (event.kind === 'document') {
          this.#options.onEvent(event)
          return
        }
        const waiting = this.#changes.get(event.id)
        this.#changes.delete(event.id)
        if (event.kind === 'changed') waiting?.resolve(event.document)
        else waiting?.reject(new MeshError('QRT_MESH_CHANGE', event.reason))
      },
    )
  }

  #carry<E>(
    effects: readonly AgreementEffect<E>[],
    envelope: (body: Wire) => Wire,
    tell: (to: PeerId, term: number, after: CutPosition | undefined) => void,
    onEvent: (event: E) => void,
  ): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'persist':
          this.#outbox.persist(effect.ops)
          break
        case 'sign':
          this.#outbox.sign(effect.statement, effect.attachment, effect.to)
          break
        case 'send': {
          const body = envelope(effect.body)
          this.#outbox.after(() => {
            if (effect.to === this.self) this.#onMessage(this.self, body)
            else this.#options.transport.send(effect.to, body)
          })
          break
        }
        case 'tell':
          this.#outbox.after(() => tell(effect.to, effect.term, effect.after))
          break
        case 'event':
          onEvent(effect.event)
          break
      }
    }
  }

  /** Terms and certificates beyond what a peer has, from disk, in bounded answers. */
  #tell(unit: UnitId, to: PeerId, term: number, after: CutPosition | undefined): void {
    const from = after === undefined ? `${unit}/` : `${positionKey(unit, after)}~`
    Promise.all([
      this.#loadRange('term', `${termKey(unit, term)}~`, unitEnd(unit), LIMITS.tellCertificates),
      this.#loadRange('certificate', from, unitEnd(unit), LIMITS.tellCertificates),
    ]).then(
      ([terms, certificates]) => {
        if (terms.length === 0 && certificates.length === 0) return
        const m = { t: 'tell', terms, certificates } as unknown as Wire
        this.#options.transport.send(to, { c: 'unit', unit, m })
      },
      (error) => this.#options.onEvent({ kind: 'failed', error }),
    )
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
        this.#publicKeys.set(effect.member.id, effect.member.publicKey)
        this.#options.onEvent({ kind: 'member', member: effect.member })
        return
      case 'malformed':
        this.#malformed(effect.from, 'membership message')
    }
  }

  #carryBootstrap(effects: readonly BootstrapEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'persist') this.#outbox.persist(effect.ops)
      else if (effect.kind === 'complete') this.#adoptDocument(effect.document)
      else {
        const body = { c: 'bootstrap', m: effect.body as unknown as Wire }
        this.#outbox.after(() => this.#options.transport.send(effect.to, body))
      }
    }
  }

  #bootstrapPeers(): PeerId[] {
    const { bootstrapExpect } = this.#options
    return this.#membership
      .members()
      .filter(
        (member) => member.id !== this.self && member.state === 'alive' && member.bootstrapExpect === bootstrapExpect,
      )
      .map(({ id }) => id)
  }

  /** The first document this peer holds: its own bootstrap's, or that of the cluster it joins. */
  #adoptDocument(document: ControlDocument): void {
    if (this.#control !== undefined) return
    const { random, onEvent } = this.#options
    this.#control = new ControlAgreement(this.self, random, document, undefined, [])
    const value = Buffer.from(canonicalText(document))
    this.#outbox.persist([{ kind: 'put', table: 'control', key: 'document', value }])
    onEvent({ kind: 'document', document })
  }

  async #restoreControl(): Promise<void> {
    const { random, bootstrapExpect } = this.#options
    const document = await this.#load('control', 'document')
    if (isControlDocument(document)) {
      const scope = `control/${String(document.number).padStart(12, '0')}`
      const acceptor = (await this.#load('acceptor', scope)) as AcceptorState<ControlDocument> | undefined
      const bodies: Uint8Array[] = []
      for (const { hash } of document.jobs) {
        const body = await this.#options.store.get('job', hash)
        if (body !== undefined) bodies.push(body)
      }
      this.#control = new ControlAgreement(this.self, random, document, acceptor, bodies)
    } else if (bootstrapExpect !== undefined) {
      const confirmed = (await this.#load('meta', 'bootstrap')) as PeerId[] | undefined
      this.#bootstrap = new Bootstrap(this.self, bootstrapExpect, confirmed)
    }
  }

  async #load(table: PersistOp['table'], key: string): Promise<unknown> {
    const bytes = await this.#options.store.get(table, key)
    return bytes === undefined ? undefined : decodeStored(bytes)
  }

  async #loadRange(table: PersistOp['table'], from: string, to: string, limit = ALL): Promise<unknown[]> {
    const entries = await this.#options.store.range(table, from, to, limit)
    return entries.flatMap((entry) => ('corrupt' in entry ? [] : [decodeStored(entry.value)]))
  }

  #malformed(from: PeerId, what: string): void {
    this.#options.onEvent({ kind: 'malformed', from, what })
  }
}

const positionTuple = (position: CutPosition | undefined): Wire =>
  position === undefined ? null : [position.seq, position.part]

function positionOf(value: unknown): CutPosition | undefined {
  if (!Array.isArray(value)) return undefined
  const [seq, part] = value
  return Number.isSafeInteger(seq) && Number.isSafeInteger(part) ? { seq, part } : undefined
}

function isStatement(value: unknown): value is Statement {
  if (typeof value !== 'object' || value === null) return false
  const statement = value as { kind?: unknown; unit?: unknown; scope?: unknown }
  if (statement.kind === 'vote') return typeof statement.unit === 'string'
  return (statement.kind === 'promise' || statement.kind === 'accept') && typeof statement.scope === 'string'
}
