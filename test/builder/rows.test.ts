/** Steps in order and on rows, several sources, joins and sinks for some rows: the documents and the types. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cel, type Job, join, joins, stream, union } from '../../src/builder/index.ts'
import { parseJob } from '../../src/job/parse.ts'
import { TestDriver } from '../../src/testing/index.ts'

const quorum = { replicas: 1, write: 1, read: 1 } as const

interface Bid {
  readonly auction: number
  readonly price: number
  readonly at: string
}

interface Auction {
  readonly id: number
  readonly item: string
  readonly at: string
}

const bids = () => stream<Bid>('bids', { time: { field: 'at' } })
const auctions = () => stream<Auction>('auctions', { time: { field: 'at' } })

/** Compiles only where both are one type. */
const same = <A, B>(_: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false): void => {}
type RowOf<J> = J extends Job<infer _, infer Row> ? Row : never

const fromYaml = (text: string) => parseJob(text, 'yaml', 'job.yaml')
const compiled = (job: Job<never, never> | Job) => fromYaml(job.toYaml())
const wholeOf = (middle: string) => fromYaml(`name: job\n${middle}\nquorum: { replicas: 1, write: 1, read: 1 }\n`)
const SOURCE = 'source: { topic: bids, time: { field: at } }'

describe('steps on rows', () => {
  const job = bids()
    .keyBy('auction')
    .window({ tumbling: '1m' })
    .aggregate({ n: 'count()', top: { max: 'price' }, total: { sum: 'price' } })
    .filter('n', '>', 3)
    .filter('top != null')
    .compute({ mean: cel<number>('total / n'), from: 'window.start' })
    .drop('total')
    .rename({ bids: 'n' })
    .to({ kafka: { topic: 'means' } })
    .to({ kafka: { topic: 'high' } }, { where: 'mean > 100 && final' })
    .job('job', { quorum })

  it('are those of a document', () => {
    const text = `${SOURCE}
pipeline:
  - keyBy: auction
  - window: { tumbling: 1m }
  - aggregate: { n: count(), top: { max: price }, total: { sum: price } }
  - filter: n > 3
  - filter: top != null
  - compute: { mean: total / n, from: window.start }
  - drop: [total]
  - rename: { bids: n }
sinks: [ { kafka: { topic: means } }, { kafka: { topic: high }, where: mean > 100 && final } ]`
    assert.deepEqual(compiled(job), wholeOf(text))
  })

  it('have types that follow them', () => {
    type Row = RowOf<typeof job>
    same<
      Omit<Row, 'window'>,
      {
        readonly key: number
        readonly revision: number
        readonly final: boolean
        readonly top: number | null
        readonly mean: number
        readonly from: number
        readonly bids: number
      }
    >(true)
    same<Row['window'], { readonly start: string; readonly end: string }>(true)
    const refused = () => {
      const rows = bids().window({ tumbling: '1m' }).aggregate({ n: 'count()' })
      // @ts-expect-error no such aggregate
      rows.filter('m', '>', 1)
      // @ts-expect-error a row cannot become several
      rows.explode('n', 'one')
      // @ts-expect-error nothing takes what is grouped
      rows.keyBy('n').filter('n', '>', 1)
      // @ts-expect-error the key stays where it is
      rows.drop('key')
    }
    assert.equal(typeof refused, 'function')
  })
})

interface Person {
  readonly id: number
  readonly name: string
  readonly at: string
}

describe('joins one after another', () => {
  const people = () => stream<Person>('people', { time: { field: 'at' } })

  it('are those of a document, and rows have what they select', () => {
    const job = joins(
      { bids: bids(), auctions: auctions(), people: people() },
      [
        {
          left: 'bids',
          right: 'auctions',
          on: { left: 'auction', right: 'id' },
          within: { before: '1d', after: '0s' },
        },
        { right: 'people', type: 'left', on: { left: 'bids.price', right: 'id' }, table: 'right' },
      ],
      { item: 'auctions.item', name: 'people.name' },
    )
      .filter('item', '!=', 'pen')
      .job('job', { quorum })
    const text = `sources:
  bids: { topic: bids, time: { field: at } }
  auctions: { topic: auctions, time: { field: at } }
  people: { topic: people, time: { field: at } }
joins:
  - { left: bids, right: auctions, on: { left: auction, right: id }, within: { before: 1d, after: 0s } }
  - { right: people, type: left, on: { left: bids.price, right: id }, table: right, select: { item: auctions.item, name: people.name } }
pipeline: [ { filter: 'item != "pen"' } ]`
    assert.deepEqual(compiled(job), wholeOf(text))
    same<RowOf<typeof job>['value'], { readonly item: string; readonly name: string | null }>(true)
  })
})

describe('stages over rows', () => {
  const counts = bids().keyBy('auction').window({ tumbling: '1m' }).aggregate({ n: 'count()' })
  const COUNTS = `${SOURCE}
pipeline:
  - keyBy: auction
  - window: { tumbling: 1m }
  - aggregate: { n: count() }`

  it('are those of a document, and have types that follow them', () => {
    const job = counts
      .compute({ many: cel<boolean>('n > 10') })
      .keyBy('many')
      .window({ tumbling: '1h' })
      .aggregate({ most: { max: 'n' }, auctions: { collect: 'key' } })
      .job('job', { quorum })
    const text = `${COUNTS}
  - compute: { many: n > 10 }
  - keyBy: many
  - window: { tumbling: 1h }
  - aggregate: { most: { max: n }, auctions: { collect: key } }`
    assert.deepEqual(compiled(job), wholeOf(text))
    type Row = RowOf<typeof job>
    same<Pick<Row, 'key' | 'most'>, { readonly key: boolean; readonly most: number | null }>(true)
    same<Row['auctions'], readonly number[]>(true)
  })

  it('can be of records in order, and have no key', () => {
    const job = counts
      .changes({ of: 'n' })
      .window({ count: 2 })
      .aggregate({ last: { last: 'n' } })
      .job('job', { quorum })
    const text = `${COUNTS}
  - changes: { of: n }
  - window: { count: 2 }
  - aggregate: { last: { last: n } }`
    assert.deepEqual(compiled(job), wholeOf(text))
    same<RowOf<typeof job>['key'], null>(true)
  })

  it('are driven like others', () => {
    const job = counts
      .window({ tumbling: '1m' })
      .aggregate({ most: { max: 'n' } })
      .job('job', { quorum })
    const driver = new TestDriver(job, { partitions: 2 })
    driver.send({ auction: 1, price: 1, at: '2026-01-01T10:00:00Z' })
    driver.send({ auction: 1, price: 1, at: '2026-01-01T10:00:01Z' }, { partition: 1 })
    driver.send({ auction: 2, price: 1, at: '2026-01-01T10:00:02Z' })
    driver.end()
    assert.deepEqual(
      driver.rows.map(({ key, most, final }) => [key, most, final]),
      [[null, 2, true]],
    )
  })
})

describe('rows that say when they happened', () => {
  const grouped = bids()
    .keyBy('auction')
    .window({ session: '10m' })
    .aggregate({ n: 'count()' })
    .time({ field: 'window.start', within: '1d' })

  it('are those of a document', () => {
    const job = grouped.window({ tumbling: '1h' }).aggregate({ spells: 'count()' }).job('job', { quorum })
    assert.deepEqual(
      compiled(job),
      wholeOf(`${SOURCE}
pipeline:
  - keyBy: auction
  - window: { session: 10m }
  - aggregate: { n: count() }
  - time: { field: window.start, within: 1d }
  - window: { tumbling: 1h }
  - aggregate: { spells: count() }`),
    )
  })

  it('are in the window of that time, and those of an earlier one are dead letters', () => {
    const job = grouped.window({ tumbling: '1h' }).aggregate({ spells: 'count()' }).job('job', { quorum })
    const driver = new TestDriver(job)
    // One over the full hour, and one of more than a day.
    driver.send({ auction: 1, price: 1, at: '2026-01-01T10:55:00Z' })
    driver.send({ auction: 1, price: 1, at: '2026-01-01T11:03:00Z' })
    for (let minute = 0; minute <= 24 * 60 + 10; minute += 10) {
      driver.send({ auction: 2, price: 1, at: new Date(Date.UTC(2026, 0, 2, 0, minute)).toISOString() })
    }
    driver.end()
    assert.deepEqual(
      driver.rows.map(({ window, spells }) => [window.start, spells]),
      [['2026-01-01T10:00:00.000Z', 1]],
    )
    assert.deepEqual(
      driver.deadLetters.map(({ error, stage }) => [error, stage]),
      [['QRT_ROW_EARLIER', 1]],
    )
  })
})

describe('steps of records in order', () => {
  it('are those of a document', () => {
    const rolling = bids()
      .keyBy('auction')
      .rolling({ last: 10 })
      .aggregate({ mean: { avg: 'price' } })
      .job('job', { quorum })
    assert.deepEqual(
      compiled(rolling),
      wholeOf(
        `${SOURCE}\npipeline: [ { keyBy: auction }, { rolling: { last: 10 } }, { aggregate: { mean: { avg: price } } } ]`,
      ),
    )
    same<RowOf<typeof rolling>, { readonly key: number; readonly time: string; readonly mean: number | null }>(true)
    const dedupe = bids().dedupe({ by: 'auction', within: '1h' }).job('job', { quorum })
    assert.deepEqual(compiled(dedupe), wholeOf(`${SOURCE}\npipeline: [ { dedupe: { by: auction, within: 1h } } ]`))
    const changes = bids()
      .keyBy('auction')
      .changes({ of: cel('price > 10') })
      .job('job', { quorum })
    assert.deepEqual(
      compiled(changes),
      wholeOf(`${SOURCE}\npipeline: [ { keyBy: auction }, { changes: { of: price > 10 } } ]`),
    )
    same<RowOf<typeof changes>, { readonly key: number; readonly value: Bid }>
    const pattern = bids()
      .keyBy('auction')
      .pattern<{ from: number }>({
        stages: [
          { name: 'low', where: 'price < 10' },
          { name: 'high', where: 'price > 10 * low.price' },
        ],
        within: '1m',
        afterMatch: { skipToLast: 'high' },
        select: { from: 'low.price' },
      })
      .job('job', { quorum })
    const text = `${SOURCE}\npipeline: [ { keyBy: auction }, { pattern: { stages: [ { name: low, where: price < 10 }, { name: high, where: price > 10 * low.price } ], within: 1m, afterMatch: { skipToLast: high }, select: { from: low.price } } } ]`
    assert.deepEqual(compiled(pattern), wholeOf(text))
    same<RowOf<typeof pattern>['value'], { from: number }>(true)
  })
})

describe('several sources', () => {
  it('come together in one pipeline', () => {
    const job = union({
      web: bids().map({ id: 'auction', sum: 'price' }),
      tills: stream<{ readonly id: number; readonly sum: number }>('tills', { format: 'msgpack' }),
    })
      .keyBy('id')
      .window({ tumbling: '1h' })
      .aggregate({ total: { sum: 'sum' } })
      .job('job', { quorum })
    const text = `
sources:
  web: { topic: bids, time: { field: at }, pipeline: [ { map: { id: auction, sum: price } } ] }
  tills: { topic: tills, format: msgpack }
pipeline: [ { keyBy: id }, { window: { tumbling: 1h } }, { aggregate: { total: { sum: sum } } } ]`
    assert.deepEqual(compiled(job), wholeOf(text))
    same<RowOf<typeof job>['key'], number>(true)
    // @ts-expect-error not in all of them
    const refused = () => union({ a: bids(), b: auctions() }).keyBy('price')
    assert.equal(typeof refused, 'function')
  })

  it('are joined, with types of both', () => {
    const job = join(
      { bids: bids().filter('price', '>', 0), auctions: auctions() },
      {
        left: 'bids',
        right: 'auctions',
        type: 'left',
        on: { left: 'auction', right: 'id' },
        within: { before: '1d', after: '0s' },
        select: { item: 'auctions.item', price: 'bids.price' },
      },
    )
      .filter('price', '>', 100)
      .job('job', { quorum })
    const text = `
sources:
  bids: { topic: bids, time: { field: at }, pipeline: [ { filter: price > 0 } ] }
  auctions: { topic: auctions, time: { field: at } }
join: { left: bids, right: auctions, type: left, on: { left: auction, right: id }, within: { before: 1d, after: 0s }, select: { item: auctions.item, price: bids.price } }
pipeline: [ { filter: price > 100 } ]`
    assert.deepEqual(compiled(job), wholeOf(text))
    same<RowOf<typeof job>['value'], { readonly item: string | null; readonly price: number }>(true)
    const driver = new TestDriver(job)
    driver.send({ id: 1, item: 'lamp', at: '2026-01-01T10:00:00Z' }, { source: 'auctions' })
    driver.send({ auction: 1, price: 200, at: '2026-01-01T10:01:00Z' }, { source: 'bids' })
    driver.end()
    assert.deepEqual(
      driver.rows.map(({ value }) => value),
      [{ item: 'lamp', price: 200 }],
    )
    const tables = () =>
      join(
        { bids: bids(), auctions: auctions() },
        {
          left: 'bids',
          right: 'auctions',
          // @ts-expect-error no such field on the right
          on: { left: 'auction', right: 'auction' },
          table: 'right',
        },
      )
    assert.equal(typeof tables, 'function')
  })

  it('have their faults told where they were made', () => {
    const build = () =>
      join(
        { bids: bids().filter('price >'), auctions: auctions() },
        { left: 'bids', right: 'auctions', on: { left: 'auction', right: 'id' }, within: 'soon' },
      ).job('job', { quorum })
    assert.throws(build, (error: Error & { errors?: readonly { line?: number; pointer?: string }[] }) => {
      assert.deepEqual(error.errors?.map(({ pointer }) => pointer).sort(), [
        '/join/within',
        '/sources/bids/pipeline/0/filter',
      ])
      assert.ok(error.errors?.every(({ line }) => line !== undefined))
      return true
    })
  })
})
