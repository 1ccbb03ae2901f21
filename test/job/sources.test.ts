/** Jobs that read several topics: how documents say it, what becomes of them, and that their records come together. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Digest, JobEntry, PeerId } from '../../mesh/index.ts'
import { compileJob } from '../../src/job/compile.ts'
import { type CompiledJob, unitsOfStage } from '../../src/job/compiled.ts'
import { explainJob } from '../../src/job/explain.ts'
import { assumedSources, JobUnfitError, type SourceFacts } from '../../src/job/facts.ts'
import { parseJob } from '../../src/job/parse.ts'
import { differences, upgraded } from '../../src/job/upgrade.ts'
import { jobGraph } from '../../src/peer/graph.ts'
import { placeJob } from '../../src/peer/jobs.ts'
import { deadLettersOf, lines, rowsOfCuts, StageRun, type TestRecord } from '../operators/stage-harness.ts'
import { faultsIn } from './faults.ts'

const UNION = `name: union
sources:
  b: { topic: bees, time: { field: t }, idleAfter: 20s, pipeline: [ { filter: n > 0 } ] }
  a: { topic: ants, time: { field: at }, pipeline: [ { map: { k: name, n: legs } } ] }
pipeline:
  - compute: { twice: n * 2 }
  - keyBy: k
  - window: { tumbling: 10ms }
  - aggregate: { n: count(), sum: sum(twice) }
quorum: { replicas: 1, write: 1, read: 1 }
`

const without = (text: string, ...parts: readonly (readonly [string, string])[]): string =>
  parts.reduce((changed, [part, replacement]) => {
    assert.ok(changed.includes(part), part)
    return changed.replace(part, replacement)
  }, text)

/** Topics of so many partitions, by the names of the sources. */
function compiled(text: string, partitions: Readonly<Record<string, number>> = { a: 2, b: 3 }): CompiledJob {
  const document = parseJob(text, 'yaml', 'job')
  const sources = document.sources.map(({ name = '' }, i) => assumedSources(document, partitions[name] ?? 1)[i])
  return compileJob(document, { cluster: 'c', submission: 1, sources, missingTopics: [] })
}

describe('a document with several sources', () => {
  it('reads each in its own way, in the order of their names', () => {
    const { sources } = parseJob(UNION, 'yaml', 'job')
    assert.deepEqual(
      sources.map(({ name, topic, time, idleAfterMs, steps }) => ({ name, topic, time, idleAfterMs, steps })),
      [
        {
          name: 'a',
          topic: 'ants',
          time: { kind: 'field', path: ['at'] },
          idleAfterMs: 10_000,
          steps: [
            {
              kind: 'map',
              keep: false,
              fields: {
                k: { source: 'name', pointer: '/sources/a/pipeline/0/map/k' },
                n: { source: 'legs', pointer: '/sources/a/pipeline/0/map/n' },
              },
            },
          ],
        },
        {
          name: 'b',
          topic: 'bees',
          time: { kind: 'field', path: ['t'] },
          idleAfterMs: 20_000,
          steps: [{ kind: 'filter', where: { source: 'n > 0', pointer: '/sources/b/pipeline/0/filter' } }],
        },
      ],
    )
  })

  for (const [what, text, expected] of [
    [
      'has source or sources, not both',
      `${UNION}source: { topic: t }\n`,
      /^2:1 \/sources expected source or sources; found both/,
    ],
    ['has one of them', without(UNION, ['sources:', '# '], ['  b:', '#'], ['  a:', '#']), /"source" is missing/],
    [
      'has one source at least',
      UNION.replace(/sources:\n.*\n.*\n/, 'sources: {}\n'),
      /^2:10 \/sources expected sources by name/,
    ],
    ['gives them names', without(UNION, ['  b:', '  1b:']), /^3:3 \/sources\/1b expected a name of 1 to 32 letters/],
    [
      'groups records where they come together',
      without(UNION, ['{ filter: n > 0 }', '{ keyBy: n }']),
      /^3:71 \/sources\/b\/pipeline\/0\/keyBy expected steps of single records only.*keyBy is for the pipeline of the job/,
    ],
    [
      'means one thing by silence',
      without(UNION, ['idleAfter: 20s', 'onIdle: close']),
      /onIdle to be the same for all sources/,
    ],
    [
      'has no promise of one topic',
      without(UNION, ['idleAfter: 20s', 'partitionedBy: k']),
      /unknown name "partitionedBy"/,
    ],
    [
      'tells a wrong expression at its place',
      without(UNION, ['n > 0', 'n >']),
      /^3:\d+ \/sources\/b\/pipeline\/0\/filter expected a value/,
    ],
    [
      'does not write to any of them',
      `${UNION}sinks: [ { kafka: { topic: bees } } ]\n`,
      /the kafka topic "bees" is the source "b" of this job/,
    ],
    [
      'does not begin at the end of one that ends',
      without(UNION, ['idleAfter: 20s', 'bounded: true, from: latest']),
      /\/sources\/b\/from a bounded source/,
    ],
  ] as const) {
    it(what, () => assert.match(faultsIn(text)[0] ?? '', expected))
  }

  it('names the source whose topic the log does not have, or that is a table', () => {
    const document = parseJob(UNION, 'yaml', 'job')
    const table = assumedSources(document, 1)[1] as SourceFacts
    const sources = [undefined, { ...table, topic: { ...table.topic, cleanupPolicy: 'compact' } }]
    assert.throws(
      () => compileJob(document, { cluster: 'c', submission: 1, sources, missingTopics: [] }),
      (error: JobUnfitError) => {
        assert.ok(error instanceof JobUnfitError)
        assert.deepEqual(
          error.errors.map(({ pointer }) => pointer),
          ['/sources/a/topic', '/sources/b/topic'],
        )
        return true
      },
    )
  })
})

describe('the units of several sources', () => {
  it('are numbered through their partitions, and each reads one of them', () => {
    const job = compiled(UNION)
    assert.deepEqual([unitsOfStage(job, 0), unitsOfStage(job, 1)], [5, 5])
    assert.deepEqual(job.stages[1]?.input, {
      kind: 'slices',
      sources: 5,
      among: [
        { topic: 'ants', numberFrom: 0 },
        { topic: 'bees', numberFrom: 2 },
      ],
    })
    const view = { number: 1, members: ['p' as PeerId] }
    const entry: JobEntry = {
      name: 'union',
      generation: job.generation,
      hash: '' as Digest,
      state: 'running',
      earlier: [],
      view,
    }
    const body = { document: { text: UNION, format: 'yaml' }, compiled: job, submittedAt: '' } as const
    const { units } = placeJob(entry, body, [body], 'c')
    assert.deepEqual(
      units
        .filter(({ stage }) => stage === 0)
        .map(({ description: { unit, topic, partition, idleAfterMs, plans } }) => {
          return [unit.split(':').slice(1).join(':'), topic, partition, idleAfterMs, plans[0]?.steps[0]?.kind]
        }),
      [
        ['0:0', 'ants', 0, 10_000, 'map'],
        ['0:1', 'ants', 1, 10_000, 'map'],
        ['0:2', 'bees', 0, 20_000, 'filter'],
        ['0:3', 'bees', 1, 20_000, 'filter'],
        ['0:4', 'bees', 2, 20_000, 'filter'],
      ],
    )
  })

  it('are shown with the topics they read', () => {
    const nodes = jobGraph(compiled(UNION))
    assert.deepEqual(
      nodes.slice(0, 3).map(({ id, name, partitions, steps, to }) => ({ id, name, partitions, steps, to })),
      [
        {
          id: 'source a',
          name: 'ants',
          partitions: 2,
          steps: [{ step: 'map', text: 'k: name, n: legs' }],
          to: ['stage-0'],
        },
        { id: 'source b', name: 'bees', partitions: 3, steps: [{ step: 'filter', text: 'n > 0' }], to: ['stage-0'] },
        {
          id: 'stage-0',
          name: 'stage 0',
          partitions: 5,
          steps: [
            { step: 'compute', text: 'twice: n * 2' },
            { step: 'keyBy', text: 'k' },
            { step: 'window', text: 'tumbling 10ms' },
            { step: 'pre-aggregate', text: 'n, sum' },
          ],
          to: ['shuffle'],
        },
      ],
    )
    const { sources, units } = explainJob(parseJob(UNION, 'yaml', 'job'), 2)
    assert.deepEqual(
      sources.map(({ name, topic, partitions }) => [name, topic, partitions]),
      [
        ['a', 'ants', 2],
        ['b', 'bees', 2],
      ],
    )
    assert.deepEqual(units, [4, 4])
  })
})

/** Stage 0 of each source over its records, all in its first partition, and what a shuffle of one partition merges. */
function merged(text: string, records: readonly (readonly TestRecord[])[]) {
  const job = compiled(`${text}shuffle: { partitions: 1 }\n`, { a: 1, b: 1 })
  const merge = new StageRun(job.stages[1]!)
  const sources = job.sources.map(({ stage = job.stages[0]! }, number) => new StageRun(stage, number))
  for (const [i, source] of sources.entries()) source.feed(...(records[i] ?? []))
  for (const source of sources) {
    source.decide('final')
    for (const { parts } of source.cuts)
      for (const { bodies } of parts) if (bodies[0]!.length > 0) merge.feed(bodies[0]!)
  }
  return { rows: lines(merge.cuts), deadLetters: deadLettersOf(sources.flatMap(({ cuts }) => cuts)) }
}

describe('a union', () => {
  it('counts the records of all sources together, each after its own steps', () => {
    const { rows } = merged(UNION, [
      [{ at: 1, name: 'x', legs: 6 }],
      [
        { t: 2, k: 'x', n: 4 },
        { t: 3, k: 'x', n: 0 },
      ],
    ])
    assert.deepEqual(rows, ['[0,10) "x" n=2 sum=20 r0 final'])
  })

  it('waits for the source that is behind: nothing of it is late', () => {
    const { rows, deadLetters } = merged(UNION, [[{ at: 95, name: 'x', legs: 6 }], [{ t: 2, k: 'x', n: 4 }]])
    assert.deepEqual(rows, ['[0,10) "x" n=1 sum=8 r0 final', '[90,100) "x" n=1 sum=12 r0 final'])
    assert.deepEqual(deadLetters, [])
  })

  it('names the topic and its partition in a dead letter, which has the number of its unit', () => {
    const { deadLetters } = merged(UNION, [[], [{ t: 2, k: 'x' }]])
    const [letter] = deadLetters
    assert.deepEqual([letter?.a, letter?.b], [1, 0])
    const { error, topic, partition, offset } = JSON.parse(letter?.value ?? '')
    assert.deepEqual(
      { error, topic, partition, offset },
      { error: 'QRT_EXPR_MISSING_FIELD', topic: 'bees', partition: 0, offset: 0 },
    )
  })

  it('without a window makes a row of each record, whose place is the number of its unit', () => {
    const text = UNION.replace(/ {2}- window.*\n {2}- aggregate.*\n/, '')
    const job = compiled(text, { a: 2, b: 1 })
    const run = new StageRun(job.sources[1]!.stage!, 2)
    run.feed({ t: 2, k: 'x', n: 4 })
    run.decide('final')
    const [row] = rowsOfCuts(run.cuts)
    assert.deepEqual([row?.a, row?.b, row?.value], [2, 0, '{"k":"x","n":4,"t":2,"twice":8}'])
  })
})

describe('an upgrade of a job with several sources', () => {
  const before = compiled(UNION)

  it('takes other steps of one source, and another silence', () => {
    const after = compiled(without(UNION, ['n > 0', 'n > 1'], ['20s', '30s']))
    assert.deepEqual(differences(before, after), [])
    const next = upgraded(before, after)
    assert.deepEqual(next.sources, after.sources)
  })

  for (const [part, replacement, named] of [
    ['topic: bees', 'topic: wasps', /the topic of the source "b"/],
    ['  b:', '  c:', /the names of the sources/],
    ['field: t ', 'field: time ', /their event times and their disorder of the source "b"/],
  ] as const) {
    it(`is refused with ${replacement.trim()}`, () => {
      assert.match(differences(before, compiled(without(UNION, [part, replacement]))).join(', '), named)
    })
  }

  it('is refused where a topic has grown', () => {
    assert.match(differences(before, compiled(UNION, { a: 2, b: 4 })).join(), /partitions of the source "b"/)
  })
})
