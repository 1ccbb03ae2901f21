/**
 * The peer's log: one line an entry on stderr, as text for people or JSON for machines. Known secrets are replaced in
 * everything that is written, wherever they stand.
 */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export type LogFields = Readonly<Record<string, unknown>>

export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger that adds these fields to every entry. */
  child(fields: LogFields): Logger
}

export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel
  /** Default `text`. */
  readonly format?: 'text' | 'json'
  /** Texts that must not appear, whatever is logged. Shorter than four characters are ignored: they would blank words. */
  readonly secrets?: readonly string[]
  /** Default: stderr. Each call is one line with its newline. */
  readonly write?: (line: string) => void
  /** Default: the wall clock. */
  readonly now?: () => Date
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }
const REDACTED = '[redacted]'
const SHORTEST_SECRET = 4

export function createLogger(options: LoggerOptions = {}): Logger {
  const least = RANK[options.level ?? 'info']
  const render = options.format === 'json' ? renderJson : renderText
  const redact = redactor(options.secrets ?? [])
  const write = options.write ?? ((line: string) => void process.stderr.write(line))
  const now = options.now ?? (() => new Date())
  const logger = (bound: LogFields): Logger => {
    const log = (level: LogLevel) => (message: string, fields?: LogFields) => {
      if (RANK[level] < least) return
      write(`${redact(render(now().toISOString(), level, message, { ...bound, ...fields }))}\n`)
    }
    return {
      debug: log('debug'),
      info: log('info'),
      warn: log('warn'),
      error: log('error'),
      child: (fields) => logger({ ...bound, ...fields }),
    }
  }
  return logger({})
}

function renderJson(at: string, level: LogLevel, message: string, fields: LogFields): string {
  return JSON.stringify({ at, level, message, ...fields }, plain)
}

function renderText(at: string, level: LogLevel, message: string, fields: LogFields): string {
  const rendered = Object.entries(fields).map(([name, value]) => ` ${name}=${textValue(value)}`)
  return `${at} ${level.padEnd(5)} ${oneLine(message)}${rendered.join('')}`
}

function textValue(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/@[\]-]+$/.test(value)) return value
  return JSON.stringify(value, plain) ?? 'undefined'
}

/** An entry is one line: what came from outside must not be able to forge another. */
const oneLine = (text: string): string => text.replace(/[\r\n]+/g, ' ⏎ ')

/** Errors with their code and causes, and BigInt, which JSON has no form for. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (!(value instanceof Error)) return value
  return {
    name: value.name,
    ...('code' in value ? { code: value.code } : {}),
    message: value.message,
    stack: value.stack,
    ...(value.cause === undefined ? {} : { cause: value.cause }),
  }
}

function redactor(secrets: readonly string[]): (line: string) => string {
  // A secret with quotes or backslashes looks different once it is inside JSON.
  const forms = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
    .sort((a, b) => b.length - a.length)
  return (line) => forms.reduce((text, secret) => text.replaceAll(secret, REDACTED), line)
}
