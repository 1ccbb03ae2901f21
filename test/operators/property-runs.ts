/** How many random streams a property of the operators is tried on: more by QUORATE_TEST_RUNS, such as in a run at night. */
import process from 'node:process'

export function propertyRuns(usual: number): number {
  const asked = process.env.QUORATE_TEST_RUNS
  if (asked === undefined) return usual
  if (!/^[1-9]\d{0,6}$/.test(asked)) throw new RangeError(`QUORATE_TEST_RUNS: expected a number, found "${asked}"`)
  return Number(asked)
}
