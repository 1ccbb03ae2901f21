/** Which results have had their time: at every sink, older than the job keeps them, and not the last one. */
import { type CutPosition, isBehind } from '../../mesh/index.ts'
import { ALWAYS } from '../../operators/index.ts'
import type { BatchEntry } from './batch.ts'
import type { HostedUnit } from './hosted.ts'

/**
 * How many of the first entries may go.
 * @param committed what every sink is known to have
 * @param now monotonic
 */
export function expired(hosted: HostedUnit, committed: CutPosition | undefined, now: number): number {
  const { batches, description } = hosted
  const { entries } = batches
  if (description.retentionMs < 0 || committed === undefined) return 0
  const watermark = reached(hosted)
  // The last one that the sinks have stays: the next one names it as its predecessor.
  const over = entries.findIndex(
    (entry, index) =>
      index === entries.length - 1 ||
      !isBehind(entry.position, committed) ||
      !isOver(entry, watermark, description.retentionMs, now),
  )
  return Math.max(0, over)
}

/** Where event time is; of an input that has ended, where its windows ended. */
function reached({ watermark, batches }: HostedUnit): number {
  if (watermark < Number.POSITIVE_INFINITY) return watermark
  return batches.entries.reduce(
    (latest, { maxEnd }) => (maxEnd < ALWAYS.end ? Math.max(latest, maxEnd) : latest),
    Number.NEGATIVE_INFINITY,
  )
}

/** By event time where there are windows; else since it is here. */
function isOver(
  { maxEnd, watermark: atCut, deadRows, readyAt }: BatchEntry,
  watermark: number,
  retentionMs: number,
  now: number,
): boolean {
  // A window of all time ends never: its rows are as old as their cut.
  const end = maxEnd === ALWAYS.end ? atCut : maxEnd
  if (maxEnd !== Number.NEGATIVE_INFINITY && end > watermark - retentionMs) return false
  return deadRows === 0 || now - readyAt > retentionMs
}
