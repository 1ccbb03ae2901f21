/**
 * Agreement about one unit at one peer: votes, certificates, the chain, and the succession of terms. A pure core: inputs
 * with the time in, effects out. Design sections 3 and 4 are its specification; own-votes.ts holds the rules of voting,
 * tally.ts counts, term.ts computes successors, succession.ts runs the attempts.
 *
 * A peer that is no member of the term follows: it adopts terms and certificates, compares what it computes, and votes for
 * nothing. It is one that will be a member (a learner), or was one and is still needed by its successors.
 */

import type { Instant } from '../clock.ts'
import { assert } from '../errors.ts'
import { GENESIS, type PeerId, type UnitId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import { planted } from '../planted.ts'
import { rankAmong } from '../ring/preference.ts'
import type { Wire } from '../transport/transport.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { Asking, leavesGap } from './asking.ts'
import { contentDigest, isCutContent } from './certificate.ts'
import { CertifiedChain, type Frontier } from './chain.ts'
import { forgetTerms, type PersistOp, persistCertificate, persistTerm, persistVote } from './effects.ts'
import { EndedTerms } from './ended.ts'
import { Following } from './following.ts'
import { normalTerm, readPromise, type UnitMessage } from './messages.ts'
import { type Own, OwnVotes } from './own-votes.ts'
import { Repeating } from './repeating.ts'
import type { Standing } from './standing.ts'
import type { Statement } from './statement.ts'
import { type Pacing, Succession, type SuccessionEffect, type SuccessionState } from './succession.ts'
import { Tally } from './tally.ts'
import type { Seal, Wish } from './term.ts'
import { TermHistory } from './term-history.ts'
import {
  type Certificate,
  type CutContent,
  type CutPosition,
  comparePositions,
  furthest,
  isBehind,
  nextPosition,
  type OpenCut,
  pickPosition,
  type StatementProof,
  type Term,
  type Vote,
} from './types.ts'
import type { UnitEffect, UnitEvent, UnitOptions } from './unit-contract.ts'
import { Wishing } from './wishing.ts'

const at = (position: CutPosition): string => `${position.seq}/${position.part}`

export class UnitAgreement {
  readonly unit: UnitId
  readonly #self: PeerId
  readonly #pacing: Pacing
  readonly #verify: (certificate: Certificate, term: Term) => boolean
  readonly #terms: TermHistory
  #tally: Tally
  #succession: Succession
  readonly #chain: CertifiedChain
  readonly #own: OwnVotes
  #computed: CutPosition | undefined
  readonly #repeating = new Repeating()
  readonly #wishing = new Wishing()
  readonly #asking = new Asking()
  readonly #acknowledgements: Acknowledgements
  readonly following: Following
  #alive: ReadonlySet<PeerId> = new Set()
  #lost: ReadonlySet<PeerId> = new Set()
  readonly #ended = new EndedTerms()

  constructor(options: UnitOptions) {
    const { self, random, staggerMs, verify, terms, certificates, votes, successions } = options
    this.#terms = new TermHistory(terms)
    const term = this.#terms.latest
    this.unit = term.unit
    this.#self = self
    this.#pacing = { random, staggerMs }
    this.#verify = verify
    this.#tally = new Tally(term.write)
    this.#acknowledgements = new Acknowledgements(term)
    this.following = new Following(self, random)
    this.#chain = new CertifiedChain(certificates)
    this.#own = new OwnVotes(votes.map((content) => ({ content, digest: contentDigest(content) })))
    for (const { term: opened } of term.open) {
      const known = this.#terms.get(opened)
      if (known !== undefined) this.#ended.add(this.#successionOf(known, successions.get(opened)))
    }
    this.#succession = this.#successionOf(term, successions.get(term.number))
  }

  get term(): Term {
    return this.#terms.latest
  }
  /** Those that are known, in order. */
  get terms(): readonly Term[] {
    return this.#terms.all
  }
  get isMember(): boolean {
    return this.term.members.includes(this.#self)
  }
  get frontier(): Frontier | undefined {
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
  /** Everything that is certified, as far as is known here, was computed here too. */
  get complete(): boolean {
    const known = furthest(this.frontier, this.following.furthest)
    return this.following.latestTerm <= this.term.number && !isBehind(this.#computed, known)
  }
  /** Cuts computed and not certified: the run-ahead. */
  get uncertified(): number {
    return this.#own.uncertified
  }
  /** What is known at the next position: for `status`. */
  get poll(): { readonly position: CutPosition } & ReturnType<Tally['votes']> {
    const position = nextPosition(this.frontier)
    return { position, ...this.#tally.votes(position) }
  }
  /** The next cut has failed again with every member heard: only an operator can go on. */
  get deadlocked(): boolean {
    const { dispute } = this.term
    return dispute !== undefined && dispute.times > 1 && comparePositions(dispute, nextPosition(this.frontier)) === 0
  }
  /** Who could still say whether an open cut was certified that keeps the next one back; empty: none does. */
  get keptBackBy(): readonly PeerId[] {
    return this.#ended.keptBackBy(this.#own.next, this.term)
  }
  /** See Following; `gone`: members that are not counted on either. */
  isBlocked(now: Instant, at?: number, gone: readonly PeerId[] = []): boolean {
    return this.following.isBlocked(now, this.term, (peer) => this.#lost.has(peer) || gone.includes(peer), at)
  }
  /** What this peer tells of itself. */
  get standing(): Standing {
    const stored = this.#acknowledgements.storedBy(this.#self)
    return this.following.standing(this.term.number, this.frontier, stored, this.#votesIn)
  }
  /** What it stores now is in every promise that it makes in this term; undefined: it is sealed, or no member. */
  get #votesIn(): number | undefined {
    return this.isMember && !this.sealed ? this.term.number : undefined
  }
  certificateAt(position: CutPosition): Certificate | undefined {
    return this.#chain.at(position)
  }
  setPeers(alive: ReadonlySet<PeerId>, lost: ReadonlySet<PeerId>): void {
    this.#alive = alive
    if (lost !== this.#lost) this.following.forget(lost)
    this.#lost = lost
  }

  /** The replica computed the next content of its chain. */
  computed(now: Instant, content: CutContent): UnitEffect[] {
    const digest = contentDigest(content)
    this.#computed = { seq: content.seq, part: content.part }
    if (!isBehind(this.frontier, content)) return this.#chain.compare(content, digest)
    const before = this.#own.last?.content ?? this.frontier
    const follows = (place: typeof before) => comparePositions(content, nextPosition(place)) === 0
    // After a gap a replica goes on from the base of its term, whose certificates may still be on their way.
    const resumes = ({ decision, base }: Term) => decision?.kind === 'gap' && follows(base)
    const expected = follows(before) || (this.#own.last === undefined && this.terms.some(resumes))
    assert(expected, `cut ${at(content)} of ${this.unit} follows ${at(nextPosition(before))}`)
    const contradicts = this.#own.add({ content, digest })
    const event = { kind: 'diverged', computed: content, certified: undefined } as const
    const effects: UnitEffect[] = contradicts ? [{ kind: 'event', event }] : []
    return [...effects, ...this.#castVotes(now), ...this.#advance(now)]
  }

  /** The replica went back: contents after this position will be computed again. */
  rewound(position: CutPosition | undefined): void {
    this.#computed = position
    this.#own.rewind(position)
  }

  /**
   * Certified snapshots at and after `position` are on this disk, whose states hold the decisions of terms below `term`:
   * replays begin there, and nothing earlier is compared or decided again.
   */
  trim(position: CutPosition, term: number): UnitEffect[] {
    this.#chain.trim(position)
    const needed = Math.min(term, this.term.number, ...this.term.open.map((open) => open.term))
    return forgetTerms(this.unit, this.#terms.trim(needed))
  }

  /** The batch at this position and every one before it are on their way to this peer's disk: what is sent now comes after. */
  stored(position: CutPosition): UnitEffect[] {
    const votesIn = this.#votesIn
    const body: UnitMessage = { t: 'stored', position, ...(votesIn === undefined ? {} : { votesIn }) }
    return [this.#self, ...this.#others()].map((to) => this.#send(to, body))
  }

  /** The host would like this decided; undefined withdraws it. */
  wish(now: Instant, wish: Wish | undefined): void {
    this.#wishing.put(wish)
    this.#succession.wish(now, this.isMember ? this.#wishNow(now) : undefined, this.#rank())
  }

  /** A cut that no value can win is a reason of its own to go on to another term. */
  #wishNow(now: Instant): Wish | undefined {
    return this.#wishing.due(now) ?? (this.#isLost && !this.deadlocked && this.#wishing.mayRenew(now) ? {} : undefined)
  }

  /** Answer to `pause`: the replica took all records below `offset` and takes no more until the next term. */
  paused(now: Instant, token: number, offset: number, stuck: boolean): UnitEffect[] {
    return this.#wrap(now, this.#succession.paused(token, this.#seal(offset, stuck)))
  }

  #seal(offset: number, stuck: boolean): Seal {
    const votes = this.#own.voted.map(({ content: { seq, part, offset }, digest }) => ({ seq, part, digest, offset }))
    return { frontier: this.frontier, votes, offset, ...(stuck ? { stuck } : {}) }
  }

  /** What this member voted for in the present term, kept for those that need it once the term has a successor. */
  #conclude(now: Instant, { open }: Term): UnitEffect[] {
    if (!this.isMember || !open.some(({ term }) => term === this.term.number)) return []
    return this.#wrap(now, this.#succession.conclude(this.#seal(this.#own.last?.content.offset ?? 0, false)))
  }

  /** This peer goes on in a later term, without those between: what it voted for in its present one is kept if need be. */
  leaveBehind(latest: Term): readonly PersistOp[] {
    return this.#conclude(0, latest).flatMap((effect) => (effect.kind === 'persist' ? effect.ops : []))
  }

  statement(now: Instant, from: PeerId, statement: Statement, attachment: Wire, proof: StatementProof): UnitEffect[] {
    if (statement.kind === 'vote') {
      if (!this.term.members.includes(from)) return []
      return this.#vote(now, statement, attachment as unknown as CutContent, proof)
    }
    const present = this.#succession.scope === statement.scope
    const succession = present ? this.#succession : this.#ended.ofScope(statement.scope)
    if (succession === undefined || !succession.term.members.includes(from)) return []
    // What a promise hands over is adopted first: the successor is made of it.
    const adopted = statement.kind === 'promise' ? this.#adoptAll(now, readPromise(attachment)?.certificates ?? []) : []
    const effects = this.#wrap(now, succession.statement(now, from, statement, attachment, this.#alive))
    // A seal of an earlier term may allow what an open cut forbade.
    return [...adopted, ...effects, ...(present ? [] : this.#castVotes(now))]
  }

  message(now: Instant, from: PeerId, message: UnitMessage): UnitEffect[] {
    switch (message.t) {
      case 'ask':
        return [{ kind: 'tell', to: from, term: message.term, after: message.after ?? undefined }]
      case 'tell':
        return this.#tell(now, from, message)
      case 'chosen':
        return this.#install(now, normalTerm(message.value))
      case 'stored':
        this.#acknowledgements.note(from, message.position, message.votesIn)
        return []
      case 'seals': {
        if (message.term === this.term.number) return this.#wrap(now, this.#succession.message(now, from, message))
        const ended = this.#ended.get(message.term)
        return ended === undefined ? [] : this.#wrap(now, ended.sealFor(from, this.frontier))
      }
      default: {
        if (message.term > this.term.number) return this.ask(now, from)
        if (message.term < this.term.number) {
          if (message.t === 'refused') return []
          return [{ kind: 'tell', to: from, term: message.term, after: this.frontier }]
        }
        if (!this.term.members.includes(from)) return []
        const adopted = message.t === 'propose' ? this.#adoptAll(now, message.certificates) : []
        return [...adopted, ...this.#wrap(now, this.#succession.message(now, from, message))]
      }
    }
  }

  /** A peer told where it stands: ask for what it has and we lack. */
  heard(now: Instant, from: PeerId, standing: Standing): UnitEffect[] {
    this.following.heard(now, from, standing)
    const { stored, votesIn } = standing
    if (stored !== undefined) this.#acknowledgements.note(from, stored, votesIn)
    const behind = standing.term > this.term.number || isBehind(this.frontier, standing.frontier)
    return behind ? this.ask(now, from) : []
  }

  /** A peer does not have the unit: one that the term names has perhaps not heard so, nor one whose word is waited for. */
  gone(now: Instant, peer: PeerId): UnitEffect[] {
    this.#asking.forget(peer)
    const value = this.following.gone(now, peer, this.#ended.naming(peer, this.#own.next, this.term))
    return value === undefined ? [] : [this.#send(peer, { t: 'chosen', value })]
  }

  /** For what it has beyond this place; nothing when it was asked for that lately. */
  ask(now: Instant, to: PeerId): UnitEffect[] {
    const place = { term: this.term.number, after: pickPosition(this.frontier) }
    return this.#asking.isDue(now, to, place) ? [this.#send(to, { t: 'ask', ...place })] : []
  }

  tick(now: Instant): UnitEffect[] {
    if (!this.isMember) return this.#follow(now)
    this.#succession.wish(now, this.#wishNow(now), this.#rank())
    const effects = this.#wrap(now, this.#succession.tick(now, this.#alive, this.#rank()))
    if (!this.sealed && this.#repeating.isDue(now)) {
      for (const own of this.#own.voted.slice(0, LIMITS.repeatedVotes))
        effects.push(this.#signVote(own, this.#others()))
    }
    const asked = this.sealed ? undefined : this.#ended.whomToAsk(now, this.#own.next, this.term)
    for (const to of asked?.witnesses ?? []) effects.push(this.#send(to, { t: 'seals', term: asked?.term ?? 0 }))
    return effects
  }

  #follow(now: Instant): UnitEffect[] {
    const next = this.following.isAbandoned(now, this.term, this.#lost) ? this.#terms.afterLoss : undefined
    if (next !== undefined) return this.#install(now, next)
    const asked = this.following.whomToAsk(now, this.term)
    const effects = asked === undefined ? [] : this.ask(now, asked)
    if (!this.following.released(this.term, this.standing)) return effects
    return [...effects, { kind: 'event', event: { kind: 'released', unit: this.unit } }]
  }

  /** No value of the next cut can win in this term any more. */
  get #isLost(): boolean {
    return this.#tally.isLost(nextPosition(this.frontier), this.term.members.length)
  }

  #successionOf(term: Term, state: SuccessionState | undefined): Succession {
    const knowledge = {
      isDisproved: (open: OpenCut) => this.#ended.isDisproved(open),
      unheard: (open: OpenCut) => this.#ended.unheard(open, this.term),
      isLost: (peer: PeerId) => this.#lost.has(peer),
    }
    return new Succession({ self: this.#self, chain: this.#chain, pacing: this.#pacing, knowledge }, term, state)
  }

  #rank(): number {
    return rankAmong(this.#self, this.term.members, this.#alive)
  }

  #others(): PeerId[] {
    return this.term.members.filter((member) => member !== this.#self)
  }

  #send(to: PeerId, body: UnitMessage): UnitEffect {
    return { kind: 'send', to, body: body as unknown as Wire }
  }

  #castVotes(now: Instant): UnitEffect[] {
    if ((this.sealed && !planted('sealed-votes')) || this.deadlocked) return []
    if (!this.isMember && !planted('learner-votes')) return []
    // Everything up to the base is certified: nobody votes there again, also where the certificates are still to come.
    if (isBehind(this.frontier, this.term.base) && !planted('vote-below-base')) return []
    const blocked = (own: Own) => this.#ended.blocks(own, this.term) !== undefined
    const effects: UnitEffect[] = []
    for (const { own, fresh } of this.#own.cast(this.frontier?.digest ?? GENESIS, blocked)) {
      if (fresh) effects.push(persistVote(this.term.number, own.content))
      effects.push(this.#signVote(own, this.term.members))
    }
    if (this.#own.hasVoted) this.#repeating.started(now)
    return effects
  }

  #signVote({ content, digest }: Own, to: readonly PeerId[]): UnitEffect {
    const { seq, part } = content
    const statement: Vote = { kind: 'vote', unit: this.unit, term: this.term.number, seq, part, digest }
    return { kind: 'sign', statement, attachment: content as unknown as Wire, to }
  }

  #vote(now: Instant, vote: Vote, content: CutContent, proof: StatementProof): UnitEffect[] {
    if (vote.unit !== this.unit) return []
    if (vote.term > this.term.number) return this.ask(now, proof.peer)
    if (vote.term < this.term.number || !isCutContent(content) || contentDigest(content) !== vote.digest) return []
    if (content.seq !== vote.seq || content.part !== vote.part || content.unit !== this.unit) return []
    if (!isBehind(this.frontier, vote)) return this.#answerLate(proof.peer, vote, content)
    const counted = this.#tally.add(now, content, vote.digest, proof)
    if (counted === 'equivocated') {
      const { seq, part } = vote
      const event = { kind: 'equivocated', unit: this.unit, peer: proof.peer, position: { seq, part } } as const
      return [{ kind: 'event', event }]
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
      const certificate = this.#tally.winner(nextPosition(this.frontier), this.term.number)
      if (certificate === undefined) break
      effects.push(...this.#certified(certificate))
    }
    if (effects.length > 0) effects.push(...this.#castVotes(now))
    return effects
  }

  /** Moves the frontier to a certificate that is next in the chain. */
  #certified(certificate: Certificate): UnitEffect[] {
    const { content } = certificate
    const digest = contentDigest(content)
    this.#chain.adopt(certificate)
    this.#wishing.certified()
    const outvoted = this.#tally.others(content, digest).filter(({ peer }) => peer !== this.#self)
    this.#tally.settle(content)
    const own = this.#own.certified(content)
    const effects: UnitEffect[] = [
      persistCertificate(certificate),
      { kind: 'event', event: { kind: 'certified', certificate } },
      ...outvoted.map(({ peer, computed }): UnitEffect => {
        return { kind: 'event', event: { kind: 'outvoted', peer, computed, certified: content } }
      }),
    ]
    if (own !== undefined && (own.digest === digest || planted('uncertified-batch'))) {
      effects.push({ kind: 'event', event: { kind: 'matched', certificate } })
    } else if (own !== undefined) {
      this.#own.clear()
      effects.push({ kind: 'event', event: { kind: 'diverged', computed: own.content, certified: content } })
    }
    this.#repeating.restart()
    return effects
  }

  /**
   * Moves along certificates that came from elsewhere, as far as they continue the chain and check. Those of a later term
   * wait for it: what was computed without its decision must not be compared with them. Votes on the next one may be here.
   */
  #adoptAll(now: Instant, certificates: readonly Certificate[]): UnitEffect[] {
    const effects: UnitEffect[] = []
    for (const certificate of certificates) {
      if (certificate.term > this.term.number) break
      if (!this.#chain.continuedBy(certificate) || !this.#checks(certificate)) continue
      effects.push(...this.#certified(certificate))
    }
    if (effects.length > 0) effects.push(...this.#castVotes(now), ...this.#advance(now))
    return effects
  }

  /** Signed by W members of its own term. */
  #checks(certificate: Certificate): boolean {
    const term = this.#terms.votersOf(certificate.term)
    return certificate.content.unit === this.unit && term !== undefined && this.#verify(certificate, term)
  }

  #tell(now: Instant, peer: PeerId, told: UnitMessage & { t: 'tell' }): UnitEffect[] {
    const { terms, certificates } = told
    if (leavesGap(told, this.term.number, this.frontier))
      return [{ kind: 'event', event: { kind: 'behind', unit: this.unit, peer } }]
    const effects = this.#adoptAll(now, certificates)
    for (const each of terms) {
      effects.push(...this.#install(now, normalTerm(each)), ...this.#adoptAll(now, certificates))
    }
    return effects
  }

  /** Goes on in the successor; terms are installed one by one, skipping none. */
  #install(now: Instant, term: Term): UnitEffect[] {
    if (term.unit !== this.unit || term.number !== this.term.number + 1) return []
    const concluded = this.#conclude(now, term)
    this.#wishing.answered(now, term, this.#isLost)
    this.#ended.add(this.#succession)
    this.#ended.keep(term)
    this.#terms.add(term)
    this.#tally = new Tally(term.write)
    this.#acknowledgements.install(term)
    this.#succession = this.#successionOf(term, undefined)
    // After a gap the replica goes on from the base, whatever it had computed.
    if (term.decision?.kind === 'gap') this.#own.clear()
    this.#own.term(term.decision?.offset)
    this.following.restart()
    this.#repeating.restart()
    return [
      ...concluded,
      persistTerm(term),
      { kind: 'event', event: { kind: 'term', term } },
      ...this.#castVotes(now),
      ...this.#advance(now),
    ]
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
