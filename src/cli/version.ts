/** `quorate version`. */
import { readFileSync } from 'node:fs'
import { EXIT } from './exit.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'The version of this command line',
  args: [],
  options: {},
  examples: [{ command: 'quorate version --json', what: 'with the version of Node' }],
  run: async ({ output }) => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    if (output.format === 'text') output.line(`quorate ${version}`)
    else output.json({ version, node: process.versions.node })
    return EXIT.ok
  },
}
