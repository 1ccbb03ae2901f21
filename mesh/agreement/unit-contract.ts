/** What goes into a unit's agreement when it is made, and what comes out of it: its contract with the node and the host. */
import type { PeerId, UnitId } from '../ids.ts'
import type { Random } from '../random.ts'
import type { AgreementEffect } from './effects.ts'
import type { SuccessionState } from './succession.ts'
import type { Certificate, CutContent, CutPosition, Term } from './types.ts'

export type UnitEvent =
  /** A succession began: stop taking records, and answer `paused` with this token. */
  | { readonly kind: 'pause'; readonly unit: UnitId; readonly token: number }
  /** The next certificate in the chain; own content may still be missing or differ. */
  | { readonly kind: 'certified'; readonly certificate: Certificate }
  /** A certificate is held and this replica computed the same content: store the batch, then call `stored`. */
  | { readonly kind: 'matched'; readonly certificate: Certificate }
  /** This replica computed something else than W others, or than it had voted for itself. */
  | { readonly kind: 'diverged'; readonly computed: CutContent; readonly certified: CutContent | undefined }
  /** A member voted for something else than what was certified. */
  | {
      readonly kind: 'outvoted'
      readonly peer: PeerId
      readonly computed: CutContent
      readonly certified: CutContent
    }
  /** A new term began. Contents beyond its decision are void; go on under it. */
  | { readonly kind: 'term'; readonly term: Term }
  /** A member's vote came after the certificate, and agrees with it. */
  | { readonly kind: 'confirmed'; readonly peer: PeerId }
  /** A member voted twice for different things at one position of one term. */
  | { readonly kind: 'equivocated'; readonly unit: UnitId; readonly peer: PeerId; readonly position: CutPosition }
  /** What another peer told does not continue what is known here: it has forgotten what lies between. */
  | { readonly kind: 'behind'; readonly unit: UnitId; readonly peer: PeerId }
  /** This peer is no member of the term, and its successors no longer need it. */
  | { readonly kind: 'released'; readonly unit: UnitId }
  /** This peer has not opened the unit, and is a member of this term: it takes part once it has what the others have. */
  | { readonly kind: 'named'; readonly unit: UnitId; readonly term: number }

export type UnitEffect = AgreementEffect<UnitEvent>

export interface UnitOptions {
  readonly self: PeerId
  readonly random: Random
  /** Each rank waits this much longer before it proposes what all of them wish. */
  readonly staggerMs: number
  /** Whether a certificate that came from elsewhere carries W valid signatures of members. */
  readonly verify: (certificate: Certificate, term: Term) => boolean
  /** All that are known, in order: the first term, and what is on disk. */
  readonly terms: readonly Term[]
  /** From disk: certificates since the last snapshot in order, the last one being the frontier. */
  readonly certificates: readonly Certificate[]
  /** From disk: own votes of the present term beyond the frontier. */
  readonly votes: readonly CutContent[]
  /** From disk, of the present term and of those that opened what is still open. */
  readonly successions: ReadonlyMap<number, SuccessionState>
}
