/**
 * Makes a failing run smaller: without one fault after another, with fewer peers and less time, as long as something still
 * does not hold. What is left is what somebody has to read.
 */
import type { Fault } from './faults.ts'

export interface Reduced {
  readonly faults: readonly Fault[]
  readonly peers: number
  readonly minutes: number
}

const LEAST_PEERS = 2
const LEAST_MINUTES = 0.25

/** @param fails plays it; true when a check reports something, whatever it is */
export async function shrink(from: Reduced, fails: (reduced: Reduced) => Promise<boolean>): Promise<Reduced> {
  let least = from
  for (;;) {
    const smaller = await firstThatFails(candidates(least), fails)
    if (smaller === undefined) return least
    least = smaller
  }
}

/** One step smaller each, those first that save most. */
function* candidates({ faults, peers, minutes }: Reduced): Generator<Reduced> {
  if (minutes / 2 >= LEAST_MINUTES) yield { faults, peers, minutes: minutes / 2 }
  for (const fault of faults) yield { faults: faults.filter((other) => other !== fault), peers, minutes }
  if (peers > LEAST_PEERS) yield { faults, peers: peers - 1, minutes }
}

async function firstThatFails(
  candidates: Iterable<Reduced>,
  fails: (reduced: Reduced) => Promise<boolean>,
): Promise<Reduced | undefined> {
  for (const candidate of candidates) if (await fails(candidate)) return candidate
  return undefined
}

/** What repeats it. */
export const commandOf = (seed: number, { faults, peers, minutes }: Reduced): string =>
  `npm run sim -- --seed ${seed} --minutes ${minutes} --faults ${faults.join(',') || 'none'} --peers ${peers} --verbose`
