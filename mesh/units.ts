/**
 * The units of one peer: an agreement core each, opened from disk, driven by messages, statements and ticks. It also
 * answers what others lack, from disk, and says in every heartbeat where its units stand.
 */
import { verifyCertificate } from './agreement/certificate.ts'
import { encodeStored, type PersistOp, positionKey, termKey, unitEnd } from './agreement/effects.ts'
import { isTerm, normalTerm, type UnitMessage } from './agreement/messages.ts'
import type { Statement } from './agreement/statement.ts'
import type { SuccessionState } from './agreement/succession.ts'
import { isComplete, TermHistory } from './agreement/term-history.ts'
import {
  type Certificate,
  type CutContent,
  type CutPosition,
  comparePositions,
  nextPosition,
  type StatementProof,
  type Term,
} from './agreement/types.ts'
import { UnitAgreement } from './agreement/unit.ts'
import type { UnitEffect, UnitEvent } from './agreement/unit-contract.ts'
import { type Carrier, carry } from './carry.ts'
import type { Clock } from './clock.ts'
import { Directory } from './directory.ts'
import { assert } from './errors.ts'
import type { Verifier } from './identity.ts'
import type { PeerId, UnitId } from './ids.ts'
import { LIMITS, TIMING } from './limits.ts'
import { loadAllOwn, loadOwn, loadValues, type MeshStore } from './mesh-store.ts'
import type { Outbox } from './outbox.ts'
import { planted } from './planted.ts'
import type { Random } from './random.ts'
import type { Wire } from './transport/transport.ts'

/** What is known of a unit when its replica starts. */
export interface OpenedUnit {
  readonly term: Term
  /** Every term so far: their decisions are the unit's. */
  readonly terms: readonly Term[]
  readonly frontier: CutPosition | undefined
  /**
   * Set when a certificate after the snapshot cannot be read: the last one before it, or undefined. What lies beyond has to
   * come from other peers.
   */
  readonly damage: { readonly intact: CutPosition | undefined } | undefined
}

export interface UnitsOptions {
  readonly self: PeerId
  readonly clock: Clock
  readonly random: Random
  readonly store: MeshStore
  readonly outbox: Outbox
  readonly verify: Verifier['verify']
  /** How often `tick` is called: nobody hears of anything sooner than others go ahead. */
  readonly tickMs: number
  /** Delivers to another peer, or back to this one. */
  readonly send: (to: PeerId, unit: UnitId, message: UnitMessage) => void
  readonly onEvent: (event: UnitEvent) => void
  readonly onFailure: (error: Error) => void
}

export class Units {
  readonly #options: UnitsOptions
  readonly #units = new Map<UnitId, UnitAgreement>()
  /** How the effects of each are carried out. */
  readonly #carriers = new Map<UnitId, Carrier<UnitEvent>>()
  readonly #directory = new Directory()
  #lost: { readonly list: readonly PeerId[]; readonly set: ReadonlySet<PeerId> } = { list: [], set: new Set() }

  constructor(options: UnitsOptions) {
    this.#options = options
  }

  get(unit: UnitId): UnitAgreement | undefined {
    return this.#units.get(unit)
  }

  /**
   * Loads a unit's agreement, or begins its first term. Certificates from `since` on are kept at hand.
   * @param history the first term, behind those of an earlier cluster that the unit was restored from
   * @throws MeshError QRT_MESH_DAMAGED: what this peer voted or promised cannot be read
   */
  async open(
    history: readonly Term[],
    since: CutPosition | undefined,
    alive: ReadonlySet<PeerId>,
  ): Promise<OpenedUnit> {
    const first = history[history.length - 1]
    assert(first !== undefined, 'a unit has a first term')
    const { unit } = first
    const { self, random, store, verify, tickMs } = this.#options
    const end = unitEnd(unit)
    const stored = await loadAllOwn(store, 'term', `${unit}/`, end)
    const later = stored.filter(isTerm).map(normalTerm)
    // A history that was taken over from another peer need not begin with the first term.
    const begin = later[0]?.number ?? Number.POSITIVE_INFINITY
    const terms = [...history.filter(({ number }) => number < begin), ...later]
    const term = terms[terms.length - 1] ?? first
    const from = since === undefined ? `${unit}/` : positionKey(unit, since)
    const certificates = (await loadValues(store, 'certificate', from, end)) as Certificate[]
    const votes = (await loadAllOwn(store, 'statement', `${unit}/`, end)) as { term: number; content: CutContent }[]
    const needed = new Set([term.number, ...term.open.map((open) => open.term)])
    const successions = new Map<number, SuccessionState>()
    for (const each of terms) {
      const state = needed.has(each.number) ? await this.#succession(each) : undefined
      if (state !== undefined) successions.set(each.number, state)
    }
    const agreement = new UnitAgreement({
      self,
      random,
      // One that looks late is not overtaken by a rank behind it that looked early.
      staggerMs: Math.max(TIMING.proposeStaggerMs, 2 * tickMs),
      verify: (certificate, { write, members }) => verifyCertificate(certificate, write, members, verify).ok,
      terms,
      certificates,
      votes: votes.filter((vote) => vote.term === term.number).map(({ content }) => content),
      successions,
    })
    agreement.setPeers(alive, new Set())
    this.#units.set(unit, agreement)
    const { frontier } = agreement
    const damage = damageOf(certificates, since)
    return { term, terms, frontier: frontier && { seq: frontier.seq, part: frontier.part }, damage }
  }

  /** Who votes on a unit now, as far as this peer knows; empty when it has heard of nobody. */
  membersOf(unit: UnitId): readonly PeerId[] {
    return this.#units.get(unit)?.term.members ?? this.#directory.members(unit)
  }

  /** Other peers that hold something of a unit. */
  holdersOf(unit: UnitId): readonly PeerId[] {
    return this.#directory.holders(unit)
  }

  /** Whether W members of its own term signed a certificate, when these are the terms. */
  verifies(certificate: Certificate, terms: readonly Term[]): boolean {
    const [first] = terms
    const voters = first === undefined ? undefined : new TermHistory(terms).votersOf(certificate.term)
    if (voters === undefined || voters.unit !== certificate.content.unit) return false
    return verifyCertificate(certificate, voters.write, voters.members, this.#options.verify).ok
  }

  /**
   * What to write to go on, at the next opening, from what another peer handed over. Undefined when a decision after the
   * snapshot could be missing.
   * @param applied the term up to which the snapshot's state holds the decisions; 0 without a snapshot
   */
  takeOver(
    unit: UnitId,
    terms: readonly Term[],
    applied: number,
    certificate: Certificate | undefined,
  ): PersistOp[] | undefined {
    const latest = terms[terms.length - 1]
    if (latest === undefined || !isComplete(terms, applied)) return undefined
    const ops: PersistOp[] = []
    const agreement = this.#units.get(unit)
    if (latest.number > (agreement?.term.number ?? 0)) {
      const all = { from: `${unit}/`, to: unitEnd(unit) }
      ops.push({ kind: 'deleteRange', table: 'term', ...all }, { kind: 'deleteRange', table: 'statement', ...all })
      ops.push(...forgetSuccessions(latest), ...(agreement?.leaveBehind(latest) ?? []))
      ops.push(...terms.map(storedTerm))
    } else {
      // This peer has forgotten what later snapshots of its own held: from this one on it is decided again.
      const known = agreement?.terms ?? []
      const forgotten = terms.filter(({ number }) => !known.some((own) => own.number === number))
      const all = [...forgotten, ...known].sort((a, b) => a.number - b.number)
      if (!isComplete(all, applied)) return undefined
      ops.push(...forgotten.map(storedTerm))
    }
    if (certificate !== undefined) {
      const key = positionKey(unit, certificate.content)
      ops.push({ kind: 'put', table: 'certificate', key, value: encodeStored(certificate) })
    }
    return ops
  }

  close(unit: UnitId): void {
    this.#units.delete(unit)
    this.#carriers.delete(unit)
  }

  /** Runs an input of a unit's core and carries its effects out. */
  drive(unit: UnitId, input: (agreement: UnitAgreement, now: number) => readonly UnitEffect[]): void {
    const agreement = this.#units.get(unit)
    if (agreement !== undefined) this.#carry(unit, input(agreement, this.#options.clock.now()))
  }

  /** @param lost identities that an operator has given up */
  tick(alive: ReadonlySet<PeerId>, lost: readonly PeerId[] | undefined): void {
    const now = this.#options.clock.now()
    // A document's list never changes, and each tick brings that of the latest one.
    if (lost !== undefined && lost !== this.#lost.list) this.#lost = { list: lost, set: new Set(lost) }
    for (const [unit, agreement] of this.#units) {
      agreement.setPeers(alive, this.#lost.set)
      this.#carry(unit, agreement.tick(now))
    }
  }

  message(from: PeerId, unit: UnitId, message: UnitMessage): void {
    if (this.#units.has(unit)) this.drive(unit, (agreement, now) => agreement.message(now, from, message))
    // A unit that has moved on: whoever is still in one of its earlier terms is told of the later ones.
    else if ('term' in message) this.#tell(unit, from, message.term, undefined)
    else if (message.t === 'chosen' && message.value.unit === unit) this.#named(from, message.value)
  }

  statement(from: PeerId, statement: Statement, attachment: Wire, proof: StatementProof): void {
    const unit =
      statement.kind === 'vote'
        ? statement.unit
        : (statement.scope.slice(0, statement.scope.lastIndexOf('/')) as UnitId)
    this.drive(unit, (agreement, now) => agreement.statement(now, from, statement, attachment, proof))
  }

  /** Where the units stand, for heartbeats: `[unit, term, member, frontier, stored, caught up, stuck at, needed from, votes in]`. */
  standing(): Wire[] {
    return [...this.#units].map(([unit, agreement]) => {
      const { term, frontier, stored, caughtUp, stuck, needed, votesIn } = agreement.standing
      const places = [tupleOf(frontier), tupleOf(stored)]
      return [unit, term, agreement.isMember, ...places, caughtUp, stuck ?? null, needed ?? null, votesIn ?? null]
    })
  }

  /** Another peer's `standing`. */
  heard(from: PeerId, standing: readonly unknown[]): void {
    this.#directory.restart(from)
    const named = new Set<unknown>()
    for (const entry of standing) {
      if (!Array.isArray(entry)) continue
      const [unit, term, member, frontier, stored, caughtUp, stuck, needed, votesIn] = entry
      if (typeof term !== 'number') continue
      named.add(unit)
      this.#directory.heard(from, unit, { term, member: member === true })
      const standing = {
        term,
        frontier: positionOf(frontier),
        stored: positionOf(stored),
        caughtUp: caughtUp === true,
        stuck: typeof stuck === 'number' ? stuck : undefined,
        needed: typeof needed === 'number' ? needed : undefined,
        votesIn: typeof votesIn === 'number' ? votesIn : undefined,
      }
      this.drive(unit, (agreement, now) => agreement.heard(now, from, standing))
    }
    for (const unit of this.#units.keys()) {
      if (!named.has(unit)) this.drive(unit, (agreement, now) => agreement.gone(now, from))
    }
  }

  #carry(unit: UnitId, effects: readonly UnitEffect[]): void {
    if (effects.length > 0) carry(effects, this.#carriers.get(unit) ?? this.#carrierOf(unit))
  }

  #carrierOf(unit: UnitId): Carrier<UnitEvent> {
    const { outbox, send, onEvent } = this.#options
    const carrier: Carrier<UnitEvent> = {
      outbox,
      send: (to, body) => send(to, unit, body as unknown as UnitMessage),
      tell: (to, term, after) => this.#tell(unit, to, term, after),
      onEvent,
    }
    if (this.#units.has(unit)) this.#carriers.set(unit, carrier)
    return carrier
  }

  /** Terms and certificates beyond what a peer has, in bounded answers: it asks again for the rest. */
  #tell(unit: UnitId, to: PeerId, term: number, after: CutPosition | undefined): void {
    const { store, send, onFailure } = this.#options
    const from = after === undefined ? `${unit}/` : `${positionKey(unit, after)}~`
    Promise.all([
      loadValues(store, 'term', `${termKey(unit, term)}~`, unitEnd(unit), LIMITS.tellCertificates),
      loadValues(store, 'certificate', from, unitEnd(unit), LIMITS.tellCertificates),
    ]).then(([terms, certificates]) => {
      if (terms.length === 0 && certificates.length === 0) return
      const asked = { term, after: after ?? null }
      send(to, unit, { t: 'tell', asked, terms: terms as Term[], certificates: certificates as Certificate[] })
    }, onFailure)
  }

  /** A term of a unit that is not open here. One that this peer has been through already names it no more. */
  #named(from: PeerId, { unit, number, members }: Term): void {
    const { self, store, onEvent, onFailure } = this.#options
    if (!members.includes(self)) return
    loadValues(store, 'term', termKey(unit, number), unitEnd(unit), 1).then((known) => {
      if (known.length === 0) onEvent({ kind: 'named', unit, term: number })
      else this.#tell(unit, from, number, undefined)
    }, onFailure)
  }

  async #succession(term: Term): Promise<SuccessionState | undefined> {
    if (planted('promise-forgotten')) return undefined
    const key = termKey(term.unit, term.number)
    return (await loadOwn(this.#options.store, 'acceptor', key)) as SuccessionState | undefined
  }
}

const storedTerm = (term: Term): PersistOp => ({
  kind: 'put',
  table: 'term',
  key: termKey(term.unit, term.number),
  value: encodeStored(term),
})

/** All but those of terms that left something open: what this peer voted for in them may be asked for. */
function forgetSuccessions({ unit, open }: Term): PersistOp[] {
  const kept = [...new Set(open.map(({ term }) => termKey(unit, term)))].sort()
  return [`${unit}/`, ...kept.map((key) => `${key}~`)].map((from, index) => {
    return { kind: 'deleteRange', table: 'acceptor', from, to: kept[index] ?? unitEnd(unit) }
  })
}

/** Certificates follow one another, from that of a snapshot or from the first cut on, unless one is missing. */
function damageOf(certificates: readonly Certificate[], since: CutPosition | undefined): OpenedUnit['damage'] {
  let expected = since ?? nextPosition(undefined)
  let intact: CutPosition | undefined
  for (const { content } of certificates) {
    if (comparePositions(content, expected) !== 0) return { intact }
    intact = { seq: content.seq, part: content.part }
    expected = nextPosition(content)
  }
  return since !== undefined && intact === undefined ? { intact } : undefined
}

const tupleOf = (position: CutPosition | undefined): Wire =>
  position === undefined ? null : [position.seq, position.part]

function positionOf(value: unknown): CutPosition | undefined {
  if (!Array.isArray(value)) return undefined
  const [seq, part] = value
  return Number.isSafeInteger(seq) && Number.isSafeInteger(part) ? { seq, part } : undefined
}
