/** `quorate config`: the settings of the command line, each with where it came from. */

import { commonFlags } from './common-options.ts'
import { EXIT } from './exit.ts'
import { resolveSettings } from './settings.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'Settings of the command line, and where each came from',
  description:
    'A flag wins over the environment, that over the file (--config or QUORATE_CONFIG), that over the default.',
  args: [],
  options: {},
  examples: [
    { command: 'quorate config', what: 'what applies here' },
    { command: 'QUORATE_URL=http://10.0.0.5:7401 quorate config', what: 'with an environment variable' },
  ],
  run: async ({ options, output }) => {
    const inputs = { flags: commonFlags(options), environment: process.env, terminal: process.stdout.isTTY === true }
    const { sources } = await resolveSettings(inputs)
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
