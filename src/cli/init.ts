/** `quorate init`: a folder with a job, its test and sample records, to start from. Nothing that is there is written over. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { QuorateError } from '../errors.ts'
import { EXIT } from './exit.ts'
import { projectFiles } from './project.ts'
import { typescriptFiles } from './project-typescript.ts'
import type { Verb } from './verb.ts'

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/

export const verb: Verb = {
  summary: 'A project to start from: a job, its test, sample records',
  args: [{ name: 'FOLDER', required: false, help: 'Where to put it; default: quorate-job' }],
  options: {
    name: { type: 'string', placeholder: 'NAME', help: 'Of the job; default: visits' },
    typescript: { type: 'boolean', help: 'The job in TypeScript, with types from records to rows' },
  },
  examples: [
    { command: 'quorate init', what: 'a folder quorate-job' },
    { command: 'quorate init shop --name orders', what: 'under other names' },
    { command: 'quorate init shop --name orders --typescript', what: 'a package whose job is TypeScript' },
  ],
  run: async ({ args: [folder = 'quorate-job'], options, output }) => {
    const name = options.string('name') ?? 'visits'
    if (!NAME.test(name)) {
      throw new QuorateError('QRT_USAGE', `--name: expected lower-case letters, digits and hyphens, found "${name}"`)
    }
    const typescript = options.flag('typescript')
    const files = typescript ? typescriptFiles(name) : projectFiles(name)
    const there = files.find(({ path }) => existsSync(join(folder, path)))
    if (there !== undefined) {
      const message = `${join(folder, there.path)} is there already; name another folder, or move it away`
      throw new QuorateError('QRT_CONFIG_INVALID', message)
    }
    mkdirSync(folder, { recursive: true })
    for (const { path, text } of files) writeFileSync(join(folder, path), text, { flag: 'wx' })
    const written = files.map(({ path }) => join(folder, path))
    if (output.format === 'text') {
      for (const path of written) output.line(path)
      output.note(typescript ? `Next: cd ${folder} && npm install && npm test` : `Next: quorate test ${folder}`)
    } else output.json({ files: written })
    return EXIT.ok
  },
}
