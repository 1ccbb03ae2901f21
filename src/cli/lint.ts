/** `quorate lint`: checks job documents as `submit` does, without a peer. */
import type { Fault } from '../http/problems.ts'
import { DOCUMENT_OPTIONS, type NamedDocument, readJobDocument, readNamedDocument, readText } from './documents.ts'
import { EXIT } from './exit.ts'
import { noteFaults } from './faults.ts'
import { isJobModule } from './job-module.ts'
import { isSql } from './job-sql.ts'
import { faultsOfError, parseDocument } from './parse-document.ts'
import { isSuite } from './suites.ts'
import type { Verb, VerbOptions } from './verb.ts'

export const verb: Verb = {
  summary: 'Check job documents without a peer',
  description:
    'Accepts exactly what submit accepts, except for what only a cluster can tell, such as whether a topic exists. Suites (*.job.test.yaml) are checked as quorate test reads them.',
  args: [
    {
      name: 'FILE',
      required: true,
      many: true,
      help: 'YAML, TOML, JSON, SQL, or a module that builds a job; - reads standard input',
    },
  ],
  options: DOCUMENT_OPTIONS,
  examples: [
    { command: 'quorate lint flight-delays.yaml', what: 'one document' },
    { command: 'quorate lint configs/jobs/*.yaml --json', what: 'many, for a script' },
  ],
  run: async ({ args, options, output }) => {
    let invalid = 0
    const checked: { file: string; valid: boolean; errors: readonly Fault[] }[] = []
    for (const path of args) {
      const { file, text, errors } = await check(path ?? '', options)
      if (errors.length > 0) invalid++
      checked.push({ file, valid: errors.length === 0, errors })
      if (output.format === 'text') noteFaults(output, errors, file, text)
    }
    if (output.format === 'json') output.json({ files: checked })
    else if (output.format === 'jsonl') output.jsonLines(checked)
    else for (const { file, valid } of checked) if (valid) output.line(`${file}: valid`)
    return invalid === 0 ? EXIT.ok : EXIT.invalid
  },
}

interface Checked {
  readonly file: string
  /** As the person wrote it. */
  readonly text: string
  /** None when the document is valid. */
  readonly errors: readonly Fault[]
}

async function check(path: string, options: VerbOptions): Promise<Checked> {
  if (isSuite(path)) {
    const { readSuite } = await import('./job-testing.ts')
    const { file, text, format } = readNamedDocument(path, undefined)
    return { file, text, errors: readSuite(text, format).faults }
  }
  let document: NamedDocument
  try {
    document = await readJobDocument(path, options)
  } catch (error) {
    // Modules and SQL tell their faults while they become documents; of a document that cannot be read there is nothing more to say.
    if (!isJobModule(path) && !isSql(path)) throw error
    return { file: path, text: readText(path), errors: faultsOfError(error) }
  }
  const { file, origin, text } = document
  const errors = await parseDocument(document).then(() => [], faultsOfError)
  return { file, text: origin?.text ?? text, errors }
}
