/** `npm run sim`: plays seeds of the simulator and says which did not hold, with the command that repeats each. */
import { parseSimArguments, type SimArguments, USAGE } from './arguments.ts'
import { type FoundBug, findBug, listOfBugs, reportOf, tableOf } from './bugs.ts'
import { keepSeeds, keptSeeds, type Played, play } from './play.ts'
import { run } from './run.ts'
import { commandOf, shrink } from './shrink.ts'

const MINUTE_MS = 60_000
let args: SimArguments
try {
  args = parseSimArguments(process.argv.slice(2))
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`)
  process.exit(2)
}
const { minutes, twice, workers, json, verbose, bugs } = args
const faultsMs = minutes * MINUTE_MS
const started = performance.now()
if (args.listBugs) {
  console.log(listOfBugs())
  process.exit(0)
}
const [only] = args.seeds
if (verbose && args.seeds.length === 1 && only !== undefined) {
  const { violation } = await run({
    seed: only,
    faultsMs,
    only: args.faults,
    peers: args.peers,
    bug: bugs[0],
    say: (text) => console.error(text),
  })
  console.log(violation === undefined ? `seed ${only}: everything held` : `seed ${only}: ${violation}`)
  process.exit(violation === undefined ? 0 : 1)
}

if (args.shrink && only !== undefined) process.exit(await shrinkSeed(only))
if (bugs.length > 0) {
  const found: FoundBug[] = []
  for (const bug of bugs) {
    const one = await findBug(bug, { seeds: args.seeds, faultsMs, workers })
    console.error(`${reportOf(one, args.seeds.length)} (${(one.wallMs / 1000).toFixed(0)} s)`)
    found.push(one)
  }
  console.log(json ? JSON.stringify(found) : tableOf(found))
  process.exit(found.every(({ seeds }) => seeds !== undefined) ? 0 : 1)
}

const asked = args.seeds.map((seed) => ({ seed, faultsMs }))
const seeds = args.kept ? [...keptSeeds(), ...asked] : asked
const failed: Played[] = []
const faults: Record<string, number> = {}
const branches: Record<string, number> = {}
let simulatedMs = 0
let certificates = 0
let done = 0
await play({
  seeds,
  only: args.faults,
  peers: args.peers,
  twice,
  workers,
  onPlayed: (played) => {
    done += 1
    simulatedMs += played.simulatedMs
    certificates += played.certificates
    add(faults, played.faults)
    add(branches, played.branches)
    if (played.violation !== undefined) {
      failed.push(played)
      console.error(
        `seed ${played.seed}: ${played.violation}\n  npm run sim -- --seed ${played.seed} --minutes ${played.faultsMs / MINUTE_MS}${chosen()} --verbose`,
      )
    } else if (!json && (done % 10 === 0 || done === seeds.length)) {
      console.error(`${done} of ${seeds.length} seeds, ${((performance.now() - started) / 1000).toFixed(0)} s`)
    }
  },
})
if (args.keep) keepSeeds(failed)
const wallSeconds = Math.round((performance.now() - started) / 100) / 10
const simulatedSeconds = Math.round(simulatedMs / 1000)
if (json) {
  console.log(
    JSON.stringify({
      seeds: seeds.length,
      violations: failed.length,
      simulatedSeconds,
      wallSeconds,
      certificates,
      faults,
      branches,
    }),
  )
} else {
  console.log(
    `${seeds.length} seeds, ${failed.length} violations, ${simulatedSeconds} simulated seconds in ${wallSeconds} s`,
  )
  console.log(
    `${certificates} certificates; faults: ${listed(faults)}
branches: ${listed(branches)}`,
  )
}
process.exitCode = failed.length === 0 ? 0 : 1

/** What the command line says of faults and peers, for a command that repeats a seed. */
function chosen(): string {
  const named = args.faults === undefined ? '' : ` --faults ${args.faults.join(',') || 'none'}`
  return args.peers === undefined ? named : `${named} --peers ${args.peers}`
}

/** The exit code: 0 when the seed holds. */
async function shrinkSeed(seed: number): Promise<number> {
  const first = await run({ seed, faultsMs, only: args.faults, peers: args.peers })
  if (first.violation === undefined) {
    console.log(`seed ${seed}: everything held`)
    return 0
  }
  let violation = first.violation
  const least = await shrink({ faults: first.chosen, peers: first.peers, minutes }, async (reduced) => {
    const played = await run({
      seed,
      faultsMs: reduced.minutes * MINUTE_MS,
      only: reduced.faults,
      peers: reduced.peers,
    })
    if (played.violation === undefined) return false
    violation = played.violation
    console.error(`still fails: ${commandOf(seed, reduced)}`)
    return true
  })
  console.log(`seed ${seed}: ${violation}\n  ${commandOf(seed, least)}`)
  if (args.keep) keepSeeds([{ seed, faultsMs }])
  return 1
}

function add(sums: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count
}

function listed(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map((entry) => entry.join(' '))
    .join(', ')
}
