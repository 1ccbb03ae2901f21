/** Errors as a person or a script reads them, on stderr: what, where, the code, and every fault of a document. */
import { QuorateError } from '../errors.ts'
import type { Fault } from '../http/problems.ts'
import { ProblemError } from './client.ts'
import { noteFaults } from './faults.ts'
import type { Output } from './output.ts'

/** Writes the error and answers with its code. An unexpected one is shown with its stack: it is a bug. */
export function reportError(error: unknown, output: Output): string {
  const { code, detail, indefinite, errors } = describe(error)
  const document = error instanceof ProblemError ? error.document : undefined
  if (output.format === 'text') {
    output.note(`${output.paint('red', 'error')}: ${detail} ${output.paint('dim', `[${code}]`)}`)
    if (indefinite) output.note('It is not known whether the change was made: look before you repeat it.')
    noteFaults(output, errors, document?.file ?? 'request', document?.text)
  } else {
    output.note(JSON.stringify({ code, detail, ...(indefinite ? { indefinite } : {}), errors }))
  }
  return code
}

interface Described {
  readonly code: string
  readonly detail: string
  readonly indefinite: boolean
  readonly errors: readonly Fault[]
}

function describe(error: unknown): Described {
  if (error instanceof ProblemError) {
    const { code, detail, indefinite, errors } = error.problem
    return { code, detail, indefinite: indefinite ?? false, errors: errors ?? [] }
  }
  if (error instanceof QuorateError) {
    const { errors = [] } = error as { readonly errors?: readonly Fault[] }
    return { code: error.code, detail: error.message, indefinite: error.indefinite, errors }
  }
  if (error instanceof Error && 'code' in error && /^QRT_/.test(String(error.code))) {
    return { code: String(error.code), detail: error.message, indefinite: false, errors: [] }
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { code: 'QRT_INTERNAL', detail, indefinite: false, errors: [] }
}
