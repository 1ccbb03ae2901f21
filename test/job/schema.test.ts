import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { jobJsonSchema, quorumJsonSchema } from '../../src/job/schema.ts'
import { readTree } from '../../src/job/text/read.ts'
import { plainValue } from '../../src/job/text/tree.ts'
import { jobValue, SEED } from './documents.ts'
import { edited, faultsIn, GOOD } from './faults.ts'

const published = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../configs/${name}`, import.meta.url), 'utf8'))

/** Strict: a keyword that the validator does not know is an error. */
const ajv = new Ajv2020({ strict: true, allErrors: true })
const validJob = ajv.compile(jobJsonSchema())

/** Whether the schema takes the document. */
function takes(yaml: string): boolean {
  const { root } = readTree(yaml, 'yaml')
  assert.ok(root !== undefined)
  return validJob(plainValue(root))
}

describe('the JSON Schemas', () => {
  it('are published as the code makes them', () => {
    assert.deepEqual(published('job.schema.json'), jobJsonSchema(), 'write `quorate schema` to configs/job.schema.json')
    assert.deepEqual(published('quorum.schema.json'), quorumJsonSchema())
  })

  it('describe every field in words', () => {
    const { properties } = jobJsonSchema() as { properties: Record<string, { description?: string }> }
    for (const [name, { description }] of Object.entries(properties)) assert.ok((description ?? '').length > 10, name)
  })

  it('take every job that lint takes', () => {
    fc.assert(
      fc.property(jobValue, (value) => {
        assert.ok(validJob(value), JSON.stringify(validJob.errors))
      }),
      { seed: SEED, numRuns: 300 },
    )
  })

  it('tell editors of what lint refuses, as far as they can', () => {
    assert.equal(takes(GOOD), true)
    for (const edit of [
      ['topic: flights', 'tpoic: flights'],
      ['topic: flights', 'topic: __internal'],
      ['name: delays\n', ''],
      ['name: delays', 'name: Delays'],
      ['tumbling: 1d', 'tumbling: 1 day'],
      ['tumbling: 1d', 'hopping: 1d'],
      ['keyBy: origin', 'keyBy: []'],
      ['keyBy: origin', 'groupBy: origin'],
      ['keyBy: origin', 'keyBy: origin\n    filter: a'],
      ['replicas: 3', 'replicas: 8'],
      ['replicas: 3', 'replicas: three'],
      ['kafka: { topic: results }', 's3: { bucket: No }'],
      ['kafka: { topic: results }', 's3: { bucket: abc, prefix: /a }'],
      ['kafka: { topic: results }', 'mongodb: { collection: system.users }'],
      ['{ replicas: 3, write: 2, read: 2 }', '{ file: majority }'],
      ['{ replicas: 3, write: 2, read: 2 }', '{ file: /q.yaml }'],
    ] as const) {
      const text = edited(edit)
      assert.notDeepEqual(faultsIn(text), [], edit.join(' -> '))
      assert.equal(takes(text), false, edit.join(' -> '))
    }
  })
})
