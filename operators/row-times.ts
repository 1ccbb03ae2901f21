/**
 * The event times of rows, where a next stage takes them. A row of a window has the last instant of its window, as Flink has it, so
 * that it falls into a window that ends together with its own; any other row has the time of the record that it was made at. What
 * follows is how early the rows of a stage may be that are yet to come: that is the watermark of the next stage.
 *
 * A row can say itself when it happened. It says so within a time before the one that it would have, which the next stage waits for:
 * whether it does is a matter of the row alone, so none is late there, whatever is read first.
 */
import { lagOf } from './ordered/join/windows.ts'
import type { StagePlan } from './plan.ts'
import type { WindowBounds } from './window.ts'

type Holding = Pick<StagePlan, 'window' | 'ordered'>

/** Sliding windows include both of their ends; all others end before their end. */
export const timeOfWindow = ({ ordered }: Holding, { end }: WindowBounds): number =>
  ordered?.kind === 'sliding' ? end : end - 1

/** Nothing before this comes any more once the watermark of the stage is there. */
export function leastTime({ window, ordered }: Holding, watermark: number): number {
  const joined = ordered?.kind === 'join' ? watermark - lagOf(ordered) : watermark
  // A session takes a record at its very end.
  if (window !== undefined) return Math.floor(joined - window.allowedLatenessMs - (window.kind === 'session' ? 1 : 0))
  if (ordered?.kind === 'sliding') return Math.floor(watermark - ordered.graceMs)
  // A match may wait until what began before it is decided.
  return ordered?.kind === 'pattern' ? watermark - (ordered.withinMs ?? 0) : joined
}

/**
 * Whether its rows become final while time goes on. Those of all time do not; and a match without a time may wait for ever where
 * another one that began before it could take its records.
 */
export function canPass({ window, ordered }: Holding): boolean {
  if (window?.kind === 'global') return false
  return ordered?.kind !== 'pattern' || ordered.withinMs !== undefined || ordered.afterMatch.strategy === 'noSkip'
}

/** Before the first shuffle nothing is ever late: that is judged where windows live. */
export const judgesLateness = ({ input, output }: Pick<StagePlan, 'input' | 'output'>): boolean =>
  input.kind === 'slices' || output.kind === 'rows'
