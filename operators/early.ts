/**
 * When open windows are shown. What a cut shows depends on where cuts are, and these are a rule on the input or decisions that
 * replicas agree on; so it never depends on batches. With `every` only the rule matters: a cut that was decided between two
 * lines shows no open window, and the same input gives the same rows.
 */
import type { EmitPlan } from './plan.ts'

/** Closer together early rows would cost a history that is replayed more cuts than anybody looks at. */
const CUT_GRID_MS = 1_000

/** At cuts across a line of the grid, at every cut, or never. */
export type EarlyRows = 'everyLine' | 'everyCut' | 'never'

export function earlyRows(emit: EmitPlan | undefined): EarlyRows {
  if (emit === undefined) return 'never'
  return emit.kind === 'every' ? 'everyLine' : 'everyCut'
}

/** Event time between the lines at which cuts fall for the sake of open windows; Infinity: there are none. */
export function earlyStep(emit: EmitPlan | undefined): number {
  if (emit === undefined) return Number.POSITIVE_INFINITY
  return emit.kind === 'every' ? emit.everyMs : CUT_GRID_MS
}

/** So many records that no row shows make an open window one to be shown. */
export const ripeAt = (emit: EmitPlan | undefined): number => (emit?.kind === 'count' ? emit.records : 1)
