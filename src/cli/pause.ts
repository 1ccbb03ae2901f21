/** `quorate pause`: a job takes no more records and keeps what it has. */
import { EXIT } from './exit.ts'
import { jobTable } from './jobs.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'Pause a job',
  description: [
    'All replicas of a partition stop at the same record, which they agree on, within moments. State and open windows stay as',
    'they are, queries are answered, and what is certified still goes to the sinks. A job that is paused already stays so.',
    'The topic must keep its records until the job goes on.',
  ].join('\n'),
  args: [{ name: 'JOB', required: true, help: 'name of the job' }],
  options: {},
  examples: [{ command: 'quorate pause flight-delays', what: 'until: quorate resume flight-delays' }],
  run: async ({ args: [name = ''], client, output }) => {
    const job = await client().changeJob(name, 'pause')
    if (output.format === 'text') {
      jobTable([job], output)
      output.note(`Let it go on with: quorate resume ${job.name}`)
    } else output.json(job)
    return EXIT.ok
  },
}
