/**
 * The control document at one peer: how it comes about (bootstrap, or from a member of the cluster), is kept, and is
 * changed. The shell around the cores of bootstrap.ts and agreement/control.ts.
 */
import {
  ControlAgreement,
  type ControlEffect,
  type ControlEvent,
  type ControlMessage,
  controlScope,
} from './agreement/control.ts'
import {
  bodiesOf,
  type ControlChange,
  type ControlDocument,
  type DocumentNumber,
  isControlDocument,
} from './agreement/control-document.ts'
import { encodeStored } from './agreement/effects.ts'
import type { AcceptorState } from './agreement/paxos.ts'
import type { Statement } from './agreement/statement.ts'
import { Bootstrap, type BootstrapEffect, type BootstrapMessage, type NamedPeer } from './bootstrap.ts'
import { carry } from './carry.ts'
import type { Clock } from './clock.ts'
import { MeshError } from './errors.ts'
import type { PeerId } from './ids.ts'
import { loadBytes, loadOwn, type MeshStore } from './mesh-store.ts'
import type { Outbox } from './outbox.ts'
import type { Random } from './random.ts'
import type { Wire } from './transport/transport.ts'

export interface ControlOptions {
  readonly self: PeerId
  /** As it was started. */
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly store: MeshStore
  readonly outbox: Outbox
  /** Start a first cluster with this many peers; undefined: join one. */
  readonly bootstrapExpect: number | undefined
  /** Other peers that are alive and expect the same number. */
  readonly bootstrapPeers: () => readonly NamedPeer[]
  readonly send: (to: PeerId, channel: 'control' | 'bootstrap', message: Wire) => void
  readonly onDocument: (document: ControlDocument) => void
}

interface Waiting {
  readonly resolve: (document: ControlDocument) => void
  readonly reject: (error: MeshError) => void
}

export class Control {
  readonly #options: ControlOptions
  #bootstrap: Bootstrap | undefined
  #agreement: ControlAgreement | undefined
  readonly #waiting = new Map<string, Waiting>()
  #changes = 0

  constructor(options: ControlOptions) {
    this.#options = options
  }

  get document(): ControlDocument | undefined {
    return this.#agreement?.document
  }

  /** What this peer tells others that it has; undefined: it has no document. */
  get has(): DocumentNumber | undefined {
    return this.#agreement?.has
  }

  /** Peers among these that may still go by an earlier document. */
  laggards(peers: readonly PeerId[]): readonly PeerId[] {
    return this.#agreement?.laggards(peers) ?? peers
  }

  /** A majority of the document's own acceptors have it: whoever it leaves out may go. */
  get installed(): boolean {
    return this.#agreement?.installed === true
  }

  /** Why there is no document yet. */
  get waitingFor(): string | undefined {
    if (this.#agreement !== undefined) return undefined
    if (this.#bootstrap === undefined) return 'joining: no member of a cluster has answered yet'
    return this.#bootstrap.reason(this.#options.bootstrapPeers())
  }

  body(hash: string): Uint8Array | undefined {
    return this.#agreement?.body(hash as never)
  }

  async restore(): Promise<void> {
    const { self, name, store, random, bootstrapExpect } = this.#options
    const document = await loadOwn(store, 'control', 'document')
    if (isControlDocument(document)) {
      const acceptor = await loadOwn(store, 'acceptor', controlScope(document))
      const state = acceptor as AcceptorState<ControlDocument> | undefined
      const accepted = state?.accepted?.value
      const bodies: Uint8Array[] = []
      for (const hash of new Set([...bodiesOf(document), ...(accepted === undefined ? [] : bodiesOf(accepted))])) {
        const body = await loadBytes(store, 'job', hash)
        if (body !== undefined) bodies.push(body)
      }
      this.#agreement = new ControlAgreement(self, random, document, state, bodies)
    } else if (bootstrapExpect !== undefined) {
      const confirmed = (await loadOwn(store, 'meta', 'bootstrap')) as NamedPeer[] | undefined
      this.#bootstrap = new Bootstrap({ id: self, name }, bootstrapExpect, confirmed)
    }
  }

  /** Runs a change; resolves with the document that holds it. */
  change(change: ControlChange, timeoutMs: number): Promise<ControlDocument> {
    return this.#start(timeoutMs, (agreement, now, id) => agreement.change(now, id, change))
  }

  /** Without the majority of the acceptors, which is gone for good; resolves once this peer goes by the new document. */
  force(lost: readonly PeerId[], timeoutMs: number): Promise<ControlDocument> {
    return this.#start(timeoutMs, (agreement, _now, id) => agreement.force(id, lost))
  }

  #start(
    timeoutMs: number,
    begin: (agreement: ControlAgreement, now: number, id: string) => readonly ControlEffect[],
  ): Promise<ControlDocument> {
    const agreement = this.#agreement
    const { clock } = this.#options
    if (agreement === undefined) {
      return Promise.reject(new MeshError('QRT_MESH_BOOTSTRAP', this.waitingFor ?? 'there is no cluster yet'))
    }
    this.#changes += 1
    const id = String(this.#changes)
    return new Promise((resolve, reject) => {
      const cancel = clock.after(timeoutMs, () => {
        this.#waiting.delete(id)
        agreement.withdraw(id)
        const what = 'no majority of the acceptors answered in time; the change may still be made'
        reject(new MeshError('QRT_MESH_UNREACHABLE', what))
      })
      this.#waiting.set(id, {
        resolve: (document) => {
          cancel()
          resolve(document)
        },
        reject: (error) => {
          cancel()
          reject(error)
        },
      })
      this.#carry(begin(agreement, clock.now(), id))
    })
  }

  tick(alive: ReadonlySet<PeerId>): void {
    if (this.#agreement === undefined) return
    this.#agreement.setAlive(alive)
    this.#carry(this.#agreement.tick(this.#options.clock.now()))
  }

  /** While there is no document: what is missing for a first one is repeated. */
  bootstrapTick(): void {
    if (this.#agreement !== undefined || this.#bootstrap === undefined) return
    this.#carryBootstrap(this.#bootstrap.tick(this.#options.bootstrapPeers()))
  }

  message(from: PeerId, message: ControlMessage): void {
    if (this.#agreement !== undefined) {
      this.#carry(this.#agreement.message(this.#options.clock.now(), from, message))
    } else if (message.t === 'chosen') this.#adopt(message.value)
  }

  bootstrapMessage(from: PeerId, message: BootstrapMessage): void {
    if (this.#bootstrap !== undefined) this.#carryBootstrap(this.#bootstrap.receive(from, message))
  }

  statement(from: PeerId, statement: Statement, attachment: Wire): void {
    if (this.#agreement !== undefined) this.#carry(this.#agreement.statement(from, statement, attachment))
  }

  /** A peer told which document it has on disk. */
  heard(from: PeerId, has: DocumentNumber): void {
    if (this.#agreement !== undefined) this.#carry(this.#agreement.heard(from, has))
    else this.#options.send(from, 'control', { t: 'ask', number: 0, hashes: [] })
  }

  close(): void {
    for (const { reject } of this.#waiting.values()) reject(new MeshError('QRT_MESH_CLOSED', 'this peer is stopping'))
    this.#waiting.clear()
  }

  /** The first document this peer holds: its own bootstrap's, or that of the cluster it joins. */
  #adopt(document: ControlDocument): void {
    if (this.#agreement !== undefined) return
    const { self, random, outbox, onDocument } = this.#options
    this.#agreement = new ControlAgreement(self, random, document, undefined, [])
    outbox.persist([{ kind: 'put', table: 'control', key: 'document', value: encodeStored(document) }])
    onDocument(document)
  }

  #carry(effects: readonly ControlEffect[]): void {
    if (effects.length === 0) return
    const { outbox, send } = this.#options
    carry(effects, {
      outbox,
      send: (to, body) => send(to, 'control', body),
      tell: () => undefined,
      onEvent: (event) => this.#event(event),
    })
  }

  #event(event: ControlEvent): void {
    if (event.kind === 'document') {
      this.#options.onDocument(event.document)
      return
    }
    const waiting = this.#waiting.get(event.id)
    this.#waiting.delete(event.id)
    if (event.kind === 'changed') waiting?.resolve(event.document)
    else waiting?.reject(new MeshError('QRT_MESH_CHANGE', event.reason))
  }

  #carryBootstrap(effects: readonly BootstrapEffect[]): void {
    const { outbox, send } = this.#options
    for (const effect of effects) {
      if (effect.kind === 'persist') outbox.persist(effect.ops)
      else if (effect.kind === 'complete') this.#adopt(effect.document)
      else outbox.after(() => send(effect.to, 'bootstrap', effect.body as unknown as Wire))
    }
  }
}
