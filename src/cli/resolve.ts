/** `quorate resolve`: an operator's word on what a unit cannot decide by itself, with what each word gives up. */
import { QuorateError } from '../errors.ts'
import { RESOLUTIONS, type Resolution } from '../replica/resolution.ts'
import { EXIT } from './exit.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'Decide what a unit cannot decide by itself',
  description: [
    'A unit that halts for an operator says so in quorate status, with the order that it waits for. Any other order, and any',
    'unit that waits for none, is refused. An order is given to the replicas that are alive; it is kept until it is carried',
    'out, also across a restart of theirs.',
    '',
    'ORDER is one of:',
    '  retry       Replicas computed different results for one cut, again and again, and none has enough votes. They go back to',
    '              the last certified snapshot, compute anew and vote once more. Gives up nothing. Find the cause first: a peer',
    '              with bad memory, or with another version, makes the same cut fail again, and the unit halts again.',
    '  accept-gap  Records were lost from the log (retention) before enough replicas had read them, and no replica that is alive',
    '              has a certified snapshot beyond them. Replicas go on at the first record that there is, from the state of the',
    '              last certified snapshot. Gives up all records between the two: they are in no result, and what was counted',
    '              of windows that were open then is too low. Results that are certified stay.',
    '  settle      A result may have been certified by peers that are gone for good, and only they could tell. The unit goes on',
    '              without asking them. Gives up what protects that result: if it was certified and is at a sink already,',
    '              another result for the same cut may be certified now. A sink that holds the other one refuses it then',
    '              (QRT_SINK_FORK) where it can tell. Do this only when those peers and their disks will not come back. One that',
    '              is still a member is expected back, and is taken out of the cluster first: quorate remove. After accept-gap it',
    '              may be needed as well: a gap waits until every replica has said what it has.',
  ].join('\n'),
  args: [
    { name: 'JOB', required: true, help: 'name of the job' },
    { name: 'ORDER', required: true, help: RESOLUTIONS.join(', ') },
  ],
  options: {
    unit: {
      type: 'string',
      placeholder: 'N',
      help: 'The unit, as STAGE:PARTITION, or the partition where the job has one stage',
    },
  },
  examples: [
    {
      command: 'quorate resolve flight-delays --unit 3 accept-gap',
      what: 'partition 3 goes on without what the log has lost',
    },
    { command: 'quorate resolve sessions --unit 1:0 retry', what: 'a disputed cut of the second stage' },
  ],
  run: async ({ args: [job = '', word = ''], options, client, output }) => {
    const order = orderOf(word)
    const unit = options.string('unit')
    if (unit === undefined)
      throw new QuorateError('QRT_USAGE', `--unit N is missing: which one waits is in quorate status ${job}`)
    if (!/^(\d{1,4}:)?\d{1,7}$/.test(unit)) {
      throw new QuorateError('QRT_USAGE', `--unit: expected STAGE:PARTITION or a partition, found "${unit}"`)
    }
    await client().resolveUnit(job, unit, order)
    if (output.format !== 'text') output.json({ job, unit, order })
    else output.note(`Ordered "${order}" for unit ${unit} of ${job}. Follow it with: quorate status ${job}`)
    return EXIT.ok
  },
}

function orderOf(word: string): Resolution {
  const order = RESOLUTIONS.find((known) => known === word)
  if (order !== undefined) return order
  throw new QuorateError('QRT_USAGE', `expected one of ${RESOLUTIONS.join(', ')}, found "${word}"`)
}
