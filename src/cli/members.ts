/** `quorate members`: the peers as the asked one sees them; its JSON holds the public keys that `verify` needs. */
import { EXIT } from './exit.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'Peers and their health, as the asked peer sees them',
  args: [],
  options: {},
  examples: [
    { command: 'quorate members', what: 'who is there' },
    { command: 'quorate members --json > members.json', what: 'keep the public keys, to verify certificates offline' },
  ],
  run: async ({ client, output }) => {
    const members = await client().members()
    if (output.format === 'json') output.json({ members })
    else if (output.format === 'jsonl') output.jsonLines(members)
    else {
      output.table(
        ['NAME', 'ID', 'STATE', 'MEMBER', 'HEARD', 'HTTP', 'VERSION'],
        members.map((member) => [
          member.self ? `${member.name} (asked)` : member.name,
          member.id.slice(0, 8),
          member.leaving ? `${member.state}, leaving` : member.state,
          member.member ? 'yes' : 'no',
          member.self ? '-' : `${(member.lastHeardMs / 1000).toFixed(1)} s ago`,
          member.httpAddress,
          member.version,
        ]),
      )
    }
    return EXIT.ok
  },
}
