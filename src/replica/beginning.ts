/**
 * Where a replica begins: at the latest snapshot or, where a gap was decided after that one, behind the gap, with the state
 * that the gap names. Whoever hands the unit over gives what it would begin with itself, which need not be its latest snapshot.
 */
import { type CutPosition, comparePlaces, type Term } from '../../mesh/index.ts'
import type { PlacedDecision } from './unit-replica.ts'

interface Snapshot {
  readonly position: CutPosition
  readonly course: { readonly applied: number }
}

export interface Beginning<S> {
  /** That no snapshot holds yet. */
  readonly gap: PlacedDecision | undefined
  /** Undefined: there is none, the gap goes on from none, or `lacking`. */
  readonly snapshot: S | undefined
  /** The gap goes on from a snapshot that is not here. */
  readonly lacking: boolean
}

/** @param snapshots in order */
export function beginningOf<S extends Snapshot>(
  snapshots: readonly S[],
  decisions: readonly PlacedDecision[],
): Beginning<S> {
  const latest = snapshots[snapshots.length - 1]
  const applied = latest?.course.applied ?? 0
  const gap = decisions.findLast(({ kind, term }) => kind === 'gap' && term > applied)
  if (gap === undefined) return { gap, snapshot: latest, lacking: false }
  const from = gap.snapshot ?? undefined
  const snapshot = snapshots.find(({ position }) => comparePlaces(position, from) === 0)
  return { gap, snapshot, lacking: from !== undefined && snapshot === undefined }
}

export const placed = (term: Term): PlacedDecision[] =>
  term.decision === undefined ? [] : [{ ...term.decision, term: term.number, base: term.base }]
