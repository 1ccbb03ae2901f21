/**
 * The units of one peer: an agreement core each, opened from disk, driven by messages, statements and ticks. It also
 * answers what others lack, from disk, and says in every heartbeat where its units stand.
 */
import { verifyCertificate } from './agreement/certificate.ts'
import { positionKey, termKey, unitEnd } from './agreement/effects.ts'
import { isTerm, normalTerm, type UnitMessage } from './agreement/messages.ts'
import type { Statement } from './agreement/statement.ts'
import type { SuccessionState } from './agreement/succession.ts'
import type { Certificate, CutContent, CutPosition, StatementProof, Term } from './agreement/types.ts'
import { UnitAgreement, type UnitEffect, type UnitEvent } from './agreement/unit.ts'
import { carry } from './carry.ts'
import type { Clock } from './clock.ts'
import type { Verifier } from './identity.ts'
import type { PeerId, UnitId } from './ids.ts'
import { LIMITS } from './limits.ts'
import { loadValue, loadValues, type MeshStore } from './mesh-store.ts'
import type { Outbox } from './outbox.ts'
import type { Random } from './random.ts'
import type { Wire } from './transport/transport.ts'

/** What is known of a unit when its replica starts. */
export interface OpenedUnit {
  readonly term: Term
  /** Every term so far: their decisions are the unit's. */
  readonly terms: readonly Term[]
  readonly frontier: CutPosition | undefined
}

export interface UnitsOptions {
  readonly self: PeerId
  readonly clock: Clock
  readonly random: Random
  readonly store: MeshStore
  readonly outbox: Outbox
  readonly verify: Verifier['verify']
  /** Delivers to another peer, or back to this one. */
  readonly send: (to: PeerId, unit: UnitId, message: UnitMessage) => void
  readonly onEvent: (event: UnitEvent) => void
  readonly onFailure: (error: Error) => void
}

export class Units {
  readonly #options: UnitsOptions
  readonly #units = new Map<UnitId, UnitAgreement>()

  constructor(options: UnitsOptions) {
    this.#options = options
  }

  get(unit: UnitId): UnitAgreement | undefined {
    return this.#units.get(unit)
  }

  /** Loads a unit's agreement, or begins its first term. Certificates from `since` on are kept at hand. */
  async open(first: Term, since: CutPosition | undefined, alive: ReadonlySet<PeerId>): Promise<OpenedUnit> {
    const { unit } = first
    const { self, random, store, verify } = this.#options
    const end = unitEnd(unit)
    const terms: Term[] = [first]
    for (const value of await loadValues(store, 'term', `${unit}/`, end)) {
      if (isTerm(value)) terms.push(normalTerm(value))
    }
    const term = terms[terms.length - 1] ?? first
    const from = since === undefined ? `${unit}/` : positionKey(unit, since)
    const certificates = (await loadValues(store, 'certificate', from, end)) as Certificate[]
    const votes = (await loadValues(store, 'statement', `${unit}/`, end)) as { term: number; content: CutContent }[]
    const opened = new Set(term.open.map((open) => open.term))
    const ended = []
    for (const past of terms) {
      if (!opened.has(past.number)) continue
      ended.push({ term: past, state: await this.#succession(past) })
    }
    const agreement = new UnitAgreement({
      self,
      random,
      verify: (certificate, { write, members }) => verifyCertificate(certificate, write, members, verify).ok,
      term,
      certificates,
      votes: votes.filter((vote) => vote.term === term.number).map(({ content }) => content),
      succession: await this.#succession(term),
      ended,
    })
    agreement.setAlive(alive)
    this.#units.set(unit, agreement)
    const { frontier } = agreement
    return { term, terms, frontier: frontier && { seq: frontier.seq, part: frontier.part } }
  }

  close(unit: UnitId): void {
    this.#units.delete(unit)
  }

  /** Runs an input of a unit's core and carries its effects out. */
  drive(unit: UnitId, input: (agreement: UnitAgreement, now: number) => readonly UnitEffect[]): void {
    const agreement = this.#units.get(unit)
    if (agreement !== undefined) this.#carry(unit, input(agreement, this.#options.clock.now()))
  }

  tick(alive: ReadonlySet<PeerId>): void {
    const now = this.#options.clock.now()
    for (const [unit, agreement] of this.#units) {
      agreement.setAlive(alive)
      this.#carry(unit, agreement.tick(now))
    }
  }

  message(from: PeerId, unit: UnitId, message: UnitMessage): void {
    this.drive(unit, (agreement, now) => agreement.message(now, from, message))
  }

  statement(from: PeerId, statement: Statement, attachment: Wire, proof: StatementProof): void {
    const unit =
      statement.kind === 'vote'
        ? statement.unit
        : (statement.scope.slice(0, statement.scope.lastIndexOf('/')) as UnitId)
    this.drive(unit, (agreement, now) => agreement.statement(now, from, statement, attachment, proof))
  }

  /** Where the units stand, for heartbeats: `[unit, term, frontier, stored]`. */
  standing(): Wire[] {
    const { self } = this.#options
    return [...this.#units].map(([unit, agreement]) => [
      unit,
      agreement.term.number,
      tupleOf(agreement.frontier),
      tupleOf(agreement.storedPosition(self)),
    ])
  }

  /** Another peer's `standing`. */
  heard(from: PeerId, standing: readonly unknown[]): void {
    for (const entry of standing) {
      if (!Array.isArray(entry)) continue
      const [unit, term, frontier, stored] = entry
      if (typeof term !== 'number') continue
      this.drive(unit, (agreement) => agreement.heard(from, term, positionOf(frontier), positionOf(stored)))
    }
  }

  #carry(unit: UnitId, effects: readonly UnitEffect[]): void {
    const { outbox, send, onEvent } = this.#options
    carry(effects, {
      outbox,
      send: (to, body) => send(to, unit, body as unknown as UnitMessage),
      tell: (to, term, after) => this.#tell(unit, to, term, after),
      onEvent,
    })
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
      send(to, unit, { t: 'tell', terms: terms as Term[], certificates: certificates as Certificate[] })
    }, onFailure)
  }

  async #succession(term: Term): Promise<SuccessionState | undefined> {
    const key = termKey(term.unit, term.number)
    return (await loadValue(this.#options.store, 'acceptor', key)) as SuccessionState | undefined
  }
}

const tupleOf = (position: CutPosition | undefined): Wire =>
  position === undefined ? null : [position.seq, position.part]

function positionOf(value: unknown): CutPosition | undefined {
  if (!Array.isArray(value)) return undefined
  const [seq, part] = value
  return Number.isSafeInteger(seq) && Number.isSafeInteger(part) ? { seq, part } : undefined
}
