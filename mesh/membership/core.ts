/** What goes into the membership core and what comes out: its contract with the node, and with the tests. */
import type { Instant } from '../clock.ts'
import type { Signer, Verifier } from '../identity.ts'
import type { PeerId } from '../ids.ts'
import type { Random } from '../random.ts'
import type { PeerIdentity, Wire } from '../transport/transport.ts'
import type { Announcement, Member, MemberState } from './member.ts'
import type { MembershipSettings } from './settings.ts'

export type MembershipInput =
  | { readonly kind: 'message'; readonly from: PeerId; readonly body: Wire }
  | { readonly kind: 'connected'; readonly peer: PeerIdentity }
  | { readonly kind: 'disconnected'; readonly peer: PeerId }

export type MembershipEffect =
  | { readonly kind: 'send'; readonly to: PeerId; readonly body: Wire }
  | { readonly kind: 'dial'; readonly address: string }
  /** Nothing comes on this connection any more. */
  | { readonly kind: 'disconnect'; readonly peer: PeerId }
  /** A member is new (`from` undefined), changed its state, or announced something else about itself (`from` = `to`). */
  | {
      readonly kind: 'changed'
      readonly member: Member
      readonly from: MemberState | undefined
      readonly to: MemberState
    }
  | { readonly kind: 'malformed'; readonly from: PeerId }
  /** A probe was answered by the member itself, this long after it was sent. */
  | { readonly kind: 'roundTrip'; readonly peer: PeerId; readonly durationMs: number }

export interface MembershipOptions {
  readonly self: Omit<Announcement, 'incarnation' | 'left'>
  readonly signer: Signer
  readonly verifier: Verifier
  readonly random: Random
  /** Addresses dialled until connected, and again whenever they are not. */
  readonly seeds: readonly string[]
  readonly now: Instant
  readonly settings?: Partial<MembershipSettings>
}

export interface MembershipCounters {
  /** Messages that did not parse, and claims whose signature is not the member's. */
  readonly malformed: number
  /** Claims about members for whom the full table has no room. */
  readonly refused: number
  /** Accusations that this peer has answered with a higher incarnation. */
  readonly refuted: number
}

export interface MembershipCore {
  receive(now: Instant, input: MembershipInput): readonly MembershipEffect[]
  tick(now: Instant): readonly MembershipEffect[]
  /** This peer's last words; it does nothing more afterwards. */
  leave(now: Instant): readonly MembershipEffect[]
  /** This peer first, then the others as heard of, the dead and departed included. */
  members(): readonly Member[]
  /** Those who are alive, this peer included. */
  alive(): ReadonlySet<PeerId>
  /** 1 when this peer hears answers in time; higher: it is likely the slow one, and waits that much longer. */
  readonly healthMultiplier: number
  readonly counters: MembershipCounters
}
