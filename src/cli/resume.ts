/** `quorate resume`: a paused job goes on. */
import { EXIT } from './exit.ts'
import { jobTable } from './jobs.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'Let a paused job go on',
  description: 'It goes on with the record after the last one that it took. A job that runs already goes on running.',
  args: [{ name: 'JOB', required: true, help: 'name of the job' }],
  options: {},
  examples: [{ command: 'quorate resume flight-delays', what: 'where it stopped' }],
  run: async ({ args: [name = ''], client, output }) => {
    const job = await client().changeJob(name, 'resume')
    if (output.format === 'text') jobTable([job], output)
    else output.json(job)
    return EXIT.ok
  },
}
