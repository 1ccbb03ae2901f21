import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { noteFaults } from '../../src/cli/faults.ts'
import { Output } from '../../src/cli/output.ts'
import type { JobFormat } from '../../src/job/document.ts'
import { JobInvalidError } from '../../src/job/errors.ts'
import { JOB_LIMITS } from '../../src/job/limits.ts'
import { parseJob } from '../../src/job/parse.ts'
import { loadBeside } from '../../src/job/reference.ts'
import { jobJsonSchema } from '../../src/job/schema.ts'
import { faultsIn } from './faults.ts'

const FILE = new URL('../../docs/jobs.md', import.meta.url)
const DOCS = readFileSync(FILE, 'utf8')

interface Block {
  readonly format: string
  readonly text: string
  readonly line: number
}

const blocks: readonly Block[] = [...DOCS.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(
  ({ 1: format = '', 2: text = '', index }) => ({ format, text, line: DOCS.slice(0, index).split('\n').length + 1 }),
)

const isFormat = (format: string): format is JobFormat => format === 'yaml' || format === 'toml' || format === 'json'

describe('docs/jobs.md', () => {
  const examples = blocks.filter(({ format }) => isFormat(format))

  it('has examples in every format', () => {
    assert.ok(examples.length >= 12)
    assert.equal(new Set(examples.map(({ format }) => format)).size, 3)
  })

  for (const { format, text, line } of examples) {
    it(`has a valid example at line ${line}`, () => {
      assert.ok(isFormat(format))
      assert.deepEqual(faultsIn(text, format, loadBeside(FILE.pathname)), [])
    })
  }

  it('shows a fault as lint does', () => {
    const [shown] = blocks.filter(({ format }) => format === 'text')
    const [first] = blocks.filter(({ format }) => format === 'yaml')
    const text = first?.text.replace('distance >= 100', 'delay = 15').replace(/^#.*\n/, '') ?? ''
    const notes: string[] = []
    const output = new Output('text', false, {
      stdout: { write: () => {} },
      stderr: { write: (note) => notes.push(note) },
    })
    try {
      parseJob(text, 'yaml', 'flight-delays.yaml')
    } catch (error) {
      if (!(error instanceof JobInvalidError)) throw error
      noteFaults(output, error.errors, 'flight-delays.yaml', text)
    }
    assert.equal(notes.join(''), shown?.text)
  })

  it('names every field of the language', () => {
    for (const name of namesIn(jobJsonSchema())) assert.ok(DOCS.includes(`\`${name}\``), `\`${name}\` is explained`)
  })

  it('tells the bounds that there are', () => {
    const bounds = [
      `${JOB_LIMITS.depth} levels`,
      `${JOB_LIMITS.values.toLocaleString('en')} values`,
      `${JOB_LIMITS.marks.toLocaleString('en')} marks`,
      `${JOB_LIMITS.valueCharacters.toLocaleString('en')} characters`,
      `${JOB_LIMITS.steps} steps`,
      `${JOB_LIMITS.fields} fields`,
      `${JOB_LIMITS.aggregates} aggregates`,
      `greatest first: ${JOB_LIMITS.top} at most`,
      `as many as it says: ${JOB_LIMITS.collected.toLocaleString('en')} at most`,
      `${JOB_LIMITS.names} different names`,
      `1 to ${JOB_LIMITS.replicas}`,
      `1 to ${JOB_LIMITS.shufflePartitions.toLocaleString('en')}`,
      `${JOB_LIMITS.windowsPerRecord.toLocaleString('en')} at most`,
    ]
    for (const bound of bounds) assert.ok(DOCS.replaceAll('\n', ' ').includes(bound), bound)
  })
})

/** The names of all properties anywhere in a schema. */
function namesIn(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(namesIn)
  if (typeof schema !== 'object' || schema === null) return []
  return Object.entries(schema).flatMap(([keyword, inner]) =>
    keyword === 'properties'
      ? Object.entries(inner as object).flatMap(([name, sub]) => [name, ...namesIn(sub)])
      : namesIn(inner),
  )
}
