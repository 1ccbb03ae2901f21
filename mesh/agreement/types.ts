/**
 * The words of agreement (design, sections 1, 3 and 4): cuts, votes, certificates, terms, decisions. What is signed or
 * hashed is the canonical JSON of these objects (encoding.ts), so field order never matters and nothing is implied.
 */
import type { Digest, PeerId, UnitId } from '../ids.ts'

/** Where a cut's part stands in its unit's history: seq 1, 2, 3 …, part 0, 1, … within it. */
export interface CutPosition {
  readonly seq: number
  readonly part: number
}

export interface CutCounts {
  readonly in: number
  readonly late: number
  readonly dead: number
}

/**
 * What a replica got at one part of one cut: the thing that replicas compare. It names neither a term nor a peer, so the
 * same computation gives the same digest in every term.
 */
export interface CutContent extends CutPosition {
  readonly cluster: string
  readonly unit: UnitId
  /** True at the last part of its cut: the next position is (seq + 1, 0), else (seq, part + 1). */
  readonly last: boolean
  /** Offset after the last record the cut covers. */
  readonly offset: number
  /** Of the whole cut, repeated in each part. */
  readonly counts: CutCounts
  /** Digest of the content before this one; GENESIS at the first. */
  readonly parent: Digest
  readonly inDigest: Digest
  /** Root over one digest per destination, each over the exact bytes that will be sent. */
  readonly outDigest: Digest
  /** At snapshot cuts, in the last part. */
  readonly stateDigest?: Digest
}

/** A statement leaf: what a peer signs about a cut. The digest is that of the content. */
export interface Vote extends CutPosition {
  readonly kind: 'vote'
  readonly unit: UnitId
  readonly term: number
  readonly digest: Digest
}

/**
 * A peer's signature over one statement: the statement is leaf `index` of the Merkle tree whose root the peer signed as
 * flush number `counter`.
 */
export interface StatementProof {
  readonly peer: PeerId
  /** Raw Ed25519 key of the peer, 64 hex characters: the peer's id is its hash, so a proof needs no directory of keys. */
  readonly publicKey: string
  readonly counter: number
  readonly index: number
  /** Number of leaves in the flush. */
  readonly leaves: number
  readonly path: readonly Digest[]
  /** Ed25519 over `quorate-flush-1`, the counter and the root; 128 hex characters. */
  readonly signature: string
}

/** W equal votes of distinct members of the unit's term. */
export interface Certificate {
  readonly content: CutContent
  readonly term: number
  /** Sorted by peer. */
  readonly signers: readonly StatementProof[]
}

/** What replicas may have to agree on. Append-only: terms on disk hold them. */
export const DECISION_KINDS = [
  /** Cut here: something to emit has waited long enough. */
  'cut',
  /** The partition is silent. */
  'idle',
  /** A bounded input ends here. */
  'final',
  /** Take nothing more until `resume`. */
  'pause',
  'resume',
  /**
   * The records from here to `value` are gone from the log: the replicas go on there, with the state of the snapshot at
   * `snapshot` and the watermark at `floor`, right after the term's base.
   */
  'gap',
  /** The record here stops the replicas that take it: it is passed over. */
  'skip',
  /** From here on the replicas compute as version `value` does. */
  'version',
  /** From here on the replicas compute as revision `value` of the job says. */
  'revision',
] as const
export type DecisionKind = (typeof DECISION_KINDS)[number]

/** Something the replicas agree on that is not a function of the log: applied once all records below `offset` are taken. */
export interface Decision {
  readonly kind: DecisionKind
  readonly offset: number
  readonly value?: number
  /** Of a gap; null: there is none. */
  readonly snapshot?: CutPosition | null
  /** Of a gap, epoch milliseconds; null: no record had come. */
  readonly floor?: number | null
}

/** A cut at which no value could win, with who voted for what: evidence for whoever has to decide. */
export interface Dispute extends CutPosition {
  readonly votes: readonly { readonly peer: PeerId; readonly digest: Digest }[]
  /** Terms in a row that failed at this cut with every member heard. */
  readonly times: number
}

/** A cut that may have been certified in an earlier term without the promisers knowing. */
export interface OpenCut extends CutPosition {
  readonly digest: Digest
  /** Offset after the last record the open cut covers: no decision is placed before it. */
  readonly offset: number
  /** The term in which it could have been certified. */
  readonly term: number
}

/** One link of a unit's history. Term 1 has no decision and an empty base. */
export interface Term {
  readonly unit: UnitId
  readonly number: number
  readonly view: number
  /** In preference order at the time of the term. */
  readonly members: readonly PeerId[]
  readonly write: number
  /** The last certified cut that was handed over; undefined: none yet. */
  readonly base:
    | (CutPosition & { readonly digest: Digest; readonly last: boolean; readonly offset: number })
    | undefined
  readonly open: readonly OpenCut[]
  /** Offset of the latest decision so far, or past what it skips or gives up: later ones are not placed before it. */
  readonly floor: number
  /** Nothing is taken from this offset on: whatever is decided meanwhile is decided here. */
  readonly pausedAt?: number
  readonly decision?: Decision
  /** Why this term was needed, when its predecessor could not agree on a cut. */
  readonly dispute?: Dispute
  /** Made by an operator's order without the majority that was gone for good. */
  readonly forced?: true
  /** All members of the term before were given up, and those of an earlier term take over: of this one and those after it. */
  readonly membersOf?: number
  /** Clusters before this one that had the unit: each was lost, and the next one restored it. */
  readonly restored?: number
}

/** Orders attempts to choose a successor: by round, then by peer. */
export interface Ballot {
  readonly round: number
  readonly peer: PeerId
}

export const compareBallots = (a: Ballot, b: Ballot): number =>
  a.round - b.round || (a.peer < b.peer ? -1 : a.peer > b.peer ? 1 : 0)

/** Orders positions within a unit. */
export const comparePositions = (a: CutPosition, b: CutPosition): number => a.seq - b.seq || a.part - b.part

/** Whether one place comes before another; undefined stands for "before the first". */
export const isBehind = (a: CutPosition | undefined, b: CutPosition | undefined): boolean =>
  b !== undefined && (a === undefined || comparePositions(a, b) < 0)

/** As comparePositions, with "before the first" before all others. */
export const comparePlaces = (a: CutPosition | undefined, b: CutPosition | undefined): number =>
  isBehind(a, b) ? -1 : isBehind(b, a) ? 1 : 0

export const furthest = (a: CutPosition | undefined, b: CutPosition | undefined): CutPosition | undefined =>
  isBehind(a, b) ? b : a

/** The bare position, as it travels. */
export const pickPosition = (place: CutPosition | undefined): CutPosition | null =>
  place === undefined ? null : { seq: place.seq, part: place.part }

/** The position after one; undefined stands for "before the first". */
export function nextPosition(after: (CutPosition & { readonly last: boolean }) | undefined): CutPosition {
  if (after === undefined) return { seq: 1, part: 0 }
  return after.last ? { seq: after.seq + 1, part: 0 } : { seq: after.seq, part: after.part + 1 }
}
