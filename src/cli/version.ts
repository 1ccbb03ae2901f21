/** `quorate version`. */
import { VERSION } from '../version.ts'
import { EXIT } from './exit.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'The version of this command line',
  args: [],
  options: {},
  examples: [{ command: 'quorate version --json', what: 'with the version of Node' }],
  run: async ({ output }) => {
    if (output.format === 'text') output.line(`quorate ${VERSION}`)
    else output.json({ version: VERSION, node: process.versions.node })
    return EXIT.ok
  },
}
