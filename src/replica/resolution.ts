/**
 * Orders of an operator about one unit, and when each can be given: only where the unit waits for exactly that, so that none
 * lies in wait and takes effect at another time, for another reason.
 */
import { lacksRecords, lostHolders, lostWitnesses, type OrderParts } from './gone.ts'

/**
 * `retry`: vote again on a cut that no value could win. `accept-gap`: go on without the records that the log has lost.
 * `settle`: go on although only peers that are gone for good could say whether another result was certified, or give one.
 */
export const RESOLUTIONS = ['retry', 'accept-gap', 'settle'] as const
export type Resolution = (typeof RESOLUTIONS)[number]

/** What would bring the unit on now, as this replica sees it. */
export function resolvable(parts: OrderParts): readonly Resolution[] {
  return [
    ...(parts.agreement.deadlocked ? (['retry'] as const) : []),
    ...(lacksRecords(parts) ? (['accept-gap'] as const) : []),
    ...(lostWitnesses(parts).length + lostHolders(parts).length > 0 ? (['settle'] as const) : []),
  ]
}
