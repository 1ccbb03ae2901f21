/**
 * How peers reach one another: authenticated, ordered, at-most-once messages. A message to a peer that is not connected
 * is not queued: the protocols above repeat what matters. Implementations: WebSocket (`websocket.ts`) and the simulated
 * network of the tests; one contract suite holds both.
 */
import type { MeshError } from '../errors.ts'
import type { PeerId } from '../ids.ts'

/** Who is at the other end, as proved by the handshake. `publicKey` is the raw 32-byte Ed25519 key. */
export interface PeerIdentity {
  readonly id: PeerId
  readonly publicKey: Uint8Array
  /** The name given by `--name`; a label, not an identity. */
  readonly name: string
  /** Where this peer accepts connections, such as `ws://127.0.0.1:7400`. */
  readonly address: string
}

/** Plain data that msgpackr carries: null, booleans, finite numbers, strings, Uint8Array, arrays, plain objects. */
export type Wire = null | boolean | number | string | Uint8Array | readonly Wire[] | { readonly [key: string]: Wire }

export type TransportEvent =
  | { readonly kind: 'connected'; readonly peer: PeerIdentity }
  | { readonly kind: 'disconnected'; readonly peer: PeerId; readonly reason: string }
  | { readonly kind: 'message'; readonly from: PeerId; readonly body: Wire; readonly bytes: number }
  /** A dial that failed or a connection that was refused: for logs, metrics and `status`. */
  | { readonly kind: 'refused'; readonly address: string; readonly error: MeshError }

export interface Transport {
  readonly self: PeerIdentity
  /** Connected peers; at most one connection per peer is kept, both ends agree on which. */
  readonly peers: ReadonlyMap<PeerId, PeerIdentity>
  /** Starts accepting; resolves to the bound identity (its address has the real port). */
  start(onEvent: (event: TransportEvent) => void): Promise<PeerIdentity>
  /** Tries once to connect to an address; the outcome is an event. A no-op while one is under way or connected. */
  dial(address: string): void
  /** False when the peer is not connected or its send buffer is at its bound (the message is dropped and counted). */
  send(to: PeerId, body: Wire): boolean
  /** Ends a connection: its peer misbehaved. */
  disconnect(peer: PeerId, reason: string): void
  close(): Promise<void>
}
