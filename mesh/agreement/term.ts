/**
 * The successor of a term, computed from the seals that the proposer met (design: succession). Pure, and the heart of
 * safety: a cut that may have been certified without the promisers knowing stays open, and nothing is decided before it.
 */
import { assert } from '../errors.ts'
import type { Digest, PeerId } from '../ids.ts'
import { planted } from '../planted.ts'
import { majority } from './paxos.ts'
import {
  type CutPosition,
  comparePositions,
  type Decision,
  type DecisionKind,
  type Dispute,
  isBehind,
  nextPosition,
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
  /** The replica cannot take the record at `offset`. */
  readonly stuck?: true
}

/** What a proposer would like to be so in the next term. Nothing of it is there when it cannot be. */
export interface Wish {
  /** `offset`: where it saw the silence, the end or the bad record, or what is certified before a gap; 0: anywhere. */
  readonly decision?: Decision
  /** Who should vote from then on, by a view that is newer than the term's. */
  readonly members?: { readonly view: number; readonly members: readonly PeerId[] }
  /**
   * Open cuts of which only these identities, which are gone for good, could say more are given up: an operator's order.
   * Beside a gap it says that the gap waits for none of them.
   */
  readonly settle?: readonly PeerId[]
}

/** Wishes with one name are one wish. */
export const wishName = ({ decision, members, settle }: Wish): string =>
  `${decision?.kind ?? ''}/${members?.view ?? ''}/${settle === undefined ? '' : 'settle'}`

/** What is known beyond what a term and its seals say. */
export interface OpenKnowledge {
  /** There is no certificate of it: the seals of its term say so. */
  readonly isDisproved: (open: OpenCut) => boolean
  /** Voters of its term whose seals are not known. */
  readonly unheard: (open: OpenCut) => readonly PeerId[]
  /** An operator has given this member up. */
  readonly isLost: (peer: PeerId) => boolean
}

const NOTHING_KNOWN: OpenKnowledge = {
  isLost: () => false,
  isDisproved: () => false,
  unheard: ({ term }) => [`of term ${term}` as PeerId],
}

/** Promises needed so that every possible certificate of the term is met. */
export const sealsNeeded = (members: number, write: number): number =>
  planted('few-promises') ? 1 : Math.max(majority(members), members - write + 1)

/**
 * The value a proposer offers when no promise binds it.
 * @param seals from at least `sealsNeeded` distinct members; from all that are left, when an operator gave up the others
 */
export function successor(
  term: Term,
  seals: ReadonlyMap<PeerId, Seal>,
  wish: Wish | undefined,
  knowledge: OpenKnowledge = NOTHING_KNOWN,
): Term {
  assert(seals.size > 0, 'a successor is made of what members hand over')
  const enough = seals.size >= sealsNeeded(term.members.length, term.write)
  let base = term.base
  for (const { frontier } of seals.values()) {
    if (isBehind(base, frontier) && !planted('base-left-behind')) base = frontier
  }
  const possible = openCuts(term, seals, base).filter((cut) => cut.term === term.number || !knowledge.isDisproved(cut))
  const open = stillOpen(possible, term, seals, wish, knowledge)
  const decision = wish === undefined ? undefined : place(term, wish, seals, base, open, knowledge)
  const dispute = disputed(term, seals, base, open)
  const { view, members } = wish?.members !== undefined && wish.members.view > term.view ? wish.members : term
  return {
    unit: term.unit,
    number: term.number + 1,
    view,
    members,
    write: term.write,
    base,
    open,
    floor: decision === undefined ? term.floor : floorOf(decision),
    ...pausedAt(term, decision),
    ...(decision === undefined ? {} : { decision }),
    ...(dispute === undefined ? {} : { dispute }),
    ...(term.forced === true || !enough || open.length < possible.length ? { forced: true } : {}),
    ...(term.restored === undefined ? {} : { restored: term.restored }),
  }
}

/**
 * The next decision's place is here or beyond: whoever has applied this one is past the record that it skips, or where records
 * begin again.
 */
const floorOf = ({ kind, offset, value = offset }: Decision): number =>
  kind === 'skip' ? offset + 1 : kind === 'gap' ? Math.max(offset, value) : offset

function pausedAt(term: Term, decision: Decision | undefined): Pick<Term, 'pausedAt'> {
  const at = decision?.kind === 'pause' ? decision.offset : decision?.kind === 'resume' ? undefined : term.pausedAt
  return at === undefined ? {} : { pausedAt: at }
}

/** Without what an operator gives up: with a gap all that is open or, where one of them cannot be given up, nothing. */
function stillOpen(
  possible: readonly OpenCut[],
  term: Term,
  seals: ReadonlyMap<PeerId, Seal>,
  wish: Wish | undefined,
  knowledge: OpenKnowledge,
): readonly OpenCut[] {
  if (wish?.decision?.kind === 'gap') return areBeyondAll(possible, term, seals, wish, knowledge) ? [] : possible
  return possible.filter((cut) => !isGivenUp(cut, term, seals, wish, knowledge))
}

/** Only identities that are gone for good could say whether it was certified, and an operator has given it up. */
function isGivenUp(
  cut: OpenCut,
  term: Term,
  seals: ReadonlyMap<PeerId, Seal>,
  wish: Wish | undefined,
  knowledge: OpenKnowledge,
): boolean {
  const gone = wish?.settle
  if (gone === undefined) return false
  if (cut.term !== term.number) return knowledge.unheard(cut).every((member) => gone.includes(member))
  // Those who were heard certify it themselves when so many of them have voted for it: their votes may be under way.
  const votes = [...seals.values()].filter((seal) => hasVotedFor(seal, cut)).length
  return votes < term.write && term.members.every((member) => seals.has(member) || gone.includes(member))
}

const hasVotedFor = ({ votes }: Seal, cut: OpenCut): boolean =>
  votes.some((vote) => comparePositions(vote, cut) === 0 && vote.digest === cut.digest)

/**
 * Cuts that an operator gives up together with the records of which they were made: every member was heard that is not given
 * up as well, none of them holds a certificate, none counts votes of earlier terms any more, and too few can compute them
 * again.
 */
function areBeyondAll(
  open: readonly OpenCut[],
  term: Term,
  seals: ReadonlyMap<PeerId, Seal>,
  wish: Wish,
  knowledge: OpenKnowledge,
): boolean {
  const stuck = [...seals.values()].filter((seal) => seal.stuck === true).length
  const isGone = goneFor(wish, knowledge)
  const heard = term.members.every((member) => seals.has(member) || wish.settle?.includes(member))
  const past = open.every((cut) => cut.term < term.number || isGivenUp(cut, term, seals, wish, knowledge))
  return heard && past && stuck >= blockers(term, isGone)
}

/** Members that an operator has given up, for good or with this order. */
const goneFor =
  ({ settle }: Wish, { isLost }: OpenKnowledge) =>
  (member: PeerId): boolean =>
    isLost(member) || settle?.includes(member) === true

/** Every (position, digest) beyond the base that could have been certified by votes seen plus members not heard from. */
function openCuts(term: Term, seals: ReadonlyMap<PeerId, Seal>, base: Term['base']): OpenCut[] {
  const unheard = planted('unheard-ignored') ? 0 : term.members.filter((member) => !seals.has(member)).length
  const seen = new Map<string, { cut: OpenCut; votes: number }>()
  for (const seal of seals.values()) {
    for (const { seq, part, digest, offset } of seal.votes) {
      if (!isBehind(base, { seq, part })) continue
      const key = `${seq}/${part}/${digest}`
      const entry = seen.get(key)
      if (entry === undefined) seen.set(key, { cut: { seq, part, digest, offset, term: term.number }, votes: 1 })
      else entry.votes += 1
    }
  }
  const open = new Map<string, OpenCut>()
  for (const cut of term.open) if (isBehind(base, cut)) open.set(`${cut.seq}/${cut.part}/${cut.digest}`, cut)
  for (const [key, { cut, votes }] of seen) {
    // An older entry stays: it names the term whose seals can disprove it, and a new one must be disproved as well.
    if (votes + unheard >= term.write) open.set(open.has(key) ? `${key}/${term.number}` : key, cut)
  }
  return [...open.values()].sort(
    (a, b) => comparePositions(a, b) || a.term - b.term || (a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0),
  )
}

/**
 * The next cut, when it was voted on differently and no value of it can have won in this term. An earlier term may have left
 * one open: it still forbids what it forbade, and members compute anew all the same, or a wrong one would say so for ever.
 */
function disputed(
  term: Term,
  seals: ReadonlyMap<PeerId, Seal>,
  base: Term['base'],
  open: readonly OpenCut[],
): Dispute | undefined {
  const { seq, part } = nextPosition(base)
  if (open.some((cut) => cut.seq === seq && cut.part === part && cut.term === term.number)) return undefined
  const votes = [...seals].flatMap(([peer, seal]) => {
    const vote = seal.votes.find((each) => each.seq === seq && each.part === part)
    return vote === undefined ? [] : [{ peer, digest: vote.digest }]
  })
  if (new Set(votes.map(({ digest }) => digest)).size < 2) return undefined
  const again = term.dispute !== undefined && term.dispute.seq === seq && term.dispute.part === part
  const everybody = seals.size === term.members.length
  const times = (again ? term.dispute.times : 0) + (everybody ? 1 : 0)
  return { seq, part, votes: votes.sort((a, b) => (a.peer < b.peer ? -1 : 1)), times }
}

/** So many members that the others cannot certify without them; those that are lost do not certify anything either. */
export function blockers({ members, write }: Term, isLost: (peer: PeerId) => boolean): number {
  return Math.max(1, members.length - write + 1 - members.filter(isLost).length)
}

/** How each kind of decision is placed. */
const PLACEMENT: Readonly<Record<DecisionKind, 'after' | 'exactly' | 'stuck' | 'base'>> = {
  cut: 'after',
  idle: 'exactly',
  final: 'exactly',
  pause: 'after',
  resume: 'after',
  gap: 'base',
  skip: 'stuck',
  version: 'after',
  revision: 'after',
}

/**
 * Where the decision goes: after everything that is certified, open or already read by a promiser. Reading is undone
 * cheaply only by not doing it, so the furthest promiser sets the place and usually nobody rolls back. A silence is left out
 * when somebody has read past it: there was none. A record that so many cannot take that nothing beyond it is ever certified
 * is skipped all the same, and who could take it goes back.
 */
function place(
  term: Term,
  wish: Wish,
  seals: ReadonlyMap<PeerId, Seal>,
  base: Term['base'],
  open: readonly OpenCut[],
  knowledge: OpenKnowledge,
): Decision | undefined {
  const wished = wish.decision
  if (wished === undefined) return undefined
  const settled = Math.max(term.floor, base?.offset ?? 0, ...open.map((cut) => cut.offset))
  let read = settled
  for (const seal of seals.values()) read = Math.max(read, seal.offset)
  // A replica that says it has read further did so before it heard of the pause, and goes back.
  if (term.pausedAt !== undefined) read = term.pausedAt
  // Whoever waits for what lies beyond waits until the unit goes on.
  if (term.pausedAt !== undefined && wished.offset > read) return undefined
  if (planted('pause-anywhere') && wished.kind === 'pause') return wished
  const blocking = blockers(term, goneFor(wish, knowledge))
  switch (PLACEMENT[wished.kind]) {
    case 'after':
      return { ...wished, offset: Math.max(read, wished.offset) }
    case 'exactly':
      return read > wished.offset ? undefined : wished
    case 'stuck': {
      // It would move the place of the pause, where everything else is decided until the unit goes on.
      if (term.pausedAt !== undefined) return undefined
      const stuck = [...seals.values()].filter(({ offset, stuck }) => stuck === true && offset === wished.offset)
      return stuck.length >= blocking && settled <= wished.offset ? wished : undefined
    }
    case 'base': {
      // What was computed beyond the base goes, so nothing of it may be certified already; nor does a pause move.
      if (term.pausedAt !== undefined) return undefined
      const stuck = [...seals.values()].filter(({ stuck }) => stuck === true)
      const offset = Math.max(term.floor, base?.offset ?? wished.offset)
      // Others have results that it was wished without: the state that it goes on from may be older than what they keep.
      if (base !== undefined && base.offset > wished.offset) return undefined
      if (stuck.length < blocking || open.length > 0 || wished.value === undefined) return undefined
      // Of what is certified nothing is taken again, also where the log still has it.
      return { ...wished, offset, value: Math.max(wished.value, offset) }
    }
  }
}
