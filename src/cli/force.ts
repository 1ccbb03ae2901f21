/** `quorate force`: goes on without members that are gone for good, also where they are a majority. */
import { QuorateError } from '../errors.ts'
import { EXIT } from './exit.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'Go on without members that are gone for good, disks and all',
  description: [
    'The last resort where a majority of the members is lost: the peer that is asked makes the next view without them, and',
    'units go on with the members that are left. Results that only the lost ones knew are computed anew; where a sink has them',
    'and they differ, that sink stops with QRT_SINK_FORK. It is recorded: terms made so are marked as forced. Order it at one',
    'peer only, and name all that are gone. A member that is alive is refused, and one that was lost never comes back.',
  ].join('\n'),
  args: [],
  options: {
    lost: { type: 'string', multiple: true, placeholder: 'PEER', help: 'Its name or id; once for each that is gone' },
    yes: { type: 'boolean', short: 'y', help: 'Required: nothing brings back what is given up' },
  },
  examples: [{ command: 'quorate force --lost bo --lost cy --yes', what: 'two of three machines burned down' }],
  run: async ({ options, client, output }) => {
    const lost = options.list('lost')
    if (lost.length === 0) throw new QuorateError('QRT_USAGE', 'name the members that are gone: --lost PEER')
    if (!options.flag('yes')) {
      throw new QuorateError('QRT_USAGE', `give --yes to go on without ${lost.join(', ')} for good`)
    }
    const view = await client().loseMembers(lost)
    if (output.format !== 'text') output.json(view)
    else {
      const how = view.forced ? 'This peer went on alone, and the others follow it' : 'The others agreed'
      output.note(`Given up: ${lost.join(', ')}. ${how}. See: quorate status`)
    }
    return EXIT.ok
  },
}
