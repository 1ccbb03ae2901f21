/**
 * Single-decree Paxos (Lamport, "Paxos Made Simple", 2001), twice used: for the successor of a unit's term and for the
 * successor of a control document. Both halves are pure state; who sends what is the caller's business.
 */

import type { PeerId } from '../ids.ts'
import { planted } from '../planted.ts'
import { type Ballot, compareBallots } from './types.ts'

export interface Accepted<V> {
  readonly ballot: Ballot
  readonly value: V
}

/** What an acceptor keeps on disk before it answers. */
export interface AcceptorState<V> {
  readonly promised: Ballot | undefined
  readonly accepted: Accepted<V> | undefined
}

export const FRESH_ACCEPTOR: AcceptorState<never> = { promised: undefined, accepted: undefined }

/** The state after promising, or undefined when a higher ballot was promised. Promising twice is the same. */
export function promise<V>(state: AcceptorState<V>, ballot: Ballot): AcceptorState<V> | undefined {
  if (state.promised !== undefined && compareBallots(ballot, state.promised) < 0) return undefined
  return { promised: ballot, accepted: state.accepted }
}

/** The state after accepting, or undefined when a higher ballot was promised. */
export function accept<V>(state: AcceptorState<V>, ballot: Ballot, value: V): AcceptorState<V> | undefined {
  const lower = state.promised !== undefined && compareBallots(ballot, state.promised) < 0
  if (lower && !planted('lower-ballot-accepted')) return undefined
  return { promised: ballot, accepted: { ballot, value } }
}

/** One attempt of one proposer. `P` is what a promise hands over besides the accepted value. */
export class Attempt<V, P> {
  readonly ballot: Ballot
  readonly promises = new Map<PeerId, { readonly accepted: Accepted<V> | undefined; readonly handedOver: P }>()
  readonly acceptedBy = new Set<PeerId>()
  /** Set when the second phase began. */
  value: V | undefined

  constructor(ballot: Ballot) {
    this.ballot = ballot
  }

  /** The value that the promises bind this attempt to: the one accepted under the highest ballot. */
  get bound(): V | undefined {
    let highest: Accepted<V> | undefined
    for (const { accepted } of this.promises.values()) {
      if (accepted === undefined) continue
      if (highest === undefined || compareBallots(accepted.ballot, highest.ballot) > 0) highest = accepted
    }
    return highest?.value
  }
}

export const majority = (members: number): number => Math.floor(members / 2) + 1
