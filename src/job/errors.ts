/** What is wrong with a job document: every fault at once, each with its place. */
import { QuorateError } from '../errors.ts'
import type { Fault } from '../http/problems.ts'
import { JOB_LIMITS } from './limits.ts'

export class JobInvalidError extends QuorateError {
  /** In the order of the document; at most JOB_LIMITS.faults. */
  readonly errors: readonly Fault[]

  /** @param file how the document is called in the message, such as its path */
  constructor(file: string, faults: readonly Fault[], options?: ErrorOptions) {
    const errors = faults.toSorted(byPlace)
    super('QRT_JOB_INVALID', summary(file, errors), options)
    this.name = 'JobInvalidError'
    this.errors = errors.slice(0, JOB_LIMITS.faults)
  }
}

const byPlace = (a: Fault, b: Fault): number => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)

function summary(file: string, errors: readonly Fault[]): string {
  const [first] = errors
  if (first === undefined) return `${file} is not a valid job`
  const place = first.line === undefined ? file : `${file}:${first.line}:${first.column ?? 1}`
  const more = errors.length === 1 ? '' : ` (and ${errors.length - 1} more)`
  return `${place}: ${first.message}${more}`
}
