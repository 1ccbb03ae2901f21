/**
 * The first control document of a cluster: K peers that were started with `--bootstrap-expect K` confirm the same list
 * to one another. A peer confirms one list, durably, so two first documents cannot both be complete. A pure core.
 */

import { type ControlDocument, genesis } from './agreement/control-document.ts'
import { encodeStored, type PersistOp } from './agreement/effects.ts'
import { canonicalText } from './agreement/encoding.ts'
import { isPeerId, type PeerId } from './ids.ts'
import type { Member } from './membership/index.ts'

/** A peer with the name that it was started with. */
export interface NamedPeer {
  readonly id: PeerId
  readonly name: string
}

export interface BootstrapMessage {
  readonly t: 'confirm'
  /** By id. */
  readonly peers: readonly NamedPeer[]
}

export type BootstrapEffect =
  | { readonly kind: 'persist'; readonly ops: readonly PersistOp[] }
  | { readonly kind: 'send'; readonly to: PeerId; readonly body: BootstrapMessage }
  | { readonly kind: 'complete'; readonly document: ControlDocument }

export const isBootstrapMessage = (value: unknown): value is BootstrapMessage =>
  typeof value === 'object' &&
  value !== null &&
  (value as { t?: unknown }).t === 'confirm' &&
  Array.isArray((value as { peers?: unknown }).peers) &&
  (value as { peers: unknown[] }).peers.length <= 64 &&
  (value as { peers: unknown[] }).peers.every(isNamedPeer)

function isNamedPeer(value: unknown): boolean {
  const peer = value as Partial<NamedPeer> | null
  return typeof peer === 'object' && isPeerId(peer?.id) && typeof peer.name === 'string'
}

const textOf = (peers: readonly NamedPeer[]): string => canonicalText(peers.map(({ id, name }) => ({ id, name })))

export class Bootstrap {
  readonly #self: NamedPeer
  readonly #expect: number
  #confirmed: readonly NamedPeer[] | undefined
  readonly #confirmations = new Map<PeerId, string>()

  /** @param confirmed the list this peer confirmed before a restart */
  constructor(self: NamedPeer, expect: number, confirmed: readonly NamedPeer[] | undefined) {
    this.#self = self
    this.#expect = expect
    this.#confirmed = confirmed
  }

  /** Why there is no cluster yet; undefined is never returned while this core is in use. */
  reason(alive: readonly NamedPeer[]): string {
    const found = alive.length + 1
    if (this.#confirmed === undefined && found > this.#expect) {
      return `${found} peers expect a cluster of ${this.#expect}: stop the ones that do not belong to it`
    }
    if (this.#confirmed === undefined) return `waiting for ${this.#expect} peers, ${found} found`
    const missing = this.#confirmed.filter(({ id }) => !this.#agrees(id)).map(({ name }) => name)
    return `waiting for ${missing.join(', ')} to confirm the first list of members`
  }

  /** @param alive other peers that are alive and expect the same number */
  tick(alive: readonly NamedPeer[]): BootstrapEffect[] {
    const effects: BootstrapEffect[] = []
    if (this.#confirmed === undefined) {
      if (alive.length + 1 !== this.#expect) return []
      this.#confirmed = [this.#self, ...alive].sort((a, b) => (a.id < b.id ? -1 : 1))
      const value = encodeStored(this.#confirmed)
      effects.push({ kind: 'persist', ops: [{ kind: 'put', table: 'meta', key: 'bootstrap', value }] })
    }
    this.#confirmations.set(this.#self.id, textOf(this.#confirmed))
    const body: BootstrapMessage = { t: 'confirm', peers: this.#confirmed }
    for (const { id: to } of this.#confirmed) if (to !== this.#self.id) effects.push({ kind: 'send', to, body })
    return [...effects, ...this.#complete()]
  }

  receive(from: PeerId, message: BootstrapMessage): BootstrapEffect[] {
    this.#confirmations.set(from, textOf(message.peers))
    return this.#complete()
  }

  #agrees(peer: PeerId): boolean {
    return this.#confirmed !== undefined && this.#confirmations.get(peer) === textOf(this.#confirmed)
  }

  #complete(): BootstrapEffect[] {
    const list = this.#confirmed
    if (list === undefined || !list.every(({ id }) => this.#agrees(id))) return []
    return [{ kind: 'complete', document: genesis(list) }]
  }
}

/** Others that are alive and were told to expect as many. */
export const peersExpecting = (expect: number | undefined, members: readonly Member[], self: PeerId): NamedPeer[] =>
  members
    .filter(({ id, state, bootstrapExpect }) => id !== self && state === 'alive' && bootstrapExpect === expect)
    .map(({ id, name }) => ({ id, name }))
