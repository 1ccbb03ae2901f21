/** Exit codes, and which error ends in which: what a script can rely on. */
import type { QuorateErrorCode } from '../errors.ts'

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  invalid: 3,
  unreachable: 4,
  quorum: 5,
  tests: 6,
  interrupted: 130,
} as const

const BY_CODE: Partial<Readonly<Record<QuorateErrorCode, number>>> = {
  QRT_USAGE: EXIT.usage,
  QRT_CONFIG_INVALID: EXIT.invalid,
  QRT_JOB_INVALID: EXIT.invalid,
  QRT_REQUEST_INVALID: EXIT.invalid,
  QRT_BODY_TOO_LARGE: EXIT.invalid,
  QRT_TOPIC_UNKNOWN: EXIT.invalid,
  QRT_TOPIC_COMPACTED: EXIT.invalid,
  QRT_SINK_UNSUPPORTED: EXIT.invalid,
  QRT_UNREACHABLE: EXIT.unreachable,
  QRT_TIMEOUT: EXIT.unreachable,
  QRT_LOG_UNREACHABLE: EXIT.unreachable,
  QRT_SINK_UNREACHABLE: EXIT.unreachable,
  QRT_QUORUM_NOT_MET: EXIT.quorum,
  QRT_NO_CLUSTER: EXIT.quorum,
}

/** For the code of an error of this process or of a problem document, which may come from another version. */
export const exitCodeOf = (code: string): number => (BY_CODE as Readonly<Record<string, number>>)[code] ?? EXIT.failed
