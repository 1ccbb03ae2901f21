/** The log as verbs reach it that work on topics directly: the setting of a peer, from flag, environment or file. */
import type { Log, LogSettings } from '../log/log.ts'
import { commonFlags } from './common-options.ts'
import { PEER_OPTIONS } from './peer-definitions.ts'
import { logSettings } from './peer-settings.ts'
import { configFile } from './settings.ts'
import type { VerbOption, VerbOptions } from './verb.ts'

export const LOG_OPTIONS: Readonly<Record<string, VerbOption>> = Object.fromEntries(
  Object.entries(PEER_OPTIONS).filter(([name]) => name === 'log'),
)

export interface NamedLog {
  readonly log: Log
  /** As `--log` has it, for messages: peers may read another one, and then nothing that was produced arrives. */
  readonly address: string
}

export async function openSettingsLog(options: VerbOptions): Promise<NamedLog> {
  const flags = { ...commonFlags(options), log: options.string('log') }
  const inputs = { flags, environment: process.env, terminal: false }
  const { openLog } = await import('../log/open.ts')
  const settings = logSettings(inputs, configFile(inputs))
  return { log: await openLog(settings), address: logAddress(settings) }
}

/** As `--log` has it. */
export const logAddress = (settings: LogSettings): string =>
  settings.kind === 'embedded' ? `embedded:${settings.directory}` : `kafka://${settings.brokers.join(',')}`
