/** The closed list of operating errors outside the mesh and the operators. Codes are stable: scripts match on them. */
export type QuorateErrorCode =
  | 'QRT_CONFIG_INVALID'
  | 'QRT_JOB_INVALID'
  | 'QRT_JOB_UNKNOWN'
  | 'QRT_JOB_CONFLICT'
  | 'QRT_JOB_INCOMPATIBLE'
  /** It was stopped for good: the message says why. */
  | 'QRT_JOB_STOPPED'
  /** A source topic has more partitions than a job was made for, or fewer, and the job cannot go on. */
  | 'QRT_SOURCE_GREW'
  | 'QRT_SOURCE_SHRANK'
  | 'QRT_TOPIC_UNKNOWN'
  | 'QRT_TOPIC_COMPACTED'
  | 'QRT_LOG_OFFSET_LOST'
  | 'QRT_LOG_TRUNCATED'
  | 'QRT_LOG_TOPIC_GONE'
  | 'QRT_LOG_TOPIC_MISMATCH'
  | 'QRT_LOG_CORRUPT'
  | 'QRT_LOG_UNSUPPORTED'
  | 'QRT_LOG_REFUSED'
  | 'QRT_LOG_FENCED'
  | 'QRT_LOG_UNREACHABLE'
  | 'QRT_STORE_CORRUPT'
  | 'QRT_STORE_FAILED'
  | 'QRT_SINK_FENCED'
  | 'QRT_SINK_FORK'
  | 'QRT_SINK_UNREACHABLE'
  | 'QRT_SINK_UNSUPPORTED'
  | 'QRT_SINK_REFUSED'
  /** A cluster that was restored goes on with the unit. */
  | 'QRT_SINK_TAKEN'
  | 'QRT_CHECKPOINT_UNREACHABLE'
  | 'QRT_CHECKPOINT_UNKNOWN'
  | 'QRT_CHECKPOINT_INCOMPLETE'
  | 'QRT_QUORUM_NOT_MET'
  | 'QRT_NO_CLUSTER'
  | 'QRT_UNIT_UNKNOWN'
  | 'QRT_UNIT_REFUSED'
  | 'QRT_MEMBER_UNKNOWN'
  | 'QRT_MEMBER_REFUSED'
  | 'QRT_PEER_RETIRED'
  | 'QRT_UNREACHABLE'
  | 'QRT_TIMEOUT'
  | 'QRT_UNAUTHORIZED'
  | 'QRT_FORBIDDEN'
  | 'QRT_BODY_TOO_LARGE'
  | 'QRT_REQUEST_INVALID'
  | 'QRT_NOT_FOUND'
  | 'QRT_USAGE'
  | 'QRT_CERTIFICATE_INVALID'
  | 'QRT_WORKER_FAILED'
  | 'QRT_RECORD_QUARANTINED'
  | 'QRT_REVISION_UNKNOWN'
  /** A job calls functions of a module that this peer was not started with. */
  | 'QRT_FUNCTIONS_UNKNOWN'
  | 'QRT_VERSION_UNSUPPORTED'
  | 'QRT_INTERNAL'

export class QuorateError extends Error {
  readonly code: QuorateErrorCode
  /** For writes: the outcome is unknown, it may or may not have been applied. */
  readonly indefinite: boolean

  constructor(code: QuorateErrorCode, message: string, options?: ErrorOptions & { indefinite?: boolean }) {
    super(message, options)
    this.name = 'QuorateError'
    this.code = code
    this.indefinite = options?.indefinite ?? false
  }
}
