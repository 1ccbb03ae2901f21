/** `quorate config`: every setting, with its value and where it came from. */
import { commonFlags } from './common-options.ts'
import { EXIT } from './exit.ts'
import { PEER_OPTIONS } from './peer-definitions.ts'
import { peerFlags } from './peer-flags.ts'
import { peerSources } from './peer-settings.ts'
import { configFile, resolveSettings } from './settings.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'Settings, and where each came from',
  description:
    'A flag wins over the environment, that over the file (--config or QUORATE_CONFIG), that over the default. Settings of a\npeer are those that "quorate join" would take.',
  args: [],
  options: PEER_OPTIONS,
  examples: [
    { command: 'quorate config', what: 'what applies here' },
    { command: 'QUORATE_URL=http://10.0.0.5:7401 quorate config', what: 'with an environment variable' },
  ],
  run: async ({ options, output }) => {
    const flags = { ...commonFlags(options), ...peerFlags(options) }
    const inputs = { flags, environment: process.env, terminal: process.stdout.isTTY === true }
    const sources = [...resolveSettings(inputs).sources, ...peerSources(inputs, configFile(inputs))]
    if (output.format === 'text') {
      output.table(
        ['SETTING', 'VALUE', 'FROM'],
        sources.map(({ name, value, from }) => [name, value === '' ? undefined : value, from]),
      )
    } else if (output.format === 'json') output.json({ settings: sources })
    else output.jsonLines(sources)
    return EXIT.ok
  },
}
