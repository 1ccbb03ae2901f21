/** What becomes of a job whose source topics have other numbers of partitions than it was made for. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Digest, type JobEntry, type PeerId, parseUnitId } from '../../mesh/index.ts'
import { decodeJob, encodeJob } from '../../src/job/body.ts'
import { compileJob } from '../../src/job/compile.ts'
import { type CompiledJob, type SourcePlan, sourceOfUnit, unitsOfStage } from '../../src/job/compiled.ts'
import { factsAsOf, type LogFacts } from '../../src/job/facts.ts'
import { type Outlook, outlookOf, withPartitions } from '../../src/job/growth.ts'
import { parseJob } from '../../src/job/parse.ts'
import { differences, upgraded } from '../../src/job/upgrade.ts'
import { placeJob } from '../../src/peer/jobs.ts'

const SOURCE = 'topic: flights, format: json, time: { field: date }'
const WINDOWS = `  - keyBy: origin
  - window: { tumbling: 1h }
  - aggregate: { flights: count() }`
const ROWS = '  - filter: distance > 100'

const jobText = (pipeline: string, source = SOURCE) => `name: delays
source: { ${source} }
pipeline:
${pipeline}
sinks: [ { kafka: { topic: out } } ]
quorum: { replicas: 3, write: 2, read: 2 }
`
const UNION = `name: delays
sources:
  early: { ${SOURCE} }
  late: { topic: others, format: json, time: { field: date } }
pipeline:
${WINDOWS}
sinks: [ { kafka: { topic: out } } ]
quorum: { replicas: 3, write: 2, read: 2 }
`

function factsOf(text: string, counts: readonly number[]): LogFacts {
  const { sources } = parseJob(text, 'yaml', 'job')
  return {
    sources: sources.map(({ topic: name }, i) => {
      const partitions = counts[i]!
      return {
        topic: { name, partitions, cleanupPolicy: 'delete', retentionMs: -1 },
        offsets: Array.from({ length: partitions }, (_, partition) => ({ start: 10 + partition, end: 100 })),
      }
    }),
    missingTopics: [],
  }
}

const compiled = (text: string, ...counts: readonly number[]): CompiledJob =>
  compileJob(parseJob(text, 'yaml', 'job'), { ...factsOf(text, counts), cluster: 'c0ffee', submission: 1 })

function grows(job: CompiledJob, ...found: readonly number[]): CompiledJob {
  const outlook = outlookOf(job, found)
  assert.equal(outlook.kind, 'grows', JSON.stringify(outlook))
  return (outlook as Outlook & { kind: 'grows' }).compiled
}

function stops(job: CompiledJob, ...found: readonly number[]): string {
  const outlook = outlookOf(job, found)
  assert.equal(outlook.kind, 'stops')
  const { code, message } = outlook as Outlook & { kind: 'stops' }
  return `${code}: ${message}`
}

describe('a job goes on with more partitions of its source', () => {
  for (const [what, text, before] of [
    ['whose windows are behind a shuffle', jobText(WINDOWS), 2],
    ['that passes records in order, behind a shuffle', jobText('  - keyBy: origin\n  - changes: { of: delay }'), 3],
    [
      'whose rows are grouped again',
      jobText(`${WINDOWS}\n  - window: { tumbling: 1d }\n  - aggregate: { most: max(flights) }`),
      2,
    ],
    ['that takes records one by one', jobText(ROWS), 1],
    [
      'whose source says how it is partitioned, and which groups nothing',
      jobText(ROWS, `${SOURCE}, partitionedBy: origin`),
      2,
    ],
  ] as const) {
    it(what, () => {
      const job = compiled(text, before)
      const next = grows(job, 5)
      assert.deepEqual([unitsOfStage(job, 0), unitsOfStage(next, 0)], [before, 5])
      assert.equal(unitsOfStage(next, 1), unitsOfStage(job, 1), 'behind the shuffle nothing moves')
      const source = next.sources[0]!
      const starts = job.sources[0]!.startOffsets
      assert.deepEqual(source.startOffsets, [...starts, ...Array(5 - before).fill(0)], 'new ones from the first record')
      const [, second, ...later] = next.stages
      if (second?.input.kind === 'slices') assert.equal(second.input.sources, 5)
      assert.deepEqual(later, job.stages.slice(2))
    })
  }

  it('from their beginning also where it reads from the latest', () => {
    const job = compiled(jobText(ROWS, `${SOURCE}, from: latest`), 1)
    assert.deepEqual(grows(job, 2).sources[0]?.startOffsets, [100, 0])
  })

  it('in bytes that are the same whoever looked, and that every peer takes', () => {
    const text = jobText(WINDOWS)
    const body = (job: CompiledJob) =>
      encodeJob({ document: { text, format: 'yaml' }, compiled: job, submittedAt: '2026-01-01T00:00:00.000Z' })
    const bytes = body(grows(compiled(text, 2), 4))
    assert.deepEqual(bytes, body(grows(compiled(text, 2), 4)))
    assert.deepEqual(body(decodeJob(bytes).compiled), bytes)
    assert.deepEqual(body(grows(grows(compiled(text, 2), 3), 4)), bytes, 'in one step or in two')
    const again = jobText(`${WINDOWS}\n  - window: { tumbling: 1d }\n  - aggregate: { most: max(flights) }`)
    const twice = encodeJob({
      ...{ document: { text: again, format: 'yaml' }, submittedAt: '2026-01-01T00:00:00.000Z' },
      compiled: grows(compiled(again, 2), 3),
    })
    assert.equal(decodeJob(twice).compiled.stages.length, 3)
  })

  it('of the last of its sources, whose units come last', () => {
    const job = compiled(UNION, 2, 1)
    const next = grows(job, 2, 3)
    assert.equal(unitsOfStage(next, 0), 5)
    assert.deepEqual(next.stages[1]?.input, { ...job.stages[1]?.input, sources: 5 })
  })

  // early   0 1   3     5     what is read by the units of these numbers
  // late        2     4
  it('of any of its sources, and no unit reads anything else than before', () => {
    const job = compiled(UNION, 2, 1)
    const once = grows(job, 3, 1)
    const twice = grows(once, 3, 2)
    const next = grows(twice, 4, 2)
    const readBy = (of: CompiledJob) =>
      Array.from({ length: unitsOfStage(of, 0) }, (_, number) => {
        const { source, partition } = sourceOfUnit(of, number)
        return `${source.name}[${partition}]`
      })
    const expected = ['early[0]', 'early[1]', 'late[0]', 'early[2]', 'late[1]', 'early[3]']
    assert.deepEqual(readBy(next), expected)
    for (const earlier of [job, once, twice]) {
      assert.deepEqual(readBy(earlier), expected.slice(0, unitsOfStage(earlier, 0)))
    }
    assert.deepEqual(readBy(grows(job, 3, 2)), expected.slice(0, 5), 'both at once, in the order of the sources')
    const among = [
      { topic: 'flights', numberFrom: 0, later: { from: 2, numbers: [3, 5] } },
      { topic: 'others', numberFrom: 2, later: { from: 1, numbers: [4] } },
    ]
    assert.deepEqual(next.stages[1]?.input, { ...job.stages[1]?.input, among, sources: 6 })
    assert.deepEqual(next.stages[0]?.input.among, [among[0]])
    assert.deepEqual(next.sources[1]?.stage?.input.among, [among[1]])
    const parts = { document: { text: UNION, format: 'yaml' }, submittedAt: '2026-01-01T00:00:00.000Z' } as const
    assert.deepEqual(decodeJob(encodeJob({ ...parts, compiled: next })).compiled, next)
    const [first, second] = next.sources as [SourcePlan, SourcePlan]
    for (const later of [[3], [3, 4], [3, 6]]) {
      const wrong = encodeJob({ ...parts, compiled: { ...next, sources: [{ ...first, later }, second] } })
      assert.throws(() => decodeJob(wrong), /numbers of their own/)
    }
  })

  it('of a stream that is joined with a table, but not of the table', () => {
    const joined = (table: 'right' | 'both') => `name: named
sources: { codes: { topic: codes, time: { field: t } }, flights: { topic: flights, time: { field: t } } }
join: { left: flights, right: codes, on: code, table: ${table} }
pipeline: []
quorum: { replicas: 3, write: 2, read: 2 }
`
    const job = compiled(joined('right'), 1, 1)
    assert.equal(unitsOfStage(grows(job, 1, 2), 0), 3)
    assert.match(stops(job, 2, 1), /QRT_SOURCE_GREW: .*"codes" of the source "codes" .* is a table that "named" looks/)
    assert.equal(unitsOfStage(grows(compiled(joined('both'), 1, 1), 2, 1), 0), 3, 'two tables have no such order')
  })

  it('and nothing happens while they are as many, or the log does not say, or it ends where it ended', () => {
    const job = compiled(UNION, 2, 1)
    assert.deepEqual(outlookOf(job, [2, 1]), { kind: 'same' })
    assert.deepEqual(outlookOf(job, [undefined, undefined]), { kind: 'same' })
    const bounded = compiled(jobText(WINDOWS, `${SOURCE}, bounded: true, partitionedBy: origin`), 2)
    assert.deepEqual(outlookOf(bounded, [3]), { kind: 'same' })
    assert.deepEqual(outlookOf(bounded, [1]), { kind: 'same' })
  })
})

describe('a job stops for good', () => {
  it('when it relies on the partitions of its source, with the topic, the numbers and the way out', () => {
    const job = compiled(jobText(WINDOWS, `${SOURCE}, partitionedBy: origin`), 2)
    assert.match(stops(job, 3), /QRT_SOURCE_GREW: .*"flights" has 3 partitions now, and had 2: .*another name.*shuffle/)
  })

  it('when all records were in the one partition that there was', () => {
    assert.match(stops(compiled(jobText(WINDOWS), 1), 2), /has 2 partitions now, and had 1: "delays" has no shuffle/)
  })

  it('when it joins more than two sources, whose partitions and units are numbered together', () => {
    const joining = `name: sales
sources: { a: { topic: a }, b: { topic: b }, c: { topic: c } }
joins: [ { left: a, right: b, on: id, within: 1m }, { right: c, on: { left: a.id, right: id }, within: 1m } ]
pipeline: []
quorum: { replicas: 3, write: 2, read: 2 }
`
    assert.match(stops(compiled(joining, 2, 2, 2), 2, 2, 3), /QRT_SOURCE_GREW: .*joins more than two sources/)
  })

  it('when a topic has fewer partitions, whatever the job does', () => {
    const job = compiled(jobText(ROWS), 3)
    assert.match(stops(job, 1), /QRT_SOURCE_SHRANK: .*has 1 partition now, and had 3: it was deleted and made anew/)
  })
})

describe('a job that has grown is upgraded', () => {
  const text = jobText(`  - filter: distance > 100\n${WINDOWS}`)
  const other = text.replace('100', '500')

  it('by a document for the topic as it is by then, and keeps its partitions', () => {
    const first = compiled(text, 2)
    const present = grows(first, 4)
    // The shuffle has as many partitions as the source had: a document that is compiled by itself would have more.
    const facts = factsAsOf(first, factsOf(other, [5]))
    const next = compileJob(parseJob(other, 'yaml', 'job'), { ...facts, cluster: 'c0ffee', submission: 1 })
    assert.deepEqual(differences(first, next), [])
    const after = upgraded(present, next)
    assert.deepEqual(after.sources, present.sources)
    assert.equal(unitsOfStage(after, 0), 4)
    assert.match(JSON.stringify(after.stages[0]?.steps), /500/)
    assert.deepEqual(after.stages[1]?.input, present.stages[1]?.input)
  })
})

describe('a job whose first source has grown is upgraded', () => {
  it('and every unit keeps what it reads', () => {
    const other = UNION.replace('pipeline:', 'pipeline:\n  - filter: distance > 500')
    const first = compiled(UNION, 2, 1)
    const present = grows(first, 3, 1)
    const facts = factsAsOf(first, factsOf(other, [3, 1]))
    const next = compileJob(parseJob(other, 'yaml', 'job'), { ...facts, cluster: 'c0ffee', submission: 1 })
    assert.deepEqual(differences(first, next), [])
    const after = upgraded(present, next)
    assert.deepEqual(after.sources[0], present.sources[0])
    assert.deepEqual(after.sources[1]?.stage?.input, present.sources[1]?.stage?.input)
    assert.deepEqual(after.stages[1]?.input, present.stages[1]?.input)
    assert.match(JSON.stringify(after.stages[0]?.steps), /500/)
  })
})

describe('a job of more than one join', () => {
  const text = `name: sales
sources:
  auctions: { topic: auctions, time: { field: t } }
  bids: { topic: bids, time: { field: t } }
  people: { topic: people, time: { field: t } }
joins:
  - { left: bids, right: auctions, on: { left: a, right: id }, within: 5ms }
  - { right: people, on: { left: bids.p, right: id }, within: 3ms, select: { bid: bids.n, person: people.n } }
pipeline: []
quorum: { replicas: 1, write: 1, read: 1 }
`
  const job = compiled(text, 2, 3, 4)

  it('stops when any of its sources grows, also the last', () => {
    for (const found of [
      [3, 3, 4],
      [2, 3, 5],
    ]) {
      assert.match(stops(job, ...found), /"sales" joins more than two sources/)
    }
  })

  it('is upgraded into a job that every peer takes', () => {
    const after = upgraded(job, compiled(text.replace('people.n }', 'people.m }'), 2, 3, 4))
    assert.deepEqual(after.stages[1]?.input, job.stages[1]?.input)
    const submittedAt = '2026-01-01T00:00:00.000Z'
    const bytes = encodeJob({ document: { text, format: 'yaml' }, compiled: after, submittedAt })
    assert.deepEqual(decodeJob(bytes).compiled, after)
  })
})

describe('the units that come with growth', () => {
  const text = jobText(`  - filter: distance > 100\n${WINDOWS}`)
  const peers = (letters: string) => [...letters].map((letter) => letter.repeat(32) as PeerId)
  const bodyOf = (job: CompiledJob) => ({ document: { text, format: 'yaml' }, compiled: job, submittedAt: '' }) as const
  const first = compiled(text, 2)
  const filtered = upgraded(first, compiled(text.replace('100', '500'), 2))
  const revisions = [first, filtered, withPartitions(filtered, [3])].map(bodyOf)
  const old = { number: 1, members: peers('abc') }
  const later = { number: 6, members: peers('def') }
  const entry: JobEntry = {
    ...{ name: 'delays', generation: first.generation, hash: '' as Digest, state: 'running', earlier: [] },
    ...{ view: old, grown: [{ revision: 2, view: later }] },
  }
  const { units } = placeJob(entry, revisions[0]!, revisions, 'c')
  const described = (stage: number, partition: number) =>
    units
      .map(({ description }) => description)
      .find(({ unit }) => {
        const at = parseUnitId(unit)
        return at.stage === stage && at.partition === partition
      })!

  it('begin among the members that were there then; those before stay where they began', () => {
    for (const [stage, partition, view] of [
      [0, 0, old],
      [0, 1, old],
      [0, 2, later],
      [1, 0, old],
      [1, 1, old],
    ] as const) {
      const { members, view: number } = described(stage, partition)
      assert.equal(number, view.number, `${stage}:${partition}`)
      assert.ok(members.every((member) => view.members.includes(member)))
    }
    assert.equal(units.length, 5)
  })

  it('read their partition from its first record on, and compute from there as the revision that brought them', () => {
    const { topic, partition, startOffset, plans } = described(0, 2)
    assert.deepEqual([topic, partition, startOffset, plans.length], ['flights', 2, 0, 3])
    for (const plan of plans) assert.match(JSON.stringify(plan.steps), /500/)
    assert.match(JSON.stringify(described(0, 1).plans[0]?.steps), /100/)
    assert.deepEqual(
      described(1, 0).plans.map(({ input }) => input.kind === 'slices' && input.sources),
      [2, 2, 3],
    )
  })
})
