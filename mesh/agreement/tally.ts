/**
 * Votes of one term, counted. Pending, won, or lost at each position; one vote per peer and position, the first one.
 */
import type { Instant } from '../clock.ts'
import type { Digest, PeerId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import { planted } from '../planted.ts'
import type { Certificate, CutContent, CutPosition, StatementProof } from './types.ts'
import { comparePositions } from './types.ts'

interface Candidate {
  readonly content: CutContent
  readonly proofs: Map<PeerId, StatementProof>
}

interface Poll extends CutPosition {
  /** When the first vote came. */
  readonly since: Instant
  readonly candidates: Map<Digest, Candidate>
  readonly voters: Map<PeerId, Digest>
}

export type Counted = 'counted' | 'repeated' | 'equivocated' | 'full'

export class Tally {
  readonly #polls = new Map<string, Poll>()
  readonly #write: number

  constructor(write: number) {
    this.#write = write
  }

  /** Counts a verified vote of a member. `equivocated`: the peer voted for something else here before. */
  add(now: Instant, content: CutContent, digest: Digest, proof: StatementProof): Counted {
    const key = `${content.seq}/${content.part}`
    let poll = this.#polls.get(key)
    if (poll === undefined) {
      if (this.#polls.size >= LIMITS.pollsPerUnit) return 'full'
      poll = { since: now, seq: content.seq, part: content.part, candidates: new Map(), voters: new Map() }
      this.#polls.set(key, poll)
    }
    const voter = planted('vote-counted-twice') ? (`${proof.peer}/${proof.counter}` as PeerId) : proof.peer
    const before = poll.voters.get(voter)
    if (before !== undefined) return before === digest ? 'repeated' : 'equivocated'
    poll.voters.set(voter, digest)
    const candidate = poll.candidates.get(digest)
    if (candidate === undefined) poll.candidates.set(digest, { content, proofs: new Map([[voter, proof]]) })
    else candidate.proofs.set(voter, proof)
    return 'counted'
  }

  /** The certificate at a position, once one value has W votes. */
  winner(position: CutPosition, term: number): Certificate | undefined {
    const poll = this.#polls.get(`${position.seq}/${position.part}`)
    if (poll === undefined) return undefined
    for (const { content, proofs } of poll.candidates.values()) {
      if (proofs.size < this.#write - (planted('few-votes') ? 1 : 0)) continue
      const signers = [...proofs.values()].sort((a, b) => (a.peer < b.peer ? -1 : 1))
      return { content, term, signers }
    }
    return undefined
  }

  /** Votes at a position for something else than what was certified. */
  others(position: CutPosition, certified: Digest): { readonly peer: PeerId; readonly computed: CutContent }[] {
    const poll = this.#polls.get(`${position.seq}/${position.part}`)
    const others: { peer: PeerId; computed: CutContent }[] = []
    for (const [digest, { content, proofs }] of poll?.candidates ?? []) {
      if (digest !== certified) for (const peer of proofs.keys()) others.push({ peer, computed: content })
    }
    return others
  }

  /** Who voted at a position, for how many different values, and since when. */
  votes(position: CutPosition): {
    readonly voters: readonly PeerId[]
    readonly values: number
    readonly since: Instant | undefined
  } {
    const poll = this.#polls.get(`${position.seq}/${position.part}`)
    return { voters: [...(poll?.voters.keys() ?? [])], values: poll?.candidates.size ?? 0, since: poll?.since }
  }

  /** Whether no value at a position can reach W any more, whatever the other members vote. */
  isLost(position: CutPosition, members: number): boolean {
    const poll = this.#polls.get(`${position.seq}/${position.part}`)
    if (poll === undefined) return false
    const most = Math.max(...[...poll.candidates.values()].map(({ proofs }) => proofs.size))
    return most + members - poll.voters.size < this.#write
  }

  /** Drops polls up to and including a position. */
  settle(position: CutPosition): void {
    for (const [key, poll] of this.#polls) if (comparePositions(poll, position) <= 0) this.#polls.delete(key)
  }
}
