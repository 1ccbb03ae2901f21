/** `quorate lint`: checks job documents as `submit` does, without a peer. */
import { QuorateError } from '../errors.ts'
import type { Fault } from '../http/problems.ts'
import { DOCUMENT_OPTIONS, type NamedDocument, readJobDocument } from './documents.ts'
import { EXIT } from './exit.ts'
import { noteFaults } from './faults.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'Check job documents without a peer',
  description:
    'Accepts exactly what submit accepts, except for what only a cluster can tell, such as whether a topic exists.',
  args: [{ name: 'FILE', required: true, many: true, help: 'YAML, TOML or JSON; - reads standard input' }],
  options: DOCUMENT_OPTIONS,
  examples: [
    { command: 'quorate lint flight-delays.yaml', what: 'one document' },
    { command: 'quorate lint configs/jobs/*.yaml --json', what: 'many, for a script' },
  ],
  run: async ({ args, options, output }) => {
    const { parseJob, loadBeside } = await import('./job-language.ts')
    let invalid = 0
    const checked: { file: string; valid: boolean; errors: readonly Fault[] }[] = []
    for (const path of args) {
      const document = await readJobDocument(path ?? '', options)
      const errors = faultsOf(document, (text, format, file) => parseJob(text, format, file, loadBeside(file)))
      if (errors.length > 0) invalid++
      checked.push({ file: document.file, valid: errors.length === 0, errors })
      if (output.format === 'text') noteFaults(output, errors, document.file, document.text)
    }
    if (output.format === 'json') output.json({ files: checked })
    else if (output.format === 'jsonl') output.jsonLines(checked)
    else for (const { file, valid } of checked) if (valid) output.line(`${file}: valid`)
    return invalid === 0 ? EXIT.ok : EXIT.invalid
  },
}

type Parse = (text: string, format: NamedDocument['format'], file: string) => unknown

/** None when the document is valid. An error without places of its own is one fault of the whole file. */
function faultsOf({ text, format, file }: NamedDocument, parse: Parse): readonly Fault[] {
  try {
    parse(text, format, file)
    return []
  } catch (error) {
    if (!(error instanceof QuorateError)) throw error
    const { errors } = error as { errors?: readonly Fault[] }
    return errors !== undefined && errors.length > 0 ? errors : [{ message: error.message }]
  }
}
