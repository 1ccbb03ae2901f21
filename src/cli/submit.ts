/** `quorate submit`: gives a job document to the cluster. */
import { DOCUMENT_OPTIONS, readJobDocument } from './documents.ts'
import { EXIT } from './exit.ts'
import { jobTable } from './jobs.ts'
import { sentDocument } from './parse-document.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'Submit a job document; a name that exists is a conflict',
  args: [
    {
      name: 'FILE',
      required: true,
      help: 'YAML, TOML, JSON, SQL, or a module that builds a job; - reads standard input',
    },
  ],
  options: DOCUMENT_OPTIONS,
  examples: [
    { command: 'quorate submit flight-delays.yaml', what: 'run a job' },
    { command: 'quorate submit flight-delays.ts', what: 'a job in TypeScript' },
    { command: 'quorate submit - --format json < job.json', what: 'from standard input' },
    { command: 'quorate submit orders.yaml --registry http://127.0.0.1:8081', what: 'with the schemas of a subject' },
  ],
  run: async ({ args: [path = ''], options, client, output }) => {
    const job = await client().submit(await sentDocument(await readJobDocument(path, options)))
    if (output.format === 'text') {
      jobTable([job], output)
      output.note(`Follow it with: quorate watch ${job.name}`)
    } else output.json(job)
    return EXIT.ok
  },
}
