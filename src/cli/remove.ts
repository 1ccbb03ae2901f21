/** `quorate remove`: takes a member that does not come back out of the view. */
import { EXIT } from './exit.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'Take a member that is gone out of the cluster',
  description: [
    'For a peer that does not come back: its units go to the others at once, instead of after removeAfter. A peer that is alive',
    'leaves by itself (quorate leave). It is refused where fewer would be left than must agree for a job, or fewer acceptors of',
    'changes alive than a majority. A removed peer that starts again is admitted again, unless it was removed with --ban.',
  ].join('\n'),
  args: [{ name: 'PEER', required: true, help: 'its name, its id, or the first 8 digits of that' }],
  options: {
    ban: { type: 'boolean', help: 'For good: the identity does not come back, and stops by itself if it is alive' },
  },
  examples: [
    { command: 'quorate remove cy', what: 'a machine that was given back' },
    { command: 'quorate remove 3f9a1c04 --ban', what: 'an identity whose key may be in other hands' },
  ],
  run: async ({ args: [peer = ''], options, client, output }) => {
    const ban = options.flag('ban')
    await client().removeMember(peer, ban)
    if (output.format !== 'text') output.json({ removed: peer, ban })
    else output.note(`Removed ${peer}${ban ? ' for good' : ''}: others take its units over. See: quorate status`)
    return EXIT.ok
  },
}
