/**
 * The successor of a term, computed from the seals that the proposer met (design: succession). Pure, and the heart of
 * safety: a cut that may have been certified without the promisers knowing stays open, and nothing is decided before it.
 */
import { assert } from '../errors.ts'
import type { Digest, PeerId } from '../ids.ts'
import { majority } from './paxos.ts'
import {
  type CutPosition,
  comparePositions,
  type Decision,
  type DecisionKind,
  type OpenCut,
  type Term,
} from './types.ts'

/** What a member hands over when it seals a term. */
export interface Seal {
  /** The last cut whose certificate the member holds; its certificate travels beside the seal. */
  readonly frontier: Term['base']
  /** The member's own votes in the term beyond its frontier, in order. */
  readonly votes: readonly (CutPosition & { readonly digest: Digest; readonly offset: number })[]
  /** Offset where the member's replica paused. */
  readonly offset: number
}

/** What a proposer would like decided. `offset`: where it saw the silence or the end. */
export interface Wish {
  readonly kind: DecisionKind
  readonly offset: number
}

/** Promises needed so that every possible certificate of the term is met. */
export const sealsNeeded = (members: number, write: number): number => Math.max(majority(members), members - write + 1)

/**
 * The value a proposer offers when no promise binds it.
 * @param seals from at least `sealsNeeded` distinct members
 */
export function successor(term: Term, seals: ReadonlyMap<PeerId, Seal>, wish: Wish | undefined): Term {
  assert(seals.size >= sealsNeeded(term.members.length, term.write), `${seals.size} seals of ${term.members.length}`)
  let base = term.base
  for (const { frontier } of seals.values()) {
    if (frontier !== undefined && (base === undefined || comparePositions(frontier, base) > 0)) base = frontier
  }
  const open = openCuts(term, seals, base)
  const decision = wish === undefined ? undefined : place(term, wish, seals, base, open)
  return {
    unit: term.unit,
    number: term.number + 1,
    view: term.view,
    members: term.members,
    write: term.write,
    base,
    open,
    floor: decision?.offset ?? term.floor,
    ...(decision === undefined ? {} : { decision }),
  }
}

/** Every (position, digest) beyond the base that could have been certified by votes seen plus members not heard from. */
function openCuts(term: Term, seals: ReadonlyMap<PeerId, Seal>, base: Term['base']): OpenCut[] {
  const unheard = term.members.filter((member) => !seals.has(member)).length
  const seen = new Map<string, { cut: OpenCut; votes: number }>()
  for (const seal of seals.values()) {
    for (const vote of seal.votes) {
      if (base !== undefined && comparePositions(vote, base) <= 0) continue
      const key = `${vote.seq}/${vote.part}/${vote.digest}`
      const entry = seen.get(key)
      if (entry === undefined) seen.set(key, { cut: { ...vote, term: term.number }, votes: 1 })
      else entry.votes += 1
    }
  }
  const open = new Map<string, OpenCut>()
  for (const cut of term.open) {
    if (base === undefined || comparePositions(cut, base) > 0) open.set(`${cut.seq}/${cut.part}/${cut.digest}`, cut)
  }
  for (const [key, { cut, votes }] of seen) {
    // An older entry stays: it names the term whose seals can disprove it, and a new one must be disproved as well.
    if (votes + unheard >= term.write) open.set(open.has(key) ? `${key}/${term.number}` : key, cut)
  }
  return [...open.values()].sort(
    (a, b) => comparePositions(a, b) || a.term - b.term || (a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0),
  )
}

/**
 * Where the decision goes: after everything that is certified, open or already read by a promiser. Reading is undone
 * cheaply only by not doing it, so the furthest promiser sets the place and usually nobody rolls back.
 */
function place(
  term: Term,
  wish: Wish,
  seals: ReadonlyMap<PeerId, Seal>,
  base: Term['base'],
  open: readonly OpenCut[],
): Decision | undefined {
  let furthest = Math.max(term.floor, base?.offset ?? 0)
  for (const cut of open) furthest = Math.max(furthest, cut.offset)
  for (const seal of seals.values()) furthest = Math.max(furthest, seal.offset)
  switch (wish.kind) {
    case 'cut':
      return { kind: 'cut', offset: Math.max(furthest, wish.offset) }
    case 'idle':
    case 'final':
      // Somebody has read past it: the source was not silent, or that was not the end.
      return furthest > wish.offset ? undefined : { kind: wish.kind, offset: wish.offset }
  }
}
