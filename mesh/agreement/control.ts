/**
 * The control document: the view that places units and the jobs by hash. Each change is the successor of the last
 * document, chosen by the same Paxos among the acceptors that the document names, so compare-and-set is what it means to
 * win. A pure core.
 */
import type { Instant } from '../clock.ts'
import { type Digest, isDigest, isPeerId, type PeerId } from '../ids.ts'
import { TIMING } from '../limits.ts'
import type { Random } from '../random.ts'
import type { View } from '../ring/view.ts'
import type { Wire } from '../transport/transport.ts'
import { type AgreementEffect, encodeStored, sortable } from './effects.ts'
import { digestOf, sha256 } from './encoding.ts'
import { isBallot } from './messages.ts'
import { type Accepted, type AcceptorState, Attempt, accept, FRESH_ACCEPTOR, majority, promise } from './paxos.ts'
import type { AcceptStatement, PromiseStatement, Statement } from './statement.ts'
import { type Ballot, compareBallots } from './types.ts'

/** A job as the mesh knows it: a name, its generation, and the hash of a body that only `src` understands. */
export interface JobEntry {
  readonly name: string
  readonly generation: string
  readonly hash: Digest
  /** Of the document that the job was put into: places the first term of each of its units. */
  readonly view: View
}

export interface ControlDocument {
  readonly cluster: string
  readonly number: number
  readonly view: View
  /** Who chooses the next document: an odd number of members, at most seven. */
  readonly acceptors: readonly PeerId[]
  readonly jobs: readonly JobEntry[]
  /** Submissions so far; a generation's number never comes back. */
  readonly submissions: number
}

export type ControlChange =
  | { readonly kind: 'put'; readonly name: string; readonly generation: string; readonly body: Uint8Array }
  | { readonly kind: 'delete'; readonly name: string }

export type ControlEvent =
  | { readonly kind: 'document'; readonly document: ControlDocument }
  | { readonly kind: 'changed'; readonly id: string; readonly document: ControlDocument }
  | { readonly kind: 'refused'; readonly id: string; readonly reason: 'conflict' | 'unknown' | 'outrun' }

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
}

interface ControlPromise {
  readonly accepted: Accepted<ControlDocument> | null
}

const documentDigest = (document: ControlDocument): Digest => digestOf('control', document)
/** What promises and accepts about the document's successor are about. */
export const controlScope = (document: ControlDocument): string => `control/${sortable(document.number)}`

/** The first document of a cluster over the peers that confirmed one another. */
export function genesis(peers: readonly PeerId[]): ControlDocument {
  const members = [...peers].sort()
  const most = Math.min(members.length, 7)
  const acceptors = members.slice(0, most % 2 === 0 && most > 2 ? most - 1 : most)
  return {
    cluster: digestOf('cluster', members).slice(0, 16),
    number: 1,
    view: { number: 1, members },
    acceptors,
    jobs: [],
    submissions: 0,
  }
}

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

  /** Starts a change; its outcome is a `changed` or `refused` event with this id. */
  change(now: Instant, id: string, change: ControlChange): ControlEffect[] {
    const effects = change.kind === 'put' ? this.#keep([change.body]) : []
    this.#pending.push({ id, change, submission: this.#document.submissions })
    return [...effects, ...this.#start(now)]
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
    const others = this.#document.view.members.filter((member) => member !== this.#self)
    const to = others[this.#random.below(others.length)]
    return to === undefined
      ? started
      : [...started, this.#send(to, { t: 'ask', number: this.#document.number, hashes: missing })]
  }

  /** Hashes of bodies that the document names and this peer lacks. */
  get missing(): Digest[] {
    return this.#document.jobs.filter(({ hash }) => !this.#bodies.has(hash)).map(({ hash }) => hash)
  }

  /** A peer told the number of its document. */
  heard(from: PeerId, number: number): ControlEffect[] {
    if (number <= this.#document.number) return []
    return [this.#send(from, { t: 'ask', number: this.#document.number, hashes: [] })]
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
    if (attempt.promises.size < majority(this.#document.acceptors.length)) return []
    const effects: ControlEffect[] = []
    let value = attempt.bound
    while (value === undefined) {
      const [first] = this.#pending
      if (first === undefined) {
        // Nothing left to change, but promises are out: the same document under the next number frees everybody.
        value = { ...this.#document, number: this.#document.number + 1 }
        break
      }
      const outcome = this.#apply(first)
      if (typeof outcome !== 'string') value = outcome
      else {
        this.#pending.shift()
        effects.push({ kind: 'event', event: { kind: 'refused', id: first.id, reason: outcome } })
      }
    }
    attempt.value = value
    const bodies = value.jobs.flatMap(({ hash }) =>
      this.#document.jobs.some((job) => job.hash === hash) ? [] : (this.#bodies.get(hash) ?? []),
    )
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
    if (value.jobs.some(({ hash }) => !this.#bodies.has(hash))) return kept
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

  #apply({ change, submission }: Pending): ControlDocument | 'conflict' | 'unknown' | 'outrun' {
    const { jobs, number, submissions } = this.#document
    const existing = jobs.some(({ name }) => name === change.name)
    if (change.kind === 'delete') {
      if (!existing) return 'unknown'
      return { ...this.#document, number: number + 1, jobs: jobs.filter(({ name }) => name !== change.name) }
    }
    if (existing) return 'conflict'
    if (submission !== submissions) return 'outrun'
    const { name, generation, body } = change
    const entry: JobEntry = { name, generation, hash: sha256(body), view: this.#document.view }
    return { ...this.#document, number: number + 1, jobs: [...jobs, entry], submissions: submissions + 1 }
  }

  #install(document: ControlDocument): ControlEffect[] {
    if (document.number <= this.#document.number || document.cluster !== this.#document.cluster) return []
    const before = this.#document
    this.#document = document
    this.#acceptor = FRESH_ACCEPTOR
    this.#attempt = undefined
    this.#promisedSince = undefined
    this.#highestRound = 0
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
      if (!isDone(pending.change, document)) continue
      this.withdraw(pending.id)
      effects.push({ kind: 'event', event: { kind: 'changed', id: pending.id, document } })
    }
    return effects
  }

  #answer(from: PeerId, message: ControlMessage & { t: 'ask' }): ControlEffect[] {
    const effects: ControlEffect[] = []
    if (message.number < this.#document.number) effects.push(this.#send(from, { t: 'chosen', value: this.#document }))
    const bodies = message.hashes.flatMap((hash) => this.#bodies.get(hash) ?? [])
    if (bodies.length > 0) effects.push(this.#send(from, { t: 'bodies', bodies }))
    return effects
  }

  #adoptBodies(bodies: readonly Uint8Array[]): ControlEffect[] {
    const wanted = new Set(this.missing)
    const effects = this.#keep(bodies.filter((body) => wanted.has(sha256(body))))
    if (effects.length === 0) return []
    return [...effects, { kind: 'event', event: { kind: 'document', document: this.#document } }]
  }

  #keep(bodies: readonly Uint8Array[]): ControlEffect[] {
    const fresh = bodies.filter((body) => !this.#bodies.has(sha256(body)))
    if (fresh.length === 0) return []
    const ops = fresh.map((body) => ({ kind: 'put', table: 'job', key: sha256(body), value: body }) as const)
    for (const body of fresh) this.#bodies.set(sha256(body), body)
    return [{ kind: 'persist', ops }]
  }

  #catchUp(from: PeerId, number: number): ControlEffect[] | undefined {
    if (number < this.#document.number) return [this.#send(from, { t: 'chosen', value: this.#document })]
    if (number > this.#document.number) return this.heard(from, number)
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

function isDone(change: ControlChange, document: ControlDocument): boolean {
  return change.kind === 'put'
    ? document.jobs.some(({ generation, hash }) => generation === change.generation && hash === sha256(change.body))
    : !document.jobs.some(({ name }) => name === change.name)
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isPeers = (value: unknown): boolean => Array.isArray(value) && value.length <= 256 && value.every(isPeerId)
const isBodies = (value: unknown): boolean =>
  Array.isArray(value) && value.length <= 1024 && value.every((body) => body instanceof Uint8Array)

const isView = (value: unknown): boolean => isObject(value) && isCount(value.number) && isPeers(value.members)

export function isControlDocument(value: unknown): value is ControlDocument {
  return (
    isObject(value) &&
    typeof value.cluster === 'string' &&
    isCount(value.number) &&
    isView(value.view) &&
    isPeers(value.acceptors) &&
    isCount(value.submissions) &&
    Array.isArray(value.jobs) &&
    value.jobs.every(
      (job) =>
        isObject(job) &&
        typeof job.name === 'string' &&
        typeof job.generation === 'string' &&
        isDigest(job.hash) &&
        isView(job.view),
    )
  )
}

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
