/** `quorate join`: runs a peer until it is told to stop. */
import { commonFlags } from './common-options.ts'
import { EXIT } from './exit.ts'
import { PEER_OPTIONS } from './peer-definitions.ts'
import { peerFlags } from './peer-flags.ts'
import { peerSettings } from './peer-settings.ts'
import { configFile } from './settings.ts'
import type { Verb } from './verb.ts'

/** One Ctrl-C may come twice, from the terminal and from npm. */
const ANOTHER_AFTER_MS = 1_000

export const verb: Verb = {
  summary: 'Start a peer and join a cluster',
  description: [
    'Runs in the foreground until SIGINT or SIGTERM. A first cluster starts when as many peers as --bootstrap-expect says have',
    'found one another; a peer that was a member before needs neither seeds nor that. Everything can be in a file (--config)',
    'or in the environment; secrets and how sinks are reached are in the file only. A peer that was asked to leave ends with',
    'exit code 0 once the others hold all that it held. One whose disk has forgotten what it signed goes on as a new peer under',
    'the same name, with what it had kept in a folder named by its old id.',
  ].join('\n'),
  args: [],
  options: PEER_OPTIONS,
  examples: [
    { command: 'quorate join --bootstrap --data ./peer', what: 'a cluster of one, on the embedded log' },
    {
      command:
        'quorate join --name b --seed ws://10.0.0.1:7400 --listen 10.0.0.2:7400 --http 127.0.0.1:7401 --secret-file secret --log kafka://10.0.0.9:9092',
      what: 'one of several',
    },
    { command: 'quorate join --config configs/peers/kafka.yaml --bootstrap-expect 3', what: 'the rest from a file' },
  ],
  handlesSignals: true,
  run: async ({ options, output }) => {
    const flags = { ...commonFlags(options), ...peerFlags(options) }
    const inputs = { flags, environment: process.env, terminal: false }
    const settings = peerSettings(inputs, configFile(inputs))
    // Loaded here: other verbs start without the weight of a peer.
    const [{ startPeer }, { Lives }] = await Promise.all([import('../peer/start.ts'), import('../peer/lives.ts')])
    const lives = new Lives(settings)
    const parentEnded = abandoned()
    for (;;) {
      const running = await startPeer(lives.settings)
      const { id, name, address, httpAddress } = running
      if (output.format === 'text') {
        output.note(`peer ${name} (${id}) at ${address}, API and dashboard at ${httpAddress}`)
      } else output.jsonLines([{ id, name, address, httpAddress }])
      const signals = signalled('SIGINT', 'SIGTERM')
      const stopped = await Promise.race([
        running.retired,
        running.failed.then((error) => ({ kind: 'failed', error }) as const),
        running.left.then(() => stop('it has left the cluster')),
        signals.received,
        parentEnded,
      ])
      signals.forget()
      if (stopped.kind === 'retired') await lives.succeed(running, stopped)
      else if (stopped.kind === 'failed') {
        running.logger.error('this peer stops: it can no longer keep its promises', { error: stopped.error })
        // Its parts may hang on what failed: whatever is durable is, and the rest is for the next start.
        process.exit(EXIT.failed)
      } else {
        running.logger.info('stopping', { signal: stopped.signal })
        insistent()
        await running.close()
        return EXIT.ok
      }
    }
  },
}

interface Stop {
  readonly kind: 'stop'
  /** Or another reason. */
  readonly signal: string
}

const stop = (signal: string): Stop => ({ kind: 'stop', signal })

/** Started by another process of Quorate (with a channel to it): that one has ended. */
function abandoned(): Promise<Stop> {
  return new Promise((resolve) => {
    process.once('disconnect', () => resolve(stop('the process that started it has ended')))
    // A listener keeps the channel, and the channel the process: it would not end by itself once everything is closed.
    process.channel?.unref()
  })
}

/** From here on another signal ends the process at once, whatever hangs. */
function insistent(): void {
  const since = performance.now()
  const insist = () => {
    if (performance.now() - since >= ANOTHER_AFTER_MS) process.exit(EXIT.interrupted)
  }
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, insist)
}

/** Until it is forgotten; from then on a signal does what it does to any process. */
function signalled(...names: NodeJS.Signals[]): { readonly received: Promise<Stop>; readonly forget: () => void } {
  const { promise, resolve } = Promise.withResolvers<Stop>()
  const listener = (name: NodeJS.Signals) => resolve(stop(name))
  for (const name of names) process.on(name, listener)
  return {
    received: promise,
    forget: () => {
      for (const name of names) process.off(name, listener)
    },
  }
}
