/** What the simulator is asked to do on its command line. */
import { parseArgs } from 'node:util'
import type { PlantedBug } from '../../mesh/planted.ts'
import { ALL_BUGS, isBug } from './bugs.ts'
import { FAULTS, type Fault, isFault } from './faults.ts'

export interface SimArguments {
  readonly seeds: readonly number[]
  /** Those of seeds.txt are played before, each for its own time. */
  readonly kept: boolean
  /** Simulated minutes under faults, a seed. */
  readonly minutes: number
  /** Each seed is run twice, and the traces compared. */
  readonly twice: boolean
  readonly json: boolean
  /** Every event of a single seed on stderr. */
  readonly verbose: boolean
  readonly workers: number
  /** Instead of what the seed chooses. */
  readonly faults: readonly Fault[] | undefined
  readonly peers: number | undefined
  /** The smallest run of the seed that still fails is searched. */
  readonly shrink: boolean
  /** Seeds that fail are added to seeds.txt. */
  readonly keep: boolean
  /** Rules to break, each in runs of its own. */
  readonly bugs: readonly PlantedBug[]
  readonly listBugs: boolean
}

export const USAGE = `npm run sim -- [--seed N | --seeds COUNT --from FIRST] [--minutes M] [--once] [--workers K] [-o json] [--verbose]

  --seed N       one seed
  --seeds COUNT  so many seeds (default 50), from --from on (default 1)
  --kept         those of seeds.txt first, each for its own time
  --minutes M    simulated minutes under faults (default 10)
  --once         run each seed once instead of twice
  --workers K    seeds at a time (default 2)
  -o json        one JSON document on stdout
  --faults LIST  these faults (a,b,c, or none) instead of those that the seed chooses
  --peers K      so many peers at first, instead of what the seed chooses
  --shrink       for a single seed that fails: the smallest run that still does
  --keep         add the seeds that fail to seeds.txt
  --verbose      what happens, on stderr; for a single seed
  --bug NAME     break this rule, and play seeds until a check reports it; can be given several times
  --bugs         the same with each of them, as a table
  --list-bugs    their names, and what each breaks`

/** @throws Error with what is wrong */
export function parseSimArguments(argv: readonly string[]): SimArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string', default: '50' },
      from: { type: 'string', default: '1' },
      kept: { type: 'boolean', default: false },
      minutes: { type: 'string', default: '10' },
      once: { type: 'boolean', default: false },
      workers: { type: 'string', default: '2' },
      output: { type: 'string', short: 'o', default: 'text' },
      verbose: { type: 'boolean', default: false },
      faults: { type: 'string' },
      peers: { type: 'string' },
      shrink: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      bug: { type: 'string', multiple: true, default: [] },
      bugs: { type: 'boolean', default: false },
      'list-bugs': { type: 'boolean', default: false },
    },
  })
  const from = count('from', values.from)
  const seeds =
    values.seed === undefined
      ? Array.from({ length: count('seeds', values.seeds) }, (_, index) => from + index)
      : [count('seed', values.seed)]
  const minutes = Number(values.minutes)
  if (!(minutes > 0 && minutes <= 1_000))
    throw new Error(`--minutes: expected a number of minutes, found ${values.minutes}`)
  if (values.output !== 'text' && values.output !== 'json')
    throw new Error(`-o: expected text or json, found ${values.output}`)
  const unknown = values.bug.find((name) => !isBug(name))
  if (unknown !== undefined) throw new Error(`--bug: there is no ${unknown}; --list-bugs names them`)
  return {
    seeds,
    kept: values.kept,
    minutes,
    twice: !values.once,
    json: values.output === 'json',
    verbose: values.verbose,
    workers: Math.max(1, count('workers', values.workers)),
    faults: values.faults === undefined ? undefined : faultsIn(values.faults),
    peers: values.peers === undefined ? undefined : Math.max(1, count('peers', values.peers)),
    shrink: values.shrink,
    keep: values.keep,
    bugs: values.bugs ? ALL_BUGS : values.bug.filter(isBug),
    listBugs: values['list-bugs'],
  }
}

function faultsIn(text: string): readonly Fault[] {
  const names = text === 'none' ? [] : text.split(',')
  const unknown = names.find((name) => !isFault(name))
  if (unknown !== undefined) throw new Error(`--faults: there is no ${unknown}; there are ${FAULTS.join(', ')}`)
  return names.filter(isFault)
}

function count(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new Error(`--${name}: expected a whole number, found ${text}`)
}
