/** What a mesh node is made of and what it tells: its contract with the peer around it. */
import type { ControlDocument } from './agreement/control-document.ts'
import type { UnitEvent } from './agreement/unit-contract.ts'
import type { Clock } from './clock.ts'
import type { MeshError } from './errors.ts'
import type { Signer, Verifier } from './identity.ts'
import type { PeerId } from './ids.ts'
import type { Member } from './membership/index.ts'
import type { MeshStore } from './mesh-store.ts'
import type { Random } from './random.ts'
import type { Transport, Wire } from './transport/transport.ts'
import type { ViewSettings } from './view-keeper.ts'

/** This identity must not be used again. */
export interface Retirement {
  readonly kind: 'retired'
  readonly reason: string
  /** Its disk forgot what it signed: a new identity may take its place. */
  readonly again: boolean
  /** Where other peers were last. */
  readonly addresses: readonly string[]
}

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
  | Retirement

export interface MeshNodeOptions {
  readonly signer: Signer
  readonly verifier: Verifier
  readonly clock: Clock
  readonly random: Random
  readonly transport: Transport
  readonly store: MeshStore
  readonly name: string
  readonly version: string
  /** Determinism versions that this peer can compute in: told to the others. */
  readonly versions: readonly number[]
  readonly seeds: readonly string[]
  /** Start a first cluster with this many peers; undefined: join one. */
  readonly bootstrapExpect: number | undefined
  /** How often the cores are given the time; default 20 ms. */
  readonly tickMs?: number
  /** Default: DEFAULT_VIEW_SETTINGS. */
  readonly view?: Partial<ViewSettings>
  readonly onEvent: (event: MeshEvent) => void
  /** Answers requests of other peers (reads, for example). */
  readonly onRequest: (from: PeerId, body: Wire) => Promise<Wire>
  /** One-way notes of other peers, such as commit hints. */
  readonly onNote: (from: PeerId, body: Wire) => void
}
