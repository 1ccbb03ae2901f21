/** `quorate sql`: the document that statements become, to look at or to keep. */
import { QuorateError } from '../errors.ts'
import { FUNCTIONS_OPTION, loadFunctionsOf } from './documents.ts'
import { EXIT } from './exit.ts'
import { isSql, readSqlJob } from './job-sql.ts'
import { parseDocument } from './parse-document.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'The job document that SQL becomes',
  description: 'lint, submit, upgrade, explain and test take a file of SQL as well; this shows what they see.',
  args: [{ name: 'FILE', required: true, help: 'Statements in SQL: tables, settings, one query' }],
  options: { functions: FUNCTIONS_OPTION },
  examples: [
    { command: 'quorate sql flight-delays.sql', what: 'in YAML' },
    { command: 'quorate sql flight-delays.sql > flight-delays.yaml', what: 'to go on from' },
  ],
  run: async ({ args: [path = ''], options, output }) => {
    if (!isSql(path)) throw new QuorateError('QRT_USAGE', `expected a file whose name ends in .sql, found "${path}"`)
    await loadFunctionsOf(options)
    const document = await readSqlJob(path)
    await parseDocument(document)
    if (output.format === 'text') output.line(document.text.trimEnd())
    else output.json({ file: document.file, yaml: document.text })
    return EXIT.ok
  },
}
