/**
 * What an operator orders: a job pauses or goes on, a member that is gone is taken out of the view (changes of the control
 * document, made once whichever peer is asked), and what a unit is to do that cannot decide by itself.
 */
import { type ControlChange, isPeerId, MeshError, type PeerId, parseUnitId } from '../../mesh/index.ts'
import { QuorateError, type QuorateErrorCode } from '../errors.ts'
import type { LostView } from '../http/api.ts'
import type { Resolution } from '../replica/resolution.ts'
import type { Job, PlacedUnit } from './jobs.ts'
import { checkRemaining } from './leaving.ts'
import type { Peer } from './peer.ts'
import type { Replicas } from './replicas.ts'
import type { ResolveAnswer } from './requests.ts'
import { isStopped } from './submissions.ts'

/** Shorter beginnings of an id are taken for a name only. */
const ID_DIGITS = 8

export class Operations {
  readonly #peer: Peer
  readonly #replicas: Replicas

  constructor(peer: Peer, replicas: Replicas) {
    this.#peer = peer
    this.#replicas = replicas
  }

  /** @throws QuorateError QRT_JOB_UNKNOWN, QRT_JOB_STOPPED; MeshError when there is no majority */
  async setState({ entry }: Job, state: 'running' | 'paused', timeoutMs: number): Promise<void> {
    const { name } = entry
    // As far as is known here; the others know what became of it since.
    if (state === 'running' && entry.stopped !== undefined) throw isStopped(name, entry.stopped)
    // Put to the others even where it is so already, as far as is known here: somebody may have ordered otherwise since.
    await this.#change({ kind: 'state', name, state }, timeoutMs, {
      unknown: ['QRT_JOB_UNKNOWN', `there is no job "${name}" any more`],
      stopped: ['QRT_JOB_STOPPED', `"${name}" was stopped for good just now: quorate status ${name} says why`],
    })
  }

  /**
   * @param text a name, an id, or the first digits of one
   * @param ban its identity does not come back
   * @throws QuorateError QRT_MEMBER_UNKNOWN, QRT_MEMBER_REFUSED with what to do instead
   */
  async remove(text: string, ban: boolean, timeoutMs: number): Promise<void> {
    const { node, jobs } = this.#peer
    const peer = this.#memberCalled(text)
    const { document } = node
    const isMember = document?.view.members.includes(peer) === true
    if (!isMember && (!ban || document?.banned.includes(peer) === true)) return
    const name = this.#peer.nameOf(peer)
    if (isMember) {
      if (!ban && node.alive().has(peer)) {
        const what = `${name} is alive and would be admitted again at once: ask it to leave (quorate leave), or remove it for good (--ban)`
        throw new QuorateError('QRT_MEMBER_REFUSED', what)
      }
      checkRemaining({ node, jobs: () => jobs.all }, peer)
    }
    await this.#change({ kind: 'view', step: { kind: 'remove', peer, ban } }, timeoutMs, {
      acceptors: [
        'QRT_MEMBER_REFUSED',
        `without ${name} fewer than a majority of those who agree on changes would be alive: bring other members back first (quorate members), or, where the disks of all that are away are gone for good, give all of them up at once (quorate force)`,
      ],
      last: ['QRT_MEMBER_REFUSED', `${name} is the last member of the cluster`],
    })
  }

  /**
   * Goes on without members that are gone for good, disks and all. Where a majority of those who agree on changes is left,
   * they agree on it; else this peer goes on alone, and the others follow it.
   * @throws QuorateError QRT_MEMBER_UNKNOWN, QRT_MEMBER_REFUSED when one of them is alive, or nobody would be left
   */
  async lose(texts: readonly string[], timeoutMs: number): Promise<LostView> {
    const { node } = this.#peer
    // An identity that was replaced long ago, and that nobody remembers, may still be one that a unit waits for.
    const peers = texts.map((text) => (isPeerId(text) ? text : this.#memberCalled(text)))
    const alive = peers.find((peer) => node.alive().has(peer))
    if (alive !== undefined) {
      const what = `${this.#peer.nameOf(alive)} is alive: ask it to leave (quorate leave), or stop it and wait until the others miss it`
      throw new QuorateError('QRT_MEMBER_REFUSED', what)
    }
    const acceptors = node.document?.acceptors ?? []
    const answering = acceptors.filter((acceptor) => node.alive().has(acceptor)).length
    const refusals = {
      acceptors: ['QRT_MEMBER_REFUSED', 'name all members that are gone: fewer than a majority of the others is alive'],
      last: ['QRT_MEMBER_REFUSED', 'no member would be left: start a new cluster from checkpoints instead'],
    } as const
    const forced = answering <= acceptors.length / 2
    if (forced) await this.#told(node.force(peers), refusals)
    else await this.#change({ kind: 'lose', peers }, timeoutMs, refusals)
    return { lost: peers, forced }
  }

  /**
   * Gives an order about a unit to every replica of it that answers.
   * @param text `STAGE:PARTITION`, or the partition alone where there is one stage
   * @throws QuorateError QRT_UNIT_UNKNOWN; QRT_UNIT_REFUSED where none waits for it; QRT_QUORUM_NOT_MET where none answers
   */
  async resolve(job: Job, text: string, order: Resolution): Promise<void> {
    const unit = unitCalled(job, text)
    const { description } = unit
    const request = { q: 'resolve', unit: description.unit, what: order, limit: 1 } as const
    const answers = (await this.#replicas.askAll(unit, request)) as unknown as readonly ResolveAnswer[]
    if (answers.some(({ accepted }) => accepted)) return
    throw new QuorateError(
      'QRT_UNIT_REFUSED',
      `unit ${text} of "${job.entry.name}" does not wait for "${order}": what it waits for is in quorate status ${job.entry.name}`,
    )
  }

  #memberCalled(text: string): PeerId {
    const { document } = this.#peer.node
    const names = Object.entries(document?.names ?? {}) as [PeerId, string][]
    const peers = this.#peer.node.members()
    // Those that the view names go before others of the same name, which have been replaced or never came.
    const found = [
      names.filter(([id, name]) => id === text || name === text).map(([id]) => id),
      peers.filter(({ id, name }) => id === text || name === text).map(({ id }) => id),
      text.length < ID_DIGITS
        ? []
        : [...names.map(([id]) => id), ...peers.map(({ id }) => id)].filter(startsWith(text)),
    ].find((candidates) => candidates.length > 0)
    const ids = [...new Set(found)]
    const [first] = ids
    if (first !== undefined && ids.length === 1) return first
    if (ids.length > 1) {
      throw new QuorateError('QRT_MEMBER_UNKNOWN', `"${text}" may be any of ${ids.join(', ')}: give the id`)
    }
    const known = names
      .map(([, name]) => name)
      .sort()
      .join(', ')
    throw new QuorateError('QRT_MEMBER_UNKNOWN', `no member is called "${text}"; members are ${known}`)
  }

  async #change(
    change: ControlChange,
    timeoutMs: number,
    refusals: Readonly<Record<string, readonly [QuorateErrorCode, string]>>,
  ): Promise<void> {
    await this.#told(this.#peer.node.change(change, timeoutMs), refusals)
  }

  async #told(
    changing: Promise<unknown>,
    refusals: Readonly<Record<string, readonly [QuorateErrorCode, string]>>,
  ): Promise<void> {
    try {
      await changing
    } catch (error) {
      if (!(error instanceof MeshError) || error.code !== 'QRT_MESH_CHANGE') throw error
      const [code, message] = refusals[error.message] ?? []
      throw code === undefined ? error : new QuorateError(code, message ?? '', { cause: error })
    }
  }
}

function unitCalled({ entry, body, units }: Job, text: string): PlacedUnit {
  const stages = body.compiled.stages.length
  const named = units.find(({ stage, description: { unit } }) => {
    const { partition } = parseUnitId(unit)
    return text === `${stage}:${partition}` || (stages === 1 && text === String(partition))
  })
  if (named !== undefined) return named
  const form = stages === 1 ? 'a partition' : `a stage and a partition such as ${stages - 1}:0`
  const what = `"${entry.name}" has no unit ${text}: expected ${form}; it has ${units.length} units (quorate status ${entry.name})`
  throw new QuorateError('QRT_UNIT_UNKNOWN', what)
}

const startsWith = (text: string) => (id: string) => id.startsWith(text)
