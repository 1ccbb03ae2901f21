/** The only place of the command line that names the runner of job tests. */
export { compareLetters, compareRows } from '../job/testing/compare.ts'
export { runCase } from '../job/testing/run.ts'
export { readSuite } from '../job/testing/suite.ts'
