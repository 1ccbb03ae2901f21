/**
 * Clients that read from any peer while things go wrong: what a read gave that did not say `mayBeStale`, and what W members
 * had on their disks, is in every such read that begins later, in that revision or a higher one; and each row is certified.
 */
import { type PeerId, type Random, seededRandom, type UnitId } from '../../mesh/index.ts'
import type { CertifiedRow } from '../../src/read/local.ts'
import type { Cluster } from './cluster.ts'
import type { SimulatedPeer } from './peer.ts'
import { Violation } from './violation.ts'
import { EPOCH_MS, JOB, passesRecords, type Workload } from './workload.ts'

export interface ReadParts {
  readonly random: Random
  readonly cluster: Cluster
  readonly workload: Workload
  readonly now: () => number
  /** Whether the text of a row of a unit was certified. */
  readonly isCertified: (unit: UnitId, text: string) => boolean
  readonly onViolation: (violation: Violation) => void
}

const MOST_ROWS = 100_000
/** Sessions are short; what is read should be more than what is open. */
const LEAST_WINDOW_MS = 5_000

export class Readers {
  readonly #parts: ReadParts
  readonly #random: Random
  /** By unit, then by window and key: the highest revision that every later read has to show. */
  readonly #known = new Map<UnitId, Map<string, number>>()
  /** Reads that gave something, and did not say that it may be stale. */
  fresh = 0

  constructor(parts: ReadParts) {
    this.#parts = parts
    this.#random = seededRandom(parts.random.below(2 ** 31))
  }

  /** Every disk is lost: results from before that are at the sinks only. */
  lost(): void {
    this.#known.clear()
  }

  /** Asks one of those that run about each result of the last while, of one unit or another. */
  look(): void {
    const { cluster, workload } = this.#parts
    const { running } = cluster
    const peer = running[this.#random.below(Math.max(1, running.length))]
    if (peer === undefined || passesRecords(workload)) return
    const job = peer.peer?.jobs.named(JOB)
    const last = Math.max(0, ...(job?.units ?? []).map(({ stage }) => stage))
    for (const { stage, description } of job?.units ?? []) {
      if (stage === last && this.#random.below(2) === 0) this.#read(peer, description.unit, description.members)
    }
  }

  #read(at: SimulatedPeer, unit: UnitId, first: readonly PeerId[]): void {
    const { peer } = at
    if (peer === undefined) return
    const { workload, now, onViolation } = this.#parts
    const from = EPOCH_MS + now() - 2 * Math.max(workload.windowMs, LEAST_WINDOW_MS)
    const must = new Map(this.#knownOf(unit, from))
    const known = peer.node.membersOf(unit)
    const range = { key: null, from, to: null, upTo: null, after: null, limit: MOST_ROWS }
    const asked = peer.reader.read({ q: 'rows', unit, ...range }, known.length > 0 ? known : first, {
      ...workload.quorum,
      allowForks: false,
    })
    asked.then(
      ({ rows, mayBeStale }) => {
        // The client of a process that died never hears of the answer.
        if (at.peer !== peer) return
        try {
          this.#isCertified(at.name, unit, rows)
          if (!mayBeStale) this.#isFresh(at.name, unit, rows, must, from)
        } catch (error) {
          if (!(error instanceof Violation)) throw error
          onViolation(error)
        }
      },
      // Fewer than R answered.
      () => undefined,
    )
  }

  #isCertified(name: string, unit: UnitId, rows: readonly CertifiedRow[]): void {
    for (const { value, start } of rows) {
      const text = Buffer.from(value).toString()
      if (this.#parts.isCertified(unit, text)) continue
      throw new Violation('reads are certified', `${name} read ${text} of ${unit} at ${start}, which is not certified`)
    }
  }

  #isFresh(
    name: string,
    unit: UnitId,
    rows: readonly CertifiedRow[],
    must: ReadonlyMap<string, number>,
    from: number,
  ): void {
    const { workload } = this.#parts
    this.fresh += rows.length > 0 ? 1 : 0
    const found = new Map(rows.map((row) => [nameOf(unit, row), row.revision]))
    for (const [row, revision] of must) {
      if (endOf(row) <= from || (found.get(row) ?? -1) >= revision) continue
      if (workload.kind === 'sessions' && rows.some((other) => isGrownFrom(row, unit, other))) continue
      const told = `${name} read ${row} as ${found.get(row) ?? 'missing'}, after revision ${revision} was read`
      throw new Violation('reads are fresh', told)
    }
    const known = this.#knownOf(unit, from)
    for (const [row, revision] of found) known.set(row, Math.max(revision, known.get(row) ?? revision))
  }

  /** Without what no read asks for any more: `from` never falls. */
  #knownOf(unit: UnitId, from: number): Map<string, number> {
    const known = this.#known.get(unit) ?? new Map<string, number>()
    this.#known.set(unit, known)
    for (const row of known.keys()) if (endOf(row) <= from) known.delete(row)
    return known
  }
}

const nameOf = (unit: UnitId, { start, end, key }: CertifiedRow): string =>
  `${unit} ${end} ${start} ${Buffer.from(key).toString('latin1')}`
const endOf = (name: string): number => Number(name.split(' ')[1])

/** A session takes back those that it was made of. */
function isGrownFrom(name: string, unit: UnitId, other: CertifiedRow): boolean {
  const [, end, start] = name.split(' ').map(Number)
  if (start === undefined || end === undefined || other.start > start || other.end < end) return false
  return nameOf(unit, { ...other, start, end }) === name
}
