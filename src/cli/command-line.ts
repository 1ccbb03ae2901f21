/** The command line: finds the verb, parses for it, runs it, and turns whatever happens into an exit code. */
import process from 'node:process'
import { QuorateError } from '../errors.ts'
import { PEER_NODE, runsPeers } from '../node-version.ts'
import { suggest } from '../suggest.ts'
import { parseArguments } from './arguments.ts'
import { commonFlags } from './common-options.ts'
import { EXIT, exitCodeOf } from './exit.ts'
import { generalHelp, verbHelp } from './help.ts'
import { Output } from './output.ts'
import { resolveSettings } from './settings.ts'
import { VERBS, type VerbEntry } from './verbs.ts'

/** Runs the command line and resolves to the exit code. */
export async function commandLine(argv: readonly string[]): Promise<number> {
  // A reader that has seen enough (`| head`) is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok)
    throw error
  })
  const abort = new AbortController()
  let output = new Output('text', false, process)
  try {
    const [name, ...rest] = normalize(argv)
    if (name === 'help') {
      output.line(generalHelp())
      return EXIT.ok
    }
    const entry = findVerb(name)
    if (entry.startsPeers === true) checkNode()
    const { verb } = await entry.load()
    const { args, options } = parseArguments(name ?? '', verb, rest)
    if (options.flag('help')) {
      output.line(verbHelp(name ?? '', verb))
      return EXIT.ok
    }
    const inputs = { flags: commonFlags(options), environment: process.env, terminal: process.stdout.isTTY === true }
    const { settings } = resolveSettings(inputs)
    output = new Output(settings.output, settings.color, process)
    if (verb.handlesSignals !== true) process.once('SIGINT', () => abort.abort())
    const { Client } = await import('./client.ts')
    const client = new Client({ ...settings, signal: abort.signal })
    return await verb.run({ args, options, settings, output, client: () => client, signal: abort.signal })
  } catch (error) {
    if (abort.signal.aborted) return EXIT.interrupted
    const { reportError } = await import('./report.ts')
    return exitCodeOf(reportError(error, output))
  }
}

/** The usual ways to ask for help and version, as verbs. */
function normalize(argv: readonly string[]): readonly string[] {
  const [first, second] = argv
  if (first === undefined || first === '--help' || first === '-h') return ['help']
  if (first === 'help' && second !== undefined) return [second, '--help']
  if (first === '--version' || first === '-v' || first === '-V') return ['version', ...argv.slice(1)]
  return argv
}

function findVerb(name = ''): VerbEntry {
  const entry = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined
  if (entry !== undefined) return entry
  const near = suggest(name, Object.keys(VERBS))
  const hint = near === undefined ? 'See: quorate --help' : `Did you mean "quorate ${near}"?`
  const what = name.startsWith('-') ? `the verb comes before options such as ${name}` : `there is no verb "${name}"`
  throw new QuorateError('QRT_USAGE', `${what}. ${hint}`)
}

function checkNode(): void {
  const { node } = process.versions
  if (runsPeers(node)) return
  throw new QuorateError('QRT_CONFIG_INVALID', `a peer needs Node ${PEER_NODE} or later; this is ${node}`)
}
