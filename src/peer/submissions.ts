/**
 * How jobs come and go: a document is checked, compiled against what the log says now, and put into the control document,
 * where the first submission under a name wins. Deleting removes it there; what only it used is cleaned up.
 */
import { MeshError } from '../../mesh/index.ts'
import type { Sink, SinkPlan } from '../commit/sink.ts'
import { QuorateError } from '../errors.ts'
import { encodeJob } from '../job/body.ts'
import { compileJob } from '../job/compile.ts'
import { gatherFacts } from '../job/facts.ts'
import { parseJob } from '../job/parse.ts'
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
      if (compiled.shuffle !== undefined) await createShuffle(log, compiled.shuffle)
      const submittedAt = new Date(wallClock()).toISOString()
      const body = encodeJob({ document: { text, format }, compiled, submittedAt })
      try {
        const { name } = document
        await peer.node.change({ kind: 'put', name, generation: compiled.generation, body }, timeoutMs)
      } catch (error) {
        if (!(error instanceof MeshError) || error.code !== 'QRT_MESH_CHANGE') throw error
        // Lost against another submission: nobody will use what was made for this one.
        if (compiled.shuffle !== undefined) await log.deleteTopic(compiled.shuffle.topic)
        if (error.message === 'outrun' && attempt < ATTEMPTS) continue
        throw conflict(document.name)
      }
      const job = peer.jobs.named(document.name)
      if (job !== undefined) return job
      throw new QuorateError('QRT_JOB_UNKNOWN', `the job "${document.name}" was deleted as soon as it was there`)
    }
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
    const { shuffle } = body.compiled
    if (shuffle === undefined) return
    // The job is gone whatever becomes of its topic: nobody reads it again, so a failure is no failure of the deletion.
    await log.deleteTopic(shuffle.topic).catch((error) => {
      logger.warn('the internal topic of a deleted job is still there; delete it by hand', {
        topic: shuffle.topic,
        error,
      })
    })
  }
}

/** Kept without limit: what is below every replica's oldest snapshot is trimmed, nothing else. */
const createShuffle = (log: Log, { topic, partitions }: { readonly topic: string; readonly partitions: number }) =>
  log.createTopic(topic, { partitions, cleanupPolicy: 'delete', retentionMs: -1 })

const conflict = (name: string): QuorateError =>
  new QuorateError(
    'QRT_JOB_CONFLICT',
    `there is a job "${name}" already; delete it first, or submit this one under another name`,
  )
