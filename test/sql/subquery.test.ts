/** Queries in brackets, and groups over joins, mean what they mean elsewhere: as a job and by SQLite. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { provideFunctions } from '../../operators/index.ts'
import { JobInvalidError } from '../../src/job/errors.ts'
import { parseJob } from '../../src/job/parse.ts'
import { runCase } from '../../src/job/testing/run.ts'
import { compileSql } from '../../src/sql/index.ts'
import { propertyRuns } from '../operators/property-runs.ts'
import { bySqlite, type Rows, SETTINGS } from './run.ts'

const SEED = 20_260_103
const COLUMNS = 'id integer NOT NULL, k text NOT NULL, at bigint NOT NULL, v integer'
const TABLES = ['bids', 'asks', 'offers']
  .map((name) => `CREATE TABLE ${name} (${COLUMNS}) WITH (topic = '${name}', time = 'at', out_of_orderness = '1h');\n`)
  .join('')

type Topics = Readonly<Record<string, Rows>>

async function documentOf(query: string) {
  const { yaml, relocate } = await compileSql(SETTINGS + TABLES + query, 'query.sql', 'query')
  try {
    return parseJob(yaml, 'yaml', 'query.sql')
  } catch (error) {
    assert.ok(error instanceof JobInvalidError)
    throw new JobInvalidError('query.sql', relocate(error.errors))
  }
}

/** The last row of each window and key; records are dealt out over two partitions. */
async function asJob(query: string, topics: Topics): Promise<Record<string, unknown>[]> {
  const document = await documentOf(query)
  const given = document.sources.flatMap(({ name, topic }) =>
    (topics[topic] ?? []).map((value, i) => ({
      kind: 'record' as const,
      value: { kind: 'value' as const, value },
      source: name,
      partition: i % 2,
      key: undefined,
      headers: {},
    })),
  )
  const testCase = { name: 'query', partitions: 2, startMs: 0, end: true, given, rows: [], deadLetters: [] }
  const { rows, deadLetters } = runCase(document, testCase)
  assert.deepEqual(deadLetters, [], query)
  const last = new Map<string, Record<string, unknown>>()
  for (const text of rows) {
    const row = JSON.parse(text)
    if (row.window === undefined) {
      last.set(String(last.size), row.value)
      continue
    }
    const id = JSON.stringify([row.window, row.key])
    if (row.removed === true) last.delete(id)
    else last.set(id, row)
  }
  return [...last.values()]
}

const records = (start: number) =>
  fc
    .array(
      fc.record({
        k: fc.constantFrom('p', 'q', 'r'),
        at: fc.integer({ min: 0, max: 60 }).map((n) => n * 1_000),
        v: fc.option(fc.integer({ min: -3, max: 5 })),
      }),
      { maxLength: 25 },
    )
    .map((list) => list.map((row, i) => ({ id: start + i, ...row })))

const COUNTS = 'SELECT k, count(*) AS n, sum(v) AS total, max(v) AS top FROM bids WHERE v IS NULL OR v <> 4 GROUP BY k'
const HOPS = '(SELECT 0 AS hop UNION SELECT 1)'
const OUTER = 'n, count(*) AS keys, sum(total) AS total, max(COALESCE(top, -9)) AS top'
const COUNTED = 'n keys total top'

/** A query, and the same one as SQLite has it: without windows, with their places in the keys of groups. */
const QUERIES: readonly (readonly [name: string, mine: string, theirs: string, columns: string])[] = [
  [
    'windows over the time of rows that have windows',
    `SELECT ${OUTER} FROM (${COUNTS}, TUMBLE(at, INTERVAL '10' SECOND)) AS c GROUP BY n, TUMBLE(window_time, INTERVAL '30' SECOND)`,
    `SELECT ${OUTER} FROM (${COUNTS.replace('SELECT', 'SELECT at / 10000 AS w,')}, at / 10000) AS c GROUP BY n, w / 3`,
    COUNTED,
  ],
  [
    'groups by the edges of windows',
    `SELECT window_end, ${OUTER} FROM (${COUNTS}, HOP(at, INTERVAL '5' SECOND, INTERVAL '10' SECOND)) AS c
      WHERE top IS NULL OR top > 0 GROUP BY window_start, window_end, n HAVING count(*) > 1 OR n = 1`,
    `SELECT (w + 2) * 5000 AS window_end, ${OUTER} FROM (${COUNTS.replace('SELECT', 'SELECT at / 5000 - hop AS w,').replace('FROM bids', `FROM bids, ${HOPS}`)}, at / 5000 - hop) AS c
      WHERE top IS NULL OR top > 0 GROUP BY w, n HAVING count(*) > 1 OR n = 1`,
    `window_end ${COUNTED}`,
  ],
  [
    'an edge under a name of its own',
    `SELECT ends, sum(n) AS n FROM (SELECT k, count(*) AS n, TUMBLE_END(at, INTERVAL '10' SECOND) AS ends FROM bids
      GROUP BY k, TUMBLE(at, INTERVAL '10' SECOND)) AS c GROUP BY ends`,
    'SELECT at / 10000 * 10000 + 10000 AS ends, count(*) AS n FROM bids GROUP BY 1',
    'ends n',
  ],
  [
    'all of time over windows',
    `SELECT n, count(*) AS keys FROM (${COUNTS}, TUMBLE(at, INTERVAL '10' SECOND)) AS c GROUP BY n`,
    `SELECT n, count(*) AS keys FROM (${COUNTS}, at / 10000) AS c GROUP BY n`,
    'n keys',
  ],
  [
    'columns and a condition over rows of windows',
    `SELECT k, n * 2 AS twice, COALESCE(top, 0) AS top FROM (${COUNTS}, TUMBLE(at, INTERVAL '10' SECOND)) AS c WHERE c.n > 1`,
    `SELECT k, n * 2 AS twice, COALESCE(top, 0) AS top FROM (${COUNTS}, at / 10000) AS c WHERE c.n > 1`,
    'k twice top',
  ],
  [
    'windows over records that were filtered and computed',
    `SELECT s, count(*) AS n, sum(w) AS total FROM (SELECT k || '!' AS s, v + 1 AS w, at AS t FROM bids WHERE v > 0) AS b
      WHERE w < 6 GROUP BY s, TUMBLE(t, INTERVAL '10' SECOND)`,
    `SELECT s, count(*) AS n, sum(w) AS total FROM (SELECT k || '!' AS s, v + 1 AS w, at AS t FROM bids WHERE v > 0) AS b
      WHERE w < 6 GROUP BY s, t / 10000`,
    's n total',
  ],
  [
    'three queries in one another',
    `SELECT count(*) AS groups, max(keys) AS most FROM (SELECT n, count(*) AS keys FROM (${COUNTS},
      TUMBLE(at, INTERVAL '10' SECOND)) AS c GROUP BY n, TUMBLE(window_time, INTERVAL '20' SECOND)) AS d
      GROUP BY TUMBLE(window_time, INTERVAL '40' SECOND)`,
    `SELECT count(*) AS groups, max(keys) AS most FROM (SELECT n, w / 2 AS w, count(*) AS keys FROM
      (${COUNTS.replace('SELECT', 'SELECT at / 10000 AS w,')}, at / 10000) AS c GROUP BY n, w / 2) AS d GROUP BY w / 2`,
    'groups most',
  ],
  [
    'groups over a join by another key than its own',
    `SELECT a.v AS ask, count(*) AS n, sum(b.v) AS total FROM bids b JOIN asks a ON b.k = a.k
      AND a.at BETWEEN b.at - INTERVAL '5' SECOND AND b.at GROUP BY a.v, TUMBLE(b.at, INTERVAL '10' SECOND)`,
    `SELECT a.v AS ask, count(*) AS n, sum(b.v) AS total FROM bids b JOIN asks a ON b.k = a.k
      AND a.at BETWEEN b.at - 5000 AND b.at GROUP BY a.v, b.at / 10000`,
    'ask n total',
  ],
  [
    'one group over a join',
    `SELECT count(*) AS n FROM bids b LEFT JOIN asks a ON b.k = a.k
      AND a.at BETWEEN b.at - INTERVAL '5' SECOND AND b.at GROUP BY TUMBLE(b.at, INTERVAL '10' SECOND)`,
    `SELECT count(*) AS n FROM bids b LEFT JOIN asks a ON b.k = a.k AND a.at BETWEEN b.at - 5000 AND b.at GROUP BY b.at / 10000`,
    'n',
  ],
  [
    'all of time over windows over a join, as the fourth query of Nexmark',
    `SELECT v, avg(high) AS mean FROM (SELECT b.k, a.v, max(b.id) AS high FROM bids b JOIN asks a ON b.k = a.k
      AND a.at BETWEEN b.at - INTERVAL '5' SECOND AND b.at WHERE a.v IS NOT NULL GROUP BY b.k, a.v,
      TUMBLE(b.at, INTERVAL '10' SECOND)) AS won GROUP BY v`,
    `SELECT v, avg(high) AS mean FROM (SELECT b.k, a.v, max(b.id) AS high FROM bids b JOIN asks a ON b.k = a.k
      AND a.at BETWEEN b.at - 5000 AND b.at WHERE a.v IS NOT NULL GROUP BY b.k, a.v, b.at / 10000) AS won GROUP BY v`,
    'v mean',
  ],
  [
    'three tables',
    `SELECT b.id, a.id AS ask, o.id AS offer, b.v + a.v AS sum FROM bids b JOIN asks a ON b.k = a.k
      AND a.at BETWEEN b.at - INTERVAL '5' SECOND AND b.at LEFT JOIN offers o ON a.k || b.k = o.k || o.k
      AND b.at BETWEEN o.at - INTERVAL '3' SECOND AND o.at + INTERVAL '4' SECOND WHERE a.v > 0 OR o.id IS NULL`,
    `SELECT b.id, a.id AS ask, o.id AS offer, b.v + a.v AS sum FROM bids b JOIN asks a ON b.k = a.k
      AND a.at BETWEEN b.at - 5000 AND b.at LEFT JOIN offers o ON a.k || b.k = o.k || o.k
      AND b.at BETWEEN o.at - 3000 AND o.at + 4000 WHERE a.v > 0 OR o.id IS NULL`,
    'id ask offer sum',
  ],
  [
    'groups over three tables',
    `SELECT o.k AS k, count(*) AS n, max(a.v) AS top FROM bids b JOIN asks a ON b.k = a.k
      AND a.at BETWEEN b.at - INTERVAL '5' SECOND AND b.at JOIN offers o ON b.k = o.k
      AND o.at BETWEEN b.at - INTERVAL '9' SECOND AND b.at GROUP BY o.k, TUMBLE(b.at, INTERVAL '20' SECOND)`,
    `SELECT o.k AS k, count(*) AS n, max(a.v) AS top FROM bids b JOIN asks a ON b.k = a.k
      AND a.at BETWEEN b.at - 5000 AND b.at JOIN offers o ON b.k = o.k
      AND o.at BETWEEN b.at - 9000 AND b.at GROUP BY o.k, b.at / 20000`,
    'k n top',
  ],
]

describe('a query over a query', () => {
  for (const [name, mine, theirs, columns] of QUERIES) {
    it(`gives what SQLite gives: ${name}`, async () => {
      await fc.assert(
        fc.asyncProperty(records(0), records(100), records(200), async (bids, asks, offers) => {
          const topics = { bids, asks, offers }
          const tables = Object.fromEntries(
            Object.entries(topics).map(([name, records]) => [name, { columns: COLUMNS, records }]),
          )
          const texts = (rows: readonly Record<string, unknown>[]) =>
            rows.map((row) => JSON.stringify(columns.split(' ').map((column) => row[column]))).sort()
          assert.deepEqual(texts(await asJob(mine, topics)), texts(bySqlite(tables, theirs)), mine)
        }),
        { seed: SEED, numRuns: propertyRuns(60) },
      )
    })
  }

  it('gives settings of windows to the first and to the last', async () => {
    const settings = `SET "window".allowed_lateness = '2s'; SET "window".emit = 'onUpdate';`
    const inner = "SELECT k, count(*) AS n FROM bids GROUP BY k, TUMBLE(at, INTERVAL '1' MINUTE)"
    const { pipeline } = await documentOf(
      `${settings} SELECT max(n) AS most FROM (${inner}) AS c GROUP BY TUMBLE(window_time, INTERVAL '1' HOUR)`,
    )
    assert.ok(pipeline.window?.kind === 'aligned' && pipeline.next?.window?.kind === 'aligned')
    assert.deepEqual([pipeline.window.allowedLatenessMs, pipeline.window.emit], [2_000, undefined])
    assert.deepEqual([pipeline.next.window.allowedLatenessMs, pipeline.next.window.emit], [0, { kind: 'update' }])
  })

  const faults: readonly (readonly [query: string, message: RegExp])[] = [
    ['SELECT x FROM (SELECT k FROM bids) AS b', /the table "b" has no column "x"/],
    ["SELECT count(*) FROM (SELECT k FROM bids) AS b GROUP BY TUMBLE(at, INTERVAL '1' DAY)", /time of the table/],
    ['SELECT max(n) FROM (SELECT k, count(*) AS n FROM bids GROUP BY k) AS c', /rows of a global window may change/],
    ['SELECT k FROM (SELECT k FROM bids ORDER BY k) AS b', /ORDER BY cannot be part/],
    [
      "SELECT count(*) FROM bids b JOIN asks a ON b.k = a.k AND a.at BETWEEN b.at - INTERVAL '5 s' AND b.at GROUP BY TUMBLE(a.at, INTERVAL '1' DAY)",
      /expected the time of the rows of the join, which is that of the later record/,
    ],
    ['SELECT b.k FROM (SELECT k FROM bids) b JOIN asks a ON b.k = a.k', /expected a join of tables/],
    [
      "SELECT b.k FROM bids b JOIN asks a ON b.k = a.k AND a.at BETWEEN b.at - INTERVAL '1 s' AND b.at JOIN offers o ON o.k = a.k AND o.at BETWEEN a.at AND a.at + INTERVAL '1 s'",
      /expected the time of the rows joined so far; found that of a/,
    ],
    [
      "SELECT b.k FROM bids b JOIN asks a ON b.k = a.k AND a.at BETWEEN b.at - INTERVAL '1 s' AND b.at RIGHT JOIN offers o ON o.k = a.k AND o.at BETWEEN b.at AND b.at + INTERVAL '1 s'",
      /expected JOIN or LEFT JOIN for every table behind the second/,
    ],
  ]
  for (const [query, message] of faults) {
    it(`is refused: ${query}`, async () => {
      await assert.rejects(documentOf(query), (error) => {
        assert.ok(error instanceof JobInvalidError)
        assert.match(error.errors[0]?.message ?? '', message)
        return true
      })
    })
  }
})

describe('functions of modules in SQL', () => {
  provideFunctions({
    hash: 'a'.repeat(64),
    aggregates: new Map([
      [
        'spread',
        {
          args: ['number'],
          returns: 'number',
          init: () => null,
          add: (_: unknown, x: number) => [x, x],
          merge: (a: number[] | null, b: number[] | null) =>
            a === null || b === null ? (a ?? b) : [Math.min(a[0]!, b[0]!), Math.max(a[1]!, b[1]!)],
          result: (state: number[] | null) => (state === null ? null : state[1]! - state[0]!),
        },
      ],
    ]),
    functions: new Map([
      ['halved', { args: ['integer'], returns: 'number', call: (n: bigint) => Number(n) / 2 }],
      ['told', { args: ['integer'], returns: 'text', nulls: true, call: (n: bigint | null) => `${n ?? 'nothing'}` }],
      ['isLarge', { args: ['number'], returns: 'boolean', call: (n: number) => n > 1 }],
    ]),
  })

  it('are aggregates as well, over the records of a group', async () => {
    const bids = [4, 2, null, 9].map((v, id) => ({ id, k: 'p', at: id * 1_000, v }))
    const query = `SELECT k, spread(v) AS all_of, spread(v * 2) FILTER (WHERE v < 5) AS small FROM bids
      GROUP BY k, TUMBLE(at, INTERVAL '1' DAY) HAVING spread(v) > 1`
    const [row, ...others] = await asJob(query, { bids, asks: [], offers: [] })
    assert.deepEqual([row?.all_of, row?.small, others.length], [7, 4, 0])
    await assert.rejects(
      documentOf('SELECT spread(v, v) AS s FROM bids'),
      /expected 1 values in the brackets of spread/,
    )
    await assert.rejects(documentOf('SELECT spread(k) AS s FROM bids'), /expected a value of type number in spread/)
    await assert.rejects(
      documentOf('SELECT id, spread(v) + 1 AS s FROM bids WHERE spread(v) > 1'),
      /stands alone in a column/,
    )
  })

  it('are called like others, and get NULL where they say so', async () => {
    const bids = [4, 2, null].map((v, id) => ({ id, k: 'p', at: id * 1_000, v }))
    const document = await documentOf(
      'SELECT id, halved(v) AS half, told(v) AS word, halved(v + 1) + 1 AS more FROM bids',
    )
    const given = bids.map((value) => ({
      kind: 'record' as const,
      value: { kind: 'value' as const, value },
      source: undefined,
      partition: 0,
      key: undefined,
      headers: {},
    }))
    const testCase = { name: 'query', partitions: 1, startMs: 0, end: true, given, rows: [], deadLetters: [] }
    const { rows, deadLetters } = runCase(document, testCase)
    assert.deepEqual(deadLetters, [])
    assert.deepEqual(
      rows.map((text) => JSON.parse(text).value),
      [
        { id: 0, half: 2, word: '4', more: 3.5 },
        { id: 1, half: 1, word: '2', more: 2.5 },
        { id: 2, half: null, word: 'nothing', more: null },
      ],
    )
    const filtered = await documentOf('SELECT id FROM bids WHERE "isLarge"(halved(v))')
    assert.match(
      filtered.pipeline.steps[0]?.kind === 'filter' ? filtered.pipeline.steps[0].where.source : '',
      /isLarge/,
    )
  })

  it('are told where they are called with something else, or are not there', async () => {
    await assert.rejects(
      documentOf('SELECT halved(k) AS h FROM bids'),
      /expected a value of type integer in halved\(\)/,
    )
    await assert.rejects(
      documentOf('SELECT halved(v, v) AS h FROM bids'),
      /expected 1 values in the brackets of halved/,
    )
    await assert.rejects(documentOf('SELECT halfed(v) AS h FROM bids'), /there is no function halfed\(\)/)
  })
})
