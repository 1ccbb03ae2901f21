/** A named document through the compiler, with faults at the places of what the person wrote. */
import { QuorateError } from '../errors.ts'
import type { Fault } from '../http/problems.ts'
import type { JobDocument } from '../job/document.ts'
import { JobInvalidError } from '../job/errors.ts'
import type { NamedDocument } from './documents.ts'

/** @throws JobInvalidError with every fault */
export async function parseDocument({ text, format, file, origin }: NamedDocument): Promise<JobDocument> {
  const { parseJob, loadBeside } = await import('./job-language.ts')
  try {
    return parseJob(text, format, file, loadBeside(file))
  } catch (error) {
    if (origin === undefined || !(error instanceof JobInvalidError)) throw error
    throw new JobInvalidError(file, origin.relocate(error.errors), { cause: error })
  }
}

/** The faults that an error has; one without places of its own is one fault of the whole file. Others are thrown on. */
export function faultsOfError(error: unknown): readonly Fault[] {
  if (!(error instanceof QuorateError)) throw error
  const { errors } = error as { errors?: readonly Fault[] }
  return errors !== undefined && errors.length > 0 ? errors : [{ message: error.message }]
}

/** As a peer gets it: with what its files hold. It reads no files, and runs no code. */
export async function sentDocument(document: NamedDocument): Promise<NamedDocument> {
  const { selfContained, loadBeside } = await import('./job-language.ts')
  const { text, format, file, origin } = document
  const sent = selfContained(text, format, file, loadBeside(file))
  // What a peer finds wrong it tells by the lines of what it got.
  return { text: sent, format, file: origin === undefined ? file : `${file} (as the document that was sent)` }
}
