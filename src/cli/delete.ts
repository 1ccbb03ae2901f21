/** `quorate delete`: ends a job for good; asks first, because its generation never comes back. */
import { createInterface } from 'node:readline/promises'
import { QuorateError } from '../errors.ts'
import { EXIT } from './exit.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'Delete a job',
  description: 'Rows at sinks stay; the state and results that the peers keep go. Submitting it again starts afresh.',
  args: [{ name: 'JOB', required: true, help: 'name of the job' }],
  options: { yes: { type: 'boolean', short: 'y', help: 'Do not ask' } },
  examples: [
    { command: 'quorate delete flight-delays', what: 'asks before it deletes' },
    { command: 'quorate delete flight-delays --yes', what: 'in a script' },
  ],
  run: async ({ args: [job = ''], options, client, output, signal }) => {
    if (!options.flag('yes') && !(await confirmed(job, signal))) {
      output.note('Nothing was deleted.')
      return EXIT.failed
    }
    await client().deleteJob(job)
    if (output.format === 'text') output.note(`Deleted ${job}.`)
    else output.json({ deleted: job })
    return EXIT.ok
  },
}

async function confirmed(job: string, signal: AbortSignal): Promise<boolean> {
  if (process.stdin.isTTY !== true) {
    throw new QuorateError('QRT_USAGE', `there is no terminal to ask at: give --yes to delete "${job}"`)
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await prompt.question(`Delete the job "${job}"? Type its name: `, { signal })
    return answer.trim() === job
  } finally {
    prompt.close()
  }
}
