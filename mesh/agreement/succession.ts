/**
 * The choice of one term's successor, at one member: acceptor and, when there is something to decide or a proposer died,
 * proposer. Promising is sealing: the replica is paused, its votes are handed over, and it votes no more in this term.
 * Sealed members never wait for one proposer: each may finish the succession under a higher ballot.
 */
import type { Instant } from '../clock.ts'
import type { PeerId } from '../ids.ts'
import { TIMING } from '../limits.ts'
import type { Random } from '../random.ts'
import type { Wire } from '../transport/transport.ts'
import { type AgreementEffect, encodeStored, termKey } from './effects.ts'
import { digestOf } from './encoding.ts'
import {
  isBallot,
  isSeal,
  isTerm,
  normalSeal,
  normalTerm,
  type PromiseAttachment,
  type UnitMessage,
} from './messages.ts'
import { type AcceptorState, Attempt, accept, FRESH_ACCEPTOR, majority, promise } from './paxos.ts'
import type { AcceptStatement, PromiseStatement } from './statement.ts'
import { type Seal, sealsNeeded, successor, type Wish } from './term.ts'
import { type Ballot, type Certificate, compareBallots, type Term } from './types.ts'

export type SuccessionEvent =
  | { readonly kind: 'pause'; readonly token: number }
  | { readonly kind: 'chosen'; readonly value: Term }

export type SuccessionEffect = AgreementEffect<SuccessionEvent>

/** On disk under (unit, term) before any promise or acceptance leaves. */
export interface SuccessionState {
  readonly acceptor: AcceptorState<Term>
  readonly seal: Seal | undefined
}

/** A seal travels with the certificate of its frontier. */
export type UnitPromise = PromiseAttachment<Term, { readonly seal: Seal; readonly certificate: Certificate | null }>

export const promiseBody = (attachment: UnitPromise) => digestOf('promise', attachment)
const valueDigest = (value: Term) => digestOf('term', value)

export class Succession {
  readonly #self: PeerId
  readonly #term: Term
  readonly #random: Random
  #acceptor: AcceptorState<Term>
  /** What was handed over; permanent from the first promise on. */
  #seal: Seal | undefined
  /** A promise that waits for the replica to pause. */
  #pausing: { readonly ballot: Ballot; readonly token: number } | undefined
  #token = 0
  #attempt: Attempt<Term, Seal> | undefined
  #attemptStarted: Instant = 0
  #attemptEnds: Instant = Number.POSITIVE_INFINITY
  #notBefore: Instant = Number.NEGATIVE_INFINITY
  #highestRound = 0
  #sealedSince: Instant | undefined
  #wish: { readonly wish: Wish; readonly dueAt: Instant } | undefined
  readonly #seals = new Map<PeerId, Seal>()

  constructor(self: PeerId, term: Term, random: Random, state: SuccessionState | undefined) {
    this.#self = self
    this.#term = term
    this.#random = random
    this.#acceptor = state?.acceptor ?? FRESH_ACCEPTOR
    this.#seal = state?.seal
    this.#highestRound = state?.acceptor.promised?.round ?? 0
  }

  get scope(): string {
    return termKey(this.#term.unit, this.#term.number)
  }
  /** No vote leaves while this holds. */
  get sealed(): boolean {
    return this.#acceptor.promised !== undefined || this.#pausing !== undefined
  }
  get seals(): ReadonlyMap<PeerId, Seal> {
    return this.#seals
  }
  /** Members that this member's own attempt still waits for. */
  get waitingFor(): readonly PeerId[] {
    const { promises } = this.#attempt ?? {}
    return promises === undefined ? [] : this.#term.members.filter((member) => !promises.has(member))
  }

  wish(now: Instant, wish: Wish | undefined, rank: number): void {
    if (wish === undefined) this.#wish = undefined
    else if (this.#wish?.wish.kind !== wish.kind) {
      this.#wish = { wish, dueAt: now + Math.max(rank, 0) * TIMING.proposeStaggerMs }
    } else this.#wish = { wish, dueAt: this.#wish.dueAt }
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
        return this.#prepare(now, from, message.ballot)
      case 'propose':
        return this.#propose(now, from, message.ballot, normalTerm(message.value))
      case 'refused':
        this.#highestRound = Math.max(this.#highestRound, message.ballot.round)
        if (this.#attempt !== undefined && compareBallots(message.ballot, this.#attempt.ballot) > 0) this.#giveUp(now)
        return []
      case 'seals':
        return this.#seal === undefined ? [] : [this.#promiseTo(from, this.#seal, undefined)]
      default:
        return []
    }
  }

  /** The replica stopped: what it has is handed over. */
  paused(token: number, seal: Seal, certificate: Certificate | undefined): SuccessionEffect[] {
    if (this.#pausing?.token !== token) return []
    const { ballot } = this.#pausing
    this.#pausing = undefined
    this.#seal ??= seal
    return this.#promise(ballot, certificate)
  }

  statement(
    now: Instant,
    from: PeerId,
    statement: PromiseStatement | AcceptStatement,
    attachment: Wire,
    alive: ReadonlySet<PeerId>,
  ): SuccessionEffect[] {
    if (statement.scope !== this.scope || !isBallot(statement.ballot)) return []
    if (statement.kind === 'promise') {
      const promised = readPromise(statement, attachment)
      if (promised === undefined) return []
      this.#seals.set(from, promised.handedOver.seal)
      const attempt = this.#attempt
      if (
        attempt === undefined ||
        attempt.value !== undefined ||
        compareBallots(statement.ballot, attempt.ballot) !== 0
      )
        return []
      attempt.promises.set(from, {
        accepted: promised.accepted ?? undefined,
        handedOver: promised.handedOver.seal,
      })
      return this.#tryPropose(now, alive)
    }
    const attempt = this.#attempt
    if (attempt?.value === undefined || compareBallots(statement.ballot, attempt.ballot) !== 0) return []
    if (statement.value !== valueDigest(attempt.value)) return []
    attempt.acceptedBy.add(from)
    if (attempt.acceptedBy.size < majority(this.#term.members.length)) return []
    const value = attempt.value
    this.#attempt = undefined
    const told = this.#term.members.filter((member) => member !== this.#self)
    return [
      ...told.map((to) => this.#send(to, { t: 'chosen', value })),
      { kind: 'event', event: { kind: 'chosen', value } },
    ]
  }

  #start(now: Instant): SuccessionEffect[] {
    this.#highestRound += 1
    this.#attempt = new Attempt({ round: this.#highestRound, peer: this.#self })
    this.#attemptStarted = now
    this.#attemptEnds = now + TIMING.attemptMs + this.#random.below(TIMING.attemptMs)
    const { ballot } = this.#attempt
    return this.#term.members.map((to) => this.#send(to, { t: 'prepare', term: this.#term.number, ballot }))
  }

  #giveUp(now: Instant): void {
    this.#attempt = undefined
    this.#notBefore = now + this.#random.below(TIMING.attemptMs)
    // Whoever sealed must see it through; without this a lone proposer would wait a whole round for itself.
    if (this.sealed) this.#sealedSince = now - TIMING.sealedMs * 8
  }

  #prepare(now: Instant, from: PeerId, ballot: Ballot): SuccessionEffect[] {
    if (ballot.peer !== from) return []
    const highest = this.#pausing?.ballot ?? this.#acceptor.promised
    if (highest !== undefined && compareBallots(ballot, highest) < 0) {
      return [this.#send(from, { t: 'refused', term: this.#term.number, ballot: highest })]
    }
    this.#highestRound = Math.max(this.#highestRound, ballot.round)
    this.#sealedSince = now
    if (this.#seal !== undefined) return this.#promise(ballot, undefined)
    this.#token += 1
    this.#pausing = { ballot, token: this.#token }
    return [{ kind: 'event', event: { kind: 'pause', token: this.#token } }]
  }

  #promise(ballot: Ballot, certificate: Certificate | undefined): SuccessionEffect[] {
    const next = promise(this.#acceptor, ballot)
    const seal = this.#seal
    if (next === undefined || seal === undefined) return []
    this.#acceptor = next
    return [this.#persist(), this.#promiseTo(ballot.peer, seal, certificate)]
  }

  #promiseTo(to: PeerId, seal: Seal, certificate: Certificate | undefined): SuccessionEffect {
    const ballot = this.#acceptor.promised ?? { round: 0, peer: this.#self }
    const accepted = this.#acceptor.accepted ?? null
    const attachment: UnitPromise = { handedOver: { seal, certificate: certificate ?? null }, accepted }
    const statement: PromiseStatement = { kind: 'promise', scope: this.scope, ballot, body: promiseBody(attachment) }
    return { kind: 'sign', statement, attachment: attachment as unknown as Wire, to: [to] }
  }

  #propose(now: Instant, from: PeerId, ballot: Ballot, value: Term): SuccessionEffect[] {
    if (ballot.peer !== from || value.unit !== this.#term.unit || value.number !== this.#term.number + 1) return []
    const pausing = this.#pausing?.ballot
    const next = accept(this.#acceptor, ballot, value)
    if (next === undefined || (pausing !== undefined && compareBallots(ballot, pausing) < 0)) {
      const highest = pausing ?? this.#acceptor.promised
      return highest === undefined ? [] : [this.#send(from, { t: 'refused', term: this.#term.number, ballot: highest })]
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
    const { members, write } = this.#term
    if (attempt.promises.size < sealsNeeded(members.length, write)) return []
    const complete = members.every((member) => attempt.promises.has(member) || !alive.has(member))
    if (!complete && now - this.#attemptStarted < TIMING.promiseGraceMs) return []
    const seals = new Map([...attempt.promises].map(([peer, { handedOver }]) => [peer, handedOver]))
    const value = attempt.bound ?? successor(this.#term, seals, this.#wish?.wish)
    attempt.value = value
    return members.map((to) => this.#send(to, { t: 'propose', term: this.#term.number, ballot: attempt.ballot, value }))
  }

  #persist(): SuccessionEffect {
    const state: SuccessionState = { acceptor: this.#acceptor, seal: this.#seal }
    return { kind: 'persist', ops: [{ kind: 'put', table: 'acceptor', key: this.scope, value: encodeStored(state) }] }
  }

  #send(to: PeerId, body: UnitMessage): SuccessionEffect {
    return { kind: 'send', to, body: body as unknown as Wire }
  }
}

/** A promise's attachment, when it has the right shape and is what was signed. */
export function readPromise(statement: PromiseStatement, attachment: Wire): UnitPromise | undefined {
  const raw = attachment as unknown as Partial<UnitPromise> | null
  if (raw === null || typeof raw !== 'object' || !isSeal(raw.handedOver?.seal)) return undefined
  const accepted = raw.accepted ?? null
  if (accepted !== null && !(isBallot(accepted.ballot) && isTerm(accepted.value))) return undefined
  const read: UnitPromise = {
    handedOver: { seal: normalSeal(raw.handedOver.seal), certificate: raw.handedOver.certificate ?? null },
    accepted: accepted === null ? null : { ballot: accepted.ballot, value: normalTerm(accepted.value) },
  }
  return promiseBody(read) === statement.body ? read : undefined
}
