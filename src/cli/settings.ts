/**
 * What applies to every verb, from flag over environment over file to default; `quorate config` shows each value and where it
 * came from. The settings of a peer are found in the same way (peer-settings.ts).
 */
import { type ConfigFile, NO_CONFIG, readConfig } from '../config.ts'
import { QuorateError } from '../errors.ts'
import type { OutputFormat } from './output.ts'
import { PEER_DEFINITIONS } from './peer-definitions.ts'

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

export interface Definition {
  /** In the file. */
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
  readonly flags: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly environment: NodeJS.ProcessEnv
  /** Whether stdout is a terminal: what `color: auto` asks. */
  readonly terminal: boolean
}

/** The file that --config or QUORATE_CONFIG names. @throws QuorateError QRT_CONFIG_INVALID */
export function configFile({ flags, environment }: SettingInputs): ConfigFile {
  const path = single(flags.config) ?? nonEmpty(environment.QUORATE_CONFIG)
  const known = [...Object.keys(DEFINITIONS), ...Object.keys(PEER_DEFINITIONS)]
  return path === undefined ? NO_CONFIG : readConfig(path, known, environment)
}

export function resolveSettings(inputs: SettingInputs): ResolvedSettings {
  const pick = picker(inputs, configFile(inputs))
  const settings: Settings = {
    url: parseUrl(pick(DEFINITIONS.url)),
    tokenFile: nonEmpty(pick(DEFINITIONS.tokenFile).value),
    timeoutMs: parseDuration(pick(DEFINITIONS.timeout)),
    output: parseOutput(pick(DEFINITIONS.output)),
    color: wantsColor(pick(DEFINITIONS.color), inputs),
  }
  return { settings, sources: Object.values(DEFINITIONS).map(pick) }
}

/** Finds values by precedence. A list is joined by commas, as its environment variable has it. */
export function picker({ flags, environment }: SettingInputs, file: ConfigFile): (of: Definition) => SettingSource {
  return ({ name, flag, variable, fallback }) => {
    const candidates: [string | readonly string[] | undefined, string][] = [
      [flags[flag], `--${flag}`],
      [nonEmpty(environment[variable]), variable],
      [file.settings[name], file.path ?? ''],
      [fallback, 'default'],
    ]
    const [value, from] = candidates.find(([candidate]) => candidate !== undefined) ?? ['', 'default']
    return { name, value: typeof value === 'string' ? value : (value ?? []).join(','), from }
  }
}

function parseUrl({ value, from }: SettingSource): string {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw wrong(from, value, 'an address such as http://127.0.0.1:7401')
  }
  return url.href.replace(/\/+$/, '')
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

export function parseDuration(
  { value, from }: SettingSource,
  expected: string = 'a duration such as 500ms, 10s or 2m',
): number {
  const [, digits, unit] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(value) ?? []
  const durationMs = Number(digits) * (UNITS[unit ?? ''] ?? Number.NaN)
  // Timers hold 31 bits of milliseconds; longer ones would fire at once.
  if (!(durationMs > 0 && durationMs < 2 ** 31)) throw wrong(from, value, expected)
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
export function wrong(from: string, value: string, expected: string): QuorateError {
  const code = from.startsWith('--') ? 'QRT_USAGE' : 'QRT_CONFIG_INVALID'
  return new QuorateError(code, `${from}: expected ${expected}, found "${value}"`)
}

export const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text)

const single = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.[0]
