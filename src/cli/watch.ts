/** `quorate watch`: what happens, as it happens; a lost connection is taken up again behind the last event seen. */
import { QuorateError } from '../errors.ts'
import type { LiveEvent } from '../http/api.ts'
import type { StreamedEvent } from './client.ts'
import { EXIT } from './exit.ts'
import { cellText, type Output } from './output.ts'
import type { Verb, VerbContext } from './verb.ts'

const RECONNECT_MS = 500

export const verb: Verb = {
  summary: 'Certificates, commits and members as they happen, until Ctrl-C',
  args: [{ name: 'JOB', required: false, help: 'only events of this job' }],
  options: {
    count: { type: 'string', short: 'n', placeholder: 'EVENTS', help: 'Stop after this many' },
    since: { type: 'string', placeholder: 'ID', help: 'Begin behind this event (jsonl shows ids)' },
  },
  examples: [
    { command: 'quorate watch', what: 'everything' },
    { command: 'quorate watch flight-delays -n 1', what: 'wait for the next event of a job' },
    { command: 'quorate watch -o jsonl', what: 'one JSON document a line' },
  ],
  run: async (context) => {
    const { args, options, output, signal } = context
    const count = countOf(options.string('count'))
    let last = options.string('since')
    let seen = 0
    try {
      for await (const streamed of resuming(context, () => last)) {
        if (streamed.kind === 'gap') {
          const { reason, missed } = streamed.gap
          output.note(`Some events were missed${missed === undefined ? '' : ` (${missed})`}: ${cellText(reason)}`)
          continue
        }
        last = streamed.id
        if (args[0] !== undefined && jobOf(streamed.event) !== args[0]) continue
        show(streamed.id, streamed.event, output)
        if (++seen === count) return EXIT.ok
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
    return EXIT.interrupted
  },
}

/** Events across connections. The first must succeed; a later one is tried again until the timeout has passed. */
async function* resuming(context: VerbContext, last: () => string | undefined): AsyncGenerator<StreamedEvent> {
  const { client, output, settings, signal } = context
  let lostAt: number | undefined
  for (let first = true; !signal.aborted; first = false) {
    try {
      for await (const event of client().events(last())) {
        lostAt = undefined
        yield event
      }
    } catch (error) {
      if (first || !(error instanceof QuorateError) || error.code !== 'QRT_UNREACHABLE') throw error
      if (lostAt !== undefined && performance.now() - lostAt > settings.timeoutMs) throw error
    }
    if (lostAt === undefined) output.note('The connection was lost; trying again.')
    lostAt ??= performance.now()
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS))
  }
}

function show(id: string, event: LiveEvent, output: Output): void {
  if (output.format === 'text') output.line(cellText(sentence(event)))
  else output.jsonLines([{ id, ...event }])
}

function sentence(event: LiveEvent): string {
  switch (event.kind) {
    case 'certified':
      return `${event.at} certified ${event.unit} ${event.position.seq}.${event.position.part}: ${event.rows} rows, signed by ${event.signers.join(', ')}`
    case 'committed':
      return `${event.at} committed ${event.unit} ${event.position.seq}.${event.position.part} to ${event.sink}`
    case 'member':
      return `${event.at} member ${event.name} (${event.peer.slice(0, 8)}) is ${event.state}`
    case 'diverged': {
      const { name, unit, position, cause } = event.divergence
      return `${event.at} diverged ${name} at ${unit} ${position.seq}.${position.part} (${cause})`
    }
    case 'job':
      return `${event.at} job ${event.job} was ${event.change}`
  }
}

/** A unit's name begins with its job's generation: `<name>-<12 hex>-<number>`. */
function jobOf(event: LiveEvent): string | undefined {
  if ('job' in event) return event.job
  return event.kind === 'diverged' ? /^(.+)-[0-9a-f]{12}-\d+:/.exec(event.divergence.unit)?.[1] : undefined
}

function countOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new QuorateError('QRT_USAGE', `--count: expected a number, found "${text}"`)
  return Number(text)
}
