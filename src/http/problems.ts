/**
 * Errors as RFC 9457 problem documents: one table from codes to statuses, so that a code means the same everywhere, and
 * `code` is what scripts match on. Unexpected errors are logged under a reference and told without their text.
 */
import { randomUUID } from 'node:crypto'
import type { ZodError } from 'zod'
import { MeshError, type MeshErrorCode } from '../../mesh/index.ts'
import { QuorateError, type QuorateErrorCode } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { toJson } from './json.ts'

/** One fault of a document or of a request. */
export interface Fault {
  /** JSON pointer into the document, or the parameter's name. */
  readonly pointer?: string
  readonly line?: number
  readonly column?: number
  readonly message: string
  readonly suggestion?: string
}

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
  readonly detail: string
  /** For writes: it may or may not have been applied. */
  readonly indefinite?: true
  readonly errors?: readonly Fault[]
}

const STATUS: Readonly<Record<QuorateErrorCode, number>> = {
  QRT_REQUEST_INVALID: 400,
  QRT_USAGE: 400,
  QRT_UNAUTHORIZED: 401,
  QRT_FORBIDDEN: 403,
  QRT_NOT_FOUND: 404,
  QRT_JOB_UNKNOWN: 404,
  QRT_UNIT_UNKNOWN: 404,
  QRT_MEMBER_UNKNOWN: 404,
  QRT_JOB_CONFLICT: 409,
  QRT_JOB_INCOMPATIBLE: 409,
  QRT_JOB_STOPPED: 409,
  QRT_SOURCE_GREW: 409,
  QRT_SOURCE_SHRANK: 409,
  QRT_MEMBER_REFUSED: 409,
  QRT_UNIT_REFUSED: 409,
  QRT_BODY_TOO_LARGE: 413,
  QRT_JOB_INVALID: 422,
  QRT_CERTIFICATE_INVALID: 422,
  QRT_TOPIC_UNKNOWN: 422,
  QRT_TOPIC_COMPACTED: 422,
  QRT_SINK_UNSUPPORTED: 422,
  QRT_SINK_REFUSED: 422,
  QRT_CONFIG_INVALID: 500,
  QRT_PEER_RETIRED: 500,
  QRT_INTERNAL: 500,
  QRT_STORE_CORRUPT: 500,
  QRT_STORE_FAILED: 500,
  QRT_WORKER_FAILED: 500,
  QRT_LOG_OFFSET_LOST: 500,
  QRT_LOG_TRUNCATED: 500,
  QRT_LOG_TOPIC_GONE: 500,
  QRT_LOG_TOPIC_MISMATCH: 500,
  QRT_LOG_CORRUPT: 500,
  QRT_LOG_UNSUPPORTED: 500,
  QRT_LOG_REFUSED: 500,
  QRT_RECORD_QUARANTINED: 500,
  QRT_REVISION_UNKNOWN: 500,
  QRT_FUNCTIONS_UNKNOWN: 500,
  QRT_VERSION_UNSUPPORTED: 500,
  QRT_SINK_FORK: 500,
  QRT_SINK_TAKEN: 500,
  QRT_CHECKPOINT_UNKNOWN: 500,
  QRT_CHECKPOINT_INCOMPLETE: 500,
  QRT_LOG_FENCED: 503,
  QRT_SINK_FENCED: 503,
  QRT_LOG_UNREACHABLE: 503,
  QRT_SINK_UNREACHABLE: 503,
  QRT_CHECKPOINT_UNREACHABLE: 503,
  QRT_QUORUM_NOT_MET: 503,
  QRT_NO_CLUSTER: 503,
  QRT_UNREACHABLE: 503,
  QRT_TIMEOUT: 504,
}

const MESH_STATUS: Readonly<Record<MeshErrorCode, number>> = {
  QRT_MESH_FRAME_TOO_LARGE: 500,
  QRT_MESH_FRAME_MALFORMED: 500,
  QRT_MESH_VERSION: 503,
  QRT_MESH_SECRET: 503,
  QRT_MESH_MAC: 503,
  QRT_MESH_ORIGIN: 503,
  QRT_MESH_IDENTITY: 500,
  QRT_MESH_UNREACHABLE: 503,
  QRT_MESH_OVERLOADED: 503,
  QRT_MESH_CLOSED: 503,
  QRT_MESH_BOOTSTRAP: 503,
  QRT_MESH_CHANGE: 409,
  QRT_MESH_DAMAGED: 500,
}

const TITLE: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'A token is needed',
  403: 'Not allowed',
  404: 'Not found',
  409: 'In conflict with the current state',
  413: 'The body is too large',
  422: 'The document is not valid',
  500: 'The peer failed',
  503: 'Not possible now',
  504: 'It took too long',
}

/** A request that breaks the rules of the API, with each fault. */
export class RequestInvalidError extends QuorateError {
  readonly errors: readonly Fault[]

  constructor(message: string, errors: readonly Fault[]) {
    super('QRT_REQUEST_INVALID', message)
    this.errors = errors
  }
}

/** The faults of a request's parameters, each under the parameter's name. */
export function requestInvalid(error: ZodError, known: readonly string[]): RequestInvalidError {
  const faults = error.issues.flatMap((issue): Fault[] => {
    if (issue.code !== 'unrecognized_keys') return [{ pointer: issue.path.join('/'), message: issue.message }]
    const accepted = known.length === 0 ? 'this route takes none' : `expected ${known.join(', ')}`
    return issue.keys.map((name) => ({ pointer: name, message: `unknown parameter; ${accepted}` }))
  })
  const detail = faults.map((fault) => `${fault.pointer}: ${fault.message}`).join('; ')
  return new RequestInvalidError(`invalid parameters: ${detail}`, faults)
}

export function problemOf(error: unknown, logger: Logger): Problem {
  if (error instanceof QuorateError) {
    const status = STATUS[error.code]
    return describe(error.code, status, error.message, error.indefinite, faultsOf(error))
  }
  if (error instanceof MeshError) return describe(error.code, MESH_STATUS[error.code], error.message, false, undefined)
  const reference = randomUUID()
  logger.error('a request failed unexpectedly', { reference, error })
  const detail = `an unexpected error; the peer's log has it under reference ${reference}`
  return describe('QRT_INTERNAL', STATUS.QRT_INTERNAL, detail, false, undefined)
}

export function problemResponse(problem: Problem): Response {
  const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' })
  if (problem.status === 401) headers.set('www-authenticate', 'Bearer realm="quorate"')
  if (problem.status === 503) headers.set('retry-after', '1')
  return new Response(`${toJson(problem)}\n`, { status: problem.status, headers })
}

function describe(
  code: string,
  status: number,
  detail: string,
  indefinite: boolean,
  errors: readonly Fault[] | undefined,
): Problem {
  return {
    type: `urn:quorate:error:${code}`,
    title: TITLE[status] ?? 'Failed',
    status,
    code,
    detail,
    ...(indefinite ? { indefinite: true as const } : {}),
    ...(errors === undefined ? {} : { errors }),
  }
}

/** Errors about documents carry their faults as `errors`; only the declared fields are passed on. */
function faultsOf(error: object): readonly Fault[] | undefined {
  if (!('errors' in error) || !Array.isArray(error.errors)) return undefined
  return error.errors.map((fault: Partial<Fault>) => ({
    ...(fault.pointer === undefined ? {} : { pointer: fault.pointer }),
    ...(fault.line === undefined ? {} : { line: fault.line }),
    ...(fault.column === undefined ? {} : { column: fault.column }),
    message: String(fault.message),
    ...(fault.suggestion === undefined ? {} : { suggestion: fault.suggestion }),
  }))
}
