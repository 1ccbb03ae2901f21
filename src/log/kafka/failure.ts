/** kafkajs's errors as the log's own: which of them say what, in one place. No secret is ever in one. */
import { QuorateError, type QuorateErrorCode } from '../../errors.ts'
import type { KafkaSettings } from './client-options.ts'

const FENCED = new Set(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED'])
/** Asking again as it is does not help. */
const REFUSED = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'INVALID_TRANSACTION_TIMEOUT',
  'INVALID_PARTITIONS',
  'INVALID_REPLICATION_FACTOR',
  'INVALID_CONFIG',
  'INVALID_REQUEST',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'POLICY_VIOLATION',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
])
/** PRODUCER_FENCED in the protocol; kafkajs has no name for it. */
const UNNAMED_FENCED = /Unknown error code 90$/

/** The error code's name, however deep kafkajs wrapped it; undefined when no broker said anything. */
export function typeOf(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 8; at = causeOf(at), depth++) {
    if (UNNAMED_FENCED.test(at.message)) return 'PRODUCER_FENCED'
    if ('type' in at && typeof at.type === 'string') return at.type
    if (at.name === 'KafkaJSSASLAuthenticationError') return 'SASL_AUTHENTICATION_FAILED'
  }
  return undefined
}

/** kafkajs has aggregates for what fails by topic or partition; the first one speaks for all. */
function causeOf(error: Error): unknown {
  if ('errors' in error && Array.isArray(error.errors)) return error.errors[0]
  return error.cause
}

export interface Failing {
  readonly settings: KafkaSettings
  /** What was being done to what, as the start of a sentence. */
  readonly doing: string
  /** It may have been applied all the same. */
  readonly indefinite?: boolean
}

export function kafkaFailure(error: unknown, { settings, doing, indefinite = false }: Failing): QuorateError {
  if (error instanceof QuorateError) return error
  const type = typeOf(error)
  const code = codeOf(type)
  const known = code !== 'QRT_LOG_UNREACHABLE'
  const hint = known ? '' : `; are the brokers ${settings.brokers.join(', ')} up and reachable from here?`
  return new QuorateError(code, `${doing} failed: ${withoutSecrets(settings, messageOf(error))}${hint}`, {
    indefinite: indefinite && !known,
  })
}

function codeOf(type: string | undefined): QuorateErrorCode {
  if (type === undefined) return 'QRT_LOG_UNREACHABLE'
  if (FENCED.has(type)) return 'QRT_LOG_FENCED'
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') return 'QRT_TOPIC_UNKNOWN'
  return REFUSED.has(type) ? 'QRT_LOG_REFUSED' : 'QRT_LOG_UNREACHABLE'
}

/** The innermost message: kafkajs's wrappers say no more than how often it tried. */
function messageOf(error: unknown): string {
  let text = String(error)
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 8; at = causeOf(at), depth++)
    text = at.message
  return text
}

/** A server or a library may repeat what it was given. */
export function withoutSecrets({ sasl, ssl }: KafkaSettings, text: string): string {
  const secrets = [sasl?.password, typeof ssl === 'object' ? ssl.key : undefined]
  return secrets.reduce<string>((clean, secret) => (secret ? clean.replaceAll(secret, '***') : clean), text)
}
