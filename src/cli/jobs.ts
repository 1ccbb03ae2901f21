/** `quorate jobs`: all jobs, or one with its document. */
import type { JobSummary } from '../http/api.ts'
import { EXIT } from './exit.ts'
import type { Output } from './output.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'Jobs, or one of them with its document',
  args: [{ name: 'JOB', required: false, help: 'only this job' }],
  options: {},
  examples: [
    { command: 'quorate jobs', what: 'all jobs' },
    { command: 'quorate jobs flight-delays --json', what: 'one job with its document' },
  ],
  run: async ({ args: [name], client, output }) => {
    if (name === undefined) {
      const jobs = await client().jobs()
      if (output.format === 'json') output.json({ jobs })
      else if (output.format === 'jsonl') output.jsonLines(jobs)
      else if (jobs.length === 0) output.note('There are no jobs. Submit one: quorate submit FILE')
      else jobTable(jobs, output)
      return EXIT.ok
    }
    const job = await client().job(name)
    if (output.format === 'text') {
      jobTable([job], output)
      output.line()
      output.json(job.document)
    } else output.json(job)
    return EXIT.ok
  },
}

export function jobTable(jobs: readonly JobSummary[], output: Output): void {
  output.table(
    ['NAME', 'STATE', 'QUORUM', 'UNITS', 'SOURCES', 'SINKS', 'GENERATION', 'SUBMITTED'],
    jobs.map(({ name, state, quorum, units, sources, sinks, generation, submittedAt }) => [
      name,
      state,
      `N=${quorum.replicas} W=${quorum.write} R=${quorum.read}${quorum.allowForks ? ' forks allowed' : ''}`,
      units,
      sources.join(', '),
      sinks.join(', '),
      generation,
      submittedAt,
    ]),
  )
}
