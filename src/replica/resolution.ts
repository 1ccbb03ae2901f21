/**
 * Orders of an operator about one unit, and when each can be given: only where the unit waits for exactly that, so that none
 * lies in wait and takes effect at another time, for another reason.
 */
import type { UnitAgreement } from '../../mesh/index.ts'
import type { HostedUnit } from './hosted.ts'
import { lostWitnesses, type WishParts } from './wishes.ts'

/**
 * `retry`: vote again on a cut that no value could win. `accept-gap`: go on without the records that the log has lost.
 * `settle`: go on although only peers that are gone for good could say whether another result was certified.
 */
export const RESOLUTIONS = ['retry', 'accept-gap', 'settle'] as const
export type Resolution = (typeof RESOLUTIONS)[number]

/** What would bring the unit on now, as this replica sees it. */
export function resolvable(
  { trouble }: HostedUnit,
  agreement: UnitAgreement,
  { alive, view, now }: Pick<WishParts, 'alive' | 'view' | 'now'>,
): readonly Resolution[] {
  const gap = trouble.logStart !== undefined && agreement.isBlocked(now)
  return [
    ...(agreement.deadlocked ? (['retry'] as const) : []),
    ...(gap ? (['accept-gap'] as const) : []),
    ...(lostWitnesses({ agreement, view, alive }).length > 0 ? (['settle'] as const) : []),
  ]
}
