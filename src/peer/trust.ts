/**
 * Who may have signed the slices that a unit reads: the voters of the units of the stage before, term by term. Terms that
 * are not known here are asked for, of the peers that hold the unit, until one knows them.
 */
import { isTermList, type MeshNode, type PeerId, type Term, type UnitId, type Wire } from '../../mesh/index.ts'
import { HOST_TIMING } from '../limits.ts'
import { firstTerms } from '../replica/loading.ts'
import type { SliceTrust } from '../replica/protocol.ts'
import type { Jobs } from './jobs.ts'
import type { TermsAnswer } from './requests.ts'

const ASK_TIMEOUT_MS = 1_000

export interface TrustOptions {
  readonly node: MeshNode
  readonly jobs: Jobs
  readonly after: (delayMs: number, action: () => void) => void
  /** More is known of the stage before this unit. */
  readonly onLearned: (unit: UnitId) => void
}

export class Trust {
  readonly #options: TrustOptions
  /** Of units that are not here: all that was asked for. */
  readonly #terms = new Map<UnitId, readonly Term[]>()
  /** Units whose terms are being asked for, each with the reader that waits. */
  readonly #asking = new Map<UnitId, Set<UnitId>>()

  constructor(options: TrustOptions) {
    this.#options = options
  }

  /** For a unit that reads slices, of each unit of the stage before it. */
  of(unit: UnitId): readonly SliceTrust[] {
    const found = this.#options.jobs.ofUnit(unit)
    const before = found?.job.units.filter(({ reader }) => reader === found.unit.stage) ?? []
    return before.map(({ description }) => trustOf(description.unit, this.#known(description.unit)))
  }

  /** `reader` waits for the voters of `source` in a term. */
  need(reader: UnitId, source: UnitId, term: number): void {
    const waiting = this.#asking.get(source)
    if (waiting !== undefined) {
      waiting.add(reader)
      return
    }
    this.#asking.set(source, new Set([reader]))
    this.#ask(source, term)
  }

  /** The job is gone, and with it units that were only heard of. */
  forget(generation: string): void {
    const isGone = (unit: UnitId) => unit.startsWith(`${generation}:`)
    for (const unit of this.#terms.keys()) if (isGone(unit)) this.#terms.delete(unit)
    for (const unit of this.#asking.keys()) if (isGone(unit)) this.#asking.delete(unit)
  }

  #known(unit: UnitId): readonly Term[] {
    const here = this.#options.node.unit(unit)?.terms
    const asked = this.#terms.get(unit)
    if (here !== undefined && latestOf(here) >= latestOf(asked ?? [])) return here
    if (asked !== undefined) return asked
    const description = this.#options.jobs.ofUnit(unit)?.unit.description
    return description === undefined ? [] : firstTerms(description)
  }

  #ask(source: UnitId, term: number): void {
    this.#learn(source, term).then((learned) => {
      const waiting = this.#asking.get(source)
      if (waiting === undefined) return
      if (!learned) {
        this.#options.after(HOST_TIMING.joinRetryMs, () => this.#ask(source, term))
        return
      }
      this.#asking.delete(source)
      for (const reader of waiting) this.#options.onLearned(reader)
    })
  }

  async #learn(source: UnitId, term: number): Promise<boolean> {
    const { node } = this.#options
    if (latestOf(this.#known(source)) >= term) return true
    const holders = new Set<PeerId>([...node.membersOf(source), ...node.holdersOf(source)])
    for (const peer of holders) {
      if (peer === node.self) continue
      const request: Wire = { q: 'terms', unit: source, limit: 1 }
      // One that does not answer is left for the next, and all are asked again.
      const answer = await node.request(peer, request, ASK_TIMEOUT_MS).catch(() => undefined)
      const { terms } = (answer ?? {}) as unknown as Partial<TermsAnswer>
      if (!isTermList(terms) || latestOf(terms) < term || terms.some(({ unit }) => unit !== source)) continue
      this.#terms.set(source, terms)
      return true
    }
    return false
  }
}

const latestOf = (terms: readonly Term[]): number => terms[terms.length - 1]?.number ?? 0

const sameList = (a: readonly PeerId[], b: readonly PeerId[]): boolean =>
  a.length === b.length && a.every((member, index) => member === b[index])

function trustOf(unit: UnitId, terms: readonly Term[]): SliceTrust {
  const voters = terms.filter(({ write, members }, index) => {
    const before = terms[index - 1]
    return before === undefined || before.write !== write || !sameList(before.members, members)
  })
  return {
    unit,
    voters: voters.map(({ number, write, members }) => ({ term: number, write, members })),
    latest: latestOf(terms),
  }
}
