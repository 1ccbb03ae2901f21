/**
 * One step from a view to the next, as part of a control document: who comes, who goes, and who chooses the document after
 * it. Pure: the same document and step give the same successor on every peer.
 */
import type { PeerId } from '../ids.ts'
import type { View } from '../ring/view.ts'
import type { ControlDocument } from './control-document.ts'
import { majority } from './paxos.ts'

const MOST_ACCEPTORS = 7
/** Identities that may not come back; the oldest are forgotten. */
const MOST_BANNED = 64

/**
 * Who chooses the next document: an odd number of members, at most seven. Those who do so now go on; who is missing is
 * taken from the living first, then by id.
 */
export function chooseAcceptors(
  members: readonly PeerId[],
  now: readonly PeerId[],
  alive: ReadonlySet<PeerId>,
): PeerId[] {
  const most = Math.min(members.length, MOST_ACCEPTORS)
  const wanted = most % 2 === 0 ? most - 1 : most
  const byLife = (a: PeerId, b: PeerId) => Number(alive.has(b)) - Number(alive.has(a)) || (a < b ? -1 : 1)
  const kept = members.filter((member) => now.includes(member)).sort(byLife)
  const others = members.filter((member) => !now.includes(member)).sort(byLife)
  return [...kept, ...others].slice(0, Math.max(1, wanted)).sort()
}

export type ViewStep =
  /** Comes; a member under the same name is replaced by it, for good. */
  | { readonly kind: 'admit'; readonly peer: PeerId; readonly name: string }
  /** Goes; `ban`: and does not come back under this identity. */
  | { readonly kind: 'remove'; readonly peer: PeerId; readonly ban: boolean }

export type StepRefusal =
  /** It would leave fewer living acceptors than a majority. */
  | 'acceptors'
  /** The identity was replaced or removed for good. */
  | 'banned'
  /** The last member stays. */
  | 'last'

/** The document after the step; itself when there is nothing to do. */
export function stepView(
  document: ControlDocument,
  step: ViewStep,
  alive: ReadonlySet<PeerId>,
): ControlDocument | StepRefusal {
  const { view, names, banned } = document
  if (step.kind === 'remove') {
    const gone = step.ban ? ban(banned, step.peer) : banned
    if (!view.members.includes(step.peer)) return step.ban ? { ...document, banned: gone } : document
    if (view.members.length === 1) return 'last'
    const others = without(names, step.peer)
    return withMembers(
      { ...document, names: others, banned: gone },
      view.members.filter((member) => member !== step.peer),
      alive,
    )
  }
  if (banned.includes(step.peer)) return 'banned'
  if (view.members.includes(step.peer)) return document
  const predecessor = view.members.find((member) => names[member] === step.name)
  const others = without(names, predecessor)
  const members = view.members.filter((member) => member !== predecessor)
  const gone = predecessor === undefined ? banned : ban(banned, predecessor)
  return withMembers(
    { ...document, names: { ...others, [step.peer]: step.name }, banned: gone },
    [...members, step.peer].sort(),
    alive,
  )
}

/** The document without members that are gone for good, in one step. */
export function loseMembers(
  document: ControlDocument,
  peers: readonly PeerId[],
  alive: ReadonlySet<PeerId>,
): ControlDocument | StepRefusal {
  const { view, names, banned, lost } = document
  const members = view.members.filter((member) => !peers.includes(member))
  if (members.length === 0) return 'last'
  const told = {
    ...document,
    names: Object.fromEntries(Object.entries(names).filter(([member]) => !peers.includes(member as PeerId))),
    banned: peers.reduce(ban, banned),
    lost: peers.reduce(ban, lost),
  }
  return members.length === view.members.length ? told : withMembers(told, members, alive)
}

function withMembers(
  document: ControlDocument,
  members: readonly PeerId[],
  alive: ReadonlySet<PeerId>,
): ControlDocument | StepRefusal {
  const acceptors = chooseAcceptors(members, document.acceptors, alive)
  const living = acceptors.filter((acceptor) => alive.has(acceptor)).length
  if (living < majority(acceptors.length)) return 'acceptors'
  const view: View = { number: document.view.number + 1, members }
  return { ...document, view, acceptors }
}

const without = (names: ControlDocument['names'], peer: PeerId | undefined): ControlDocument['names'] =>
  Object.fromEntries(Object.entries(names).filter(([member]) => member !== peer))

const ban = (banned: readonly PeerId[], peer: PeerId): readonly PeerId[] =>
  banned.includes(peer) ? banned : [...banned, peer].slice(-MOST_BANNED)

/** Whether a document holds what the step wanted. */
export function isStepDone({ view, banned }: ControlDocument, step: ViewStep): boolean {
  const member = view.members.includes(step.peer)
  return step.kind === 'admit' ? member : !member && (!step.ban || banned.includes(step.peer))
}
