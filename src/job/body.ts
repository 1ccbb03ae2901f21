/**
 * A submitted job as peers store it and give it to one another by the hash of these bytes: canonical JSON, so that one job has
 * one form. What comes from elsewhere is checked in full before it is run.
 */
import { canonicalText } from '../../mesh/index.ts'
import { createStage, OperatorError, type StagePlan } from '../../operators/index.ts'
import { QuorateError } from '../errors.ts'
import { BODY_VERSION, bodySchema } from './body-schema.ts'
import { type CompiledJob, plansOf } from './compiled.ts'
import type { JobFormat } from './document.ts'
import { JOB_LIMITS } from './limits.ts'
import type { JobOrigin } from './origin.ts'

export interface JobBody {
  /** As submitted, with the comments and the order of whoever wrote it. */
  readonly document: { readonly text: string; readonly format: JobFormat }
  readonly compiled: CompiledJob
  /** ISO 8601, UTC, milliseconds. */
  readonly submittedAt: string
  /** Of one that was restored from the checkpoints of another cluster. */
  readonly origin?: JobOrigin
}

export function encodeJob({ document: { text, format }, compiled, submittedAt, origin }: JobBody): Uint8Array {
  const document = { text, format }
  return new TextEncoder().encode(canonicalText({ version: BODY_VERSION, document, compiled, submittedAt, origin }))
}

/** @throws QuorateError QRT_JOB_INVALID when the bytes are not what encodeJob makes of a job that can run */
export function decodeJob(bytes: Uint8Array): JobBody {
  const value = readJson(bytes)
  const version = typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined
  if (typeof version === 'number' && version !== BODY_VERSION) {
    const message = `expected a stored job of version ${BODY_VERSION}, found ${version}; run the same Quorate on all peers`
    throw new QuorateError('QRT_JOB_INVALID', message)
  }
  const { data, error } = bodySchema.safeParse(value)
  if (data === undefined) {
    const [issue] = error.issues
    throw corrupt(`the stored job is not valid at /${issue?.path.join('/') ?? ''}: ${issue?.message ?? ''}`, error)
  }
  const { document, compiled, submittedAt, origin } = data
  const body: JobBody = { document, compiled, submittedAt, ...(origin === undefined ? {} : { origin }) }
  if (!Buffer.from(encodeJob(body)).equals(bytes)) throw corrupt('the stored job is not in its canonical form')
  for (const plan of plansOf(compiled)) checkStage(plan)
  return body
}

function readJson(bytes: Uint8Array): unknown {
  if (bytes.length > JOB_LIMITS.bodyBytes) {
    throw corrupt(`expected a stored job of at most ${JOB_LIMITS.bodyBytes} bytes, found ${bytes.length}`)
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (cause) {
    throw corrupt('expected a stored job to be JSON in UTF-8', cause)
  }
}

/** Every replica would fail to start a stage that does not compile. */
function checkStage(stage: StagePlan): void {
  try {
    createStage(stage, { partition: 0 })
  } catch (cause) {
    // Other peers may have them; the replicas of this one say so and do not run.
    if (cause instanceof OperatorError && cause.code === 'QRT_EXPR_FUNCTIONS') return
    if (cause instanceof OperatorError || cause instanceof RangeError) {
      throw corrupt(`stage ${stage.stage} of the stored job does not compile: ${cause.message}`, cause)
    }
    throw cause
  }
}

const corrupt = (message: string, cause?: unknown): QuorateError =>
  new QuorateError('QRT_JOB_INVALID', `${message}; the bytes are corrupt, or not from this Quorate`, { cause })
