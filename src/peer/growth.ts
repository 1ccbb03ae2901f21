/**
 * Looks now and then how many partitions the source topics of jobs have, and has the control document say what follows: the job
 * goes on with more of them, or stops. Every member of the view looks, each at moments of its own, and proposes the same from the
 * same numbers; the first one wins, and the others find it done.
 */
import { type Clock, type ControlChange, MeshError, type Random } from '../../mesh/index.ts'
import { QuorateError } from '../errors.ts'
import { encodeJob } from '../job/body.ts'
import { isFollowed, type Outlook, outlookOf } from '../job/growth.ts'
import { HOST_TIMING } from '../limits.ts'
import type { Log } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { Job } from './jobs.ts'
import type { Peer } from './peer.ts'

export interface GrowthOptions {
  readonly peer: Peer
  readonly log: Pick<Log, 'offsets'>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

const CHANGE_TIMEOUT_MS = 10_000

export class Growth {
  readonly #options: GrowthOptions
  /** Topics of jobs that had fewer partitions at the last look than the job reads: a broker may be behind the others. */
  #fewer: ReadonlySet<string> = new Set()
  #cancel: () => void = () => undefined
  #closed = false

  constructor(options: GrowthOptions) {
    this.#options = options
  }

  /** Peers that start together do not look together. */
  start(): void {
    this.#after(HOST_TIMING.growthMs * this.#options.random.next())
  }

  close(): void {
    this.#closed = true
    this.#cancel()
  }

  #after(delayMs: number): void {
    if (this.#closed) return
    this.#cancel = this.#options.clock.after(delayMs, () => {
      this.#look().then(() => this.#after(HOST_TIMING.growthMs))
    })
  }

  async #look(): Promise<void> {
    const { node, jobs } = this.#options.peer
    if (node.document?.view.members.includes(node.self) !== true) return
    const fewer = new Set<string>()
    for (const job of jobs.all) {
      const { entry, revisions } = job
      // One whose latest body is still on its way is looked at when that is here.
      if (entry.stopped !== undefined || revisions.length <= entry.earlier.length) continue
      const found = await this.#counts(job, fewer)
      if (this.#closed) return
      const outlook = outlookOf(job.body.compiled, found)
      if (outlook.kind !== 'same') await this.#propose(job, outlook)
    }
    this.#fewer = fewer
  }

  async #counts({ entry, body }: Job, fewer: Set<string>): Promise<(number | undefined)[]> {
    const counts: (number | undefined)[] = []
    for (const source of body.compiled.sources) {
      const count = isFollowed(source) ? await this.#partitionsOf(source.topic) : undefined
      const name = `${entry.generation} ${source.topic}`
      const isFewer = count !== undefined && count < source.partitions
      if (isFewer) fewer.add(name)
      counts.push(isFewer && !this.#fewer.has(name) ? undefined : count)
    }
    return counts
  }

  /** Undefined: the log does not say. Whoever reads the topic tells why, and the next look asks again. */
  async #partitionsOf(topic: string): Promise<number | undefined> {
    try {
      return (await this.#options.log.offsets(topic)).length
    } catch (error) {
      if (!(error instanceof QuorateError) && !this.#closed) throw error
      return undefined
    }
  }

  async #propose(job: Job, outlook: Exclude<Outlook, { readonly kind: 'same' }>): Promise<void> {
    const { peer, logger } = this.#options
    const { name, generation } = job.entry
    try {
      await peer.node.change(changeOf(job, outlook), CHANGE_TIMEOUT_MS)
      if (outlook.kind === 'stops') return
      for (const { topic, from, to } of outlook.grown) logger.info('a source has grown', { job: name, topic, from, to })
    } catch (error) {
      if (!(error instanceof MeshError)) throw error
      // Another peer was faster, or no majority is there: the next look sees what is to be done then.
      if (error.message !== 'revisions') return
      const message = `its source has grown, and "${name}" was changed as often as can be; submit it anew under another name`
      const why = { code: 'QRT_SOURCE_GREW', message }
      await peer.node.change({ kind: 'stop', name, generation, why }, CHANGE_TIMEOUT_MS).catch(() => undefined)
    }
  }
}

function changeOf(
  { entry, body, revisions }: Job,
  outlook: Exclude<Outlook, { readonly kind: 'same' }>,
): ControlChange {
  const { name, generation } = entry
  if (outlook.kind === 'stops') {
    const { code, message } = outlook
    return { kind: 'stop', name, generation, why: { code, message } }
  }
  const { document, submittedAt } = body
  const bytes = encodeJob({ document, compiled: outlook.compiled, submittedAt })
  return { kind: 'upgrade', name, generation, revision: revisions.length, body: bytes, grows: true }
}
