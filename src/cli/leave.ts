/**
 * `quorate leave`: asks one peer out of its cluster and follows it until it is, saying what it still waits for. Whoever stops
 * to wait stops nothing else.
 */
import { QuorateError } from '../errors.ts'
import type { LeaveView } from '../http/api.ts'
import { EXIT } from './exit.ts'
import { cellText, type Output } from './output.ts'
import type { Verb, VerbContext } from './verb.ts'

const ASK_EVERY_MS = 200

export const verb: Verb = {
  summary: 'Take the asked peer out of its cluster',
  description: [
    'The peer that --url names leaves: its units go to the others, results go on, and when nothing needs it any more its',
    'process ends with exit code 0. Its data directory is of no use afterwards. This command waits for that; Ctrl-C ends the',
    'waiting only. To keep the peer, stop it before it has left, and start it again.',
  ].join('\n'),
  args: [],
  options: { 'no-wait': { type: 'boolean', help: 'Return at once; ask again with this command' } },
  examples: [
    { command: 'quorate leave --url http://10.0.0.3:7401', what: 'take one peer away' },
    { command: 'quorate leave --no-wait --json', what: 'start it in a script' },
  ],
  run: async (context) => {
    const { client, options, output, signal } = context
    const others = await otherPeers(context)
    let view = await client().leave()
    if (options.flag('no-wait')) {
      show(view, output)
      return EXIT.ok
    }
    const progress = new Progress(output)
    while (view.state !== 'left') {
      progress.tell(view)
      await pause(signal)
      if (signal.aborted) {
        output.note('Not waiting any more; the peer goes on leaving.')
        return EXIT.interrupted
      }
      view = await asked(context, others)
    }
    show(view, output)
    return EXIT.ok
  },
}

async function asked({ client }: VerbContext, others: string): Promise<LeaveView> {
  try {
    return await client().leaving()
  } catch (error) {
    if (!(error instanceof QuorateError) || error.code !== 'QRT_UNREACHABLE') throw error
    const what = `the peer ended before it said that it had left${others}`
    throw new QuorateError('QRT_UNREACHABLE', what, { cause: error })
  }
}

async function otherPeers({ client }: VerbContext): Promise<string> {
  const other = (await client().members()).find(({ self, state }) => !self && state === 'alive')
  return other === undefined ? '' : `; whether it has, another peer knows: quorate members --url ${other.httpAddress}`
}

function show(view: LeaveView, output: Output): void {
  if (output.format !== 'text') output.json(view)
  else if (view.state === 'left') output.note('It has left: the others hold all that it held. Its process ends.')
  else output.note(`It is leaving: ${cellText(view.waitingFor[0] ?? 'it may go at any moment')}.`)
}

/** A line whenever something has changed: how many units are handed over, at what rate, and what comes next. */
class Progress {
  readonly #output: Output
  readonly #since = performance.now()
  #told = ''

  constructor(output: Output) {
    this.#output = output
  }

  tell({ waitingFor, units: { total, left } }: LeaveView): void {
    const [first, ...more] = waitingFor
    const state = `${left}/${total} ${first}`
    if (first === undefined || state === this.#told) return
    this.#told = state
    const seconds = (performance.now() - this.#since) / 1000
    const done = total - left
    const rest = done > 0 && left > 0 ? `, about ${Math.ceil((left * seconds) / done)} s left` : ''
    const waits = `${cellText(first)}${more.length > 0 ? ` (and ${more.length} more)` : ''}`
    this.#output.note(`${done} of ${total} units handed over after ${seconds.toFixed(1)} s${rest}; waiting: ${waits}`)
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const ended = () => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', ended)
      resolve()
    }, ASK_EVERY_MS)
    signal.addEventListener('abort', ended, { once: true })
  })
}
