/** `quorate upgrade`: gives a running job another document, which goes on from its state. */
import { DOCUMENT_OPTIONS, readJobDocument } from './documents.ts'
import { EXIT } from './exit.ts'
import { jobTable } from './jobs.ts'
import { sentDocument } from './parse-document.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'Give a job another document, keeping its state',
  description: [
    'What is computed before records are grouped may change (filters, computed fields), and so may formats with their',
    'schemas, waiting times and retention. Each unit goes over at a certified cut: what it took before is computed as before. A document that needs',
    'another state (key, window, aggregates, sinks, quorum) is refused with what differs.',
  ].join('\n'),
  args: [
    { name: 'JOB', required: true, help: 'the job that runs' },
    {
      name: 'FILE',
      required: true,
      help: 'YAML, TOML, JSON, SQL, or a module that builds a job; - reads standard input',
    },
  ],
  options: DOCUMENT_OPTIONS,
  examples: [
    { command: 'quorate upgrade flight-delays flight-delays.yaml', what: 'after a filter was changed' },
    {
      command: 'quorate upgrade orders orders.yaml --registry http://127.0.0.1:8081',
      what: 'after its subject has a new version',
    },
  ],
  run: async ({ args: [job = '', path = ''], options, client, output }) => {
    const summary = await client().upgrade(job, await sentDocument(await readJobDocument(path, options)))
    if (output.format === 'text') {
      jobTable([summary], output)
      output.note(`Revision ${summary.revision}. How far its units are: quorate status ${summary.name}`)
    } else output.json(summary)
    return EXIT.ok
  },
}
