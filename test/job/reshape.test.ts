import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseJob } from '../../src/job/parse.ts'
import { isPartitioned } from '../../src/job/partitioning.ts'
import { edited, faultsIn } from './faults.ts'

const withStep = (step: string): string => edited(['filter: distance > 100', step])
const faults = (step: string): string[] => faultsIn(withStep(step))

const FIELD = 'expected a field name of 1 to 128 characters without control characters'

describe('steps that reshape records', () => {
  it('compile to plans whose order does not depend on the document', () => {
    const { steps } = parseJob(withStep('project: [origin, b, a]\n  - drop: [d, c]'), 'yaml', 'job').pipeline
    assert.deepEqual(steps, [
      { kind: 'project', fields: ['a', 'b', 'origin'] },
      { kind: 'drop', fields: ['c', 'd'] },
    ])
    const [exploded] = parseJob(withStep('explode: { list: a.b, as: c, index: d }'), 'yaml', 'job').pipeline.steps
    const list = { source: 'a.b', pointer: '/pipeline/0/explode/list' }
    assert.deepEqual(exploded, { kind: 'explode', as: 'c', list, index: 'd' })
  })

  it('project and drop name fields, each once', () => {
    assert.deepEqual(faults('project: []'), [
      '4:14 /pipeline/0/project expected names of fields, such as [origin, delay]; found a list',
    ])
    assert.deepEqual(faults('project: origin'), [
      '4:14 /pipeline/0/project expected names of fields, such as [origin, delay]; found "origin"',
    ])
    assert.deepEqual(faults('drop: [a, 7]'), [`4:15 /pipeline/0/drop/1 ${FIELD}; found 7`])
    assert.deepEqual(faults('drop: [a, b, a]'), ['4:18 /pipeline/0/drop/2 the field "a" stands here twice'])
  })

  it('rename takes each old name once', () => {
    assert.deepEqual(faults('rename: {}'), [
      '4:13 /pipeline/0/rename expected new names with the old ones, such as { airport: origin }; found an object',
    ])
    assert.deepEqual(faults('rename: { a: x, b: x }'), [
      '4:24 /pipeline/0/rename/b the field "x" is renamed here already [copy a field with compute]',
    ])
  })

  it('cast knows four types', () => {
    assert.deepEqual(faults('cast: { delay: int }'), [
      '4:20 /pipeline/0/cast/delay expected "integer", "number", "text" or "boolean"; found "int"',
    ])
  })

  it('explode needs a list and a name, and the index another', () => {
    assert.deepEqual(faults('explode: { as: a }'), [
      '4:5 /pipeline/0/explode/list "list" is missing; expected an expression that gives a list',
    ])
    assert.deepEqual(faults('explode: { list: a +, as: a }'), [
      '4:25 /pipeline/0/explode/list expected a value; found the end of the text',
    ])
    assert.deepEqual(faults('explode: { list: a, as: a, index: a }'), [
      '4:39 /pipeline/0/explode/index the item itself is in the field "a" already',
    ])
  })

  it('come before keyBy', () => {
    const [fault] = faultsIn(edited(['keyBy: origin', 'keyBy: origin\n  - drop: [a]']))
    assert.match(
      fault ?? '',
      /^6:5 \/pipeline\/2\/drop expected filter, map and other steps .* found drop after keyBy$/,
    )
  })
})

describe('a source that is partitioned by the key', () => {
  const keeps = (step: object): boolean => {
    const job = {
      name: 'a',
      source: { topic: 't', partitionedBy: ['a', 'b.c'] },
      pipeline: [step, { keyBy: ['a', 'b.c'] }],
      quorum: { replicas: 1, write: 1, read: 1 },
    }
    return isPartitioned(parseJob(JSON.stringify(job), 'json', 'job'))
  }

  it('is so after steps that leave its names alone', () => {
    assert.equal(keeps({ drop: ['d'] }), true)
    assert.equal(keeps({ rename: { d: 'e' } }), true)
    assert.equal(keeps({ cast: { d: 'text' } }), true)
    assert.equal(keeps({ explode: { list: 'a', as: 'd', index: 'i' } }), true)
    assert.equal(keeps({ project: ['a', 'b', 'c'] }), true)
  })

  it('is not after steps that make or take one of them', () => {
    assert.equal(keeps({ rename: { a: 'e' } }), false)
    assert.equal(keeps({ rename: { a: 'b', b: 'a' } }), false)
    assert.equal(keeps({ cast: { b: 'text' } }), false)
    assert.equal(keeps({ explode: { list: 'l', as: 'a' } }), false)
    assert.equal(keeps({ explode: { list: 'l', as: 'd', index: 'b' } }), false)
  })
})
