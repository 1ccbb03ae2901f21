/** What a peer's own disk says of a unit, and whether it is enough to go on from. */
import {
  type CutPosition,
  comparePositions,
  furthest,
  isBehind,
  isComplete,
  type MeshNode,
  normalTerm,
  type OpenedUnit,
  type Term,
} from '../../mesh/index.ts'
import type { Store } from '../store/store.ts'
import { decodeBatch, describeBatch } from './batch.ts'
import type { HostedUnit, UnitDescription } from './hosted.ts'
import { dropOwed, keepOwed, loadOwed } from './owed.ts'
import { type StoredSnapshot, storedSnapshots } from './snapshots.ts'

export interface Loaded {
  readonly opened: OpenedUnit
  /** In order: the replica begins at the last one, or at the first record. */
  readonly snapshots: readonly StoredSnapshot[]
  /** A decision or a result on the way to here is missing or cannot be read: it has to come from other peers. */
  readonly incomplete: boolean
}

/** The first term in this cluster, behind what is needed of those in clusters before. */
export function firstTerms({ unit, view, members, write, origin }: UnitDescription): readonly Term[] {
  const first: Term = { unit, number: 1, view, members, write, base: undefined, open: [], floor: 0 }
  const before = origin?.terms.map(normalTerm) ?? []
  const latest = before[before.length - 1]
  if (origin === undefined || latest === undefined) return [first]
  const { number, floor, pausedAt, forced } = latest
  const { base, open, restored } = origin
  const going = { number: number + 1, base, open, floor, restored }
  return [
    ...before,
    {
      ...first,
      ...going,
      ...(pausedAt === undefined ? {} : { pausedAt }),
      ...(forced === undefined ? {} : { forced }),
    },
  ]
}

/** Fills the hosted unit from disk. Undefined when this identity has to be retired. */
export async function loadUnit(
  hosted: HostedUnit,
  node: MeshNode,
  store: Store,
  now: () => number,
): Promise<Loaded | undefined> {
  const { description } = hosted
  const { unit } = description
  const snapshots = await storedSnapshots(store, unit)
  const snapshot = snapshots[snapshots.length - 1]
  const opened = await node.openUnit(firstTerms(description), snapshot?.position)
  if (opened === undefined) return undefined
  let damaged = opened.damage !== undefined
  hosted.damage = opened.damage
  hosted.batches.cut(undefined)
  const entries = await store.range('batch', `${unit}/`, `${unit}/~`, Number.MAX_SAFE_INTEGER)
  for (const entry of entries) {
    if ('corrupt' in entry) {
      damaged = true
      hosted.damage ??= { intact: opened.frontier }
      break
    }
    hosted.batches.add(describeBatch(placeOf(entry.key), decodeBatch(entry.value), now()))
  }
  const intact = opened.damage?.intact
  if (opened.damage !== undefined) hosted.batches.cut(intact)
  const had = entries[entries.length - 1]
  await noteOwed(hosted, damaged && had !== undefined ? placeOf(had.key) : undefined, node, store)
  hosted.snapshots = snapshots.map(({ position, offset, course }) => ({ position, offset, course }))
  const incomplete = damaged || lacksDecisions(opened, snapshot) || lacksBatches(hosted, snapshot)
  return { opened, snapshots, incomplete }
}

/** @param had what was here, where some of it is damaged */
async function noteOwed(hosted: HostedUnit, had: CutPosition | undefined, node: MeshNode, store: Store): Promise<void> {
  const { unit } = hosted.description
  const known = await loadOwed(store, unit)
  const owes = furthest(had, furthest(hosted.owes, known))
  hosted.owes = isBehind(hosted.batches.last?.position, owes) ? owes : undefined
  if (hosted.owes !== undefined) node.persist([keepOwed(unit, hosted.owes)])
  else if (known !== undefined) node.persist([dropOwed(unit)])
}

function placeOf(key: string): CutPosition {
  const [, seq, part] = key.split('/')
  return { seq: Number(seq), part: Number(part) }
}

/**
 * Terms whose decisions were in a snapshot that is not here: who released the unit keeps its terms only, and may be a member
 * again before it has taken over a state.
 */
function lacksDecisions({ terms }: OpenedUnit, snapshot: StoredSnapshot | undefined): boolean {
  return !isComplete(terms, snapshot?.course.applied ?? 0)
}

/** A snapshot whose batches before it are not here, though they were. */
function lacksBatches({ batches }: HostedUnit, snapshot: StoredSnapshot | undefined): boolean {
  const { last } = batches
  return last !== undefined && snapshot !== undefined && comparePositions(last.position, snapshot.position) < 0
}
