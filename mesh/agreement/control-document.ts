/**
 * The control document: the view that places units and the jobs by hash; and the changes that lead from one to the next.
 * Pure: which change wins is control.ts's business.
 */
import { assert } from '../errors.ts'
import { type Digest, isDigest, isPeerId, isPeerList, type PeerId } from '../ids.ts'
import type { View } from '../ring/view.ts'
import { digestOf, sha256 } from './encoding.ts'
import { chooseAcceptors, isStepDone, loseMembers, type StepRefusal, stepView, type ViewStep } from './view-change.ts'

/** A job as the mesh knows it: a name, its generation, and the hash of a body that only `src` understands. */
export interface JobEntry {
  readonly name: string
  readonly generation: string
  readonly hash: Digest
  /** Of the document that the job was put into: places the first term of each of its units. */
  readonly view: View
  readonly state: 'running' | 'paused'
  /** Of the bodies that it had before, the first one first: a unit may not have come to the present one yet. */
  readonly earlier: readonly Digest[]
  /** Later bodies that brought more units, in order, with the view of the document of each, which places those. */
  readonly grown?: readonly { readonly revision: number; readonly view: View }[]
  /** It is paused for good, and why. */
  readonly stopped?: StopReason
}

/** For people, and a code for scripts; only `src` understands either. */
export interface StopReason {
  readonly code: string
  readonly message: string
}

export interface ControlDocument {
  readonly cluster: string
  readonly number: number
  /** Documents that an operator made without a majority. One with more of them wins over one with fewer. */
  readonly forced: number
  readonly view: View
  /** Of members, as given when they were started. */
  readonly names: Readonly<Record<PeerId, string>>
  /** Identities that were replaced or removed for good. */
  readonly banned: readonly PeerId[]
  /** Of those, whom an operator has given up for good: where too few are left without them, those that are left decide. */
  readonly lost: readonly PeerId[]
  /** Who chooses the next document: an odd number of members, at most seven. */
  readonly acceptors: readonly PeerId[]
  readonly jobs: readonly JobEntry[]
  /** Submissions so far; a generation's number never comes back. */
  readonly submissions: number
}

export interface RestoredJob extends Pick<JobEntry, 'name' | 'generation' | 'state' | 'stopped'> {
  /** Every one that it has had, in order. */
  readonly bodies: readonly Uint8Array[]
}

export type ControlChange =
  | { readonly kind: 'put'; readonly name: string; readonly generation: string; readonly body: Uint8Array }
  /** Another body of a job. `revision`: how many it has had before, by which concurrent ones are told apart. */
  | {
      readonly kind: 'upgrade'
      readonly name: string
      readonly generation: string
      readonly revision: number
      readonly body: Uint8Array
      /** It has units that no body before had. */
      readonly grows?: boolean
    }
  /** Jobs of a cluster that was lost, with the generations they had: only into a cluster that never had a job. */
  | {
      readonly kind: 'restore'
      readonly jobs: readonly RestoredJob[]
      /** Of the lost cluster: numbers that its generations used do not come back. */
      readonly submissions: number
    }
  | { readonly kind: 'delete'; readonly name: string }
  | { readonly kind: 'state'; readonly name: string; readonly state: JobEntry['state'] }
  /** A job cannot go on as it is, ever: the first reason given stays. */
  | { readonly kind: 'stop'; readonly name: string; readonly generation: string; readonly why: StopReason }
  | { readonly kind: 'view'; readonly step: ViewStep }
  /** An operator says that these identities, and what they held, are gone for good. */
  | { readonly kind: 'lose'; readonly peers: readonly PeerId[] }

/** Every peer keeps all bodies of a job, and a change is accepted only where they are. */
const MOST_REVISIONS = 64
/** Characters of what a document says of a job that has stopped. */
const MOST_REASON = 2_048

export type ChangeRefusal = 'conflict' | 'unknown' | 'outrun' | 'revisions' | 'stopped' | StepRefusal

/** Hashes of all bodies that a document names. */
export const bodiesOf = ({ jobs }: Pick<ControlDocument, 'jobs'>): Digest[] =>
  jobs.flatMap(({ earlier, hash }) => [...earlier, hash])

/** The first document of a cluster over the peers that confirmed one another. */
export function genesis(peers: readonly { readonly id: PeerId; readonly name: string }[]): ControlDocument {
  const members = peers.map(({ id }) => id).sort()
  return {
    cluster: digestOf('cluster', members).slice(0, 16),
    number: 1,
    forced: 0,
    view: { number: 1, members },
    names: Object.fromEntries(peers.map(({ id, name }) => [id, name])),
    banned: [],
    lost: [],
    acceptors: chooseAcceptors(members, [], new Set(members)),
    jobs: [],
    submissions: 0,
  }
}

export type DocumentNumber = Pick<ControlDocument, 'forced' | 'number'>

/** Positive when `a` takes the place of `b`. */
export const compareDocuments = (a: DocumentNumber, b: DocumentNumber): number =>
  a.forced - b.forced || a.number - b.number

/** @param submission the count that a `put` was made for */
export function applyChange(
  document: ControlDocument,
  change: ControlChange,
  submission: number,
  alive: ReadonlySet<PeerId>,
): ControlDocument | ChangeRefusal {
  const next = applied(document, change, submission, alive)
  return typeof next === 'string' ? next : { ...next, number: document.number + 1 }
}

function applied(
  document: ControlDocument,
  change: ControlChange,
  submission: number,
  alive: ReadonlySet<PeerId>,
): ControlDocument | ChangeRefusal {
  const { jobs, submissions } = document
  switch (change.kind) {
    case 'put': {
      const { name, generation, body } = change
      if (jobs.some((job) => job.name === name)) return 'conflict'
      if (submission !== submissions) return 'outrun'
      const { view } = document
      const entry: JobEntry = { name, generation, hash: sha256(body), earlier: [], view, state: 'running' }
      return { ...document, jobs: [...jobs, entry], submissions: submissions + 1 }
    }
    case 'restore': {
      if (submissions > 0 || jobs.length > 0) return 'conflict'
      const restored = change.jobs.map(({ bodies, ...job }): JobEntry => {
        const hashes = bodies.map(sha256)
        const hash = hashes.pop()
        assert(hash !== undefined, 'a job has a body')
        return { ...job, hash, earlier: hashes, view: document.view }
      })
      return { ...document, jobs: restored, submissions: Math.max(1, change.submissions) }
    }
    case 'upgrade': {
      const { generation, revision, body } = change
      const job = jobs.find((each) => each.generation === generation)
      if (job === undefined) return 'unknown'
      const bodies = [...job.earlier, job.hash]
      if (bodies.length !== revision) return 'conflict'
      if (bodies.length >= MOST_REVISIONS) return 'revisions'
      const { view } = document
      const grown = change.grows === true ? { grown: [...(job.grown ?? []), { revision, view }] } : {}
      const upgraded = { ...job, hash: sha256(body), earlier: bodies, ...grown }
      return { ...document, jobs: jobs.map((each) => (each === job ? upgraded : each)) }
    }
    case 'delete':
      if (!jobs.some(({ name }) => name === change.name)) return 'unknown'
      return { ...document, jobs: jobs.filter(({ name }) => name !== change.name) }
    case 'state': {
      const { name, state } = change
      const named = jobs.find((job) => job.name === name)
      if (named === undefined) return 'unknown'
      if (named.stopped !== undefined && state === 'running') return 'stopped'
      return { ...document, jobs: jobs.map((job) => (job === named ? { ...job, state } : job)) }
    }
    case 'stop': {
      const { generation, why } = change
      const job = jobs.find((each) => each.generation === generation)
      if (job === undefined) return 'unknown'
      const stopped: JobEntry = { ...job, state: 'paused', stopped: job.stopped ?? why }
      return { ...document, jobs: jobs.map((each) => (each === job ? stopped : each)) }
    }
    case 'view':
      return stepView(document, change.step, alive)
    case 'lose':
      return loseMembers(document, change.peers, alive)
  }
}

/**
 * The document that an operator makes at one peer when a majority of the acceptors is gone for good: without these members,
 * and ahead of whatever others may still choose. Its number leaps, so that two of them are never the same.
 * @param leap at least 1, drawn at random
 */
export function forceDocument(
  document: ControlDocument,
  peers: readonly PeerId[],
  alive: ReadonlySet<PeerId>,
  leap: number,
): ControlDocument | ChangeRefusal {
  const next = loseMembers(document, peers, alive)
  return typeof next === 'string' ? next : { ...next, forced: document.forced + 1, number: document.number + leap }
}

/** Whether a document holds what a change wanted, whoever made it. */
export function isDone(change: ControlChange, document: ControlDocument): boolean {
  const { jobs } = document
  switch (change.kind) {
    case 'put':
      return jobs.some(({ generation, hash }) => generation === change.generation && hash === sha256(change.body))
    case 'restore':
      return (
        document.submissions > 0 &&
        change.jobs.every(({ bodies }) => {
          return bodies.slice(-1).every((body) => jobs.some(({ hash }) => hash === sha256(body)))
        })
      )
    case 'upgrade': {
      const job = jobs.find(({ generation }) => generation === change.generation)
      return job !== undefined && [...job.earlier, job.hash][change.revision] === sha256(change.body)
    }
    case 'delete':
      return !jobs.some(({ name }) => name === change.name)
    case 'state':
      return (
        jobs.some(({ name }) => name === change.name) &&
        jobs.every((job) => job.name !== change.name || job.state === change.state)
      )
    case 'stop':
      return jobs.some(({ generation, stopped }) => generation === change.generation && stopped !== undefined)
    case 'view':
      return isStepDone(document, change.step)
    case 'lose':
      return change.peers.every((peer) => document.lost.includes(peer))
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isView = (value: unknown): boolean => isObject(value) && isCount(value.number) && isPeerList(value.members)
const isNames = (value: unknown): boolean =>
  isObject(value) && Object.entries(value).every(([peer, name]) => isPeerId(peer) && typeof name === 'string')
const isGrown = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length <= MOST_REVISIONS &&
  value.every((each) => isObject(each) && isCount(each.revision) && isView(each.view))
const isReason = (value: unknown): boolean =>
  isObject(value) &&
  typeof value.code === 'string' &&
  typeof value.message === 'string' &&
  value.code.length + value.message.length <= MOST_REASON
const isEntry = (job: unknown): boolean =>
  isObject(job) &&
  typeof job.name === 'string' &&
  typeof job.generation === 'string' &&
  isDigest(job.hash) &&
  isView(job.view) &&
  (job.state === 'running' || job.state === 'paused') &&
  Array.isArray(job.earlier) &&
  job.earlier.length <= MOST_REVISIONS &&
  job.earlier.every(isDigest) &&
  (job.grown === undefined || isGrown(job.grown)) &&
  (job.stopped === undefined || isReason(job.stopped))

export function isControlDocument(value: unknown): value is ControlDocument {
  return (
    isObject(value) &&
    typeof value.cluster === 'string' &&
    isCount(value.number) &&
    isCount(value.forced) &&
    isView(value.view) &&
    isNames(value.names) &&
    isPeerList(value.banned) &&
    isPeerList(value.lost) &&
    isPeerList(value.acceptors) &&
    isCount(value.submissions) &&
    Array.isArray(value.jobs) &&
    value.jobs.every(isEntry)
  )
}

/** The bodies that a change brings. */
export function bodiesIn(change: ControlChange): readonly Uint8Array[] {
  if ('body' in change) return [change.body]
  return change.kind === 'restore' ? change.jobs.flatMap(({ bodies }) => bodies) : []
}
