/**
 * What applies to every verb, from flag over environment over file to default; `quorate config` shows each value and where it
 * came from.
 */
import { readFileSync } from 'node:fs'
import { QuorateError } from '../errors.ts'
import type { OutputFormat } from './output.ts'
import { suggest } from './suggest.ts'

export interface Settings {
  readonly url: string
  readonly tokenFile: string | undefined
  readonly timeoutMs: number
  readonly output: OutputFormat
  readonly color: boolean
}

export interface SettingSource {
  readonly name: string
  readonly value: string
  /** `--url`, `QUORATE_URL`, the file, or `default`. */
  readonly from: string
}

export interface ResolvedSettings {
  readonly settings: Settings
  readonly sources: readonly SettingSource[]
}

interface Definition {
  readonly name: string
  readonly flag: string
  readonly variable: string
  readonly fallback: string
}

const DEFINITIONS = {
  url: { name: 'url', flag: 'url', variable: 'QUORATE_URL', fallback: 'http://127.0.0.1:7401' },
  tokenFile: { name: 'tokenFile', flag: 'token-file', variable: 'QUORATE_TOKEN_FILE', fallback: '' },
  timeout: { name: 'timeout', flag: 'timeout', variable: 'QUORATE_TIMEOUT', fallback: '10s' },
  output: { name: 'output', flag: 'output', variable: 'QUORATE_OUTPUT', fallback: 'text' },
  color: { name: 'color', flag: 'color', variable: 'QUORATE_COLOR', fallback: 'auto' },
} as const satisfies Record<string, Definition>

export interface SettingInputs {
  readonly flags: Readonly<Record<string, string | undefined>>
  readonly environment: NodeJS.ProcessEnv
  /** Whether stdout is a terminal: what `color: auto` asks. */
  readonly terminal: boolean
}

export async function resolveSettings(inputs: SettingInputs): Promise<ResolvedSettings> {
  const configFile = inputs.flags.config ?? nonEmpty(inputs.environment.QUORATE_CONFIG)
  const file = configFile === undefined ? {} : await readConfigFile(configFile)
  const sources: SettingSource[] = []
  const pick = (definition: Definition): SettingSource => {
    const candidates: [string | undefined, string][] = [
      [inputs.flags[definition.flag], `--${definition.flag}`],
      [nonEmpty(inputs.environment[definition.variable]), definition.variable],
      [file[definition.name], configFile ?? ''],
      [definition.fallback, 'default'],
    ]
    const [value, from] = candidates.find(([candidate]) => candidate !== undefined) ?? ['', 'default']
    const source = { name: definition.name, value: value ?? '', from }
    sources.push(source)
    return source
  }
  const settings: Settings = {
    url: parseUrl(pick(DEFINITIONS.url)),
    tokenFile: nonEmpty(pick(DEFINITIONS.tokenFile).value),
    timeoutMs: parseDuration(pick(DEFINITIONS.timeout)),
    output: parseOutput(pick(DEFINITIONS.output)),
    color: wantsColor(pick(DEFINITIONS.color), inputs),
  }
  return { settings, sources }
}

async function readConfigFile(path: string): Promise<Readonly<Record<string, string>>> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new QuorateError('QRT_CONFIG_INVALID', `${path} cannot be read (${reason})`, { cause })
  }
  const { parse } = await import('yaml')
  let parsed: unknown
  try {
    parsed = parse(text) ?? {}
  } catch (cause) {
    throw new QuorateError('QRT_CONFIG_INVALID', `${path}: ${cause instanceof Error ? cause.message : ''}`, { cause })
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new QuorateError(
      'QRT_CONFIG_INVALID',
      `${path}: expected settings such as "url: ${DEFINITIONS.url.fallback}"`,
    )
  }
  const known = Object.keys(DEFINITIONS)
  const values: Record<string, string> = {}
  for (const [name, value] of Object.entries(parsed)) {
    if (!known.includes(name)) {
      const near = suggest(name, known)
      const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean "${near}"?`
      throw new QuorateError('QRT_CONFIG_INVALID', `${path}: unknown setting "${name}"; ${hint}`)
    }
    values[name] = String(value)
  }
  return values
}

function parseUrl({ value, from }: SettingSource): string {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw wrong(from, value, 'an address such as http://127.0.0.1:7401')
  }
  return url.href.replace(/\/+$/, '')
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

function parseDuration({ value, from }: SettingSource): number {
  const [, digits, unit] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(value) ?? []
  const durationMs = Number(digits) * (UNITS[unit ?? ''] ?? Number.NaN)
  // Timers hold 31 bits of milliseconds; longer ones would fire at once.
  if (!(durationMs > 0 && durationMs < 2 ** 31)) throw wrong(from, value, 'a duration such as 500ms, 10s or 2m')
  return durationMs
}

function parseOutput({ value, from }: SettingSource): OutputFormat {
  if (value === 'text' || value === 'json' || value === 'jsonl') return value
  throw wrong(from, value, 'text, json or jsonl')
}

function wantsColor({ value, from }: SettingSource, { environment, terminal }: SettingInputs): boolean {
  if (value === 'never') return false
  if (value === 'always') return true
  if (value !== 'auto') throw wrong(from, value, 'auto, always or never')
  return terminal && nonEmpty(environment.NO_COLOR) === undefined && environment.TERM !== 'dumb'
}

/** A wrong flag is a usage error; a wrong value in the environment or a file is configuration. */
function wrong(from: string, value: string, expected: string): QuorateError {
  const code = from.startsWith('--') ? 'QRT_USAGE' : 'QRT_CONFIG_INVALID'
  return new QuorateError(code, `${from}: expected ${expected}, found "${value}"`)
}

const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text)
