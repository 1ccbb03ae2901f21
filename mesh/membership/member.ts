/**
 * What is said about a member, and which of two sayings holds. A claim is a member's own signed announcement together
 * with the state that somebody ascribes to it. Claims about one member are totally ordered, so a table that keeps the
 * greater one converges whatever the order in which claims arrive, and however often.
 */
import type { Instant } from '../clock.ts'
import type { PeerId } from '../ids.ts'

export type MemberState = 'alive' | 'suspect' | 'dead' | 'left'

/** What a member says of itself, under its signature. */
export interface Announcement {
  readonly id: PeerId
  /** Raw Ed25519 public key, 32 bytes; the id is its hash. */
  readonly publicKey: Uint8Array
  readonly name: string
  readonly address: string
  readonly httpAddress: string
  readonly version: string
  /** Peers that it expects in a first cluster; absent: it joins one. */
  readonly bootstrapExpect?: number
  /** Raised by the member alone, to refute what is said about it. */
  readonly incarnation: number
  /** True in its last words: only the member itself can say that it left. */
  readonly left: boolean
}

export interface Claim {
  readonly announcement: Announcement
  readonly signature: Uint8Array
  /** `left` exactly when the announcement says so. */
  readonly state: MemberState
}

/** A member as others see it. */
export interface Member extends Omit<Announcement, 'left'> {
  readonly state: MemberState
  /** When this peer last heard of it, itself or through a peer that probed it. */
  readonly lastHeardAt: Instant
}

const PRECEDENCE: Readonly<Record<MemberState, number>> = { alive: 0, suspect: 1, dead: 2, left: 3 }

/**
 * Positive when `a` overrides `b`: the higher incarnation, then alive < suspect < dead < left. A member that restarts
 * may announce other things under an incarnation it has used before; the signature decides until it refutes both.
 */
export function compareClaims(a: Claim, b: Claim): number {
  return (
    a.announcement.incarnation - b.announcement.incarnation ||
    PRECEDENCE[a.state] - PRECEDENCE[b.state] ||
    Buffer.compare(a.signature, b.signature)
  )
}
