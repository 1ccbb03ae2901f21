/**
 * The first control document of a cluster: K peers that were started with `--bootstrap-expect K` confirm the same list
 * to one another. A peer confirms one list, durably, so two first documents cannot both be complete. A pure core.
 */

import { type ControlDocument, genesis } from './agreement/control.ts'
import { encodeStored, type PersistOp } from './agreement/effects.ts'
import { isPeerId, type PeerId } from './ids.ts'

export interface BootstrapMessage {
  readonly t: 'confirm'
  readonly peers: readonly PeerId[]
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
  (value as { peers: unknown[] }).peers.every(isPeerId)

export class Bootstrap {
  readonly #self: PeerId
  readonly #expect: number
  #confirmed: readonly PeerId[] | undefined
  readonly #confirmations = new Map<PeerId, string>()

  /** @param confirmed the list this peer confirmed before a restart */
  constructor(self: PeerId, expect: number, confirmed: readonly PeerId[] | undefined) {
    this.#self = self
    this.#expect = expect
    this.#confirmed = confirmed
  }

  /** Why there is no cluster yet; undefined is never returned while this core is in use. */
  reason(alive: readonly PeerId[]): string {
    const found = alive.length + 1
    if (this.#confirmed === undefined && found > this.#expect) {
      return `${found} peers expect a cluster of ${this.#expect}: stop the ones that do not belong to it`
    }
    if (this.#confirmed === undefined) return `waiting for ${this.#expect} peers, ${found} found`
    const missing = this.#confirmed.filter((peer) => !this.#agrees(peer))
    return `waiting for ${missing.join(', ')} to confirm the first list of members`
  }

  /** @param alive other peers that are alive and expect the same number */
  tick(alive: readonly PeerId[]): BootstrapEffect[] {
    const effects: BootstrapEffect[] = []
    if (this.#confirmed === undefined) {
      if (alive.length + 1 !== this.#expect) return []
      this.#confirmed = [this.#self, ...alive].sort()
      const value = encodeStored(this.#confirmed)
      effects.push({ kind: 'persist', ops: [{ kind: 'put', table: 'meta', key: 'bootstrap', value }] })
    }
    this.#confirmations.set(this.#self, this.#confirmed.join())
    const body: BootstrapMessage = { t: 'confirm', peers: this.#confirmed }
    for (const to of this.#confirmed) if (to !== this.#self) effects.push({ kind: 'send', to, body })
    return [...effects, ...this.#complete()]
  }

  receive(from: PeerId, message: BootstrapMessage): BootstrapEffect[] {
    this.#confirmations.set(from, message.peers.join())
    return this.#complete()
  }

  #agrees(peer: PeerId): boolean {
    return this.#confirmations.get(peer) === this.#confirmed?.join()
  }

  #complete(): BootstrapEffect[] {
    const list = this.#confirmed
    if (list === undefined || !list.every((peer) => this.#agrees(peer))) return []
    return [{ kind: 'complete', document: genesis(list) }]
  }
}
