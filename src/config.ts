/**
 * The configuration file: YAML with the settings of the command line and of a peer, how the log is reached and how sinks
 * are. Checked as strictly as a job. Secrets are references (`${env:NAME}`), resolved here and nowhere else, so that
 * nothing that is logged, shown or hashed holds one.
 */
import { readFileSync } from 'node:fs'
import { isMap, parseDocument, type YAMLError } from 'yaml'
import { z } from 'zod'
import type { CheckpointSettings } from './checkpoint/place.ts'
import type { SinkConnections } from './commit/sink.ts'
import { QuorateError } from './errors.ts'
import type { LogSettings } from './log/log.ts'
import { suggest } from './suggest.ts'

const text = z.string().min(1)

const log = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('embedded'), directory: text }),
  z.strictObject({
    kind: z.literal('kafka'),
    brokers: z.array(text).min(1),
    clientId: text.default('quorate'),
    ssl: z.boolean().optional(),
    sasl: z
      .strictObject({
        mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
        username: text,
        password: text,
      })
      .optional(),
  }),
])

const connections = z.strictObject({
  mongodb: z.strictObject({ url: text }).optional(),
  s3: z
    .strictObject({
      region: text,
      endpoint: text.optional(),
      forcePathStyle: z.boolean().optional(),
      accessKeyId: text.optional(),
      secretAccessKey: text.optional(),
    })
    .optional(),
  file: z.strictObject({ directory: text }).optional(),
})

const checkpoints = z.union([
  z.strictObject({ directory: text }).transform(({ directory }) => ({ kind: 'directory', directory }) as const),
  z
    .strictObject({ s3: z.strictObject({ bucket: text, prefix: z.string().default('') }) })
    .transform(({ s3 }) => ({ kind: 's3', ...s3 }) as const),
])

/** One value a setting, as its flag would have it; lists as several flags. */
const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String)
const setting = z.union([scalar, z.array(scalar)])

export interface ConfigFile {
  /** As in the messages; undefined: there is none. */
  readonly path: string | undefined
  /** By the name of the setting. */
  readonly settings: Readonly<Record<string, string | readonly string[]>>
  readonly log: LogSettings | undefined
  readonly connections: SinkConnections
  readonly checkpoints: CheckpointSettings | undefined
  /** What came from references: must not appear anywhere. */
  readonly secrets: readonly string[]
}

export const NO_CONFIG: ConfigFile = {
  path: undefined,
  settings: {},
  log: undefined,
  connections: {},
  checkpoints: undefined,
  secrets: [],
}

const REFERENCE = /\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/g

/**
 * @param known names of settings; others are errors
 * @throws QuorateError QRT_CONFIG_INVALID with the place, and never with a value that came from a reference
 */
export function readConfig(path: string, known: readonly string[], environment: NodeJS.ProcessEnv): ConfigFile {
  let source: string
  try {
    source = readFileSync(path, 'utf8')
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new QuorateError('QRT_CONFIG_INVALID', `${path} cannot be read (${reason})`, { cause })
  }
  const document = parseDocument(source, { prettyErrors: true })
  const [fault] = document.errors
  if (fault !== undefined) throw syntax(path, fault)
  if (document.contents !== null && !isMap(document.contents)) {
    throw invalid(path, 'expected settings such as "url: http://127.0.0.1:7401"')
  }
  const secrets: string[] = []
  const values = resolve(document.toJS({ maxAliasCount: 0 }) ?? {}, path, environment, secrets)
  const {
    log: logValue,
    connections: connectionValues,
    checkpoints: checkpointsValue,
    ...rest
  } = values as Record<string, unknown>
  return {
    path,
    settings: settingsOf(rest, path, known),
    log: logValue === undefined ? undefined : (check(log, logValue, path, 'log') as LogSettings),
    connections: check(connections, connectionValues ?? {}, path, 'connections') as SinkConnections,
    checkpoints: checkpointsValue === undefined ? undefined : check(checkpoints, checkpointsValue, path, 'checkpoints'),
    secrets,
  }
}

function settingsOf(values: Readonly<Record<string, unknown>>, path: string, known: readonly string[]) {
  const settings: Record<string, string | readonly string[]> = {}
  for (const [name, value] of Object.entries(values)) {
    if (!known.includes(name)) {
      const names = [...known, 'log', 'connections', 'checkpoints']
      const near = suggest(name, names)
      const hint = near === undefined ? `known are ${names.join(', ')}` : `did you mean "${near}"?`
      throw invalid(path, `unknown setting "${name}"; ${hint}`)
    }
    settings[name] = check(setting, value, path, name)
  }
  return settings
}

function check<Schema extends z.ZodType>(schema: Schema, value: unknown, path: string, name: string): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  // Zod's messages name what was expected; a found value could be a secret and is left out.
  const faults = parsed.error.issues.map((issue) => `${[name, ...issue.path].join('.')}: ${issue.message}`)
  throw invalid(path, faults.join('; '))
}

/** References replaced by what the environment holds. */
function resolve(value: unknown, path: string, environment: NodeJS.ProcessEnv, secrets: string[]): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(REFERENCE, (_, name: string) => {
      const found = environment[name]
      if (found === undefined || found === '') {
        throw invalid(path, `\${env:${name}} is not set in the environment of this process`)
      }
      secrets.push(found)
      return found
    })
  }
  if (Array.isArray(value)) return value.map((item) => resolve(item, path, environment, secrets))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, resolve(field, path, environment, secrets)]),
  )
}

function syntax(path: string, { linePos, message }: YAMLError): QuorateError {
  const [at] = linePos ?? []
  const place = at === undefined ? path : `${path}:${at.line}:${at.col}`
  return invalid(place, message.split('\n')[0] ?? message)
}

const invalid = (place: string, what: string): QuorateError =>
  new QuorateError('QRT_CONFIG_INVALID', `${place}: ${what}`)
