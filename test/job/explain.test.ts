import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mermaidOf } from '../../src/cli/mermaid.ts'
import { explainJob } from '../../src/job/explain.ts'
import { parseJob } from '../../src/job/parse.ts'
import { edited } from './faults.ts'

const explain = (text: string, partitions = 3) => explainJob(parseJob(text, 'yaml', 'job'), partitions)

describe('an explanation', () => {
  it('says why there is a shuffle', () => {
    assert.deepEqual(explain(edited()).shuffle, {
      needed: true,
      why: 'records of one origin may be in any partition, and a window has to see all of its group',
    })
    assert.match(explain(edited(['  - keyBy: origin\n', ''])).shuffle.why, /^there is one group for everything/)
  })

  it('says why there is none', () => {
    assert.deepEqual(explain(edited(), 1).shuffle, { needed: false, why: 'the source has 1 partition' })
    const partitioned = edited(['topic: flights', 'topic: flights, partitionedBy: origin'])
    assert.deepEqual(explain(partitioned).shuffle, {
      needed: false,
      why: 'the source is partitioned by origin already',
    })
    const rows = edited(['  - window: { tumbling: 1d }\n  - aggregate: { n: count() }\n', ''])
    assert.deepEqual(explain(rows).shuffle, { needed: false, why: 'rows are made one by one' })
  })

  it('says so where whole records are passed on, and what is kept of them', () => {
    const { shuffle, graph, state } = explain(edited(['tumbling: 1d', 'count: 100, slide: 10']))
    assert.equal(shuffle.why, 'records of one origin may be in any partition, and they have to be in order')
    assert.deepEqual(graph.flatMap(({ steps = [] }) => steps.map(({ step, text }) => `${step} ${text}`)).slice(-4), [
      'pass on single records',
      'merge what 3 partitions of the source gave',
      'window count 100, slide 10',
      'aggregate n: count()',
    ])
    assert.match(state, /^the aggregates of 10 windows for each key, for as long as the job runs/)
  })

  it('counts the units of each stage', () => {
    assert.deepEqual(explain(edited(), 5).units, [5, 5])
    assert.deepEqual(explain(edited(), 1).units, [1])
    assert.deepEqual(explain(`${edited()}shuffle: { partitions: 2 }\n`, 5).units, [5, 2])
  })

  it('counts the windows that a key has at once', () => {
    const held = (window: string, source = 'topic: flights') =>
      /at most (\d+) windows/.exec(explain(edited(['tumbling: 1d', window], ['topic: flights', source])).state)?.[1]
    assert.equal(held('tumbling: 1d'), '2')
    assert.equal(held('hopping: 1d, every: 6h'), '5')
    assert.equal(held('tumbling: 1d, allowedLateness: 1d'), '3')
    assert.equal(held('tumbling: 1d', 'topic: flights, outOfOrderness: 2d'), '4')
  })

  it('says what each sink promises, and what a query sees', () => {
    const { sinks } = explain(edited())
    assert.deepEqual(
      sinks.map(({ name }) => name),
      ['kafka:results', 'queries'],
    )
    assert.match(sinks[0]?.guarantee ?? '', /in one transaction/)
    assert.match(sinks[1]?.guarantee ?? '', /see every result/)
    const weak = explain(edited(['write: 2, read: 2', 'write: 2, read: 1'])).sinks.at(-1)
    assert.match(weak?.guarantee ?? '', /may be stale/)
  })

  it('says which rows a sink gets', () => {
    const { sinks } = explain(edited(['{ topic: results } }', '{ topic: results }, where: n > 3 }']))
    assert.match(sinks[0]?.guarantee ?? '', /^rows where n > 3: rows and progress/)
  })

  it('says in which format a sink is written', () => {
    const of = (sink: string) => explain(edited(['{ kafka: { topic: results } }', sink])).sinks[0]?.guarantee ?? ''
    assert.match(of('{ kafka: { topic: results, format: msgpack } }'), /^rows in msgpack and progress/)
    assert.match(of('{ s3: { bucket: results, format: parquet } }'), /^an object in parquet for each cut/)
    assert.match(of('{ file: { directory: results, format: yaml } }'), /^a file in yaml for each cut/)
  })

  it('says which peers may be lost', () => {
    assert.match(explain(edited()).quorum.says, /results go on with 1 of 3 lost$/)
    assert.match(
      explain(edited(['replicas: 3, write: 2', 'replicas: 2, write: 2'])).quorum.says,
      /no peer of a unit may be lost$/,
    )
  })
})

describe('the graph in Mermaid', () => {
  it('has a node for everything, and no text that could be a part of it', () => {
    const { graph } = explain(edited(['distance > 100', '\'a == "]-->x" && b < 3\'']))
    const [head, ...lines] = mermaidOf(graph).split('\n')
    assert.equal(head, 'flowchart LR')
    const nodes = lines.filter((line) => /^ {2}n\d+[[{]/.test(line))
    assert.equal(nodes.length, graph.length)
    assert.deepEqual(
      lines.filter((line) => line.includes('-->')),
      ['  n0 --> n1', '  n1 --> n2', '  n2 --> n3', '  n3 --> n4'],
    )
    assert.match(
      nodes[1] ?? '',
      /^ {2}n1\["stage 0<br\/>3 units<br\/>filter a #61;#61; #34;#93;--#62;x#34; #38;#38; b #60; 3<br\/>/,
    )
  })
})
