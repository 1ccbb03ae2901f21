/**
 * Quorum reads: any peer asks the replicas of each unit, waits for R complete answers, and returns the newest certified
 * rows that W replicas hold. Behind R + W > N and R + majority > N a read sees every result acknowledged before it began;
 * otherwise, or when fewer than R answer in full, it says `mayBeStale`.
 */
import {
  type Certificate,
  type Clock,
  type CutPosition,
  comparePositions,
  isBehind,
  type MeshNode,
  type PeerId,
  planted,
  type UnitId,
  type Wire,
} from '../../mesh/index.ts'
import { QuorateError } from '../errors.ts'
import type { QuorumPlan } from '../job/compiled.ts'
import type { ReplicaHost } from '../replica/host.ts'
import type { BatchCache } from './cache.ts'
import { type CertifiedRow, compareRows, type RowPlace, readUnit } from './local.ts'

const READ_TIMEOUT_MS = 2_000
/** Another attempt is for replicas that answer, but not yet as they should: silence would only be met again. */
const ATTEMPTS = 5
/** Doubled after each attempt that enough replicas answered: a term that changes on a slow disk takes a second. */
const RETRY_MS = 100
/** Before the first cut. */
const NOWHERE: CutPosition = { seq: 0, part: 0 }

export interface ReadRequest {
  readonly q: 'rows'
  readonly unit: UnitId
  readonly key: Uint8Array | null
  readonly from: number | null
  readonly to: number | null
  readonly upTo: CutPosition | null
  readonly after: RowPlace | null
  readonly limit: number
}

export interface ReadAnswer {
  /** The latest that this replica knows of, and who votes in it; 0: it knows nothing of the unit. */
  readonly term: number
  readonly members: readonly PeerId[]
  /**
   * False: this replica is sealed or no member, or does not hold everything up to its term's base, or that its disk held
   * before it was damaged; so it does not count.
   */
  readonly complete: boolean
  readonly stored: CutPosition | null
  readonly acknowledged: CutPosition | null
  readonly rows: readonly CertifiedRow[]
  readonly certificates: readonly Certificate[]
}

export interface UnitRead {
  readonly unit: UnitId
  readonly rows: readonly CertifiedRow[]
  readonly certificates: readonly Certificate[]
  readonly mayBeStale: boolean
}

interface Answered extends ReadAnswer {
  readonly peer: PeerId
}

export interface ReaderHooks {
  readonly certificate: (unit: UnitId, position: CutPosition) => Promise<Certificate | undefined>
  /** A replica lacked what the read found, and was handed it. */
  readonly onRepair: (unit: UnitId) => void
}

export class Reader {
  readonly #node: MeshNode
  readonly #host: ReplicaHost
  readonly #cache: BatchCache
  readonly #clock: Clock
  readonly #hooks: ReaderHooks

  constructor(node: MeshNode, host: ReplicaHost, cache: BatchCache, clock: Clock, hooks: ReaderHooks) {
    this.#node = node
    this.#host = host
    this.#cache = cache
    this.#clock = clock
    this.#hooks = hooks
  }

  /** Answers another peer (or this one) from what is here. */
  async answer(request: ReadRequest): Promise<ReadAnswer> {
    const hosted = this.#host.units.get(request.unit)
    const agreement = this.#node.unit(request.unit)
    if (hosted === undefined || agreement === undefined) {
      return { term: 0, members: [], complete: false, stored: null, acknowledged: null, rows: [], certificates: [] }
    }
    // What is on its way to the disk may be lost with this process, and is not read before it is there.
    const { stored } = agreement.standing
    const { base, number: term, members } = agreement.term
    const whole = hosted.state === 'running' || hosted.state === 'halted'
    const { epoch } = hosted
    const holds = !isBehind(stored, base) && !isBehind(stored, hosted.owes)
    const completeAtFirst = agreement.isMember && !agreement.sealed && whole && holds
    const rows = await readUnit(request.unit, hosted.batches, (unit, position) => this.#cache.load(unit, position), {
      key: request.key ?? undefined,
      from: request.from ?? Number.NEGATIVE_INFINITY,
      to: request.to ?? Number.POSITIVE_INFINITY,
      upTo: request.upTo === null || isBehind(stored, request.upTo) ? (stored ?? NOWHERE) : request.upTo,
      after: request.after ?? undefined,
      limit: request.limit,
    })
    const places = new Map(rows.map(({ position }) => [`${position.seq}/${position.part}`, position]))
    const found = await Promise.all(
      [...places.values()].map((position) => this.#hooks.certificate(request.unit, position)),
    )
    const certificates = found.filter((certificate) => certificate !== undefined)
    const acknowledged = agreement.acknowledged ?? null
    // A replica that began anew meanwhile may have been read while it was loaded.
    const complete = completeAtFirst && hosted.epoch === epoch
    return { term, members, complete, stored: stored ?? null, acknowledged, rows, certificates }
  }

  /**
   * @param stale where fewer than R replicas answer in full, what the newest of them has
   * @throws QuorateError QRT_QUORUM_NOT_MET when fewer than R replicas answer.
   */
  async read(request: ReadRequest, members: readonly PeerId[], quorum: QuorumPlan, stale = false): Promise<UnitRead> {
    let asked = members
    const needed = quorum.read - (planted('stale-read') ? 1 : 0)
    const until = this.#clock.now() + READ_TIMEOUT_MS
    let pauseMs = RETRY_MS
    for (let attempt = 1; ; attempt++) {
      const mayRepeat = () => attempt < ATTEMPTS && this.#clock.now() < until
      if (attempt > 1) await new Promise((resolve) => this.#clock.after(pauseMs, () => resolve(undefined)))
      const given = await this.#ask(request, asked, needed)
      pauseMs = given.length < needed ? RETRY_MS : RETRY_MS * 2 ** (attempt - 1)
      // Whoever is in an earlier term than another has not heard of its successor yet.
      const term = Math.max(0, ...given.map((answer) => answer.term))
      const answers = given.filter((answer) => answer.term === term)
      asked = answers.find((answer) => answer.members.length > 0)?.members ?? members
      const complete = answers.filter((answer) => answer.complete)
      if (complete.length < needed) {
        if (mayRepeat()) continue
        if (stale && given.length > 0) {
          const { rows, certificates } = newestOf(given)
          return { unit: request.unit, rows: [...rows].sort(compareRows), certificates, mayBeStale: true }
        }
        throw new QuorateError(
          'QRT_QUORUM_NOT_MET',
          `${complete.length} of ${quorum.read} replicas of unit ${request.unit} answered; a read needs ${quorum.read}`,
        )
      }
      const newest = newestOf(complete)
      this.#repair(request.unit, answers, newest)
      // One that is sealed may have stored it after its promise, and hands over only what it had before.
      const holders = complete.filter((answer) => compareStored(answer.stored, newest.stored) >= 0).length
      const acknowledged = answers.some((answer) => compareStored(answer.acknowledged, newest.stored) >= 0)
      const settled = newest.stored === null || acknowledged || holders >= quorum.write
      if (!settled && mayRepeat()) continue
      const overlap =
        quorum.read + quorum.write > quorum.replicas && quorum.read + majority(quorum.replicas) > quorum.replicas
      const rows = [...newest.rows].sort(compareRows)
      return { unit: request.unit, rows, certificates: newest.certificates, mayBeStale: !overlap || !settled }
    }
  }

  /** Hands what this read found to the replicas that lack it: heartbeats would as well, but only later. */
  #repair(unit: UnitId, answers: readonly Answered[], newest: Answered): void {
    const frontier = this.#node.unit(unit)?.frontier ?? null
    for (const { peer, stored } of answers) {
      if (compareStored(stored, newest.stored) >= 0) continue
      const self = peer === this.#node.self
      if (compareStored(stored, self ? newest.stored : frontier) >= 0) continue
      this.#node.drive(unit, (agreement, now) =>
        self
          ? agreement.ask(now, newest.peer)
          : [{ kind: 'tell', to: peer, term: agreement.term.number, after: stored ?? undefined }],
      )
      this.#hooks.onRepair(unit)
    }
  }

  /** Answers of the replicas, as soon as R are complete; those that fail or are slow are left out. */
  async #ask(request: ReadRequest, members: readonly PeerId[], enough: number): Promise<Answered[]> {
    const answers: Answered[] = []
    const asked = members.map(async (member) => {
      const answer =
        member === this.#node.self
          ? await this.answer(request)
          : ((await this.#node.request(member, request as unknown as Wire, READ_TIMEOUT_MS)) as unknown as ReadAnswer)
      answers.push({ ...answer, peer: member })
    })
    await new Promise<void>((resolve) => {
      let open = asked.length
      const done = () => {
        open -= 1
        if (open === 0 || answers.filter(({ complete }) => complete).length >= enough) resolve()
      }
      // A replica that does not answer is what the quorum is for; how many did is checked by the caller.
      for (const one of asked) one.then(done, done)
      if (open === 0) resolve()
    })
    return [...answers]
  }
}

const majority = (members: number): number => Math.floor(members / 2) + 1

/** Of at least one answer. */
const newestOf = (answers: readonly Answered[]): Answered =>
  answers.reduce((best, answer) => (compareStored(answer.stored, best.stored) > 0 ? answer : best))

function compareStored(a: CutPosition | null, b: CutPosition | null): number {
  if (a === null || b === null) return (a === null ? 0 : 1) - (b === null ? 0 : 1)
  return comparePositions(a, b)
}
