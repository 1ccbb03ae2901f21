/** The records that a partial match has taken, as a chain from the last to the first. Matches share what they have in common. */
import type { OrderedRecord } from '../operator.ts'

export interface TakenEvent {
  readonly record: OrderedRecord
  /** Index of the stage that took it, among those that take. */
  readonly stage: number
  readonly before: TakenEvent | undefined
  /** Of the chain up to here. */
  readonly length: number
  readonly first: OrderedRecord
}

export function taken(record: OrderedRecord, stage: number, before: TakenEvent | undefined): TakenEvent {
  return { record, stage, before, length: (before?.length ?? 0) + 1, first: before?.first ?? record }
}

/** First to last. */
export function chainOf(last: TakenEvent | undefined): TakenEvent[] {
  const chain: TakenEvent[] = []
  for (let at = last; at !== undefined; at = at.before) chain.push(at)
  return chain.reverse()
}

/** Records of one stage, first to last. */
export function eventsOf(last: TakenEvent | undefined, stage: number): OrderedRecord[] {
  const found: OrderedRecord[] = []
  for (let at = last; at !== undefined; at = at.before) if (at.stage === stage) found.push(at.record)
  return found.reverse()
}

export function lastOf(last: TakenEvent | undefined, stage: number): OrderedRecord | undefined {
  let at = last
  while (at !== undefined && at.stage !== stage) at = at.before
  return at?.record
}
