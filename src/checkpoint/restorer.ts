/**
 * Restores a lost cluster's jobs into the one that this peer has formed, once. All peers may be told to: the first wins, and
 * a cluster that ever had a job is left as it is, so that a peer can be started again with the same order.
 */
import { MeshError, type MeshNode } from '../../mesh/index.ts'
import { QuorateError } from '../errors.ts'
import { HOST_TIMING } from '../limits.ts'
import type { Logger } from '../logger.ts'
import { type RestoringParts, restorable } from './restoring.ts'

export interface RestorerOptions extends Omit<RestoringParts, 'wanted'> {
  /** The lost one. */
  readonly cluster: string
  readonly node: MeshNode
  readonly logger: Logger
  readonly after: (delayMs: number, action: () => void) => void
  readonly stopped: () => boolean
}

const CHANGE_TIMEOUT_MS = 10_000

/** Resolves when the jobs are there. @throws QuorateError when they cannot be restored from what is there */
export async function restore(options: RestorerOptions): Promise<void> {
  const { cluster, node, logger, after, stopped } = options
  let told: string | undefined
  while (!stopped()) {
    const { document } = node
    if (document !== undefined && document.submissions > 0) return
    if (document !== undefined && node.documentInstalled) {
      try {
        const wanted = () => !stopped() && node.document?.submissions === 0
        const found = await restorable(cluster, { ...options, wanted })
        if (found === undefined) continue
        const { jobs, submissions } = found
        await node.change({ kind: 'restore', jobs, submissions }, CHANGE_TIMEOUT_MS)
        logger.info('the jobs of a lost cluster are restored', { from: cluster, jobs: jobs.map(({ name }) => name) })
        return
      } catch (error) {
        if (!isPassing(error)) throw error
        const { message } = error as Error
        if (message !== told) logger.warn('restoring is tried again', { from: cluster, reason: message })
        told = message
      }
    }
    await new Promise<void>((resolve) => after(HOST_TIMING.joinRetryMs, resolve))
  }
}

/** What another attempt may not meet. */
const isPassing = (error: unknown): boolean =>
  error instanceof MeshError || (error instanceof QuorateError && PASSING.has(error.code))

const PASSING: ReadonlySet<string> = new Set([
  'QRT_CHECKPOINT_UNREACHABLE',
  'QRT_SINK_UNREACHABLE',
  'QRT_SINK_FENCED',
  'QRT_LOG_UNREACHABLE',
])
