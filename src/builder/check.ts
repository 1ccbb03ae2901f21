/** A built job through the compiler that `lint` and `submit` use, with every fault at the line of the module that made it. */
import type { Fault } from '../http/problems.ts'
import { JobInvalidError } from '../job/errors.ts'
import { parseJob } from '../job/parse.ts'
import { loadBeside } from '../job/reference.ts'
import { type Job, MARK } from './job.ts'

export function isJob(value: unknown): value is Job {
  return typeof value === 'object' && value !== null && MARK in value
}

/**
 * Compiles what can be compiled here; schemas of a registry's subject come from whoever submits the job.
 * @throws JobInvalidError with every fault, at its line of the module
 */
export function checkJob(job: Job): void {
  const text = JSON.stringify(job.toDocument())
  if (/"format":\{"(?:avro|protobuf)":\{"subject"/.test(text)) return
  const file = job.file ?? `job ${job.name}`
  try {
    parseJob(text, 'json', file, loadBeside(file))
  } catch (error) {
    if (!(error instanceof JobInvalidError)) throw error
    throw new JobInvalidError(file, inModule(job, error.errors))
  }
}

/** Faults of the document at the lines of the module that made them. */
export function inModule(job: Pick<Job, 'file' | 'placeOf'>, faults: readonly Fault[]): Fault[] {
  return faults.map(({ line: _, column: __, ...fault }) => {
    const place = job.placeOf(fault.pointer ?? '')
    return place === undefined || place.file !== job.file ? fault : { ...fault, line: place.line, column: place.column }
  })
}
