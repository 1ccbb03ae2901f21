/**
 * The simulator's own test: with a rule of the protocols broken on purpose (mesh/planted.ts), seeds are played one after
 * another until a check reports it. What it reports is the bug's doing: a seed counts only if it holds without it.
 */
import { PLANTED_BUGS, type PlantedBug } from '../../mesh/planted.ts'
import { type Played, play, playSeed } from './play.ts'
import type { Check } from './violation.ts'

export interface BugSearch {
  readonly seeds: readonly number[]
  readonly faultsMs: number
  readonly workers: number
}

export interface FoundBug {
  readonly bug: PlantedBug
  /** Seeds that were played, that of the violation included; undefined: none of all had one. */
  readonly seeds: number | undefined
  readonly seed: number | undefined
  readonly check: Check | undefined
  readonly violation: string | undefined
  readonly wallMs: number
}

export const ALL_BUGS = Object.keys(PLANTED_BUGS) as PlantedBug[]

export function isBug(name: string): name is PlantedBug {
  return name in PLANTED_BUGS
}

export async function findBug(bug: PlantedBug, { seeds, faultsMs, workers }: BugSearch): Promise<FoundBug> {
  const started = performance.now()
  let first = await firstOf(bug, { seeds, faultsMs, workers })
  while (first !== undefined) {
    const without = await playSeed({ seed: first.seed, faultsMs }, false)
    if (without.violation === undefined) break
    // It is not the bug's doing.
    console.error(`seed ${first.seed} without any bug: ${without.violation}`)
    first = await firstOf(bug, { seeds: seeds.slice(seeds.indexOf(first.seed) + 1), faultsMs, workers })
  }
  const { seed, check, violation } = first ?? {}
  return {
    bug,
    seeds: seed === undefined ? undefined : seeds.indexOf(seed) + 1,
    seed,
    check,
    violation,
    wallMs: performance.now() - started,
  }
}

/** The first of the seeds that has a violation. */
async function firstOf(bug: PlantedBug, { seeds, faultsMs, workers }: BugSearch): Promise<Played | undefined> {
  const failed: Played[] = []
  await play({
    seeds: seeds.map((seed) => ({ seed, faultsMs })),
    twice: false,
    workers,
    bug,
    enough: () => failed.length > 0,
    onPlayed: (played) => {
      if (played.violation !== undefined) failed.push(played)
    },
  })
  // Several are played at a time, begun in order: the first one counts.
  return failed.sort((a, b) => seeds.indexOf(a.seed) - seeds.indexOf(b.seed))[0]
}

export function listOfBugs(): string {
  return ALL_BUGS.map((bug) => `${bug.padEnd(22)} ${PLANTED_BUGS[bug]}`).join('\n')
}

/** For a person who looks for one bug. */
export function reportOf({ bug, seeds, seed, check, violation }: FoundBug, tried: number): string {
  if (seeds === undefined) return `${bug}: not found in ${tried} seeds`
  return `${bug}: found in seed ${seed}, the ${seeds}. that was played, by "${check}"\n  ${violation}`
}

/** In Markdown, for the README. */
export function tableOf(found: readonly FoundBug[]): string {
  const rows = found.map(({ bug, seeds, check }) => {
    return `| \`${bug}\` | ${PLANTED_BUGS[bug]} | ${seeds ?? 'not found'} | ${check ?? ''} |`
  })
  return ['| bug | the rule that it breaks | seeds it took | found by |', '|---|---|---|---|', ...rows].join('\n')
}
