/**
 * Agreement about one unit at one of its replicas: votes, certificates, the chain, and the succession of terms. A pure
 * core: inputs with the time in, effects out. Design sections 3 and 4 are its specification; tally.ts counts,
 * term.ts computes successors, succession.ts runs the attempts.
 */

import type { Instant } from '../clock.ts'
import { assert } from '../errors.ts'
import { type Digest, GENESIS, type PeerId, type UnitId } from '../ids.ts'
import { TIMING } from '../limits.ts'
import type { Random } from '../random.ts'
import type { Wire } from '../transport/transport.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { contentDigest, isCutContent } from './certificate.ts'
import { CertifiedChain } from './chain.ts'
import { type AgreementEffect, encodeStored, positionKey, termKey, unitEnd } from './effects.ts'
import { normalTerm, readPromise, type UnitMessage } from './messages.ts'
import { openBlocks } from './open-cuts.ts'
import type { Statement } from './statement.ts'
import { Succession, type SuccessionEffect, type SuccessionState } from './succession.ts'
import { Tally } from './tally.ts'
import type { Seal, Wish } from './term.ts'
import {
  type Certificate,
  type CutContent,
  type CutPosition,
  comparePositions,
  isBehind,
  nextPosition,
  pickPosition,
  type StatementProof,
  type Term,
  type Vote,
} from './types.ts'

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
  /** W replicas have stored everything up to here. */
  | { readonly kind: 'acknowledged'; readonly unit: UnitId; readonly position: CutPosition }
  /** A member's vote came after the certificate, and agrees with it. */
  | { readonly kind: 'confirmed'; readonly peer: PeerId }
  /** A member voted twice for different things at one position of one term. */
  | { readonly kind: 'equivocated'; readonly unit: UnitId; readonly peer: PeerId; readonly position: CutPosition }

export type UnitEffect = AgreementEffect<UnitEvent>

export interface UnitOptions {
  readonly self: PeerId
  readonly random: Random
  /** Whether a certificate that came from elsewhere carries W valid signatures of members. */
  readonly verify: (certificate: Certificate, term: Term) => boolean
  /** The first term, or the latest one on disk. */
  readonly term: Term
  /** From disk: certificates since the last snapshot in order, the last one being the frontier. */
  readonly certificates: readonly Certificate[]
  /** From disk: own votes of the present term beyond the frontier. */
  readonly votes: readonly CutContent[]
  readonly succession: SuccessionState | undefined
  /** From disk: the terms that opened what is still open, with this member's seals. */
  readonly ended: readonly { readonly term: Term; readonly state: SuccessionState | undefined }[]
}

interface Own {
  readonly content: CutContent
  readonly digest: Digest
}

const at = (position: CutPosition): string => `${position.seq}/${position.part}`

export class UnitAgreement {
  readonly unit: UnitId
  readonly #self: PeerId
  #term: Term
  #tally: Tally
  #succession: Succession
  readonly #chain: CertifiedChain
  /** Own contents beyond the frontier, contiguous, in order. */
  #own: Own[] = []
  /** Own votes in this term beyond the frontier. */
  readonly #voted = new Map<string, Own>()
  /** Votes that were signed by this process, so that it can stop repeating itself. */
  readonly #issued = new Set<string>()
  #computed: CutPosition | undefined
  #resendAt: Instant = Number.POSITIVE_INFINITY
  #resendMs: number = TIMING.resendMs
  readonly #acknowledgements = new Acknowledgements()
  #alive: ReadonlySet<PeerId> = new Set()
  /** Successions of earlier terms whose open cuts are not settled yet: their seals are the proof against an open cut. */
  readonly #ended = new Map<number, Succession>()
  readonly #verify: (certificate: Certificate, term: Term) => boolean
  readonly #random: Random

  constructor(options: UnitOptions) {
    this.unit = options.term.unit
    this.#self = options.self
    this.#random = options.random
    this.#verify = options.verify
    this.#term = options.term
    this.#tally = new Tally(options.term.write)
    this.#chain = new CertifiedChain(options.certificates)
    for (const content of options.votes) this.#voted.set(at(content), { content, digest: contentDigest(content) })
    this.#succession = new Succession(options.self, options.term, this.#chain, options.random, options.succession)
    for (const { term, state } of options.ended) {
      this.#ended.set(term.number, new Succession(options.self, term, this.#chain, options.random, state))
    }
  }

  get term(): Term {
    return this.#term
  }
  get frontier(): Term['base'] {
    return this.#chain.frontier
  }
  get computedPosition(): CutPosition | undefined {
    return this.#computed
  }
  get acknowledged(): CutPosition | undefined {
    return this.#acknowledgements.position
  }
  get sealed(): boolean {
    return this.#succession.sealed
  }
  /** Cuts computed and not certified: the run-ahead. */
  get uncertified(): number {
    return this.#own.length
  }
  /** What is known at the next position: for `status`. */
  get poll(): { readonly position: CutPosition } & ReturnType<Tally['votes']> {
    const position = nextPosition(this.frontier)
    return { position, ...this.#tally.votes(position) }
  }
  certificateAt(position: CutPosition): Certificate | undefined {
    return this.#chain.at(position)
  }
  storedPosition(peer: PeerId): CutPosition | undefined {
    return this.#acknowledgements.storedBy(peer)
  }

  setAlive(alive: ReadonlySet<PeerId>): void {
    this.#alive = alive
  }

  /** The replica computed the next content of its chain. */
  computed(now: Instant, content: CutContent): UnitEffect[] {
    const digest = contentDigest(content)
    this.#computed = { seq: content.seq, part: content.part }
    if (!isBehind(this.frontier, content)) return this.#compare(content, digest)
    const last = this.#own[this.#own.length - 1]
    const expected = nextPosition(last?.content ?? this.frontier)
    assert(comparePositions(content, expected) === 0, `cut ${at(content)} of ${this.unit} follows ${at(expected)}`)
    this.#own.push({ content, digest })
    const voted = this.#voted.get(at(content))
    const effects: UnitEffect[] = []
    if (voted !== undefined && voted.digest !== digest) {
      effects.push({ kind: 'event', event: { kind: 'diverged', computed: content, certified: undefined } })
    }
    return [...effects, ...this.#castVotes(now), ...this.#advance(now)]
  }

  /** The replica went back: contents after this position will be computed again. */
  rewound(position: CutPosition | undefined): void {
    this.#computed = position
    this.#own = this.#own.filter(({ content }) => position !== undefined && comparePositions(content, position) <= 0)
  }

  /** Certificates up to this position are no longer needed for comparison (a certified snapshot covers them). */
  trim(position: CutPosition): void {
    this.#chain.trim(position)
  }

  /** The batch at this position and every one before it are on this peer's disk. */
  stored(position: CutPosition): UnitEffect[] {
    return this.#others()
      .map((to) => this.#send(to, { t: 'stored', position }))
      .concat(this.#noteStored(this.#self, position))
  }

  /** The host would like this decided; undefined withdraws it. */
  wish(now: Instant, wish: Wish | undefined): void {
    this.#succession.wish(now, wish, this.#rank())
  }

  /** Answer to `pause`: the replica took all records below `offset` and takes no more until the next term. */
  paused(now: Instant, token: number, offset: number): UnitEffect[] {
    return this.#wrap(now, this.#succession.paused(token, this.#seal(offset)))
  }

  statement(now: Instant, from: PeerId, statement: Statement, attachment: Wire, proof: StatementProof): UnitEffect[] {
    if (!this.#term.members.includes(from)) return []
    if (statement.kind === 'vote') return this.#vote(now, statement, attachment as unknown as CutContent, proof)
    // What a promise hands over is adopted first: the successor is made of it.
    const adopted = statement.kind === 'promise' ? this.#follow(now, readPromise(attachment)?.certificates ?? []) : []
    const ended = [...this.#ended.values()].find((succession) => succession.scope === statement.scope)
    const succession = ended ?? this.#succession
    return [...adopted, ...this.#wrap(now, succession.statement(now, from, statement, attachment, this.#alive))]
  }

  message(now: Instant, from: PeerId, message: UnitMessage): UnitEffect[] {
    switch (message.t) {
      case 'ask':
        return [{ kind: 'tell', to: from, term: message.term, after: message.after ?? undefined }]
      case 'tell':
        return this.#tell(now, message.terms, message.certificates)
      case 'chosen':
        return this.#install(now, normalTerm(message.value))
      case 'stored':
        return this.#noteStored(from, message.position)
      default: {
        if (!this.#term.members.includes(from)) return []
        if ('term' in message && message.t !== 'seals') {
          if (message.term > this.#term.number) return [this.ask(from)]
          if (message.term < this.#term.number && message.t !== 'refused') {
            return [{ kind: 'tell', to: from, term: message.term, after: this.frontier }]
          }
        }
        const adopted = message.t === 'propose' ? this.#follow(now, message.certificates) : []
        const ended = message.t === 'seals' ? this.#ended.get(message.term) : undefined
        return [...adopted, ...this.#wrap(now, (ended ?? this.#succession).message(now, from, message))]
      }
    }
  }

  /** A peer told where it stands: ask for what it has and we lack; repeat our votes if it is where we are. */
  heard(from: PeerId, term: number, frontier: CutPosition | undefined, stored: CutPosition | undefined): UnitEffect[] {
    const effects = stored === undefined ? [] : this.#noteStored(from, stored)
    const behind = term > this.#term.number || isBehind(this.frontier, frontier)
    return behind ? [...effects, this.ask(from)] : effects
  }

  ask(to: PeerId): UnitEffect {
    return this.#send(to, { t: 'ask', term: this.#term.number, after: pickPosition(this.frontier) })
  }

  tick(now: Instant): UnitEffect[] {
    const effects = this.#wrap(now, this.#succession.tick(now, this.#alive, this.#rank()))
    if (now >= this.#resendAt && !this.sealed) {
      this.#resendMs = Math.min(this.#resendMs * 2, TIMING.resendMaxMs)
      this.#resendAt = now + this.#resendMs
      for (const own of [...this.#voted.values()].slice(0, 8)) effects.push(this.#signVote(own, this.#others()))
      const [next] = this.#own
      const blocked = next === undefined ? undefined : openBlocks(next, this.#term, this.#ended)
      if (blocked !== undefined) {
        for (const to of this.#term.members) effects.push(this.#send(to, { t: 'seals', term: blocked.term }))
      }
    }
    return effects
  }

  #rank(): number {
    const alive = this.#term.members.filter((member) => member === this.#self || this.#alive.has(member))
    return alive.indexOf(this.#self)
  }

  #others(): PeerId[] {
    return this.#term.members.filter((member) => member !== this.#self)
  }

  #send(to: PeerId, body: UnitMessage): UnitEffect {
    return { kind: 'send', to, body: body as unknown as Wire }
  }

  #seal(offset: number): Seal {
    const votes = [...this.#voted.values()].map(({ content, digest }) => ({
      seq: content.seq,
      part: content.part,
      digest,
      offset: content.offset,
    }))
    return { frontier: this.frontier, votes: votes.sort(comparePositions), offset }
  }

  /** What was computed at or before the frontier, against its certificate. */
  #compare(content: CutContent, digest: Digest): UnitEffect[] {
    const certificate = this.#chain.at(content)
    if (certificate === undefined) return []
    if (contentDigest(certificate.content) === digest)
      return [{ kind: 'event', event: { kind: 'matched', certificate } }]
    return [{ kind: 'event', event: { kind: 'diverged', computed: content, certified: certificate.content } }]
  }

  /**
   * Votes along the chain as far as the rules allow: each vote descends from the one before it, and an open position
   * is not voted otherwise without the proof that the open digest was never certified.
   */
  #castVotes(now: Instant): UnitEffect[] {
    if (this.sealed || !this.#term.members.includes(this.#self)) return []
    // Everything up to the base is certified: nobody votes there again, also where the certificates are still to come.
    if (isBehind(this.frontier, this.#term.base)) return []
    const effects: UnitEffect[] = []
    let parent: Digest = this.frontier?.digest ?? GENESIS
    for (const own of this.#own) {
      if (own.content.parent !== parent) break
      const key = at(own.content)
      const before = this.#voted.get(key)
      if (before !== undefined && before.digest !== own.digest) break
      if (before === undefined && openBlocks(own, this.#term, this.#ended) !== undefined) break
      parent = own.digest
      if (this.#issued.has(key)) continue
      this.#issued.add(key)
      if (before === undefined) {
        this.#voted.set(key, own)
        const value = encodeStored({ term: this.#term.number, content: own.content })
        effects.push({
          kind: 'persist',
          ops: [{ kind: 'put', table: 'statement', key: positionKey(this.unit, own.content), value }],
        })
      }
      effects.push(this.#signVote(own, this.#term.members))
      if (this.#resendAt === Number.POSITIVE_INFINITY) this.#resendAt = now + this.#resendMs
    }
    return effects
  }

  #signVote({ content, digest }: Own, to: readonly PeerId[]): UnitEffect {
    const { seq, part } = content
    const statement: Vote = { kind: 'vote', unit: this.unit, term: this.#term.number, seq, part, digest }
    return { kind: 'sign', statement, attachment: content as unknown as Wire, to }
  }

  #vote(now: Instant, vote: Vote, content: CutContent, proof: StatementProof): UnitEffect[] {
    if (vote.unit !== this.unit) return []
    if (vote.term > this.#term.number) return [this.ask(proof.peer)]
    if (vote.term < this.#term.number || !isCutContent(content) || contentDigest(content) !== vote.digest) return []
    if (content.seq !== vote.seq || content.part !== vote.part || content.unit !== this.unit) return []
    if (!isBehind(this.frontier, vote)) return this.#answerLate(proof.peer, vote, content)
    const counted = this.#tally.add(now, content, vote.digest, proof)
    if (counted === 'equivocated') {
      const { seq, part } = vote
      return [
        { kind: 'event', event: { kind: 'equivocated', unit: this.unit, peer: proof.peer, position: { seq, part } } },
      ]
    }
    return this.#advance(now)
  }

  /** A vote for what is certified already: its sender has not seen the certificate. */
  #answerLate(peer: PeerId, vote: Vote, computed: CutContent): UnitEffect[] {
    const certificate = this.#chain.at(vote)
    if (certificate === undefined) return []
    const certified = certificate.content
    const agrees = contentDigest(certified) === vote.digest
    const event: UnitEvent = agrees ? { kind: 'confirmed', peer } : { kind: 'outvoted', peer, computed, certified }
    if (peer === this.#self) return agrees ? [{ kind: 'event', event }] : []
    return [this.#send(peer, { t: 'tell', terms: [], certificates: [certificate] }), { kind: 'event', event }]
  }

  /** Certifies as many next positions as have W equal votes. */
  #advance(now: Instant): UnitEffect[] {
    const effects: UnitEffect[] = []
    for (;;) {
      const certificate = this.#tally.winner(nextPosition(this.frontier), this.#term.number)
      if (certificate === undefined) break
      effects.push(...this.#certified(certificate))
    }
    if (effects.length > 0) effects.push(...this.#castVotes(now))
    return effects
  }

  /** Moves the frontier to a certificate that is next in the chain. */
  #certified(certificate: Certificate): UnitEffect[] {
    const { content } = certificate
    this.#chain.adopt(certificate)
    const outvoted = this.#tally.others(content, contentDigest(content))
    this.#tally.settle(content)
    for (const [key, { content: voted }] of this.#voted) {
      if (comparePositions(voted, content) > 0) continue
      this.#voted.delete(key)
      this.#issued.delete(key)
    }
    const after = `${positionKey(this.unit, content)}~`
    const effects: UnitEffect[] = [
      {
        kind: 'persist',
        ops: [
          { kind: 'put', table: 'certificate', key: positionKey(this.unit, content), value: encodeStored(certificate) },
          { kind: 'deleteRange', table: 'statement', from: positionKey(this.unit, { seq: 0, part: 0 }), to: after },
        ],
      },
      { kind: 'event', event: { kind: 'certified', certificate } },
    ]
    for (const { peer, computed } of outvoted) {
      if (peer === this.#self) continue
      effects.push({ kind: 'event', event: { kind: 'outvoted', peer, computed, certified: content } })
    }
    const own = this.#own[0]
    if (own !== undefined && comparePositions(own.content, content) === 0) {
      this.#own.shift()
      const matched = own.digest === contentDigest(content)
      if (!matched) this.#own = []
      effects.push(
        matched
          ? { kind: 'event', event: { kind: 'matched', certificate } }
          : { kind: 'event', event: { kind: 'diverged', computed: own.content, certified: content } },
      )
    }
    this.#resendMs = TIMING.resendMs
    this.#resendAt = Number.POSITIVE_INFINITY
    return effects
  }

  /**
   * Moves along certificates that came from elsewhere, as far as they continue the chain and check. Those of a later term
   * wait for it: what was computed without its decision must not be compared with them.
   */
  #follow(now: Instant, certificates: readonly Certificate[]): UnitEffect[] {
    const effects: UnitEffect[] = []
    for (const certificate of certificates) {
      if (certificate.term > this.#term.number) break
      if (certificate.content.unit !== this.unit || !this.#chain.continuedBy(certificate)) continue
      if (!this.#verify(certificate, this.#term)) continue
      effects.push(...this.#certified(certificate))
    }
    if (effects.length > 0) effects.push(...this.#castVotes(now))
    return effects
  }

  #tell(now: Instant, terms: readonly Term[], certificates: readonly Certificate[]): UnitEffect[] {
    const effects = this.#follow(now, certificates)
    for (const term of terms) {
      effects.push(...this.#install(now, normalTerm(term)), ...this.#follow(now, certificates))
    }
    return effects
  }

  /** Goes on in the successor; terms are installed one by one, skipping none. */
  #install(now: Instant, term: Term): UnitEffect[] {
    if (term.unit !== this.unit || term.number !== this.#term.number + 1) return []
    this.#ended.set(this.#term.number, this.#succession)
    for (const known of this.#ended.keys()) {
      if (!term.open.some((open) => open.term === known)) this.#ended.delete(known)
    }
    this.#term = term
    this.#tally = new Tally(term.write)
    this.#succession = new Succession(this.#self, term, this.#chain, this.#random, undefined)
    this.#voted.clear()
    this.#issued.clear()
    this.#resendAt = Number.POSITIVE_INFINITY
    this.#resendMs = TIMING.resendMs
    const decision = term.decision
    const kept =
      decision === undefined ? this.#own.length : this.#own.findIndex(({ content }) => content.offset > decision.offset)
    if (kept >= 0) this.#own.length = kept
    return [
      {
        kind: 'persist',
        ops: [
          { kind: 'put', table: 'term', key: termKey(this.unit, term.number), value: encodeStored(term) },
          {
            kind: 'deleteRange',
            table: 'statement',
            from: positionKey(this.unit, { seq: 0, part: 0 }),
            to: unitEnd(this.unit),
          },
        ],
      },
      { kind: 'event', event: { kind: 'term', term } },
      ...this.#castVotes(now),
      ...this.#advance(now),
    ]
  }

  #noteStored(peer: PeerId, position: CutPosition): UnitEffect[] {
    if (!this.#acknowledgements.note(peer, position, this.#term)) return []
    const acknowledged = this.acknowledged ?? position
    return [{ kind: 'event', event: { kind: 'acknowledged', unit: this.unit, position: acknowledged } }]
  }

  /** Turns what the succession asks for into this core's effects. */
  #wrap(now: Instant, effects: readonly SuccessionEffect[]): UnitEffect[] {
    const out: UnitEffect[] = []
    for (const effect of effects) {
      if (effect.kind !== 'event') out.push(effect)
      else if (effect.event.kind === 'pause') {
        out.push({ kind: 'event', event: { kind: 'pause', unit: this.unit, token: effect.event.token } })
      } else out.push(...this.#install(now, effect.event.value))
    }
    return out
  }
}
