/** Jobs written in TypeScript or JavaScript: a module whose default export is a job. It runs here, and never on a peer. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { QuorateError } from '../errors.ts'
import type { Fault } from '../http/problems.ts'
import { JobInvalidError } from '../job/errors.ts'
import type { NamedDocument } from './documents.ts'

export const isJobModule = (path: string): boolean => /\.[cm]?[jt]s$/.test(path)

const EXAMPLE = "export default stream('bids')….job('top-bids', { quorum: … })"

/**
 * The document that the module makes.
 * @throws JobInvalidError with every fault of the job at its line of the module
 * @throws QuorateError QRT_CONFIG_INVALID when the module cannot be loaded
 */
export async function readJobModule(path: string): Promise<NamedDocument> {
  const { isJob, inModule } = await import('./job-language.ts')
  let exported: unknown
  try {
    exported = ((await import(pathToFileURL(resolve(path)).href)) as { default?: unknown }).default
  } catch (cause) {
    const faults = faultsOf(cause)
    if (faults !== undefined) throw new JobInvalidError(path, faults, { cause })
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new QuorateError('QRT_CONFIG_INVALID', `${path} cannot be loaded: ${reason}`, { cause })
  }
  if (!isJob(exported)) {
    const message = `expected a job as the default export, such as ${EXAMPLE}; found ${exported === undefined ? 'none' : 'something else'}`
    throw new JobInvalidError(path, [{ message }])
  }
  const job = exported
  const origin = { text: readFileSync(path, 'utf8'), relocate: (faults: readonly Fault[]) => inModule(job, faults) }
  return { text: job.toYaml(), format: 'yaml', file: path, origin }
}

/** Of a job that was refused while it was built, by whichever copy of this package built it. */
function faultsOf(error: unknown): readonly Fault[] | undefined {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'QRT_JOB_INVALID') return undefined
  return 'errors' in error && Array.isArray(error.errors) ? (error.errors as readonly Fault[]) : undefined
}
