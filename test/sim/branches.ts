/**
 * Which rare ways of the protocols a run has taken: seen from outside, in what peers send one another, in the certificates
 * they hold, and at the simulated log and stores. A branch that no seed reaches is one that no check has looked at.
 */
import { parseUnitId, type Term, type UnitId, type Wire } from '../../mesh/index.ts'

export const BRANCHES = [
  /** A term began with a cut that may have been certified in the one before. */
  'openCut',
  /** A replica had taken more than a decision allowed, and went back. */
  'rolledBack',
  /** A term that was needed because no value could win a cut. */
  'dispute',
  /** An operator gave up what only peers that are gone for good could say. */
  'settled',
  /** An operator made a term without the majority that was gone for good. */
  'forced',
  'gap',
  'skip',
  'pause',
  'resume',
  'version',
  'idle',
  /** Other members in a unit's next term. */
  'moved',
  /** A snapshot went to a peer that had nothing. */
  'handedOff',
  'readRepair',
  /** An identity was given up because of what its disk had forgotten. */
  'retired',
  'trimmed',
  /** A unit of a partition that the source got later has a certificate. */
  'grown',
  /** Records that came late behind a shuffle. */
  'lateBehindShuffle',
  /** A later revision of a window, certified. */
  'revised',
  /** A row that takes one of a window back whose bounds are others now, certified. */
  'takenBack',
  'diverged',
  'repaired',
  /** Somebody else than the first in line committed. */
  'hedged',
  /** A committer found that another had taken its place. */
  'fenced',
  /** An object was there already when it was to be created. */
  's3Exists',
  's3Conflict',
  /** A document was there already when it was to be inserted. */
  'mongodbDuplicate',
  /** Another cluster took the job over from checkpoints. */
  'restored',
  /** A proposal met a higher ballot. */
  'outbid',
] as const
export type Branch = (typeof BRANCHES)[number]

const DECIDED: ReadonlySet<string> = new Set(['gap', 'skip', 'pause', 'resume', 'version', 'idle'] satisfies Branch[])

export class Branches {
  readonly counts = Object.fromEntries(BRANCHES.map((branch) => [branch, 0])) as Record<Branch, number>
  /** Members of the latest term seen, by unit. */
  readonly #members = new Map<UnitId, { readonly number: number; readonly members: string }>()
  readonly #terms = new Set<string>()
  readonly #late = new Set<string>()
  readonly #grown = new Set<UnitId>()
  readonly #firstPartitions: number

  /** @param firstPartitions of the source, when the job is submitted */
  constructor(firstPartitions: number) {
    this.#firstPartitions = firstPartitions
  }

  took(branch: Branch): void {
    this.counts[branch] += 1
  }

  /** A message between peers. */
  sent(body: Wire): void {
    const { c, m, body: asked } = (body ?? {}) as Envelope
    if (c === 'request' && asked?.q === 'handoff') this.took('handedOff')
    if (c !== 'unit' || m === undefined) return
    if (m.t === 'refused') this.took('outbid')
    else if (m.t === 'chosen') this.#chosen(m.value)
  }

  /** A peer holds a certificate. */
  certified(unit: UnitId, seq: number, late: number): void {
    const name = `${unit} ${seq}`
    const { stage, partition } = parseUnitId(unit)
    if (stage === 0 && partition >= this.#firstPartitions) this.#grown.add(unit)
    this.counts.grown = this.#grown.size
    if (late === 0 || stage === 0 || this.#late.has(name)) return
    this.#late.add(name)
    this.counts.lateBehindShuffle += late
  }

  #chosen({ unit, number, members, open, decision, dispute, forced }: Term): void {
    const name = `${unit} ${number}`
    if (this.#terms.has(name)) return
    this.#terms.add(name)
    if (open.length > 0) this.took('openCut')
    if (dispute !== undefined) this.took('dispute')
    if (forced === true) this.took('forced')
    if (decision !== undefined && isDecided(decision.kind)) this.took(decision.kind)
    const before = this.#members.get(unit)
    const named = [...members].sort().join()
    if (before !== undefined && before.number === number - 1 && before.members !== named) this.took('moved')
    this.#members.set(unit, { number, members: named })
  }
}

const isDecided = (kind: string): kind is Branch => DECIDED.has(kind)

interface Envelope {
  readonly c?: unknown
  readonly m?: { readonly t: 'refused' } | { readonly t: 'chosen'; readonly value: Term }
  readonly body?: { readonly q?: unknown }
}
