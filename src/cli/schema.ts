/** `quorate schema`: the JSON Schema of job documents, for editors. */
import { EXIT } from './exit.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'The JSON Schema of job documents, for editors',
  args: [],
  options: {},
  examples: [{ command: 'quorate schema > job.schema.json', what: 'then point your editor at it' }],
  run: async ({ output }) => {
    const { jobJsonSchema } = await import('./job-language.ts')
    output.json(jobJsonSchema())
    return EXIT.ok
  },
}
