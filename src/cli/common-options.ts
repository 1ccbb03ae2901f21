/** Options that every verb takes, and how they stand for settings. */
import { QuorateError } from '../errors.ts'
import type { VerbOption, VerbOptions } from './verb.ts'

export const COMMON_OPTIONS: Readonly<Record<string, VerbOption>> = {
  output: { type: 'string', short: 'o', placeholder: 'text|json|jsonl', help: 'Format of data on stdout' },
  json: { type: 'boolean', help: 'The same as -o json' },
  url: { type: 'string', placeholder: 'URL', help: 'Peer to ask (QUORATE_URL; default http://127.0.0.1:7401)' },
  'token-file': { type: 'string', placeholder: 'FILE', help: 'File with the API token (QUORATE_TOKEN_FILE)' },
  timeout: { type: 'string', placeholder: 'DURATION', help: 'For each answer of a peer, such as 10s (the default)' },
  config: { type: 'string', placeholder: 'FILE', help: 'File with these settings (QUORATE_CONFIG)' },
  'no-color': { type: 'boolean', help: 'No colours; also NO_COLOR and TERM=dumb' },
  help: { type: 'boolean', short: 'h', help: 'This text' },
}

/** `--json` and `--no-color` are short forms of settings. */
export function commonFlags(options: VerbOptions): Readonly<Record<string, string | undefined>> {
  const flags = Object.fromEntries(Object.keys(COMMON_OPTIONS).map((name) => [name, options.string(name)]))
  if (options.flag('json')) {
    if (flags.output !== undefined && flags.output !== 'json') {
      throw new QuorateError('QRT_USAGE', `--json and -o ${flags.output} contradict each other`)
    }
    flags.output = 'json'
  }
  if (options.flag('no-color')) flags.color = 'never'
  return flags
}
