/** Joins one after another: beside a plain search over all records at once, and what is refused. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodeJob, encodeJob } from '../../src/job/body.ts'
import { compileJob } from '../../src/job/compile.ts'
import { type CompiledJob, planOfUnit, unitsOfStage } from '../../src/job/compiled.ts'
import { assumedSources } from '../../src/job/facts.ts'
import { parseJob } from '../../src/job/parse.ts'
import { jobGraph } from '../../src/peer/graph.ts'
import { propertyRuns } from '../operators/property-runs.ts'
import { restoredAtEachCut, runRounds } from '../operators/rounds.ts'
import { deadLettersOf, rowsOfCuts } from '../operators/stage-harness.ts'
import { faultsIn } from './faults.ts'

const PARTITIONS = 2

/** People are met by bids, which have met auctions. */
const job = (first: string, second: string, pipeline = '[]') => `name: sales
sources:
  auctions: { topic: auctions, time: { field: t } }
  bids: { topic: bids, time: { field: t } }
  people: { topic: people, time: { field: t } }
joins:
  - { left: bids, right: auctions, on: { left: a, right: id }, ${first} }
  - { right: people, on: { left: bids.p, right: id }, ${second} }
pipeline: ${pipeline}
quorum: { replicas: 1, write: 1, read: 1 }
`
const GOOD = job('within: 5ms', 'within: 3ms, select: { bid: bids.n, item: auctions.n, person: people.n }')

function compiled(text: string): CompiledJob {
  const document = parseJob(text, 'yaml', 'job')
  const sources = assumedSources(document, PARTITIONS)
  return compileJob(document, { cluster: 'c', submission: 1, sources, missingTopics: [] })
}

interface Item {
  readonly t: number
  readonly n: number
  readonly id: number
  readonly a: number
  readonly p: number
}

/** Of each partition, in the order of times: so nothing is late, whatever is read first. */
const partition = fc
  .array(
    fc.record({
      t: fc.integer({ min: 0, max: 40 }),
      n: fc.nat(999),
      id: fc.integer({ min: 0, max: 2 }),
      a: fc.integer({ min: 0, max: 2 }),
      p: fc.integer({ min: 0, max: 2 }),
    }),
    { maxLength: 8 },
  )
  .map((items) => items.toSorted((x, y) => x.t - y.t))
const topic = fc.tuple(partition, partition)

type Topics = Readonly<Record<'auctions' | 'bids' | 'people', readonly (readonly Item[])[]>>

interface Within {
  readonly before: number
  readonly after: number
}
type Match = { readonly left: boolean } & (Within | { readonly table: true })

const times = fc.constantFrom<Within>({ before: 5, after: 0 }, { before: 0, after: 4 }, { before: 3, after: 3 })
const streams = fc.tuple(times, fc.boolean()).map(([within, left]): Match => ({ ...within, left }))
const second = fc.oneof(
  streams,
  fc.boolean().map((left): Match => ({ table: true, left })),
)

const textOf = (match: Match): string =>
  `type: ${match.left ? 'left' : 'inner'}, ${
    'table' in match ? 'table: right' : `within: { before: ${match.before}ms, after: ${match.after}ms }`
  }`

interface Row {
  readonly t: number
  readonly bid: Item
  readonly auction?: Item | undefined
  readonly person?: Item | undefined
}

/** Of each left row, the records of the right that it meets; itself alone where it meets none, and the join is a left one. */
function meet(rows: readonly Row[], right: readonly (readonly Item[])[], match: Match, key: 'a' | 'p'): Row[] {
  const name = key === 'a' ? 'auction' : 'person'
  return rows.flatMap((row): Row[] => {
    const equal = right.flat().filter(({ id }) => id === row.bid[key])
    let met: Item[]
    if ('table' in match) {
      // Of one time the last in the order of partitions and offsets counts.
      const known = right.flatMap((items) => items.filter(({ id, t }) => id === row.bid[key] && t <= row.t))
      met = known.sort((x, y) => x.t - y.t).slice(-1)
    } else met = equal.filter(({ t }) => t >= row.t - match.before && t <= row.t + match.after)
    if (met.length === 0) return match.left ? [row] : []
    return met.map((item) => ({ ...row, t: 'table' in match ? row.t : Math.max(row.t, item.t), [name]: item }))
  })
}

function twin({ auctions, bids, people }: Topics, first: Match, second: Match): string[] {
  const rows = bids.flat().map((bid): Row => ({ t: bid.t, bid }))
  return meet(meet(rows, auctions, first, 'a'), people, second, 'p')
    .map(({ bid, auction, person }) =>
      JSON.stringify({ bid: bid.n, item: auction?.n ?? null, person: person?.n ?? null }),
    )
    .sort()
}

function run(text: string, topics: Topics, speeds: readonly number[], options: Parameters<typeof runRounds>[3] = {}) {
  const job = compiled(text)
  const records = job.sources.flatMap((source) => topics[source.topic as keyof Topics])
  const firsts = Array.from({ length: unitsOfStage(job, 0) }, (_, unit) => planOfUnit(job, 0, unit)!)
  return runRounds(job.stages, records, speeds, { ...options, firsts })
}

const topics = fc.record({ auctions: topic, bids: topic, people: topic })
const speeds = fc.array(fc.nat(7), { minLength: 1, maxLength: 8 })

describe('joins of three sources', () => {
  it('give the rows of their definition, whatever is read first', () => {
    fc.assert(
      fc.property(topics, streams, second, speeds, (given, first, second, order) => {
        const text = job(
          textOf(first),
          `${textOf(second)}, select: { bid: bids.n, item: auctions.n, person: people.n }`,
        )
        const stages = run(text, given, order)
        const found = (stages.at(-1) ?? []).flatMap((cuts) => rowsOfCuts(cuts)).map(({ value }) => value)
        assert.deepEqual(found.sort(), twin(given, first, second))
        assert.deepEqual(deadLettersOf(stages.flat(2)), [])
      }),
      { seed: 41, numRuns: propertyRuns(200) },
    )
  })

  it('give the same bytes in any batches, and after a restore of every stage at every cut', () => {
    fc.assert(
      fc.property(topics, second, speeds, fc.array(fc.nat(8), { maxLength: 3 }), (given, second, order, splits) => {
        const text = job('type: left, within: 4ms', textOf(second))
        const whole = run(text, given, order)
        assert.deepEqual(run(text, given, order, { splits }), whole)
        assert.deepEqual(run(text, given, order, { between: restoredAtEachCut }), whole)
      }),
      { seed: 42, numRuns: propertyRuns(60) },
    )
  })

  it('send each source to the stage of its join', () => {
    const { stages, sources } = compiled(GOOD)
    assert.deepEqual(
      sources.map(({ name, stage = stages[0] }) => [name, stage?.output.kind === 'shuffle' && stage.output.to]),
      [
        ['auctions', undefined],
        ['bids', undefined],
        ['people', 2],
      ],
    )
    const [, second, third] = stages
    assert.deepEqual([second?.input.kind === 'slices' && second.input.sources, second?.next?.numberFrom], [4, 6])
    const { sources: read, first, rowSources } = third?.input.kind === 'slices' ? third.input : { sources: 0 }
    assert.deepEqual([read, first, rowSources], [8, 4, 6])
    const edges = jobGraph(compiled(GOOD)).map(({ id, to }) => `${id} > ${to.join(' ')}`)
    assert.ok(edges.includes('stage-0 > shuffle shuffle-2'))
  })

  it('are stored and read again, and no stage is changed on the way', () => {
    const body = {
      document: { text: GOOD, format: 'yaml' as const },
      compiled: compiled(GOOD),
      submittedAt: '2026-01-01T00:00:00.000Z',
    }
    const bytes = encodeJob(body)
    assert.deepEqual(encodeJob(decodeJob(bytes)), bytes)
    const text = Buffer.from(bytes).toString()
    for (const [part, changed] of [
      ['"numberFrom":6', '"numberFrom":5'],
      ['"to":2', '"to":3'],
      ['"first":4', '"first":3'],
    ] as const) {
      assert.ok(text.includes(part), part)
      assert.throws(() => decodeJob(Buffer.from(text.replace(part, changed))), { code: 'QRT_JOB_INVALID' })
    }
  })

  it('have all records under their names where nothing is selected, and can be grouped', () => {
    const text = job(
      'within: 5ms',
      'within: 3ms',
      '[ { keyBy: auctions.n }, { window: { tumbling: 1m } }, { aggregate: { n: count(people.n > 3) } } ]',
    )
    assert.equal(compiled(text).stages.length, 4)
  })

  const cases: readonly (readonly [name: string, text: string, fault: RegExp])[] = [
    ['begin with a source', GOOD.replace('left: bids, right', 'right'), /\/joins\/0\/left .*the name of a source/],
    [
      'go on with rows',
      GOOD.replace('{ right: people', '{ left: bids, right: people'),
      /the left of a later join are the rows/,
    ],
    ['have each source once', GOOD.replace('right: people', 'right: auctions'), /"auctions" is in these joins already/],
    ['have all sources', GOOD.replace('joins:', '  more: { topic: more }\njoins:'), /"more" is in none of the joins/],
    [
      'have known sources',
      GOOD.replace('right: people', 'right: persons'),
      /one of the sources auctions, bids, people/,
    ],
    [
      'select at the end',
      GOOD.replace('right: id }, within: 5ms', 'right: id }, within: 5ms, select: { n: bids.n }'),
      /has all records under the names/,
    ],
    [
      'select names of sources',
      GOOD.replace('people.n }', 'persons.n }'),
      /to read bids, auctions or people; found the name "persons"/,
    ],
    [
      'are inner or left behind the first',
      GOOD.replace('within: 3ms', 'within: 3ms, type: outer'),
      /expected a later join to be inner or left/,
    ],
    ['are not closed by silence', GOOD.replaceAll('time: {', 'onIdle: close, time: {'), /cannot be closed by silence/],
    ['stand alone', `${GOOD}join: { left: bids, right: auctions, on: id, within: 1s }\n`, /found both/],
  ]
  for (const [name, text, fault] of cases) {
    it(name, () => {
      assert.notEqual(text, GOOD)
      assert.match(faultsIn(text).join('\n'), fault)
    })
  }
})
