import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { createStage } from '../../operators/index.ts'
import { check } from '../../src/job/check.ts'
import { compileJob } from '../../src/job/compile.ts'
import { plansOf } from '../../src/job/compiled.ts'
import type { JobFormat } from '../../src/job/document.ts'
import { assumedSources } from '../../src/job/facts.ts'
import { quorum } from '../../src/job/language/quorum.ts'
import { parseJob, selfContained } from '../../src/job/parse.ts'
import { loadBeside } from '../../src/job/reference.ts'
import { readTree } from '../../src/job/text/read.ts'
import { plainValue } from '../../src/job/text/tree.ts'

const CONFIGS = new URL('../../configs/', import.meta.url)

interface Sample {
  readonly name: string
  readonly file: URL
  readonly text: string
  readonly format: JobFormat
}

function samples(folder: string): Sample[] {
  const names = readdirSync(new URL(folder, CONFIGS)).sort()
  return names.map((name) => {
    const file = new URL(`${folder}${name}`, CONFIGS)
    const format = name.slice(name.lastIndexOf('.') + 1)
    assert.ok(format === 'yaml' || format === 'toml' || format === 'json', `${name} has a known format`)
    return { name, file, text: readFileSync(file, 'utf8'), format }
  })
}

const ajv = new Ajv2020({ strict: true })
const schemas: Readonly<Record<string, ValidateFunction>> = Object.fromEntries(
  ['job.schema.json', 'quorum.schema.json'].map((name) => [
    name,
    ajv.compile(JSON.parse(readFileSync(new URL(name, CONFIGS), 'utf8'))),
  ]),
)

/** The schema that editors are told of, in the way of each format. */
function schemaNamedIn({ text, format, name }: Sample): string {
  const form = {
    yaml: /^# yaml-language-server: \$schema=\.\.\/(\S+)\n/,
    toml: /^#:schema \.\.\/(\S+)\n/,
    json: /^\{\n {2}"\$schema": "\.\.\/(\S+)",\n/,
  }[format]
  const [, schema] = form.exec(text) ?? []
  assert.ok(schema !== undefined, `${name} begins with its schema`)
  return schema
}

function validatesAgainst(schema: string, sample: Sample): void {
  assert.equal(schemaNamedIn(sample), schema)
  const { root } = readTree(sample.text, sample.format)
  assert.ok(root !== undefined)
  const validate = schemas[schema]
  assert.ok(validate?.(plainValue(root)), JSON.stringify(validate?.errors))
}

describe('configs/jobs', () => {
  const jobs = samples('jobs/')

  it('has a job in each format', () => {
    assert.deepEqual([...new Set(jobs.map(({ format }) => format))].sort(), ['json', 'toml', 'yaml'])
  })

  for (const job of jobs) {
    const { name, file, text, format } = job

    it(`${name} is valid, and is called like its file`, () => {
      const document = parseJob(text, format, file.pathname, loadBeside(file.pathname))
      assert.equal(document.name, name.slice(0, name.lastIndexOf('.')))
      validatesAgainst('job.schema.json', job)
    })

    it(`${name} compiles for one partition and for many`, () => {
      const document = parseJob(text, format, file.pathname, loadBeside(file.pathname))
      for (const partitions of [1, 4]) {
        const sources = assumedSources(document, partitions)
        const job = compileJob(document, { cluster: 'c', submission: 1, sources, missingTopics: [] })
        for (const plan of plansOf(job)) createStage(plan, { partition: 0 })
      }
    })

    it(`${name} can be sent to a peer as it is once its quorum is in it`, () => {
      const load = loadBeside(file.pathname)
      const sent = selfContained(text, format, file.pathname, load)
      assert.deepEqual(parseJob(sent, format, name), parseJob(text, format, name, load))
    })
  }
})

describe('configs/quorum', () => {
  for (const sample of samples('quorum/')) {
    it(`${sample.name} is valid`, () => {
      assert.deepEqual(check(sample.text, sample.format, quorum()).faults, [])
      validatesAgainst('quorum.schema.json', sample)
    })
  }
})
