/**
 * What has gone wrong with one replica, and what follows: a record that ends workers is found by taking records one by one,
 * and held against all replicas; records that the log has lost are waited for elsewhere, or given up by an operator; a
 * replica that diverges again and again starts again more slowly.
 */
import type { DecisionKind } from '../../mesh/index.ts'
import { HOST_TIMING } from '../limits.ts'

export class Trouble {
  /** Records below this are taken one by one. */
  carefulBelow = 0
  /** The record that this replica cannot take. */
  stuckAt: number | undefined
  /** First offset that the log still has, when what this replica needs lies before. */
  logStart: number | undefined
  /** An operator has given up the records that are lost. */
  gapAccepted = false
  /** Monotonic: since when this replica could propose that. */
  gapSince: number | undefined
  /** An operator wants a cut that no value could win to be tried again. */
  retryWanted = false
  /** An operator gives up what only peers that are gone for good could say. */
  settleWanted = false
  /** Monotonic: when a stuck replica tries again. */
  retryAt = 0
  /** Orders are on this disk. */
  ordersKept = false
  #crashedAt: number | undefined
  #divergences = 0

  /** It waits for a decision about a place that it cannot pass. */
  get blocked(): boolean {
    return this.stuckAt !== undefined || this.logStart !== undefined
  }

  /** An operator's order is not carried out yet. */
  get ordered(): boolean {
    return this.gapAccepted || this.retryWanted || this.settleWanted
  }

  /**
   * A worker ended while it took records of the unit; `offset`: that one. True: it is this record, whoever takes it.
   * @param end an offset beyond what had been read
   */
  crashed(offset: number | undefined, end: number, now: number): boolean {
    this.carefulBelow = Math.max(this.carefulBelow, end, offset === undefined ? 0 : offset + 1)
    if (offset === undefined || this.#crashedAt !== offset) {
      this.#crashedAt = offset
      return false
    }
    this.stuckAt = offset
    this.retryAt = now + HOST_TIMING.stuckRetryMs
    return true
  }

  /** It tries again, or others have decided. */
  unstick(): void {
    this.stuckAt = undefined
    this.found()
    this.#crashedAt = undefined
  }

  /** What the log has lost is not needed any more: it was got elsewhere, or given up. */
  found(): void {
    this.logStart = undefined
    this.gapAccepted = false
    this.gapSince = undefined
    this.settleWanted = false
  }

  /** More is certified. A replica that does not wait for lost records after all waits for no order about them. */
  moved(): void {
    if (this.logStart === undefined && this.gapAccepted) this.found()
  }

  /**
   * Another term: what was ordered of the one before is done, or asked for again. An order beside a gap stands until that is
   * decided, since terms come and go meanwhile.
   */
  term(decision: DecisionKind | undefined): void {
    this.retryWanted = false
    if (decision === 'gap' || !this.gapAccepted) this.settleWanted = false
  }

  /** How long it waits before it starts again, milliseconds. */
  diverged(): number {
    this.#divergences += 1
    if (this.#divergences === 1) return 0
    const exponent = Math.min(this.#divergences - 2, 16)
    return Math.min(HOST_TIMING.divergedWaitMs * 2 ** exponent, HOST_TIMING.divergedWaitMaxMs)
  }

  agreed(): void {
    this.#divergences = 0
  }
}
