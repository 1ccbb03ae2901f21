/** The graph of a job is what its document says, stage by stage, and holds together. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileJob } from '../../src/job/compile.ts'
import { parseJob } from '../../src/job/parse.ts'
import { jobGraph } from '../../src/peer/graph.ts'

function graphOf(text: string) {
  const document = parseJob(text, 'yaml', 'test')
  const topic = { name: 'flights', partitions: 3, cleanupPolicy: 'delete', retentionMs: -1 }
  const offsets = [1, 2, 3].map((end) => ({ start: 0, end }))
  const facts = { sources: [{ topic, offsets }], missingTopics: [], cluster: 'c0ffee', submission: 1 }
  return jobGraph(compileJob(document, facts))
}

const JOB = `
name: delays
source: { topic: flights, partitionedBy: origin }
pipeline:
  - filter: distance >= 100
  - compute: { hours: delay / 60.0 }
  - keyBy: origin
  - window: { hopping: 1d, every: 90m, offset: 1h, allowedLateness: 2h }
  - aggregate: { flights: count(), worst: { max: delay, where: distance > 500 } }
sinks:
  - kafka: { topic: delays }
  - mongodb: { database: air, collection: delays }
deadLetters: { kafka: { topic: letters } }
quorum: { replicas: 3, write: 2, read: 2 }
`

describe('the graph of a job', () => {
  it('of one stage goes from its source through its steps to every sink', () => {
    const [source, stage, ...ends] = graphOf(JOB)
    assert.deepEqual(source, { id: 'source', kind: 'source', name: 'flights', partitions: 3, to: ['stage-0'] })
    assert.deepEqual(stage?.steps, [
      { step: 'filter', text: 'distance >= 100' },
      { step: 'compute', text: 'hours: delay / 60.0' },
      { step: 'keyBy', text: 'origin' },
      { step: 'window', text: 'hopping 1d, every 1h30m, offset 1h, allowed lateness 2h' },
      { step: 'aggregate', text: 'flights: count()' },
      { step: 'aggregate', text: 'worst: max(delay) where distance > 500' },
    ])
    assert.deepEqual(stage?.window, { sizeMs: 86_400_000, slideMs: 5_400_000, allowedLatenessMs: 7_200_000 })
    assert.deepEqual(
      ends.map(({ kind, name }) => `${kind} ${name}`),
      ['sink kafka:delays', 'sink mongodb:air.delays', 'deadLetters kafka:letters'],
    )
    assert.deepEqual(
      stage?.to,
      ends.map(({ id }) => id),
    )
  })

  it('says of a session what ends it', () => {
    const nodes = graphOf(JOB.replace(/window: \{[^}]*\}/, 'window: { session: 30m }'))
    const stage = nodes.find(({ kind }) => kind === 'stage')
    assert.deepEqual(stage?.window, { sizeMs: 1_800_000, allowedLatenessMs: 0 })
    assert.ok(stage?.steps?.some(({ text }) => text === 'session 30m'))
  })

  it('says of a calendar in which zone it is', () => {
    const nodes = graphOf(JOB.replace(/window: \{[^}]*\}/, 'window: { calendar: week, zone: Europe/Berlin }'))
    const stage = nodes.find(({ kind }) => kind === 'stage')
    assert.deepEqual(stage?.window, { sizeMs: 169 * 3_600_000, allowedLatenessMs: 0 })
    assert.ok(stage?.steps?.some(({ text }) => text === 'calendar week, zone Europe/Berlin'))
  })

  it('of two stages has the shuffle between them, and says what each does', () => {
    const nodes = graphOf(JOB.replace(', partitionedBy: origin', ''))
    const steps = (id: string) => nodes.find((node) => node.id === id)?.steps?.map(({ step }) => step)
    assert.deepEqual(steps('stage-0'), ['filter', 'compute', 'keyBy', 'window', 'pre-aggregate'])
    assert.deepEqual(steps('stage-1'), ['merge', 'window', 'aggregate', 'aggregate'])
    const path = ['source']
    for (let id = path[0]; id !== undefined && path.length < 10; ) {
      const [next] = nodes.find((node) => node.id === id)?.to ?? []
      if (next !== undefined) path.push(next)
      id = next
    }
    assert.deepEqual(path, ['source', 'stage-0', 'shuffle', 'stage-1', 'kafka:delays'])
    const ids = new Set(nodes.map(({ id }) => id))
    assert.equal(ids.size, nodes.length)
    assert.ok(nodes.every(({ to }) => to.every((id) => ids.has(id))))
  })
})
