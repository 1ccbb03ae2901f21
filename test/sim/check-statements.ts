/**
 * What peers sign, seen on the wire: each flush once, one vote for each position of a term, no vote after a promise, and
 * promises and acceptances in the order of their ballots. A peer's statements are ordered by flush and place in it, since
 * copies for others may be seen in another order.
 */
import type { Digest, PeerId, UnitId, Wire } from '../../mesh/index.ts'
import { Violation } from './violation.ts'

interface Ballot {
  readonly round: number
  readonly peer: PeerId
}

export interface SentVote {
  readonly kind: 'vote'
  readonly unit: UnitId
  readonly term: number
  readonly seq: number
  readonly part: number
  readonly digest: Digest
}

interface SentBallot {
  readonly kind: 'promise' | 'accept'
  readonly scope: string
  readonly ballot: Ballot
}

interface SentItem {
  readonly statement: SentVote | SentBallot
  readonly proof: Proof
}

interface Place {
  readonly counter: number
  readonly index: number
}

/** Of a flush, by its number and its signature, and the place in it. */
interface Proof extends Place {
  readonly signature: string
}

const isLater = (a: Place, b: Place): boolean => a.counter > b.counter || (a.counter === b.counter && a.index > b.index)
const isLower = (a: Ballot, b: Ballot): boolean => a.round < b.round || (a.round === b.round && a.peer < b.peer)

export interface StatementEvents {
  /** The highest number of a flush that the disk of a peer knows of; undefined: it cannot be said. */
  readonly durable: (peer: PeerId) => number | undefined
  /** Its disk was damaged, or is an old one. */
  readonly isSpared: (peer: PeerId) => boolean
  /** Its machine has computed wrongly, and its disk was damaged where it kept that this place is certified, which it is. */
  readonly mayVoteAgain: (peer: PeerId, vote: SentVote) => boolean
  /** A vote that was not seen before. */
  readonly onVote: (voter: PeerId, vote: SentVote) => void
  readonly nameOf: (peer: PeerId) => string
}

export class StatementChecks {
  readonly #events: StatementEvents
  /** Each goes to several peers at the same time. */
  readonly #looked = new WeakSet<Proof>()
  readonly #signatures = new Map<string, string>()
  readonly #votes = new Map<string, Digest>()
  /** By peer and scope: the first promise, and the last vote. */
  readonly #promised = new Map<string, Place>()
  readonly #voted = new Map<string, Place>()
  readonly #ballots = new Map<string, (Proof & { readonly ballot: Ballot })[]>()
  /** Who was told by whom that its disk has forgotten something. */
  readonly #lacking = new Map<PeerId, PeerId>()

  constructor(events: StatementEvents) {
    this.#events = events
  }

  get votes(): number {
    return this.#votes.size
  }

  sent(from: PeerId, body: Wire): void {
    const { c, items } = (body ?? {}) as { readonly c?: unknown; readonly items?: readonly SentItem[] }
    if (c !== 'flush') return
    for (const { statement, proof } of items ?? []) {
      if (this.#looked.has(proof)) continue
      this.#looked.add(proof)
      this.#flush(from, proof)
      if (statement.kind === 'vote') this.#vote(from, statement, proof)
      else this.#ballot(from, statement, proof)
    }
  }

  /** A message that reached a peer: it may tell it that another one has seen more of it than its disk knows. */
  received(from: PeerId, to: PeerId, body: Wire): void {
    const { c, seen } = (body ?? {}) as { readonly c?: unknown; readonly seen?: unknown }
    const durable = c === 'beat' ? this.#events.durable(to) : undefined
    if (typeof seen === 'number' && durable !== undefined && seen > durable) this.#lacking.set(to, from)
  }

  #flush(from: PeerId, { counter, signature }: Proof): void {
    const name = `${from} ${counter}`
    const before = this.#signatures.get(name)
    if (before === signature) return
    const who = this.#events.nameOf(from)
    if (before !== undefined && !this.#events.isSpared(from)) {
      throw new Violation('one flush', `two flushes ${counter} of ${who}`)
    }
    this.#signatures.set(name, signature)
    const teller = this.#lacking.get(from)
    if (teller !== undefined) {
      const told = `${who} signs flush ${counter}, though ${this.#events.nameOf(teller)} told it that it knew of more`
      throw new Violation('old disks are silent', told)
    }
    const durable = this.#events.durable(from)
    if (durable === undefined || durable >= counter) return
    throw new Violation('durable first', `flush ${counter} of ${who} left while its disk knew of ${durable}`)
  }

  #vote(from: PeerId, vote: SentVote, place: Place): void {
    const { unit, term, seq, part, digest } = vote
    const name = `${from} ${unit} ${term} ${seq}.${part}`
    const told = () => `${this.#events.nameOf(from)} on ${unit} ${seq}.${part} in term ${term}`
    const before = this.#votes.get(name)
    // Votes up to a certificate are forgotten. Where that cannot be read any more the place is voted on again.
    if (before !== undefined && before !== digest && !this.#events.mayVoteAgain(from, vote))
      throw new Violation('one vote', `two votes of ${told()}`)
    this.#votes.set(name, digest)
    const scope = `${from} ${scopeOf(unit, term)}`
    const last = this.#voted.get(scope)
    if (last === undefined || isLater(place, last)) this.#voted.set(scope, place)
    const promised = this.#promised.get(scope)
    if (promised !== undefined && isLater(place, promised) && this.#isNumbered(from)) {
      throw new Violation('sealed is silent', `a vote of ${told()} after its promise`)
    }
    if (before === undefined) this.#events.onVote(from, vote)
  }

  #ballot(from: PeerId, { kind, scope, ballot }: SentBallot, place: Proof): void {
    const name = `${from} ${scope}`
    const told = () => `${kind} of ${this.#events.nameOf(from)} in ${scope} under ${ballot.round}`
    const ballots = this.#ballots.get(name) ?? []
    const { counter, index, signature } = place
    if (ballots.some((other) => other.signature === signature && other.index === index)) return
    const numbered = this.#isNumbered(from)
    for (const other of ballots) {
      const inOrder = numbered || other.signature === signature
      const [earlier, later] = inOrder && isLater(other, place) ? [ballot, other.ballot] : [other.ballot, ballot]
      if (isLower(later, earlier)) throw new Violation('promises kept', `${told()}, after a higher ballot`)
    }
    ballots.push({ counter, index, signature, ballot })
    this.#ballots.set(name, ballots)
    if (kind === 'accept') return
    const first = this.#promised.get(name)
    if (first === undefined || isLater(first, place)) this.#promised.set(name, { counter, index })
    const voted = this.#voted.get(name)
    if (voted !== undefined && isLater(voted, place) && numbered) {
      throw new Violation('sealed is silent', `a vote after the ${told()}`)
    }
  }

  /** The numbers of an old disk that nobody has warned yet say nothing of the order: it signs them for the second time. */
  #isNumbered(peer: PeerId): boolean {
    return !this.#events.isSpared(peer)
  }
}

const scopeOf = (unit: UnitId, term: number): string => `${unit}/${String(term).padStart(12, '0')}`
