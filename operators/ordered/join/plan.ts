/** What a join of two inputs is: plain data, as all of a plan. */
import type { ExpressionPlan, StepPlan } from '../../plan.ts'

export type JoinSide = 'left' | 'right'

export interface JoinPlan {
  readonly kind: 'join'
  /** What expressions call the record of each side: the names of the sources. */
  readonly names: Readonly<Record<JoinSide, string>>
  /** Where the left ones are rows of a join before: the names of the records in them, which expressions call by those. */
  readonly rows?: readonly string[]
  /** Which records make a row without a partner as well. */
  readonly type: 'inner' | 'left' | 'right' | 'outer'
  readonly match: StreamMatch | TableMatch
  /** What a row says. */
  readonly select: Readonly<Record<string, ExpressionPlan>>
  /** What rows go through, those of single records only. */
  readonly steps: readonly StepPlan[]
}

/** Two streams. Bounds are inclusive. */
export type StreamMatch =
  /** A record of the right may be so much before one of the left, and so much after it. */
  | { readonly kind: 'within'; readonly beforeMs: number; readonly afterMs: number }
  /** Both are in one tumbling window. */
  | { readonly kind: 'window'; readonly sizeMs: number; readonly offsetMs: number }

/** The right is a table, or both are: of each key the latest record counts. */
export interface TableMatch {
  readonly kind: 'table'
  readonly tables: 'right' | 'both'
  /** Records of a table that take their key out of it. */
  readonly delete?: Readonly<Partial<Record<JoinSide, ExpressionPlan>>>
}

/** Whether a record of this side makes a row without a partner. */
export const standsAlone = ({ type }: JoinPlan, side: JoinSide): boolean => type === side || type === 'outer'

/** Inputs of the ordered stage. */
export const SIDES: readonly JoinSide[] = ['left', 'right']
