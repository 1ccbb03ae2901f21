/**
 * How jobs come and go: a document is checked, compiled against what the log says now, and put into the control document,
 * where the first submission under a name wins. Deleting removes it there; what only it used is cleaned up.
 */
import { MeshError, type StopReason } from '../../mesh/index.ts'
import type { Sink, SinkPlan } from '../commit/sink.ts'
import { QuorateError } from '../errors.ts'
import { encodeJob } from '../job/body.ts'
import { compileJob } from '../job/compile.ts'
import { shufflesOf } from '../job/compiled.ts'
import { factsAsOf, gatherFacts } from '../job/facts.ts'
import { parseJob } from '../job/parse.ts'
import { differences, upgraded } from '../job/upgrade.ts'
import type { Log } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { Job } from './jobs.ts'
import type { Peer } from './peer.ts'

export interface DocumentText {
  readonly text: string
  readonly format: 'yaml' | 'toml' | 'json'
  readonly file?: string
}

export interface SubmissionsOptions {
  readonly peer: Peer
  readonly log: Log
  readonly sink: (plan: SinkPlan) => Sink
  readonly wallClock: () => number
  readonly logger: Logger
}

/** Other submissions may take the number that this one was compiled for. */
const ATTEMPTS = 5

export class Submissions {
  readonly #options: SubmissionsOptions

  constructor(options: SubmissionsOptions) {
    this.#options = options
  }

  /** @throws QuorateError QRT_JOB_INVALID, QRT_JOB_CONFLICT, QRT_TOPIC_…, QRT_SINK_…; MeshError when there is no majority */
  async submit({ text, format, file }: DocumentText, timeoutMs: number): Promise<Job> {
    const { peer, log, sink, wallClock } = this.#options
    const document = parseJob(text, format, file ?? 'the document')
    for (let attempt = 1; ; attempt++) {
      const control = peer.node.document
      if (control === undefined) {
        throw new QuorateError('QRT_NO_CLUSTER', peer.node.waitingFor ?? 'this peer has no cluster yet')
      }
      if (peer.jobs.named(document.name) !== undefined) throw conflict(document.name)
      const facts = await gatherFacts(document, log)
      const compiled = compileJob(document, { ...facts, cluster: control.cluster, submission: control.submissions + 1 })
      const { deadLetters } = compiled
      for (const plan of [...compiled.sinks, ...(deadLetters === undefined ? [] : [deadLetters])]) {
        await sink(plan).probe()
      }
      // Before the job is there: its readers find the topic when they start.
      for (const shuffle of shufflesOf(compiled)) await createShuffle(log, shuffle)
      const submittedAt = new Date(wallClock()).toISOString()
      const body = encodeJob({ document: { text, format }, compiled, submittedAt })
      try {
        const { name } = document
        await peer.node.change({ kind: 'put', name, generation: compiled.generation, body }, timeoutMs)
      } catch (error) {
        if (!(error instanceof MeshError) || error.code !== 'QRT_MESH_CHANGE') throw error
        // Lost against another submission: nobody will use what was made for this one.
        for (const { topic } of shufflesOf(compiled)) await log.deleteTopic(topic)
        if (error.message === 'outrun' && attempt < ATTEMPTS) continue
        throw conflict(document.name)
      }
      const job = peer.jobs.named(document.name)
      if (job !== undefined) return job
      throw new QuorateError('QRT_JOB_UNKNOWN', `the job "${document.name}" was deleted as soon as it was there`)
    }
  }

  /**
   * Another document for a job, which goes on from its state at a certified cut of each unit. The same document again
   * changes nothing.
   * @throws QuorateError QRT_JOB_INVALID, QRT_JOB_INCOMPATIBLE with what differs, QRT_JOB_UNKNOWN, QRT_JOB_CONFLICT;
   * MeshError when there is no majority
   */
  async upgrade(job: Job, { text, format, file }: DocumentText, timeoutMs: number): Promise<Job> {
    const { peer, log } = this.#options
    const document = parseJob(text, format, file ?? 'the document')
    const { name, generation } = job.entry
    if (document.name !== name) {
      throw new QuorateError(
        'QRT_JOB_INCOMPATIBLE',
        `expected a document of the job "${name}", found one of "${document.name}"; submit that one by itself`,
      )
    }
    const { stopped } = job.entry
    if (stopped !== undefined) throw isStopped(name, stopped)
    const present = job.body
    const first = (job.revisions[0] ?? present).compiled
    const cluster = peer.node.document?.cluster ?? ''
    const facts = factsAsOf(first, await gatherFacts(document, log))
    const next = compileJob(document, { ...facts, cluster, submission: 1 })
    const found = differences(first, next)
    if (found.length > 0) {
      throw new QuorateError(
        'QRT_JOB_INCOMPATIBLE',
        `"${name}" cannot go on from its state, since these differ: ${found.join(', ')}; submit it under another name, or delete the job first`,
      )
    }
    const compiled = upgraded(present.compiled, next)
    if (present.document.text === text && present.document.format === format) return job
    const body = encodeJob({ document: { text, format }, compiled, submittedAt: present.submittedAt })
    const revision = job.revisions.length
    try {
      await peer.node.change({ kind: 'upgrade', name, generation, revision, body }, timeoutMs)
    } catch (error) {
      if (!(error instanceof MeshError) || error.code !== 'QRT_MESH_CHANGE') throw error
      if (error.message === 'unknown') throw new QuorateError('QRT_JOB_UNKNOWN', `there is no job "${name}" any more`)
      const why =
        error.message === 'revisions'
          ? 'it has been upgraded as often as can be; submit it anew under another name'
          : 'somebody else upgraded it just now; look at it, and try again'
      throw new QuorateError('QRT_JOB_CONFLICT', `"${name}" was not upgraded: ${why}`)
    }
    return peer.jobs.named(name) ?? job
  }

  /** @throws QuorateError QRT_JOB_UNKNOWN when it is gone already; MeshError when there is no majority */
  async delete({ entry, body }: Job, timeoutMs: number): Promise<void> {
    const { peer, log, logger } = this.#options
    try {
      await peer.node.change({ kind: 'delete', name: entry.name }, timeoutMs)
    } catch (error) {
      if (!(error instanceof MeshError) || error.code !== 'QRT_MESH_CHANGE') throw error
      throw new QuorateError('QRT_JOB_UNKNOWN', `there is no job "${entry.name}" any more`)
    }
    // The job is gone whatever becomes of its topics: nobody reads them again, so a failure is no failure of the deletion.
    for (const { topic } of shufflesOf(body.compiled)) {
      await log.deleteTopic(topic).catch((error) => {
        logger.warn('the internal topic of a deleted job is still there; delete it by hand', { topic, error })
      })
    }
  }
}

/** Kept without limit: what is below every replica's oldest snapshot is trimmed, nothing else. */
const createShuffle = (log: Log, { topic, partitions }: { readonly topic: string; readonly partitions: number }) =>
  log.createTopic(topic, { partitions, cleanupPolicy: 'delete', retentionMs: -1 })

/** What is asked of a job that cannot go on. */
export const isStopped = (name: string, { message }: StopReason): QuorateError =>
  new QuorateError('QRT_JOB_STOPPED', `"${name}" was stopped for good: ${message}`)

const conflict = (name: string): QuorateError =>
  new QuorateError(
    'QRT_JOB_CONFLICT',
    `there is a job "${name}" already; delete it first, or submit this one under another name`,
  )
