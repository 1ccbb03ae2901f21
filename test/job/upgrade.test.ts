import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileJob } from '../../src/job/compile.ts'
import type { CompiledJob } from '../../src/job/compiled.ts'
import { parseJob } from '../../src/job/parse.ts'
import { differences, upgraded } from '../../src/job/upgrade.ts'

const BEFORE = `
name: delays
source: { topic: flights, format: json, time: { field: date }, partitionedBy: origin }
pipeline:
  - filter: distance >= 100
  - keyBy: origin
  - window: { tumbling: 1d }
  - aggregate: { flights: count(), worst: max(delay) }
sinks: [ { kafka: { topic: out } } ]
quorum: { replicas: 3, write: 2, read: 2 }
maxCutAge: 1s
`

function compiled(text: string, partitions = 2): CompiledJob {
  const document = parseJob(text, 'yaml', 'job')
  return compileJob(document, {
    cluster: 'c0ffee',
    submission: 1,
    sources: document.sources.map(({ topic: name }) => ({
      topic: { name, partitions, cleanupPolicy: 'delete', retentionMs: -1 },
      offsets: Array.from({ length: partitions }, (_, i) => ({ start: 10 * i, end: 100 })),
    })),
    missingTopics: [],
  })
}

const changed = (from: string, to: string): string => {
  assert.ok(BEFORE.includes(from), from)
  return BEFORE.replace(from, to)
}

describe('a job goes on from its state', () => {
  for (const [what, text] of [
    ['with another filter', changed('distance >= 100', 'distance >= 500')],
    ['with a step more', changed('  - keyBy', '  - compute: { late: delay > 15 }\n  - keyBy')],
    ['with steps on its rows', changed('\nsinks', '\n  - filter: flights > 1\nsinks')],
    ['with none', changed('  - filter: distance >= 100\n', '')],
    ['with records in another format', changed('format: json', 'format: msgpack')],
    [
      'with another schema',
      changed('format: json', `format: { avro: { registry: [ { id: 2, schema: '{"type":"map","values":"int"}' } ] } }`),
    ],
    ['with other waiting times', changed('maxCutAge: 1s', 'maxCutAge: 5s')],
  ] as const) {
    it(what, () => {
      assert.deepEqual(differences(compiled(BEFORE), compiled(text)), [])
    })
  }

  it('where it was, with what is new', () => {
    const before = compiled(BEFORE)
    const after = compiled(changed('distance >= 100', 'distance >= 500').replace('maxCutAge: 1s', 'maxCutAge: 5s'))
    const next = upgraded(before, after)
    assert.equal(next.generation, before.generation)
    assert.deepEqual(next.sources, before.sources)
    assert.deepEqual(next.stages[0]?.steps, after.stages[0]?.steps)
    assert.equal(next.maxCutAgeMs, 5_000)
  })
})

describe('a job cannot go on from its state, and the difference is named', () => {
  for (const [from, to, named] of [
    ['topic: flights', 'topic: journeys', /the topic of the source/],
    ['keyBy: origin', 'keyBy: destination', /the number of stages/],
    ['tumbling: 1d', 'tumbling: 2d', /the window/],
    ['tumbling: 1d', 'sliding: 1d', /the window, what is made of records in order/],
    ['worst: max(delay)', 'worst: min(delay)', /the aggregates/],
    ['topic: out', 'topic: elsewhere', /the sinks/],
    ['write: 2', 'write: 3', /the quorum/],
    ['format: json', 'format: json, outOfOrderness: 5m', /their event times and their disorder/],
    ['format: json', 'format: json, envelope: cloudevents', /what records are wrapped in/],
  ] as const) {
    it(`with ${to}`, () => {
      assert.match(differences(compiled(BEFORE), compiled(changed(from, to))).join(', '), named)
    })
  }

  it('with another key, also where one partition holds all keys', () => {
    const after = compiled(changed('keyBy: origin', 'keyBy: destination'), 1)
    assert.match(differences(compiled(BEFORE, 1), after).join(', '), /the key/)
  })

  it('on a topic that has more partitions now', () => {
    assert.match(
      differences(compiled(BEFORE), compiled(BEFORE, 3)).join(', '),
      /the number of partitions of the source/,
    )
  })
})
