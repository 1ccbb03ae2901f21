/** `quorate status`: where each unit stands and, in sentences, why there is no result. */
import type { CutPosition } from '../../mesh/index.ts'
import type { StatusView } from '../http/api.ts'
import { EXIT } from './exit.ts'
import { cellText, type Output } from './output.ts'
import { readsText } from './reads.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'Where each unit stands, and why there is no result',
  args: [{ name: 'JOB', required: false, help: 'only units of this job' }],
  options: {},
  examples: [
    { command: 'quorate status', what: 'the whole cluster, as the asked peer sees it' },
    { command: 'quorate status flight-delays', what: 'one job' },
  ],
  run: async ({ args: [job], client, output }) => {
    const status = await client().status(job)
    if (output.format === 'text') statusText(status, output)
    else output.json(status)
    return EXIT.ok
  },
}

function statusText(status: StatusView, output: Output): void {
  const cluster = status.cluster ?? 'none yet'
  output.line(
    `peer ${status.name} (${status.peer.slice(0, 8)}), version ${status.version}, cluster ${cluster}, view ${status.view}`,
  )
  if (status.reasons.length === 0) output.line(`ready: ${output.paint('green', 'yes')}`)
  else output.line(`ready: ${output.paint('red', 'no')}`)
  for (const reason of status.reasons) output.line(`  ${cellText(reason)}`)
  for (const notice of status.notices) output.line(cellText(notice))
  output.line()
  if (status.units.length === 0) output.note('No units: no job runs here. Submit one: quorate submit FILE')
  else {
    output.table(
      [
        'UNIT',
        'READS',
        'STATE',
        'VERSION',
        'CERTIFIED',
        'COMPUTED',
        'AT SINKS',
        'OFFSET',
        'END',
        'WATERMARK',
        'REPLICAS',
      ],
      status.units.map((unit) => [
        unit.unit,
        readsText(unit),
        unit.state,
        unit.version,
        positionText(unit.certified),
        positionText(unit.computed),
        positionText(unit.committed),
        unit.offset,
        unit.endOffset,
        unit.watermark,
        unit.replicas.map(({ name, alive }) => (alive ? name : `${name} (down)`)).join(', '),
      ]),
    )
  }
  for (const { unit, reasons } of status.units) {
    for (const reason of reasons) output.line(`${unit}: ${cellText(reason)}`)
  }
  for (const { at, name, unit, position, offset, cause, repaired } of status.divergences) {
    const mark = output.paint(repaired ? 'yellow' : 'red', 'diverged')
    const end = repaired ? 'repaired' : 'not repaired yet'
    output.line(`${mark}: ${name} at ${unit} ${positionText(position)}, offset ${offset} (${cause}), ${at}: ${end}`)
  }
}

const positionText = (position: CutPosition | undefined): string | undefined =>
  position === undefined ? undefined : `${position.seq}.${position.part}`
