/** One session of a key: its bounds, its block in the table, and the rows that it will have to take back. */
import type { Due } from './deadlines.ts'
import type { SessionWindowPlan } from './plan.ts'
import { type GroupKey, type GroupTable, ROWS, STANDING, UNSHOWN } from './window-table.ts'

/** A row that was given for bounds which are part of greater ones now. */
export interface Removal {
  readonly start: number
  readonly end: number
  /** Of the row that takes it back. */
  readonly revision: number
  /** Where it stands (row-output.ts). */
  readonly standing: number
}

export class Session implements Due {
  readonly key: GroupKey
  readonly base: number
  readonly #plan: SessionWindowPlan
  readonly #table: GroupTable
  start: number
  /** Time of the last record. */
  last: number
  removals: Removal[] = []
  queued = Number.POSITIVE_INFINITY
  /** It has become part of another, or has expired. */
  gone = false

  constructor(plan: SessionWindowPlan, table: GroupTable, key: GroupKey, start: number, last: number) {
    this.#plan = plan
    this.#table = table
    this.key = key
    this.base = table.allocate()
    this.start = start
    this.last = last
  }

  get end(): number {
    return this.last + this.#plan.gapMs
  }

  /** A record at the end itself still belongs to the session, so it closes behind that. Times are whole milliseconds. */
  get closesAt(): number {
    return this.end + 1
  }

  get expiry(): number {
    return this.closesAt + this.#plan.allowedLatenessMs
  }

  get changed(): boolean {
    return this.unshown > 0
  }

  get unshown(): number {
    return this.#table.cells[this.base + UNSHOWN] as number
  }

  get rows(): number {
    return this.#table.cells[this.base + ROWS] as number
  }

  get deadline(): number {
    if (this.gone) return Number.POSITIVE_INFINITY
    return this.changed ? this.closesAt : this.expiry
  }

  /** Makes room for [start, last]. Rows that were given for other bounds will be taken back. */
  widen(start: number, last: number): void {
    if (start >= this.start && last <= this.last) return
    this.outgrow()
    this.start = Math.min(this.start, start)
    this.last = Math.max(this.last, last)
  }

  /** The present bounds are no row's any more. */
  outgrow(): void {
    const { cells, firstRevision } = this.#table
    if (this.rows === firstRevision) return
    const standing = cells[this.base + STANDING] as number
    if (standing !== 0) this.removals.push({ start: this.start, end: this.end, revision: this.rows, standing })
    cells[this.base + ROWS] = firstRevision
    cells[this.base + STANDING] = 0
  }
}
