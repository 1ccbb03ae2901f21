/**
 * The terms of units and the control documents, seen on the wire, against everything that was certified or voted for: a
 * term has one successor, leaves nothing out that was certified before it, and decides nothing before that; its members
 * are those of the ring, and they alone vote in it.
 */
import { normalTerm } from '../../mesh/agreement/messages.ts'
import {
  type Certificate,
  type ControlDocument,
  type CutPosition,
  canonicalText,
  contentDigest,
  createRing,
  type Digest,
  isBehind,
  nextPosition,
  type PeerId,
  parseUnitId,
  preferenceList,
  type Term,
  type UnitId,
  type Wire,
} from '../../mesh/index.ts'
import type { SentVote } from './check-statements.ts'
import { sameData } from './same-data.ts'
import { Violation } from './violation.ts'

interface KnownCut extends CutPosition {
  readonly digest: Digest
  readonly offset: number
  /** The earliest term that it was certified in. */
  term: number
}

interface UnitTerms {
  readonly terms: Map<number, Term>
  /** Those of them that gave records up. */
  readonly gaps: Term[]
  readonly cuts: Map<string, KnownCut>
  /** By term: who voted, for what. */
  readonly votes: Map<number, { readonly voter: PeerId; readonly vote: SentVote }[]>
}

export interface GivenUp {
  readonly unit: UnitId
  /** From whose state it goes on; null: from none. */
  readonly snapshot: CutPosition | null
  readonly to: number
}

export interface TermParts {
  readonly replicas: number
  readonly write: number
  /** When the job is submitted. */
  readonly sourcePartitions: number
  readonly nameOf: (peer: PeerId) => string
  readonly onDocument: (document: ControlDocument) => void
  /** Versions that the machine behind an identity can compute in. */
  readonly versionsOf: (peer: PeerId) => readonly number[]
}

const at = ({ seq, part }: CutPosition): string => `${seq}.${part}`

export class TermChecks {
  readonly #parts: TermParts
  readonly #units = new Map<UnitId, UnitTerms>()
  readonly #documents = new Map<string, string>()
  /** By number; undefined: a majority was given up, and there are two of one number. */
  readonly #views = new Map<number, readonly PeerId[] | undefined>()
  /** By generation: the view of its first terms. */
  readonly #firstViews = new Map<string, ControlDocument['view']>()
  /** The same of its units that came with growth: of the first time, the second, and so on. */
  readonly #grownViews = new Map<string, readonly ControlDocument['view'][]>()
  readonly #placed = new Map<string, readonly PeerId[]>()
  /** A peer says the same again and again; what it holds does not change. */
  readonly #told = new WeakSet<Term>()
  /** Clusters that were lost before the present one. */
  #restored = 0
  #idled = false

  constructor(parts: TermParts) {
    this.#parts = parts
  }

  sent(body: Wire): void {
    const { c, m } = (body ?? {}) as { readonly c?: unknown; readonly m?: Record<string, unknown> }
    if (c === 'control' && m?.t === 'chosen') this.#document(m.value as ControlDocument)
    if (c !== 'unit') return
    const told = m?.t === 'chosen' ? [m.value] : m?.t === 'tell' ? m.terms : []
    for (const term of told as readonly Term[]) {
      if (this.#told.has(term)) continue
      this.#told.add(term)
      this.#term(normalTerm(term))
    }
  }

  voted(voter: PeerId, vote: SentVote): void {
    const unit = this.#unit(vote.unit)
    const known = unit.votes.get(vote.term) ?? []
    known.push({ voter, vote })
    unit.votes.set(vote.term, known)
    const term = this.termOf(vote.unit, vote.term)
    if (term !== undefined) this.#mayVote(unit, term, voter, vote)
  }

  certified(certificate: Certificate): void {
    const { content, term, signers } = certificate
    const told = () => `the certificate of ${content.unit} ${at(content)} in term ${term}`
    const peers = new Set(signers.map(({ peer }) => peer))
    const { write } = this.#parts
    if (peers.size < write) throw new Violation('W signers', `${told()} has ${peers.size} signers, expected ${write}`)
    const voters = this.termOf(content.unit, term)?.members
    for (const peer of peers) {
      if (voters?.includes(peer) !== false) continue
      throw new Violation('W signers', `${told()} is signed by ${this.#parts.nameOf(peer)}, no member`)
    }
    const unit = this.#unit(content.unit)
    const known = unit.cuts.get(at(content))
    if (known !== undefined && known.term <= term) return
    const { seq, part, offset } = content
    const cut = known ?? { seq, part, offset, digest: contentDigest(content), term }
    cut.term = term
    unit.cuts.set(at(content), cut)
    for (const each of unit.terms.values()) this.#holds(each, cut)
  }

  /** As far as it is known. */
  termOf(unit: UnitId, number: number): Term | undefined {
    const known = this.#unit(unit).terms.get(number)
    if (known !== undefined || number !== 1 || this.#restored > 0) return known
    const view = this.#firstView(unit)
    if (view === undefined) return undefined
    const members = this.#ring(unit, view.number, view.members)
    const first: Term = {
      unit,
      number,
      view: view.number,
      members,
      write: this.#parts.write,
      base: undefined,
      open: [],
      floor: 0,
    }
    this.#unit(unit).terms.set(1, first)
    return first
  }

  /** A source grows by one partition at a time; what was not noticed one by one came at the latest time of those that are known. */
  #firstView(unit: UnitId): ControlDocument['view'] | undefined {
    const { generation, stage, partition } = parseUnitId(unit)
    const later = stage === 0 ? partition - this.#parts.sourcePartitions : -1
    if (later < 0) return this.#firstViews.get(generation)
    const grown = this.#grownViews.get(generation) ?? []
    return grown[Math.min(later, grown.length - 1)]
  }

  /** Records that operators gave up: a unit went on from the state of a snapshot, where the log began again. */
  get gaps(): readonly GivenUp[] {
    return [...this.#units].flatMap(([unit, { gaps }]) =>
      gaps.flatMap(({ decision }) => {
        const { snapshot = null, value: to } = decision ?? {}
        return to === undefined ? [] : [{ unit, snapshot, to }]
      }),
    )
  }

  /** A cut that follows the base of a term that gave records up takes none of them. */
  goneBelow({ unit, seq, part }: CutPosition & { readonly unit: UnitId }): number {
    let gone = 0
    for (const { base, decision } of this.#unit(unit).gaps) {
      const next = nextPosition(base)
      if (next.seq !== seq || next.part !== part) continue
      gone = Math.max(gone, decision?.value ?? 0)
    }
    return gone
  }

  /** Every disk is lost, and another cluster goes on with the units: the terms of this one are told, and not judged again. */
  lost(): void {
    this.#idled = this.idled
    this.#restored += 1
    for (const known of [this.#units, this.#documents, this.#views, this.#firstViews, this.#placed]) known.clear()
  }

  /** Whether any partition was decided to be silent. */
  get idled(): boolean {
    if (this.#idled) return true
    return [...this.#units.values()].some(({ terms }) =>
      [...terms.values()].some(({ decision }) => decision?.kind === 'idle'),
    )
  }

  #document(document: ControlDocument): void {
    const name = `${document.forced}.${document.number}`
    const text = canonicalText(document)
    const known = this.#documents.get(name)
    if (known === text) return
    if (known !== undefined) throw new Violation('one successor', `two control documents ${name}`)
    this.#documents.set(name, text)
    this.#parts.onDocument(document)
    this.#view(document.view)
    for (const { generation, view, grown = [] } of document.jobs) {
      const views = grown.map((each) => each.view)
      this.#firstViews.set(generation, view)
      if (views.length > (this.#grownViews.get(generation)?.length ?? 0)) this.#grownViews.set(generation, views)
      for (const each of [view, ...views]) this.#view(each)
    }
  }

  #view({ number, members }: ControlDocument['view']): void {
    const same = !this.#views.has(number) || this.#views.get(number)?.join() === members.join()
    this.#views.set(number, same ? members : undefined)
  }

  #term(term: Term): void {
    if ((term.restored ?? 0) < this.#restored) return
    const unit = this.#unit(term.unit)
    const known = unit.terms.get(term.number)
    if (known !== undefined) {
      if (sameData(known, term)) return
      throw new Violation('one successor', `two terms ${term.number} of ${term.unit}`)
    }
    unit.terms.set(term.number, term)
    if (term.decision?.kind === 'gap') unit.gaps.push(term)
    const members = this.#views.get(term.view)
    if (members !== undefined) this.#isPlaced(term, this.#ring(term.unit, term.view, members))
    this.#isComputable(term)
    for (const cut of unit.cuts.values()) this.#holds(term, cut)
    for (const { voter, vote } of unit.votes.get(term.number) ?? []) this.#mayVote(unit, term, voter, vote)
  }

  #isPlaced({ unit, number, view, members }: Term, expected: readonly PeerId[]): void {
    if (members.join() === expected.join()) return
    const names = (peers: readonly PeerId[]) => peers.map((peer) => this.#parts.nameOf(peer)).join(', ')
    const told = `term ${number} of ${unit} has ${names(members)}, expected ${names(expected)} by view ${view}`
    throw new Violation('placed by the ring', told)
  }

  #isComputable({ unit, number, members, decision }: Term): void {
    const version = decision?.kind === 'version' ? decision.value : undefined
    const without = members.find((member) => version !== undefined && !this.#parts.versionsOf(member).includes(version))
    if (without === undefined) return
    const told = `${unit} goes to version ${version} in term ${number}, which ${this.#parts.nameOf(without)} does not know`
    throw new Violation('versions known', told)
  }

  /** A cut that was certified before a term, in that term. */
  #holds(term: Term, cut: KnownCut): void {
    // An operator's order may give up what could not be settled, and says so.
    if (cut.term >= term.number || term.forced === true) return
    const told = () => `term ${term.number} of ${term.unit}`
    if (isBehind(term.base, cut)) {
      const open = term.open.some(
        ({ seq, part, digest }) => seq === cut.seq && part === cut.part && digest === cut.digest,
      )
      if (!open)
        throw new Violation('nothing left out', `${told()} leaves out ${at(cut)}, certified in term ${cut.term}`)
    }
    const place = term.decision?.offset
    if (place === undefined || place >= cut.offset) return
    throw new Violation(
      'decisions after',
      `${told()} decides at ${place}, and ${at(cut)} up to ${cut.offset} is certified`,
    )
  }

  #mayVote(unit: UnitTerms, term: Term, voter: PeerId, vote: SentVote): void {
    const told = () => `${this.#parts.nameOf(voter)} votes on ${term.unit} ${at(vote)} in term ${term.number}`
    if (!term.members.includes(voter)) throw new Violation('members vote', `${told()} and is no member`)
    if (!isBehind(term.base, vote)) throw new Violation('members vote', `${told()}, which is its base or before`)
    for (const open of term.open) {
      if (open.seq !== vote.seq || open.part !== vote.part || open.digest === vote.digest) continue
      const before = unit.votes.get(open.term) ?? []
      const same = before.filter(({ vote: { seq, part, digest } }) => {
        return seq === open.seq && part === open.part && digest === open.digest
      })
      if (new Set(same.map((each) => each.voter)).size < this.#parts.write) continue
      throw new Violation('open is kept', `${told()} against what W members had voted for in term ${open.term}`)
    }
  }

  #ring(unit: UnitId, view: number, members: readonly PeerId[]): readonly PeerId[] {
    const name = `${unit} ${view}`
    const known = this.#placed.get(name)
    if (known !== undefined) return known
    const placed = preferenceList(createRing({ number: view, members }), unit, this.#parts.replicas)
    this.#placed.set(name, placed)
    return placed
  }

  #unit(unit: UnitId): UnitTerms {
    const known = this.#units.get(unit)
    if (known !== undefined) return known
    const fresh = { terms: new Map(), gaps: [], cuts: new Map(), votes: new Map() }
    this.#units.set(unit, fresh)
    return fresh
  }
}
