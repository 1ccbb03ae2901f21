/** `quorate ring`: which peers hold each unit, in the order in which they commit. */
import { EXIT } from './exit.ts'
import { readsText } from './reads.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'Which peers hold which units',
  description: 'Replicas are listed by preference: the first commits, the others take over when it is silent.',
  args: [],
  options: {},
  examples: [{ command: 'quorate ring', what: 'the placement in the current view' }],
  run: async ({ client, output }) => {
    const [ring, members] = await Promise.all([client().ring(), client().members()])
    if (output.format === 'json') output.json(ring)
    else if (output.format === 'jsonl') output.jsonLines(ring.units)
    else {
      const names = new Map(members.map(({ id, name }) => [id, name]))
      output.line(`view ${ring.view}, ${ring.members.length} members`)
      output.table(
        ['UNIT', 'JOB', 'STAGE', 'READS', 'REPLICAS'],
        ring.units.map((placed) => [
          placed.unit,
          placed.job,
          placed.stage,
          readsText(placed),
          placed.replicas.map((id) => names.get(id) ?? id.slice(0, 8)).join(', '),
        ]),
      )
    }
    return EXIT.ok
  },
}
