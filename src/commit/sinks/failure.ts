/** How a sink says that something went wrong: one of the codes of sink.ts, and never with a secret in it. */
import { QuorateError, type QuorateErrorCode } from '../../errors.ts'

export interface FailureContext {
  readonly sink: string
  readonly doing: string
  /** What must not be seen; each is blotted out where a client's own message repeats it. */
  readonly secrets: readonly string[]
}

/** @param indefinite whether it may have been applied all the same */
export function sinkFailure(
  code: QuorateErrorCode,
  { sink, doing, secrets }: FailureContext,
  error: unknown,
  indefinite: boolean,
): QuorateError {
  let why = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  for (const secret of secrets) if (secret.length > 0) why = why.replaceAll(secret, '***')
  // The client's error is not kept as the cause: nobody knows what it holds of the connection.
  return new QuorateError(code, `${sink}: ${doing} failed: ${why}`, { indefinite })
}
