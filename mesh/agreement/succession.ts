/**
 * The choice of one term's successor, at one member: acceptor and, when there is something to decide or a proposer died,
 * proposer. Promising is sealing: the replica is paused, its votes are handed over, and it votes no more in this term.
 * Sealed members never wait for one proposer: each may finish the succession under a higher ballot.
 */
import type { Instant } from '../clock.ts'
import type { PeerId } from '../ids.ts'
import { TIMING } from '../limits.ts'
import { planted } from '../planted.ts'
import type { Random } from '../random.ts'
import type { Wire } from '../transport/transport.ts'
import { type AgreementEffect, encodeStored, termKey } from './effects.ts'
import { digestOf } from './encoding.ts'
import { isBallot, normalTerm, readPromise, type UnitMessage, type UnitPromise } from './messages.ts'
import { type AcceptorState, Attempt, accept, FRESH_ACCEPTOR, majority, promise } from './paxos.ts'
import type { AcceptStatement, PromiseStatement } from './statement.ts'
import { type OpenKnowledge, type Seal, sealsNeeded, successor, type Wish, wishName } from './term.ts'
import {
  type Ballot,
  type Certificate,
  type CutPosition,
  compareBallots,
  furthest,
  isBehind,
  pickPosition,
  type Term,
} from './types.ts'

export type SuccessionEvent =
  | { readonly kind: 'pause'; readonly token: number }
  | { readonly kind: 'chosen'; readonly value: Term }

export type SuccessionEffect = AgreementEffect<SuccessionEvent>

/** On disk under (unit, term) before any promise or acceptance leaves. */
export interface SuccessionState {
  readonly acceptor: AcceptorState<Term>
  readonly seal: Seal | undefined
}

/** The certified chain of the unit, as far as it is at hand. */
export interface Chain {
  /** The last certified position. */
  readonly frontier: CutPosition | undefined
  /** Certificates after one position, up to and including another, in order; undefined when one of them is not at hand. */
  certificates(after: CutPosition | undefined, upTo: CutPosition | undefined): readonly Certificate[] | undefined
}

/** When a member goes ahead: by chance, and each rank so much later than the one before it. */
export interface Pacing {
  readonly random: Random
  readonly staggerMs: number
}

export interface SuccessionParts {
  readonly self: PeerId
  readonly chain: Chain
  readonly pacing: Pacing
  /** Of cuts that earlier terms left open. */
  readonly knowledge: OpenKnowledge
}

const promiseBody = (attachment: UnitPromise) => digestOf('promise', attachment)
const valueDigest = (value: Term) => digestOf('term', value)

export class Succession {
  readonly term: Term
  readonly scope: string
  readonly #self: PeerId
  readonly #chain: Chain
  readonly #pacing: Pacing
  #acceptor: AcceptorState<Term>
  /** What was handed over; permanent from the first promise on. */
  #seal: Seal | undefined
  /** A promise that waits for the replica to pause. */
  #pausing: { readonly ballot: Ballot; readonly token: number; readonly after: CutPosition | undefined } | undefined
  #token = 0
  #attempt: Attempt<Term, Seal> | undefined
  #attemptStarted: Instant = 0
  #attemptEnds: Instant = Number.POSITIVE_INFINITY
  #notBefore: Instant = Number.NEGATIVE_INFINITY
  #highestRound = 0
  #sealedSince: Instant | undefined
  #wish: { readonly wish: Wish; readonly dueAt: Instant } | undefined
  readonly #seals = new Map<PeerId, Seal>()
  readonly #knowledge: OpenKnowledge

  constructor(parts: SuccessionParts, term: Term, state: SuccessionState | undefined) {
    this.term = term
    this.scope = termKey(term.unit, term.number)
    this.#self = parts.self
    this.#chain = parts.chain
    this.#pacing = parts.pacing
    this.#knowledge = parts.knowledge
    this.#acceptor = state?.acceptor ?? FRESH_ACCEPTOR
    this.#seal = state?.seal
    this.#highestRound = state?.acceptor.promised?.round ?? 0
  }

  /** No vote leaves while this holds. */
  get sealed(): boolean {
    const promised = this.#acceptor.promised !== undefined && !planted('promise-without-seal')
    return promised || this.#pausing !== undefined
  }
  /** Seals of members that this one has seen. */
  get seals(): ReadonlyMap<PeerId, Seal> {
    return this.#seals
  }
  /** Members that this member's own attempt still waits for. */
  get waitingFor(): readonly PeerId[] {
    const { promises } = this.#attempt ?? {}
    return promises === undefined ? [] : this.term.members.filter((member) => !promises.has(member))
  }

  /** What should be so in the next term; each rank waits a little longer, so that one attempt is usually enough. */
  wish(now: Instant, wish: Wish | undefined, rank: number): void {
    if (wish === undefined) this.#wish = undefined
    else if (this.#wish !== undefined && wishName(this.#wish.wish) === wishName(wish)) {
      this.#wish = { wish, dueAt: this.#wish.dueAt }
    } else this.#wish = { wish, dueAt: now + Math.max(rank, 0) * this.#pacing.staggerMs }
  }

  /**
   * A successor was chosen without this member, which votes here no more: what it had voted for is kept for those who ask,
   * as if it had sealed.
   */
  conclude(seal: Seal): SuccessionEffect[] {
    if (this.#seal !== undefined) return []
    this.#seal = seal
    return [this.#persist()]
  }

  /**
   * The term has ended: what this member voted for in it, for one that asks. A member that heard of the term only when it
   * was over has voted for nothing, and says so.
   */
  sealFor(asker: PeerId, frontier: Term['base']): SuccessionEffect[] {
    if (!this.term.members.includes(this.#self)) return []
    const concluded = this.conclude({ frontier, votes: [], offset: 0 })
    return this.#seal === undefined ? [] : [...concluded, this.#promiseTo(asker, this.#seal, [])]
  }

  tick(now: Instant, alive: ReadonlySet<PeerId>, rank: number): SuccessionEffect[] {
    if (this.sealed) this.#sealedSince ??= now
    if (this.#attempt !== undefined) {
      const effects = this.#tryPropose(now, alive)
      if (effects.length > 0) return effects
      if (now < this.#attemptEnds) return []
      this.#giveUp(now)
    }
    if (now < this.#notBefore) return []
    const wanted = this.#wish !== undefined && now >= this.#wish.dueAt && !this.sealed
    const orphaned =
      this.#sealedSince !== undefined && now - this.#sealedSince >= TIMING.sealedMs * (1 + Math.max(rank, 0))
    return wanted || orphaned ? this.#start(now) : []
  }

  message(now: Instant, from: PeerId, message: UnitMessage): SuccessionEffect[] {
    switch (message.t) {
      case 'prepare':
        return this.#prepare(now, from, message.ballot, message.after ?? undefined)
      case 'propose':
        return this.#propose(now, from, message.ballot, normalTerm(message.value))
      case 'refused':
        this.#highestRound = Math.max(this.#highestRound, message.ballot.round)
        if (this.#attempt !== undefined && compareBallots(message.ballot, this.#attempt.ballot) > 0) this.#giveUp(now)
        return []
      case 'seals':
        return this.#seal === undefined ? [] : [this.#promiseTo(from, this.#seal, [])]
      default:
        return []
    }
  }

  /** The replica stopped: what it has is handed over. */
  paused(token: number, seal: Seal): SuccessionEffect[] {
    if (this.#pausing?.token !== token) return []
    const { ballot, after } = this.#pausing
    this.#pausing = undefined
    this.#seal ??= seal
    return this.#promise(ballot, after)
  }

  statement(
    now: Instant,
    from: PeerId,
    statement: PromiseStatement | AcceptStatement,
    attachment: Wire,
    alive: ReadonlySet<PeerId>,
  ): SuccessionEffect[] {
    if (statement.scope !== this.scope || !isBallot(statement.ballot)) return []
    if (statement.kind === 'promise') return this.#promised(now, from, statement, attachment, alive)
    const attempt = this.#attempt
    if (attempt?.value === undefined || compareBallots(statement.ballot, attempt.ballot) !== 0) return []
    if (statement.value !== valueDigest(attempt.value)) return []
    attempt.acceptedBy.add(from)
    if (!this.#isEnough(attempt.acceptedBy, majority(this.term.members.length))) return []
    const { value } = attempt
    this.#attempt = undefined
    // Those who leave hear of it, and so do those who come.
    const told = new Set([...this.term.members, ...value.members])
    told.delete(this.#self)
    return [
      ...[...told].map((to) => this.#send(to, { t: 'chosen', value })),
      { kind: 'event', event: { kind: 'chosen', value } },
    ]
  }

  #promised(
    now: Instant,
    from: PeerId,
    statement: PromiseStatement,
    attachment: Wire,
    alive: ReadonlySet<PeerId>,
  ): SuccessionEffect[] {
    const promised = readPromise(attachment)
    if (promised === undefined || promiseBody(promised) !== statement.body) return []
    const { seal, accepted } = promised
    this.#seals.set(from, seal)
    const attempt = this.#attempt
    if (attempt === undefined || attempt.value !== undefined) return []
    if (compareBallots(statement.ballot, attempt.ballot) !== 0) return []
    attempt.promises.set(from, { accepted: accepted ?? undefined, handedOver: seal })
    return this.#tryPropose(now, alive)
  }

  #start(now: Instant): SuccessionEffect[] {
    this.#highestRound += 1
    this.#attempt = new Attempt({ round: this.#highestRound, peer: this.#self })
    this.#attemptStarted = now
    this.#attemptEnds = now + TIMING.attemptMs + this.#pacing.random.below(TIMING.attemptMs)
    const { ballot } = this.#attempt
    const after = pickPosition(this.#chain.frontier)
    return this.term.members.map((to) => this.#send(to, { t: 'prepare', term: this.term.number, ballot, after }))
  }

  #giveUp(now: Instant): void {
    this.#attempt = undefined
    this.#notBefore = now + this.#pacing.random.below(TIMING.attemptMs)
    // Whoever sealed must see it through; without this a lone proposer would wait a whole round for itself.
    if (this.sealed) this.#sealedSince = now - TIMING.sealedMs * 8
  }

  #prepare(now: Instant, from: PeerId, ballot: Ballot, after: CutPosition | undefined): SuccessionEffect[] {
    if (ballot.peer !== from) return []
    const highest = this.#pausing?.ballot ?? this.#acceptor.promised
    if (highest !== undefined && compareBallots(ballot, highest) < 0) return [this.#refuse(from, highest)]
    this.#highestRound = Math.max(this.#highestRound, ballot.round)
    if (this.#toHandOver(after) === undefined) return [this.#tell(from, after)]
    this.#sealedSince = now
    if (this.#seal !== undefined) return this.#promise(ballot, after)
    this.#token += 1
    this.#pausing = { ballot, token: this.#token, after }
    return [{ kind: 'event', event: { kind: 'pause', token: this.#token } }]
  }

  #promise(ballot: Ballot, after: CutPosition | undefined): SuccessionEffect[] {
    const next = promise(this.#acceptor, ballot)
    const seal = this.#seal
    if (next === undefined || seal === undefined) return []
    this.#acceptor = next
    const certificates = this.#toHandOver(after)
    if (certificates === undefined) return [this.#persist(), this.#tell(ballot.peer, after)]
    return [this.#persist(), this.#promiseTo(ballot.peer, seal, certificates)]
  }

  /**
   * What the proposer lacks of the chain that it is told of: a base whose certificate nobody hands over could be lost
   * with the peer that holds it. Undefined when that is more than is at hand; the proposer is told from disk then, and
   * asks again.
   */
  #toHandOver(after: CutPosition | undefined): readonly Certificate[] | undefined {
    const sealed = this.#seal === undefined ? this.#chain.frontier : this.#seal.frontier
    return this.#chain.certificates(after, furthest(sealed, this.#acceptor.accepted?.value.base))
  }

  #promiseTo(to: PeerId, seal: Seal, certificates: readonly Certificate[]): SuccessionEffect {
    const ballot = this.#acceptor.promised ?? { round: 0, peer: this.#self }
    const accepted = this.#acceptor.accepted ?? null
    const attachment: UnitPromise = { seal, certificates, accepted }
    const statement: PromiseStatement = { kind: 'promise', scope: this.scope, ballot, body: promiseBody(attachment) }
    return { kind: 'sign', statement, attachment: attachment as unknown as Wire, to: [to] }
  }

  #propose(now: Instant, from: PeerId, ballot: Ballot, value: Term): SuccessionEffect[] {
    if (ballot.peer !== from || value.unit !== this.term.unit || value.number !== this.term.number + 1) return []
    const pausing = this.#pausing?.ballot
    const next = accept(this.#acceptor, ballot, value)
    if (next === undefined || (pausing !== undefined && compareBallots(ballot, pausing) < 0)) {
      const highest = pausing ?? this.#acceptor.promised
      return highest === undefined ? [] : [this.#refuse(from, highest)]
    }
    // Accepting means holding its base: whoever meets this acceptor later can be given the chain up to it.
    if (isBehind(this.#chain.frontier, value.base)) {
      return [this.#send(from, { t: 'ask', term: this.term.number, after: pickPosition(this.#chain.frontier) })]
    }
    this.#acceptor = next
    this.#sealedSince = now
    const statement: AcceptStatement = { kind: 'accept', scope: this.scope, ballot, value: valueDigest(value) }
    return [this.#persist(), { kind: 'sign', statement, attachment: null, to: [from] }]
  }

  /** Enters the second phase once enough members sealed, giving the others that are alive a moment to be heard. */
  #tryPropose(now: Instant, alive: ReadonlySet<PeerId>): SuccessionEffect[] {
    const attempt = this.#attempt
    if (attempt === undefined || attempt.value !== undefined) return []
    const { members, write } = this.term
    if (!this.#isEnough(attempt.promises, sealsNeeded(members.length, write))) return []
    const complete = members.every((member) => attempt.promises.has(member) || !alive.has(member))
    if (!complete && now - this.#attemptStarted < TIMING.promiseGraceMs) return []
    const seals = new Map([...attempt.promises].map(([peer, { handedOver }]) => [peer, handedOver]))
    const bound = planted('accepted-dropped') ? undefined : attempt.bound
    const value = bound ?? successor(this.term, seals, this.#wish?.wish, this.#knowledge)
    // The handed-over certificates were adopted as they came; without all of them the base cannot be passed on.
    if (isBehind(this.#chain.frontier, value.base)) return []
    attempt.value = value
    const lowest = [...seals.values()].reduce<CutPosition | undefined>(
      (least, { frontier }) => (isBehind(frontier, least) ? frontier : least),
      value.base,
    )
    const certificates = this.#chain.certificates(lowest, value.base) ?? []
    const { ballot } = attempt
    return members.map((to) => this.#send(to, { t: 'propose', term: this.term.number, ballot, value, certificates }))
  }

  /** So many, or, where an operator has given up the others, all that are left: any two attempts meet in them. */
  #isEnough(peers: ReadonlyMap<PeerId, unknown> | ReadonlySet<PeerId>, needed: number): boolean {
    if (peers.size >= needed) return true
    const left = this.term.members.filter((member) => !this.#knowledge.isLost(member))
    return left.length > 0 && left.length < needed && left.every((member) => peers.has(member))
  }

  #persist(): SuccessionEffect {
    const state: SuccessionState = { acceptor: this.#acceptor, seal: this.#seal }
    return { kind: 'persist', ops: [{ kind: 'put', table: 'acceptor', key: this.scope, value: encodeStored(state) }] }
  }

  #refuse(to: PeerId, ballot: Ballot): SuccessionEffect {
    return this.#send(to, { t: 'refused', term: this.term.number, ballot })
  }

  #tell(to: PeerId, after: CutPosition | undefined): SuccessionEffect {
    return { kind: 'tell', to, term: this.term.number, after }
  }

  #send(to: PeerId, body: UnitMessage): SuccessionEffect {
    return { kind: 'send', to, body: body as unknown as Wire }
  }
}
