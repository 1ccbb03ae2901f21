/** `quorate certificates`: a job's certificates from one peer's store, as `verify` reads them. */
import type { CertificateView } from '../http/api.ts'
import { EXIT } from './exit.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: "A job's certificates from the asked peer's store",
  args: [{ name: 'JOB', required: true, help: 'name of the job' }],
  options: {},
  examples: [
    { command: 'quorate certificates flight-delays', what: 'who signed what' },
    {
      command: 'quorate certificates flight-delays --json > certificates.json',
      what: 'keep them, to verify offline',
    },
  ],
  run: async ({ args: [job = ''], client, output }) => {
    const certificates: CertificateView[] = []
    let cursor: string | undefined
    do {
      const page = await client().certificates(job, { cursor, limit: 1000 })
      if (output.format === 'jsonl') output.jsonLines(page.certificates)
      else certificates.push(...page.certificates)
      cursor = page.next
    } while (cursor !== undefined)
    if (output.format === 'json') output.json({ certificates })
    if (output.format === 'text') {
      output.table(
        ['UNIT', 'CUT', 'TERM', 'OFFSET', 'IN', 'LATE', 'DEAD', 'SIGNERS'],
        certificates.map(({ certificate: { content, term }, signerNames }) => [
          content.unit,
          `${content.seq}.${content.part}`,
          term,
          content.offset,
          content.counts.in,
          content.counts.late,
          content.counts.dead,
          signerNames.join(', '),
        ]),
      )
    }
    return EXIT.ok
  },
}
