/** Jobs in TypeScript: the document that comes out, the types of records and rows, and where faults are told. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { z } from 'zod'
import {
  cel,
  type Job,
  type Sink,
  type SourceOptions,
  stream,
  type Untyped,
  type Window,
} from '../../src/builder/index.ts'
import type { Stream } from '../../src/builder/stream.ts'
import { JobInvalidError } from '../../src/job/errors.ts'
import type { sink } from '../../src/job/language/sinks.ts'
import type { source } from '../../src/job/language/source.ts'
import type { window } from '../../src/job/language/windows.ts'
import { parseJob } from '../../src/job/parse.ts'
import { loadBeside } from '../../src/job/reference.ts'

const quorum = { replicas: 3, write: 2, read: 2 } as const

interface Bid {
  readonly auction: number
  readonly price: number
  readonly channel: string
  readonly note: string | null
  readonly at: string
  readonly bidder?: { readonly name: string; readonly home: { readonly country: string } }
  readonly tags: readonly string[]
}

const bids = () => stream<Bid>('bids', { time: { field: 'at' }, outOfOrderness: '5s' })

/** Compiles only where both are one type. */
const same = <A, B>(_: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false): void => {}

type ValueIn<S> = S extends Stream<infer Value, infer _> ? Value : never
type RowOf<J> = J extends Job<infer _, infer Row> ? Row : never

/** The document of a YAML text, as the compiler has it. */
const fromYaml = (text: string) => parseJob(text, 'yaml', 'job.yaml')
const compiled = (job: Job<never, never> | Job) => fromYaml(job.toYaml())

describe('a job in TypeScript', () => {
  it('is the document that YAML would be', () => {
    const job = bids()
      .filter('price', '>', 100)
      .filter('channel != "test" || price > 1000')
      .compute({ euros: cel<number>('price * 0.9'), country: 'bidder.home.country' })
      .rename({ shop: 'channel' })
      .cast({ note: 'text' })
      .explode('tags', 'tag', 'place')
      .drop('bidder')
      .keyBy('shop', 'tag')
      .window({ hopping: '1m', every: '10s', allowedLateness: '1m' })
      .aggregate({
        bids: 'count()',
        dear: { count: 'price > 1000' },
        top: { max: 'euros', where: 'place == 0' },
        most: { quantile: cel<number>('price / 2'), at: 0.99 },
        first: { first: 'auction' },
      })
      .to({ kafka: { topic: 'top-bids' } })
      .to({ mongodb: { collection: 'bids' } })
      .deadLetters({ file: { directory: 'dead' } })
      .job('top-bids', { quorum, shuffle: { partitions: 4 }, retention: 'forever' })
    const text = `
name: top-bids
source: { topic: bids, time: { field: at }, outOfOrderness: 5s }
pipeline:
  - filter: price > 100
  - filter: channel != "test" || price > 1000
  - compute: { euros: price * 0.9, country: bidder.home.country }
  - rename: { shop: channel }
  - cast: { note: text }
  - explode: { list: tags, as: tag, index: place }
  - drop: [bidder]
  - keyBy: [shop, tag]
  - window: { hopping: 1m, every: 10s, allowedLateness: 1m }
  - aggregate:
      bids: count()
      dear: { count: price > 1000 }
      top: { max: euros, where: place == 0 }
      most: { quantile: price / 2, at: 0.99 }
      first: { first: auction }
sinks: [ { kafka: { topic: top-bids } }, { mongodb: { collection: bids } } ]
deadLetters: { file: { directory: dead } }
quorum: { replicas: 3, write: 2, read: 2 }
shuffle: { partitions: 4 }
retention: forever
`
    assert.deepEqual(compiled(job), fromYaml(text))
    assert.equal(job.name, 'top-bids')
  })

  it('has rows of records where it has no window', () => {
    const job = bids()
      .map({ price: 'price', half: cel<number>('price / 2') })
      .project('half')
      .keyBy('half')
      .job('rows', { quorum })
    same<RowOf<typeof job>, { readonly key: number; readonly value: { readonly half: number } }>(true)
    assert.deepEqual(job.toDocument().pipeline, [
      { map: { price: 'price', half: 'price / 2' } },
      { project: ['half'] },
      { keyBy: 'half' },
    ])
  })

  it('can be gone on from in two ways', () => {
    const dear = bids().filter('price', '>', 100)
    const one = dear.filter('channel', '==', 'a').job('one', { quorum })
    const two = dear.filter('channel', 'in', ['a', 'b']).job('two', { quorum })
    assert.deepEqual(one.toDocument().pipeline, [{ filter: 'price > 100' }, { filter: 'channel == "a"' }])
    assert.deepEqual(two.toDocument().pipeline, [{ filter: 'price > 100' }, { filter: 'channel in ["a", "b"]' }])
  })

  it('writes names and values as CEL has them', () => {
    interface Odd {
      readonly a: { readonly 'no word': number }
      readonly text: string
    }
    const job = stream<Odd>('odd')
      .filter('a.no word', '>=', -1.5)
      .filter('text', '!=', 'it\'s "a\\b"\n')
      .filter('a.no word', '==', 1e21)
      .job('odd', { quorum })
    assert.deepEqual(job.toDocument().pipeline, [
      { filter: 'a["no word"] >= -1.5' },
      { filter: 'text != "it\'s \\"a\\\\b\\"\\n"' },
      { filter: 'a["no word"] == 1e+21' },
    ])
  })

  it('says what flight-delays.yaml says', async () => {
    const { default: job } = await import('../../configs/typescript/flight-delays.ts')
    const path = new URL('../../configs/jobs/flight-delays.yaml', import.meta.url).pathname
    const document = parseJob(readFileSync(path, 'utf8'), 'yaml', path, loadBeside(path))
    const { aggregates: expected, ...pipeline } = document.pipeline
    const own = parseJob(job.toYaml(), 'yaml', path, loadBeside(path))
    const { aggregates, ...rest } = own.pipeline
    // The long form has another pointer, and is the same aggregate.
    const plain = (list: typeof aggregates) =>
      list.map(({ of, where, ...each }) => ({ ...each, of: of?.source, where: where?.source }))
    assert.deepEqual({ ...own, pipeline: rest }, { ...document, pipeline })
    assert.deepEqual(plain(aggregates), plain(expected))
  })
})

describe('types', () => {
  it('follow a record through its steps', () => {
    const changed = bids()
      .compute({ euros: cel<number>('price * 0.9'), country: 'bidder.home.country' })
      .rename({ shop: 'channel' })
      .cast({ price: 'text', note: 'integer' })
      .explode('tags', 'tag')
      .project('euros', 'country', 'shop', 'price', 'note', 'tag')
    same<
      ValueIn<typeof changed>,
      {
        readonly euros: number
        readonly country: string
        readonly shop: string
        readonly price: string
        readonly note: number | null
        readonly tag: string
      }
    >(true)
  })

  it('follow aggregates into rows', () => {
    const job = bids()
      .keyBy('channel', 'bidder.name')
      .window({ session: '30m' })
      .aggregate({
        n: 'count()',
        top: { max: 'price' },
        last: { last: 'note' },
        three: { topK: 'price', limit: 3 },
        all: { collect: 'tags' },
      })
      .job('typed', { quorum })
    type Row = RowOf<typeof job>
    same<Row['key'], readonly [string, string]>(true)
    same<Row['n'], number>(true)
    same<Row['top'], number | null>(true)
    same<Row['last'], string | null>(true)
    same<Row['three'], readonly number[]>(true)
    same<Row['all'], readonly (readonly string[])[]>(true)
    same<Row['final'], boolean>(true)
  })

  it('refuse what is not so', () => {
    const refused = () => {
      // @ts-expect-error there is no such field to take the time from
      stream<Bid>('bids', { time: { field: 'att' } })
      // @ts-expect-error no such field
      bids().filter('prise', '>', 1)
      // @ts-expect-error a number is no text
      bids().filter('price', '>', '1')
      // @ts-expect-error null and objects have no order
      bids().filter('bidder', '<', { name: '', home: { country: '' } })
      // @ts-expect-error no such field below
      bids().keyBy('bidder.home.town')
      // @ts-expect-error lists are not walked into
      bids().keyBy('tags.length')
      // @ts-expect-error dropped before
      bids().drop('price').keyBy('price')
      // @ts-expect-error renamed before
      bids().rename({ cost: 'price' }).filter('price', '>', 1)
      bids()
        .window({ tumbling: '1m' })
        // @ts-expect-error a text cannot be summed
        .aggregate({ total: { sum: 'channel' } })
      bids()
        .window({ tumbling: '1m' })
        // @ts-expect-error an expression that gives a text cannot be summed
        .aggregate({ total: { sum: cel<string>('channel') } })
      bids()
        .window({ tumbling: '1m' })
        // @ts-expect-error a quantile needs to be told which
        .aggregate({ p: { quantile: 'price' } })
      // @ts-expect-error every row has a key already
      bids().window({ tumbling: '1m' }).aggregate({ key: 'count()' })
      // @ts-expect-error a window is for aggregates
      bids().window({ tumbling: '1m' }).job('none', { quorum })
      // @ts-expect-error steps of single records come before the key
      bids().keyBy('channel').filter('price > 1')
      // @ts-expect-error no such kind of window
      bids().window({ tumbeling: '1m' })
      // @ts-expect-error not a list
      bids().explode('price', 'one')
      // @ts-expect-error no such type
      bids().cast({ price: 'float' })
      // @ts-expect-error a job needs a quorum
      bids().job('none', {})
    }
    assert.equal(typeof refused, 'function')
  })

  it('take any path where nobody said what records are', () => {
    const job = stream('any')
      .filter('a', '==', 1)
      .keyBy('b')
      .window({ tumbling: '1m' })
      .aggregate({ s: { sum: 'c' } })
      .job('any', { quorum })
    same<RowOf<typeof job>['key'], unknown>(true)
    assert.equal(job.name, 'any')
  })
})

describe('faults of a job in TypeScript', () => {
  const lineOf = (text: string) =>
    readFileSync(new URL(import.meta.url), 'utf8')
      .split('\n')
      .findIndex((line) => line.includes(text)) + 1

  it('are told at the call that made them, all at once', () => {
    const build = () =>
      bids()
        .filter('price >') // a half condition
        .keyBy('channel')
        .window({ tumbling: '1 minute' }) // a wrong duration
        .aggregate({ n: 'count()' })
        .job('faulty', { quorum })
    assert.throws(build, (error) => {
      assert.ok(error instanceof JobInvalidError)
      const [first, second, ...others] = error.errors
      assert.equal(first?.line, lineOf('// a half condition'))
      assert.match(first?.message ?? '', /expected a value; found the end of the text/)
      assert.equal(second?.line, lineOf('// a wrong duration'))
      assert.equal(second?.suggestion, 'write 1m')
      assert.deepEqual(others, [])
      assert.match(error.message, /stream\.test\.ts:\d+:\d+: expected a value/)
      return true
    })
  })

  it('are those of the whole document as well', () => {
    const build = () =>
      bids()
        .to({ kafka: { topic: 'bids' } })
        .job('loop', { quorum })
    assert.throws(build, /it would read its own results/)
  })
})

describe('the types of a job', () => {
  it('are those that the language takes', () => {
    // A name that the builder does not know does not compile here: add it to src/builder/options.ts.
    type Names<Shape> = Shape extends unknown ? keyof Shape : never
    type Source = keyof z.input<ReturnType<typeof source>>
    same<Names<Window>, Names<z.input<ReturnType<typeof window>>>>(true)
    same<Names<Sink>, keyof z.input<ReturnType<typeof sink>>>(true)
    same<keyof SourceOptions<Untyped> | 'topic', Source>(true)
  })
})
