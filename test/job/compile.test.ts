import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { canonicalText } from '../../mesh/index.ts'
import { createStage, type StagePlan } from '../../operators/index.ts'
import { compileJob } from '../../src/job/compile.ts'
import { type CompiledJob, unitsOfStage } from '../../src/job/compiled.ts'
import type { JobDocument } from '../../src/job/document.ts'
import type { JobFacts } from '../../src/job/facts.ts'
import { parseJob } from '../../src/job/parse.ts'
import { LIMITS } from '../../src/limits.ts'
import { FORMATS, jobValue, SEED, textOf } from './documents.ts'
import { edited, GOOD } from './faults.ts'

const document = (text: string = GOOD): JobDocument => parseJob(text, 'yaml', 'job')

function factsOf({ sources }: JobDocument, partitions: number, changes: Partial<JobFacts> = {}): JobFacts {
  return {
    cluster: 'c0ffee',
    submission: 1,
    sources: sources.map(({ topic: name }) => ({
      topic: { name, partitions, cleanupPolicy: 'delete', retentionMs: -1 },
      offsets: Array.from({ length: partitions }, (_, i) => ({ start: 10 * i, end: 100 + i })),
    })),
    missingTopics: [],
    ...changes,
  }
}

const compiled = (text: string, partitions: number): CompiledJob => {
  const parsed = document(text)
  return compileJob(parsed, factsOf(parsed, partitions))
}

describe('stages', () => {
  it('are one where the source has one partition', () => {
    const { stages, shuffle } = compiled(GOOD, 1)
    assert.equal(stages.length, 1)
    assert.equal(shuffle, undefined)
    assert.deepEqual(stages[0]?.output, { kind: 'rows' })
  })

  it('are two where a key may be in several partitions, with a shuffle of as many partitions between', () => {
    const job = compiled(GOOD, 3)
    const [first, second] = job.stages
    assert.deepEqual(first?.output, { kind: 'shuffle', partitions: 3 })
    assert.equal(first?.steps.length, 1)
    assert.deepEqual(second?.input, { kind: 'slices', sources: 3, among: [{ topic: 'flights', numberFrom: 0 }] })
    assert.deepEqual(second?.output, { kind: 'rows' })
    assert.deepEqual(second?.steps, [])
    assert.deepEqual(second?.window, first?.window)
    assert.deepEqual(job.shuffle, { topic: `quorate-shuffle-c0ffee-${job.generation}`, partitions: 3 })
    assert.deepEqual([unitsOfStage(job, 0), unitsOfStage(job, 1)], [3, 3])
  })

  it('have a shuffle of as many partitions as the document says', () => {
    const job = compiled(`${GOOD}shuffle: { partitions: 5 }\n`, 3)
    assert.equal(job.shuffle?.partitions, 5)
    assert.deepEqual([unitsOfStage(job, 0), unitsOfStage(job, 1)], [3, 5])
    assert.equal(compiled(`${GOOD}shuffle: { partitions: 5 }\n`, 1).shuffle, undefined)
  })

  it('send whole records through the shuffle where they have to be in order', () => {
    const [first, second] = compiled(edited(['tumbling: 1d', 'count: 100']), 3).stages
    assert.deepEqual(first?.output, { kind: 'shuffle', partitions: 3, carries: 'records' })
    assert.deepEqual(second?.ordered, { kind: 'count', size: 100, slide: 100, emitPartial: false })
    assert.equal(second?.window, undefined)
    assert.equal(second?.aggregates.length, 1)
    for (const stage of [first, second]) createStage(stage as StagePlan, { partition: 0 })
  })

  it('of a pattern carry its stages', () => {
    const steps = '  - window: { tumbling: 1d }\n  - aggregate: { n: count() }\n'
    const pattern =
      '  - pattern: { stages: [{ name: a, where: x, times: { least: 2 } }], afterMatch: skipToNext, within: 1m }\n'
    const [first, second] = compiled(edited([steps, pattern]), 3).stages
    const where = { source: 'x', pointer: '/pipeline/2/pattern/stages/0/where' }
    assert.deepEqual(second?.ordered, {
      kind: 'pattern',
      stages: [
        { name: 'a', where, contiguity: 'relaxed', negated: false, optional: false, least: 2, inner: 'relaxed' },
      ],
      withinMs: 60_000,
      afterMatch: { strategy: 'toNext' },
    })
    for (const stage of [first, second]) createStage(stage as StagePlan, { partition: 0 })
  })

  it('of dedupe are grouped by what is the same, unless there is a key', () => {
    const steps = '  - window: { tumbling: 1d }\n  - aggregate: { n: count() }\n'
    const dedupe = '  - dedupe: { by: id, within: 1h }\n'
    const keyOf = (text: string) => compiled(text, 3).stages[0]?.keyBy?.map(({ source }) => source)
    assert.deepEqual(keyOf(edited([steps, dedupe], ['  - keyBy: origin\n', ''])), ['id'])
    assert.deepEqual(keyOf(edited([steps, dedupe])), ['origin'])
    const partitioned = edited(
      [steps, dedupe],
      ['  - keyBy: origin\n', ''],
      ['topic: flights', 'topic: flights, partitionedBy: id'],
    )
    assert.equal(compiled(partitioned, 3).stages.length, 1)
  })

  it('are one where the topic is partitioned by the key', () => {
    const text = edited(['topic: flights', 'topic: flights, partitionedBy: origin'])
    assert.equal(compiled(text, 3).stages.length, 1)
  })

  it('are one where there is no window, key or not', () => {
    const rows = edited(['  - window: { tumbling: 1d }\n  - aggregate: { n: count() }\n', ''])
    const job = compiled(rows, 3)
    assert.equal(job.stages.length, 1)
    assert.equal(job.stages[0]?.keyBy?.length, 1)
    assert.equal(job.stages[0]?.cuts.gridMs, 1_000)
    assert.equal(job.stages[0]?.cuts.gridRecords, 64)
    assert.equal(unitsOfStage(job, 1), 0)
  })

  it('bring everything to one partition where there is a window and no key', () => {
    const unkeyed = edited(['  - keyBy: origin\n', ''])
    assert.equal(compiled(unkeyed, 3).shuffle?.partitions, 1)
    assert.equal(compiled(unkeyed, 1).stages.length, 1)
  })

  it('are cut on the step of the window, and in time to stay within what may wait', () => {
    const hopping = edited(['tumbling: 1d', 'hopping: 1d, every: 1h'])
    for (const { cuts } of compiled(hopping, 2).stages) {
      assert.equal(cuts.gridMs, 3_600_000)
      assert.equal(cuts.maxRecords, 50_000)
      assert.ok(cuts.maxBytes <= LIMITS.runAheadBytes / 4)
      assert.ok(cuts.partBytes < cuts.maxBytes)
      assert.ok(cuts.snapshotEvery <= LIMITS.runAheadCuts / 4)
    }
  })

  it('over records in order are cut on the time that they speak of, or as rows are', () => {
    const gridOf = (window: string) =>
      compiled(edited(['tumbling: 1d', window]), 2).stages.map(({ cuts }) => cuts.gridMs)
    assert.deepEqual(gridOf('sliding: 5m'), [300_000, 300_000])
    assert.deepEqual(gridOf('count: 10'), [1_000, 1_000])
  })

  it('of sessions are cut by their gap', () => {
    const sessions = compiled(edited(['tumbling: 1d', 'session: 30m, allowedLateness: 1m']), 2)
    for (const { cuts, window } of sessions.stages) {
      assert.equal(cuts.gridMs, 1_800_000)
      assert.deepEqual(window, { kind: 'session', gapMs: 1_800_000, allowedLatenessMs: 60_000 })
    }
  })

  it('carry the offsets of the zone of their calendar', () => {
    const [{ window } = {}] = compiled(edited(['tumbling: 1d', 'calendar: day, zone: America/Los_Angeles']), 1).stages
    assert.ok(window?.kind === 'calendar')
    const spring = window.offsets.findIndex(({ fromMs }) => fromMs === Date.parse('2021-03-14T10:00Z'))
    assert.deepEqual(
      window.offsets.slice(spring - 1, spring + 1).map(({ offsetMs }) => offsetMs / 3_600_000),
      [-8, -7],
    )
    assert.equal(window.offsets[0]?.fromMs, 0)
  })

  it('of any job are taken by the operators', () => {
    fc.assert(
      fc.property(jobValue, fc.integer({ min: 1, max: 4 }), (value, partitions) => {
        const parsed = parseJob(JSON.stringify(value), 'json', 'job')
        for (const stage of compileJob(parsed, factsOf(parsed, partitions)).stages) createStage(stage, { partition: 0 })
      }),
      { seed: SEED, numRuns: 200 },
    )
  })
})

describe('what a document says', () => {
  it('is what runs', () => {
    const text = `name: everything
source:
  topic: flights
  time: { field: when.date, pattern: yyyyMMdd }
  outOfOrderness: 5m
  idleAfter: 3s
  onIdle: wait
pipeline:
  - filter: a > 1
  - map: { b: a * 2, c: c }
  - compute: { d: b + 1 }
  - keyBy: [c, d]
  - window: { hopping: 1h, every: 15m, offset: 1m, allowedLateness: 10s }
  - aggregate: { n: count(), m: count(d > 3), s: { sum: b, where: d > 3 }, z: avg(b), a: min(b), x: max( b ) }
sinks: [ { mongodb: { collection: c } }, { s3: { bucket: abc, prefix: p } } ]
deadLetters: { kafka: { topic: dead } }
quorum: { replicas: 5, write: 3, read: 4 }
maxCutAge: 2s
retention: forever
`
    const { stages, generation, ...job } = compiled(text, 1)
    assert.deepEqual(job, {
      name: 'everything',
      sources: [{ topic: 'flights', partitions: 1, startOffsets: [0], idleAfterMs: 3_000 }],
      sinks: [
        { kind: 'mongodb', database: 'quorate', collection: 'c' },
        { kind: 's3', bucket: 'abc', prefix: 'p/' },
      ],
      deadLetters: { kind: 'kafka', topic: 'dead' },
      quorum: { replicas: 5, write: 3, read: 4, allowForks: false },
      maxCutAgeMs: 2_000,
      retentionMs: -1,
    })
    assert.match(generation, /^everything-[0-9a-f]{12}-1$/)
    const at = (source: string, pointer: string) => ({ source, pointer })
    const expected: StagePlan = {
      job: 'everything',
      stage: 0,
      input: {
        kind: 'records',
        format: 'json',
        time: { kind: 'field', path: ['when', 'date'], pattern: 'yyyyMMdd' },
        outOfOrdernessMs: 300_000,
        among: [{ topic: 'flights', numberFrom: 0 }],
      },
      steps: [
        { kind: 'filter', where: at('a > 1', '/pipeline/0/filter') },
        { kind: 'map', keep: false, fields: { b: at('a * 2', '/pipeline/1/map/b'), c: at('c', '/pipeline/1/map/c') } },
        { kind: 'map', keep: true, fields: { d: at('b + 1', '/pipeline/2/compute/d') } },
      ],
      keyBy: [at('c', '/pipeline/3/keyBy'), at('d', '/pipeline/3/keyBy')],
      window: { kind: 'aligned', sizeMs: 3_600_000, slideMs: 900_000, offsetMs: 60_000, allowedLatenessMs: 10_000 },
      aggregates: [
        { name: 'a', kind: 'min', of: at('b', '/pipeline/5/aggregate/a') },
        { name: 'm', kind: 'count', of: at('d > 3', '/pipeline/5/aggregate/m') },
        { name: 'n', kind: 'count' },
        {
          name: 's',
          kind: 'sum',
          of: at('b', '/pipeline/5/aggregate/s/sum'),
          where: at('d > 3', '/pipeline/5/aggregate/s/where'),
        },
        { name: 'x', kind: 'max', of: at('b', '/pipeline/5/aggregate/x') },
        { name: 'z', kind: 'avg', of: at('b', '/pipeline/5/aggregate/z') },
      ],
      output: { kind: 'rows' },
      onIdle: 'wait',
      cuts: {
        gridMs: 900_000,
        gridRecords: 1,
        maxRecords: 50_000,
        maxBytes: 8_388_608,
        partBytes: 524_288,
        snapshotEvery: 16,
      },
    }
    assert.deepEqual(stages, [expected])
  })

  it('has defaults where it says nothing', () => {
    const { sources, stages, ...job } = compiled(
      'name: a\nsource: { topic: t }\npipeline: []\nquorum: { replicas: 1, write: 1, read: 1 }\n',
      2,
    )
    assert.deepEqual(sources, [{ topic: 't', partitions: 2, startOffsets: [0, 10], idleAfterMs: 10_000 }])
    assert.deepEqual(stages[0]?.input, {
      kind: 'records',
      format: 'json',
      time: { kind: 'log' },
      outOfOrdernessMs: 0,
      among: [{ topic: 't', numberFrom: 0 }],
    })
    assert.equal(stages[0]?.onIdle, 'emit')
    assert.deepEqual([job.sinks, job.deadLetters], [[], undefined])
    assert.deepEqual([job.maxCutAgeMs, job.retentionMs], [1_000, 7 * 86_400_000])
  })
})

describe('branches', () => {
  it('are one for each condition, and a sink names its own', () => {
    const { sinks, stages } = compiled(
      edited([
        'sinks: [ { kafka: { topic: results } } ]',
        'sinks: [ { kafka: { topic: all } }, { kafka: { topic: a }, where: n > 1 }, { kafka: { topic: b }, where: final }, { kafka: { topic: c }, where: n > 1 } ]',
      ]),
      2,
    )
    assert.deepEqual(
      sinks.map((sink) => (sink.kind === 'shuffle' ? sink : sink.branch)),
      [undefined, 1, 2, 1],
    )
    const [first, second] = stages
    assert.equal(first?.output.kind, 'shuffle')
    assert.deepEqual(second?.output, {
      kind: 'rows',
      branches: [
        { source: 'n > 1', pointer: '/sinks/1/where' },
        { source: 'final', pointer: '/sinks/2/where' },
      ],
    })
  })
})

describe('offsets', () => {
  const at = (inside: string) => compiled(edited(['topic: flights', `topic: flights, ${inside}`]), 2).sources[0]!

  it('begin where the log begins, or where it ends when the job is submitted', () => {
    assert.deepEqual(at('from: earliest').startOffsets, [0, 10])
    assert.deepEqual(at('from: latest').startOffsets, [100, 101])
  })

  it('end where the log ends when the job is submitted, if the source is bounded', () => {
    assert.deepEqual(at('bounded: true').endOffsets, [100, 101])
    assert.equal(at('bounded: false').endOffsets, undefined)
  })
})

describe('generations', () => {
  it('are named by what the document means, and by the submission', () => {
    const parsed = document()
    const first = compileJob(parsed, factsOf(parsed, 1)).generation
    const later = compileJob(parsed, factsOf(parsed, 1, { submission: 12 })).generation
    assert.match(first, /^delays-[0-9a-f]{12}-1$/)
    assert.equal(later, `${first.slice(0, -1)}12`)
    const same = `# a comment\n${GOOD.replace('1d', '24h').replace('sinks: [', 'sinks: [   ')}`
    assert.equal(compiled(same, 1).generation, first)
    assert.notEqual(compiled(edited(['1d', '2d']), 1).generation, first)
  })

  it('fit a unit id, whose parts are separated by colons', () => {
    assert.doesNotMatch(compiled(edited(['delays', 'a'.repeat(63)]), 1).generation, /:/)
  })
})

describe('compiling', () => {
  it('gives the same bytes for the same document, whatever format it came in', () => {
    fc.assert(
      fc.property(jobValue, fc.integer({ min: 1, max: 3 }), (value, partitions) => {
        const bytes = FORMATS.map((format) => {
          const parsed = parseJob(textOf(value, format), format, format)
          return canonicalText(compileJob(parsed, factsOf(parsed, partitions)))
        })
        assert.equal(new Set(bytes).size, 1)
      }),
      { seed: SEED, numRuns: 100 },
    )
  })
})
