/** How documents say joins, what they become, and what upgrades keep. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileJob } from '../../src/job/compile.ts'
import { type CompiledJob, plansOf } from '../../src/job/compiled.ts'
import { explainJob } from '../../src/job/explain.ts'
import { assumedSources } from '../../src/job/facts.ts'
import { parseJob } from '../../src/job/parse.ts'
import { differences } from '../../src/job/upgrade.ts'
import { jobGraph } from '../../src/peer/graph.ts'
import { faultsIn } from './faults.ts'

const JOIN = `name: prices
sources:
  auctions: { topic: auctions, time: { field: t } }
  bids: { topic: bids, time: { field: t } }
join:
  left: bids
  right: auctions
  on: { left: auction, right: id }
  within: 10s
  select: { price: bids.price, item: auctions.item }
pipeline:
  - filter: price > 1
quorum: { replicas: 1, write: 1, read: 1 }
`

const changed = (...parts: readonly (readonly [string, string])[]): string =>
  parts.reduce((text, [part, replacement]) => {
    assert.ok(text.includes(part), part)
    return text.replace(part, () => replacement)
  }, JOIN)

function compiled(text: string): CompiledJob {
  const document = parseJob(text, 'yaml', 'job')
  return compileJob(document, {
    cluster: 'c',
    submission: 1,
    sources: assumedSources(document, 2),
    missingTopics: [],
  })
}

const ordered = (text: string) => compiled(text).stages[1]?.ordered

describe('a join in a document', () => {
  it('is compiled to a key of its own for each side, and one operator behind the shuffle', () => {
    const job = compiled(JOIN)
    const at = (source: string, pointer: string) => ({ source, pointer })
    assert.deepEqual(
      plansOf(job).map(({ stage, keyBy, input }) => [
        stage,
        keyBy?.map(({ source }) => source),
        input.kind === 'records' ? input.side : input.sources,
      ]),
      [
        [0, ['id'], 'right'],
        [1, ['auction'], 4],
        [0, ['auction'], 'left'],
      ],
    )
    assert.deepEqual(job.stages[0]?.output, { kind: 'shuffle', partitions: 4, carries: 'records' })
    assert.deepEqual(ordered(JOIN), {
      kind: 'join',
      names: { left: 'bids', right: 'auctions' },
      type: 'inner',
      match: { kind: 'within', beforeMs: 10_000, afterMs: 10_000 },
      select: {
        price: at('bids.price', '/join/select/price'),
        item: at('auctions.item', '/join/select/item'),
      },
      steps: [{ kind: 'filter', where: at('price > 1', '/pipeline/0/filter') }],
    })
  })

  it('takes a time before and one after, a window, or tables', () => {
    const match = (written: string) => {
      const plan = ordered(changed(['within: 10s', written]))
      return plan?.kind === 'join' ? plan.match : undefined
    }
    assert.deepEqual(match('within: { before: 1m, after: 0s }'), { kind: 'within', beforeMs: 60_000, afterMs: 0 })
    assert.deepEqual(match('window: { tumbling: 1h, offset: 5m }'), {
      kind: 'window',
      sizeMs: 3_600_000,
      offsetMs: 300_000,
    })
    assert.deepEqual(match('table: both\n  delete: { right: gone }'), {
      kind: 'table',
      tables: 'both',
      delete: { right: { source: 'gone', pointer: '/join/delete/right' } },
    })
  })

  it('gives a table the lower numbers, whatever the names', () => {
    const names = (text: string) => compiled(text).sources.map(({ name }) => name)
    const swapped = changed(['left: bids', 'left: auctions'], ['right: auctions', 'right: bids'])
    assert.deepEqual(names(swapped), ['auctions', 'bids'])
    assert.deepEqual(names(swapped.replace('within: 10s', 'table: right')), ['bids', 'auctions'])
  })

  it('has windows over its rows beside it, on whose ends cuts fall', () => {
    const [first, second] = compiled(
      changed(['- filter: price > 1', '- window: { tumbling: 1h }\n  - aggregate: { n: count() }']),
    ).stages
    assert.equal(first?.output.kind === 'shuffle' && first.output.carries, 'records')
    assert.equal(second?.ordered?.kind, 'join')
    assert.equal(second?.window?.kind, 'aligned')
    assert.deepEqual(
      second?.aggregates.map(({ name }) => name),
      ['n'],
    )
    assert.equal(second?.cuts.gridMs, 3_600_000)
  })

  it('selects both records where it does not say', () => {
    const plan = ordered(
      changed(['  select: { price: bids.price, item: auctions.item }\n', ''], ['price > 1', 'bids.t > 1']),
    )
    assert.deepEqual(plan?.kind === 'join' && Object.entries(plan.select).map(([name, { source }]) => [name, source]), [
      ['bids', 'bids'],
      ['auctions', 'auctions'],
    ])
  })

  for (const [what, text, expected] of [
    [
      'has one kind',
      changed(['  within: 10s\n', '']),
      /^6:3 \/join expected one of within, window and table; found none/,
    ],
    ['has no two kinds', changed(['within: 10s', 'within: 10s\n  table: right']), /found within and table/],
    [
      'names sources',
      changed(['left: bids', 'left: bid']),
      /^6:9 \/join\/left expected one of the sources auctions, bids; found "bid"/,
    ],
    [
      'has two different sides',
      changed(['left: bids', 'left: auctions']),
      /"auctions" is the left of this join already/,
    ],
    [
      'reads no third source',
      changed(['join:', '  more: { topic: more }\njoin:']),
      /\/sources\/more a join reads two sources/,
    ],
    [
      'has as many keys on both sides',
      changed(['left: auction,', 'left: [auction, x],']),
      /as many expressions on the right as on the left, 2; found 1/,
    ],
    [
      'has no outer table',
      changed(['within: 10s', 'table: right\n  type: outer']),
      /\/join\/type expected a join with a table on the right to be inner or left/,
    ],
    [
      'deletes from tables only',
      changed(['within: 10s', 'within: 10s\n  delete: { left: gone }']),
      /the left is a stream, from which nothing is deleted/,
    ],
    [
      'groups by its own key',
      changed(['- filter: price > 1', '- keyBy: price']),
      /^12:3 \/pipeline expected steps of single records behind a join/,
    ],
    [
      'has windows of time only',
      changed(['- filter: price > 1', '- window: { count: 3 }\n  - aggregate: { n: count() }']),
      /\/pipeline expected steps of single records behind a join, and then a window of time/,
    ],
    [
      'does not close windows by silence',
      changed(
        ['topic: bids,', 'topic: bids, onIdle: close,'],
        ['topic: auctions,', 'topic: auctions, onIdle: close,'],
        ['- filter: price > 1', '- window: { tumbling: 1h }\n  - aggregate: { n: count() }'],
      ),
      /\/sources windows over the rows of a join cannot be closed by silence/,
    ],
    [
      'explodes before',
      changed(['- filter: price > 1', '- explode: { list: "[1]", as: x }']),
      /a row of a join cannot be exploded/,
    ],
    [
      'selects of its sources',
      changed(['item: auctions.item', 'item: auction.item']),
      /\/join\/select expected expressions of select to read bids or auctions; found the name "auction"/,
    ],
    [
      'tells a wrong expression at its place',
      changed(['auctions.item', 'auctions.']),
      /^10:\d+ \/join\/select\/item expected/,
    ],
    [
      'reads what rows have',
      changed(['price > 1', 'prize > 1']),
      /^12:13 \/pipeline\/0\/filter the records here have no "prize"; they have price, item \[did you mean price\?\]$/,
    ],
    [
      'needs sources by name',
      JOIN.replace(/sources:\n.*\n.*\n/, 'source: { topic: t }\n'),
      /\/join a join needs two sources/,
    ],
  ] as const) {
    it(what, () => assert.match(faultsIn(text).join('\n'), expected))
  }
})

describe('a join for people', () => {
  it('shows the key with each source, and what is made of two records', () => {
    const nodes = jobGraph(compiled(JOIN))
    assert.deepEqual(
      nodes.slice(0, 3).map(({ id, steps }) => [id, ...(steps ?? []).map(({ step, text }) => `${step} ${text}`)]),
      [
        ['source auctions', 'keyBy id'],
        ['source bids', 'keyBy auction'],
        ['stage-0', 'pass on single records'],
      ],
    )
    const behind = nodes.find(({ id }) => id === 'stage-1')
    assert.deepEqual(
      behind?.steps?.map(({ step, text }) => `${step} ${text}`),
      [
        'merge what 4 partitions of the sources gave',
        'join inner, bids with auctions within 10s',
        'select price: bids.price, item: auctions.item',
        'filter price > 1',
      ],
    )
    const { shuffle, state } = explainJob(parseJob(JOIN, 'yaml', 'job'), 2)
    assert.deepEqual(shuffle, { needed: true, why: 'records of bids and auctions that belong together have to meet' })
    assert.match(state, /^the records of bids for 10s and of auctions for 10s, and records/)
  })
})

describe('an upgrade of a join', () => {
  it('takes other steps of a source, as long as what is joined stays', () => {
    const steps = changed(['topic: bids,', 'topic: bids, pipeline: [ { filter: price > 0 } ],'])
    assert.deepEqual(differences(compiled(JOIN), compiled(steps)), [])
  })

  for (const [part, replacement, named] of [
    ['within: 10s', 'within: 20s', /what is made of records in order/],
    ['right: id }', 'right: other }', /the key of stage 0/],
    ['left: auction,', 'left: other,', /the key of the source "bids"/],
    ['price: bids.price', 'price: bids.amount', /what is made of records in order/],
  ] as const) {
    it(`is refused with ${replacement}`, () => {
      assert.match(differences(compiled(JOIN), compiled(changed([part, replacement]))).join(', '), named)
    })
  }
})
