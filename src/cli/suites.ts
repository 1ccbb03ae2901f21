/** Files with tests of jobs: how they are told from jobs, and those of a folder. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { QuorateError } from '../errors.ts'

const SUITE = /\.job\.test\.(?:ya?ml|toml|json)$/

export const isSuite = (path: string): boolean => SUITE.test(path)

/**
 * The path itself, or the suites of the folder that it is, by name.
 * @throws QuorateError QRT_USAGE where a folder has none
 */
export function suitesAt(path: string): readonly string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [path]
  const found = readdirSync(path).filter(isSuite).sort()
  if (found.length > 0) return found.map((name) => join(path, name))
  throw new QuorateError('QRT_USAGE', `${path} has no suites: their names end in .job.test.yaml, .toml or .json`)
}
