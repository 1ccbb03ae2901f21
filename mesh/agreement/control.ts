/**
 * Agreement about the control document: each change is the successor of the last document, chosen by the same Paxos among
 * the acceptors that the document names, so compare-and-set is what it means to win. A pure core; what a document holds
 * and what a change makes of it is control-document.ts's.
 */
import type { Instant } from '../clock.ts'
import { type Digest, isDigest, type PeerId } from '../ids.ts'
import { TIMING } from '../limits.ts'
import type { Random } from '../random.ts'
import type { Wire } from '../transport/transport.ts'
import {
  applyChange,
  bodiesIn,
  bodiesOf,
  type ChangeRefusal,
  type ControlChange,
  type ControlDocument,
  compareDocuments,
  type DocumentNumber,
  forceDocument,
  isControlDocument,
  isDone,
} from './control-document.ts'
import { type AgreementEffect, encodeStored, sortable } from './effects.ts'
import { digestOf, sha256 } from './encoding.ts'
import { isBallot } from './messages.ts'
import { type Accepted, type AcceptorState, Attempt, accept, FRESH_ACCEPTOR, majority, promise } from './paxos.ts'
import type { AcceptStatement, PromiseStatement, Statement } from './statement.ts'
import { type Ballot, compareBallots } from './types.ts'

export type ControlEvent =
  | { readonly kind: 'document'; readonly document: ControlDocument }
  | { readonly kind: 'changed'; readonly id: string; readonly document: ControlDocument }
  | { readonly kind: 'refused'; readonly id: string; readonly reason: ChangeRefusal }

export type ControlEffect = AgreementEffect<ControlEvent>

export type ControlMessage =
  | { readonly t: 'prepare'; readonly number: number; readonly ballot: Ballot }
  | { readonly t: 'refused'; readonly number: number; readonly ballot: Ballot }
  | {
      readonly t: 'propose'
      readonly number: number
      readonly ballot: Ballot
      readonly value: ControlDocument
      readonly bodies: readonly Uint8Array[]
    }
  | { readonly t: 'chosen'; readonly value: ControlDocument }
  | { readonly t: 'ask'; readonly number: number; readonly hashes: readonly Digest[] }
  | { readonly t: 'bodies'; readonly bodies: readonly Uint8Array[] }

interface Pending {
  readonly id: string
  readonly change: ControlChange
  /** The submission count it was made for; a put whose number was taken by another submission is refused. */
  readonly submission: number
  /** Documents after this peer's are later than the change was asked for: a majority had heard of none since then. */
  fresh: boolean
}

interface ControlPromise {
  readonly accepted: Accepted<ControlDocument> | null
}

/** Before every document. */
const NONE: DocumentNumber = { forced: 0, number: 0 }

const documentDigest = (document: ControlDocument): Digest => digestOf('control', document)
/** What promises and accepts about the document's successor are about. */
export const controlScope = ({ forced, number }: ControlDocument): string => `control/${forced}/${sortable(number)}`

export class ControlAgreement {
  readonly #self: PeerId
  readonly #random: Random
  #document: ControlDocument
  #acceptor: AcceptorState<ControlDocument>
  #attempt: Attempt<ControlDocument, null> | undefined
  #attemptEnds: Instant = 0
  #notBefore: Instant = Number.NEGATIVE_INFINITY
  #highestRound = 0
  #promisedSince: Instant | undefined
  readonly #pending: Pending[] = []
  readonly #bodies = new Map<Digest, Uint8Array>()
  /** What the document lacks of these, when that was last asked: each tick does. */
  #lacked: { readonly document: ControlDocument; readonly hashes: readonly Digest[] } | undefined
  #alive: ReadonlySet<PeerId> = new Set()
  readonly #holders = new Map<PeerId, DocumentNumber>()

  constructor(
    self: PeerId,
    random: Random,
    document: ControlDocument,
    acceptor: AcceptorState<ControlDocument> | undefined,
    bodies: readonly Uint8Array[],
  ) {
    this.#self = self
    this.#random = random
    this.#document = document
    this.#acceptor = acceptor ?? FRESH_ACCEPTOR
    this.#highestRound = acceptor?.promised?.round ?? 0
    for (const body of bodies) this.#bodies.set(sha256(body), body)
  }

  get document(): ControlDocument {
    return this.#document
  }
  /** The body of a job; undefined while it has not arrived. */
  body(hash: Digest): Uint8Array | undefined {
    return this.#bodies.get(hash)
  }

  setAlive(alive: ReadonlySet<PeerId>): void {
    this.#alive = alive
  }

  /** Starts a change; its outcome is a `changed` or `refused` event with this id. */
  change(now: Instant, id: string, change: ControlChange): ControlEffect[] {
    if (change.kind === 'view') {
      // What cannot be is not put to the others: it would only make another document that says the same.
      const outcome = applyChange(this.#document, change, 0, this.#alive)
      if (typeof outcome === 'string') return [{ kind: 'event', event: { kind: 'refused', id, reason: outcome } }]
    }
    const effects = this.#keep(bodiesIn(change))
    this.#pending.push({ id, change, submission: this.#document.submissions, fresh: false })
    return [...effects, ...this.#start(now)]
  }

  /** An operator's word, without the others': see forceDocument. */
  force(id: string, peers: readonly PeerId[]): ControlEffect[] {
    const forced = forceDocument(this.#document, peers, this.#alive, 1 + this.#random.below(2 ** 20))
    if (typeof forced === 'string') return [{ kind: 'event', event: { kind: 'refused', id, reason: forced } }]
    return [...this.#install(forced), { kind: 'event', event: { kind: 'changed', id, document: forced } }]
  }

  /** Withdraws a change whose caller no longer waits; it may still win if it was proposed. */
  withdraw(id: string): void {
    const index = this.#pending.findIndex((pending) => pending.id === id)
    if (index >= 0) this.#pending.splice(index, 1)
  }

  tick(now: Instant): ControlEffect[] {
    if (this.#attempt !== undefined) {
      if (now < this.#attemptEnds) return []
      this.#attempt = undefined
      this.#notBefore = now + this.#random.below(TIMING.attemptMs)
    }
    const orphaned = this.#promisedSince !== undefined && now - this.#promisedSince > TIMING.sealedMs * 2
    const started = this.#pending.length > 0 || orphaned ? this.#start(now) : []
    const missing = this.missing
    if (missing.length === 0 || this.#random.below(8) !== 0) return started
    // Also one that is a member no more: it may be the last that has it, and stays until it has been asked.
    const others = [...new Set([...this.#document.view.members, ...this.#alive])].filter((peer) => peer !== this.#self)
    const to = others[this.#random.below(others.length)]
    return to === undefined
      ? started
      : [...started, this.#send(to, { t: 'ask', number: this.#document.number, hashes: missing })]
  }

  /** Hashes of bodies that the document names and this peer lacks. */
  get missing(): readonly Digest[] {
    if (this.#lacked?.document !== this.#document) {
      this.#lacked = { document: this.#document, hashes: this.#lacking(this.#document) }
    }
    return this.#lacked.hashes
  }

  #lacking(document: ControlDocument): Digest[] {
    return bodiesOf(document).filter((hash) => !this.#bodies.has(hash))
  }

  /** What this peer has entire, with every body that it names. */
  get has(): DocumentNumber {
    return this.missing.length === 0 ? this.#document : NONE
  }

  /** A peer told which document it has on disk, with all bodies. */
  heard(from: PeerId, has: DocumentNumber): ControlEffect[] {
    this.#holders.set(from, has)
    if (compareDocuments(has, this.#document) <= 0) return []
    return [this.#send(from, { t: 'ask', number: this.#document.number, hashes: [] })]
  }

  /** Peers among these that have said so of an earlier document only, or nothing. */
  laggards(peers: readonly PeerId[]): readonly PeerId[] {
    return peers.filter((peer) => {
      const has = this.#holders.get(peer)
      return peer !== this.#self && (has === undefined || compareDocuments(has, this.#document) < 0)
    })
  }

  /** A majority of the document's own acceptors have it on disk, with all bodies: whoever it leaves out may go. */
  get installed(): boolean {
    const { acceptors } = this.#document
    const holders = acceptors.filter((acceptor) => {
      if (acceptor === this.#self) return this.missing.length === 0
      const has = this.#holders.get(acceptor)
      return has !== undefined && compareDocuments(has, this.#document) >= 0
    })
    return holders.length >= majority(acceptors.length)
  }

  message(now: Instant, from: PeerId, message: ControlMessage): ControlEffect[] {
    switch (message.t) {
      case 'prepare':
        return this.#prepare(now, from, message)
      case 'propose':
        return this.#accept(now, from, message)
      case 'refused':
        this.#highestRound = Math.max(this.#highestRound, message.ballot.round)
        if (this.#attempt !== undefined && compareBallots(message.ballot, this.#attempt.ballot) > 0) {
          this.#attempt = undefined
          this.#notBefore = now + this.#random.below(TIMING.attemptMs)
        }
        return []
      case 'chosen':
        return this.#install(message.value)
      case 'ask':
        return this.#answer(from, message)
      case 'bodies':
        return this.#adoptBodies(message.bodies)
    }
  }

  statement(from: PeerId, statement: Statement, attachment: Wire): ControlEffect[] {
    const attempt = this.#attempt
    if (statement.kind === 'vote' || statement.scope !== controlScope(this.#document) || attempt === undefined)
      return []
    if (!this.#document.acceptors.includes(from) || compareBallots(statement.ballot, attempt.ballot) !== 0) return []
    if (statement.kind === 'promise') return this.#promised(from, attempt, statement, attachment)
    if (attempt.value === undefined || statement.value !== documentDigest(attempt.value)) return []
    attempt.acceptedBy.add(from)
    if (attempt.acceptedBy.size < majority(this.#document.acceptors.length)) return []
    const value = attempt.value
    const others = this.#document.view.members.filter((member) => member !== this.#self)
    return [...others.map((to) => this.#send(to, { t: 'chosen', value })), ...this.#install(value)]
  }

  #start(now: Instant): ControlEffect[] {
    if (this.#attempt !== undefined || now < this.#notBefore) return []
    this.#highestRound += 1
    this.#attempt = new Attempt({ round: this.#highestRound, peer: this.#self })
    this.#attemptEnds = now + TIMING.attemptMs + this.#random.below(TIMING.attemptMs)
    const { ballot } = this.#attempt
    const number = this.#document.number
    return this.#document.acceptors.map((to) => this.#send(to, { t: 'prepare', number, ballot }))
  }

  #prepare(now: Instant, from: PeerId, { number, ballot }: ControlMessage & { t: 'prepare' }): ControlEffect[] {
    const behind = this.#catchUp(from, number)
    if (behind !== undefined) return behind
    const next = promise(this.#acceptor, ballot)
    if (next === undefined) return this.#refuse(from, number)
    this.#acceptor = next
    this.#highestRound = Math.max(this.#highestRound, ballot.round)
    this.#promisedSince = now
    const attachment: ControlPromise = { accepted: next.accepted ?? null }
    const body = digestOf('promise', attachment)
    const statement: PromiseStatement = { kind: 'promise', scope: controlScope(this.#document), ballot, body }
    return [this.#persist(), { kind: 'sign', statement, attachment: attachment as unknown as Wire, to: [from] }]
  }

  #promised(
    from: PeerId,
    attempt: Attempt<ControlDocument, null>,
    statement: PromiseStatement,
    attachment: Wire,
  ): ControlEffect[] {
    const accepted = (attachment as unknown as ControlPromise | null)?.accepted ?? null
    if (digestOf('promise', { accepted }) !== statement.body || attempt.value !== undefined) return []
    if (accepted !== null && !(isBallot(accepted.ballot) && isControlDocument(accepted.value))) return []
    attempt.promises.set(from, { accepted: accepted ?? undefined, handedOver: null })
    // It may have to be proposed, and is accepted only where its bodies are: whoever accepted it has them.
    const lacking = accepted === null ? [] : this.#lacking(accepted.value)
    const effects: ControlEffect[] =
      lacking.length === 0 ? [] : [this.#send(from, { t: 'ask', number: this.#document.number, hashes: lacking })]
    if (attempt.promises.size < majority(this.#document.acceptors.length)) return effects
    let value = attempt.bound
    if (value === undefined) for (const pending of this.#pending) pending.fresh = true
    while (value === undefined) {
      const [first] = this.#pending
      if (first === undefined) {
        // Nothing left to change, but promises are out: the same document under the next number frees everybody.
        value = { ...this.#document, number: this.#document.number + 1 }
        break
      }
      const outcome = applyChange(this.#document, first.change, first.submission, this.#alive)
      if (typeof outcome !== 'string') value = outcome
      else {
        this.#pending.shift()
        effects.push({ kind: 'event', event: { kind: 'refused', id: first.id, reason: outcome } })
      }
    }
    attempt.value = value
    const known = new Set(bodiesOf(this.#document))
    const bodies = bodiesOf(value).flatMap((hash) => (known.has(hash) ? [] : (this.#bodies.get(hash) ?? [])))
    const propose = { t: 'propose', number: this.#document.number, ballot: attempt.ballot, value, bodies } as const
    return [...effects, ...this.#document.acceptors.map((to) => this.#send(to, propose))]
  }

  #accept(now: Instant, from: PeerId, message: ControlMessage & { t: 'propose' }): ControlEffect[] {
    const { number, ballot, value } = message
    const behind = this.#catchUp(from, number)
    if (behind !== undefined) return behind
    const kept = this.#keep(message.bodies)
    const next = accept(this.#acceptor, ballot, value)
    if (next === undefined) return [...kept, ...this.#refuse(from, number)]
    // A document is accepted only where every body it names is held; the proposer repeats, and `ask` fetches meanwhile.
    if (bodiesOf(value).some((hash) => !this.#bodies.has(hash))) return kept
    this.#acceptor = next
    this.#promisedSince = now
    const statement: AcceptStatement = {
      kind: 'accept',
      scope: controlScope(this.#document),
      ballot,
      value: documentDigest(value),
    }
    return [...kept, this.#persist(), { kind: 'sign', statement, attachment: null, to: [from] }]
  }

  #install(document: ControlDocument): ControlEffect[] {
    if (document.cluster !== this.#document.cluster || compareDocuments(document, this.#document) <= 0) return []
    const before = this.#document
    this.#document = document
    this.#acceptor = FRESH_ACCEPTOR
    this.#attempt = undefined
    this.#promisedSince = undefined
    this.#highestRound = 0
    this.#forgetBodies()
    const effects: ControlEffect[] = [
      {
        kind: 'persist',
        ops: [
          { kind: 'put', table: 'control', key: 'document', value: encodeStored(document) },
          { kind: 'delete', table: 'acceptor', key: controlScope(before) },
        ],
      },
      { kind: 'event', event: { kind: 'document', document } },
    ]
    for (const pending of [...this.#pending]) {
      // One that was done before it was asked for may have been undone since, in documents that are still to come.
      if (!pending.fresh || !isDone(pending.change, document)) continue
      this.withdraw(pending.id)
      effects.push({ kind: 'event', event: { kind: 'changed', id: pending.id, document } })
    }
    return effects
  }

  /** Of jobs that are gone; the host deletes what is on disk with the rest of the job. */
  #forgetBodies(): void {
    const named = new Set<Digest>(bodiesOf(this.#document))
    for (const { change } of this.#pending) for (const body of bodiesIn(change)) named.add(sha256(body))
    for (const hash of this.#bodies.keys()) if (!named.has(hash)) this.#bodies.delete(hash)
    this.#lacked = undefined
  }

  #answer(from: PeerId, message: ControlMessage & { t: 'ask' }): ControlEffect[] {
    const effects: ControlEffect[] = []
    if (message.number !== this.#document.number) effects.push(this.#send(from, { t: 'chosen', value: this.#document }))
    const bodies = message.hashes.flatMap((hash) => this.#bodies.get(hash) ?? [])
    if (bodies.length > 0) effects.push(this.#send(from, { t: 'bodies', bodies }))
    return effects
  }

  #adoptBodies(bodies: readonly Uint8Array[]): ControlEffect[] {
    const missing = new Set(this.missing)
    const bound = this.#attempt?.bound
    const wanted = new Set([...missing, ...(bound === undefined ? [] : this.#lacking(bound))])
    const effects = this.#keep(bodies.filter((body) => wanted.has(sha256(body))))
    if (this.missing.length === missing.size) return effects
    return [...effects, { kind: 'event', event: { kind: 'document', document: this.#document } }]
  }

  #keep(bodies: readonly Uint8Array[]): ControlEffect[] {
    const fresh = bodies.filter((body) => !this.#bodies.has(sha256(body)))
    if (fresh.length === 0) return []
    const ops = fresh.map((body) => ({ kind: 'put', table: 'job', key: sha256(body), value: body }) as const)
    for (const body of fresh) this.#bodies.set(sha256(body), body)
    this.#lacked = undefined
    return [{ kind: 'persist', ops }]
  }

  #catchUp(from: PeerId, number: number): ControlEffect[] | undefined {
    if (number < this.#document.number) return [this.#send(from, { t: 'chosen', value: this.#document })]
    if (number > this.#document.number)
      return [this.#send(from, { t: 'ask', number: this.#document.number, hashes: [] })]
    return this.#document.acceptors.includes(this.#self) ? undefined : []
  }

  #refuse(to: PeerId, number: number): ControlEffect[] {
    const { promised } = this.#acceptor
    return promised === undefined ? [] : [this.#send(to, { t: 'refused', number, ballot: promised })]
  }

  #persist(): ControlEffect {
    const value = encodeStored(this.#acceptor)
    return { kind: 'persist', ops: [{ kind: 'put', table: 'acceptor', key: controlScope(this.#document), value }] }
  }

  #send(to: PeerId, body: ControlMessage): ControlEffect {
    return { kind: 'send', to, body: body as unknown as Wire }
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isBodies = (value: unknown): boolean =>
  Array.isArray(value) && value.length <= 1024 && value.every((body) => body instanceof Uint8Array)

export function isControlMessage(value: unknown): value is ControlMessage {
  if (!isObject(value)) return false
  switch (value.t) {
    case 'prepare':
    case 'refused':
      return isCount(value.number) && isBallot(value.ballot)
    case 'propose':
      return isCount(value.number) && isBallot(value.ballot) && isControlDocument(value.value) && isBodies(value.bodies)
    case 'chosen':
      return isControlDocument(value.value)
    case 'ask':
      return isCount(value.number) && Array.isArray(value.hashes) && value.hashes.every(isDigest)
    case 'bodies':
      return isBodies(value.bodies)
    default:
      return false
  }
}
