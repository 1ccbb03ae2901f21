/** `quorate test`: runs cases of a job in virtual time, and shows the difference where rows are not those expected. */
import { basename, dirname, join } from 'node:path'
import { QuorateError } from '../errors.ts'
import { FUNCTIONS_OPTION, loadFunctionsOf, readAnyDocument, readNamedDocument } from './documents.ts'
import { EXIT } from './exit.ts'
import { noteFaults } from './faults.ts'
import type { Output } from './output.ts'
import { parseDocument } from './parse-document.ts'
import { suitesAt } from './suites.ts'
import type { Verb } from './verb.ts'

interface CaseResult {
  readonly name: string
  readonly passed: boolean
  readonly records: number
  readonly rows: number
  readonly deadLetters: number
  readonly peakStateBytes: number
  readonly missing: readonly string[]
  readonly unexpected: readonly string[]
}

export const verb: Verb = {
  summary: 'Test a job: sample records, virtual time, expected rows',
  description:
    'A suite is a file such as delays.job.test.yaml that names a job and lists cases. Nothing has to run: neither a peer nor a log.',
  args: [
    {
      name: 'FILE',
      required: false,
      many: true,
      help: 'Suites in YAML, TOML or JSON, or folders of them; default: here',
    },
  ],
  options: {
    only: { type: 'string', placeholder: 'TEXT', help: 'Only cases whose name contains this' },
    functions: FUNCTIONS_OPTION,
    registry: { type: 'string', placeholder: 'URL', help: 'Schema registry of a subject that a job names' },
  },
  examples: [
    { command: 'quorate test jobs', what: 'all suites of a folder' },
    { command: 'quorate test delays.job.test.yaml --only late', what: 'some cases' },
  ],
  run: async ({ args, options, output }) => {
    const { readSuite, runCase, compareRows, compareLetters } = await import('./job-testing.ts')
    await loadFunctionsOf(options)
    const only = options.string('only')
    const files: { file: string; cases: readonly CaseResult[] }[] = []
    let invalid = false
    for (const path of (args.length === 0 ? ['.'] : args).flatMap((each) => suitesAt(each ?? ''))) {
      const { text, format, file } = readNamedDocument(path, undefined)
      const { suite, faults } = readSuite(text, format)
      if (suite === undefined) {
        invalid = true
        noteFaults(output, faults, file, text)
        continue
      }
      const job = join(dirname(file), suite.job)
      const document = await parseDocument(await readAnyDocument(job, undefined, options.string('registry')))
      const chosen = suite.cases.filter(({ name }) => only === undefined || name.includes(only))
      const cases = chosen.map((testCase): CaseResult => {
        const { rows, deadLetters, peakStateBytes } = runCase(document, testCase)
        const differences = [compareRows(testCase.rows, rows), compareLetters(testCase.deadLetters, deadLetters)]
        const missing = differences.flatMap((each) => each.missing)
        const unexpected = differences.flatMap((each) => each.unexpected)
        return {
          name: testCase.name,
          passed: missing.length === 0 && unexpected.length === 0,
          records: testCase.given.filter(({ kind }) => kind === 'record').length,
          rows: rows.length,
          deadLetters: deadLetters.length,
          peakStateBytes,
          missing,
          unexpected,
        }
      })
      files.push({ file, cases })
      if (output.format === 'text') show(output, file, cases)
    }
    if (output.format === 'json') output.json({ files })
    else if (output.format === 'jsonl')
      output.jsonLines(files.flatMap(({ file, cases }) => cases.map((each) => ({ file, ...each }))))
    if (invalid) return EXIT.invalid
    const all = files.flatMap(({ cases }) => cases)
    if (all.length === 0) throw new QuorateError('QRT_USAGE', `no case has a name that contains "${only ?? ''}"`)
    const failed = all.filter(({ passed }) => !passed).length
    if (output.format === 'text') output.note(`${all.length - failed} of ${all.length} cases passed`)
    return failed === 0 ? EXIT.ok : EXIT.tests
  },
}

function show(output: Output, file: string, cases: readonly CaseResult[]): void {
  output.line(output.paint('bold', basename(file)))
  for (const { name, passed, records, rows, deadLetters, peakStateBytes, missing, unexpected } of cases) {
    const verdict = passed ? output.paint('green', '  ok  ') : output.paint('red', '  FAIL')
    const letters = deadLetters === 0 ? '' : `, ${counted(deadLetters, 'dead letter')}`
    const numbers = `${counted(records, 'record')}, ${counted(rows, 'row')}${letters}, at most ${peakStateBytes} bytes of state`
    output.line(`${verdict} ${name} ${output.paint('dim', `(${numbers})`)}`)
    for (const row of missing) output.line(output.paint('red', `       - ${row}`))
    for (const row of unexpected) output.line(output.paint('green', `       + ${row}`))
  }
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`
