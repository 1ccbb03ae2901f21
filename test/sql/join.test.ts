/** Joins mean what they mean elsewhere: the same statements over the same rows, as a job and by SQLite. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { JobInvalidError } from '../../src/job/errors.ts'
import { parseJob } from '../../src/job/parse.ts'
import { runCase } from '../../src/job/testing/run.ts'
import { compileSql } from '../../src/sql/index.ts'
import { propertyRuns } from '../operators/property-runs.ts'
import { bySqlite, SETTINGS } from './run.ts'

const SEED = 20_260_102

type Row = {
  readonly id: number
  readonly k: string
  readonly at: number
  readonly v: number | null
}

const COLUMNS = 'id integer NOT NULL, k text NOT NULL, at bigint NOT NULL, v integer'
const TABLES = `
CREATE TABLE bids (${COLUMNS}) WITH (topic = 'bids', time = 'at', out_of_orderness = '1h');
CREATE TABLE asks (${COLUMNS}) WITH (topic = 'asks', time = 'at', out_of_orderness = '1h');
`

async function documentOf(query: string, tables = TABLES) {
  const { yaml, relocate } = await compileSql(SETTINGS + tables + query, 'join.sql', 'join')
  try {
    return parseJob(yaml, 'yaml', 'join.sql')
  } catch (error) {
    assert.ok(error instanceof JobInvalidError)
    throw new JobInvalidError('join.sql', relocate(error.errors))
  }
}

async function asJob(query: string, bids: readonly Row[], asks: readonly Row[], tables = TABLES): Promise<unknown[]> {
  const events = [...bids.map((row) => ({ row, source: 'b' })), ...asks.map((row) => ({ row, source: 'a' }))]
  const given = events
    .toSorted((x, y) => x.row.at - y.row.at)
    .map(({ row, source }) => ({
      kind: 'record' as const,
      value: { kind: 'value' as const, value: row },
      source,
      partition: 0,
      key: undefined,
      headers: {},
    }))
  const testCase = { name: 'join', partitions: 1, startMs: 0, end: true, given, rows: [], deadLetters: [] }
  const { rows, deadLetters } = runCase(await documentOf(query, tables), testCase)
  assert.deepEqual(deadLetters, [], query)
  return rows.map((text) => JSON.parse(text).value)
}

const rows = (start: number) =>
  fc
    .array(
      fc.record({
        k: fc.constantFrom('p', 'q'),
        at: fc.integer({ min: 0, max: 40 }).map((n) => n * 1_000),
        v: fc.option(fc.integer({ min: 0, max: 5 })),
      }),
      { maxLength: 8 },
    )
    .map((list) => list.map((row, i): Row => ({ id: start + i, ...row })))

/** As PostgreSQL has it, and in milliseconds. */
const times = [
  ["a.at BETWEEN b.at AND b.at + INTERVAL '5' SECOND", 'a.at BETWEEN b.at AND b.at + 5000'],
  ["b.at BETWEEN a.at - INTERVAL '3 s' AND a.at + INTERVAL '10 s'", 'b.at BETWEEN a.at - 3000 AND a.at + 10000'],
  ["a.at BETWEEN b.at - INTERVAL '4' SECOND AND b.at", 'a.at BETWEEN b.at - 4000 AND b.at'],
] as const

describe('joins', () => {
  it('give what SQLite gives', async () => {
    const query = (type: string, time: string, where: string) =>
      `SELECT b.id AS bid, a.id AS ask, b.v + a.v AS sum, COALESCE(a.v, -1) AS v FROM bids b ${type} JOIN asks a ON b.k = a.k AND ${time} WHERE ${where}`
    await fc.assert(
      fc.asyncProperty(
        rows(0),
        rows(100),
        fc.constantFrom('', 'LEFT', 'RIGHT', 'FULL'),
        fc.constantFrom(...times),
        fc.constantFrom('b.v > 1 OR a.v IS NULL', 'a.id IS NULL OR b.id IS NOT NULL', '1 = 1', 'NOT (b.v = a.v)'),
        async (bids, asks, type, [time, plain], where) => {
          const mine = await asJob(query(type, time, where), bids, asks)
          const tables = { bids: { columns: COLUMNS, records: bids }, asks: { columns: COLUMNS, records: asks } }
          const theirs = bySqlite(tables, query(type, plain, where))
          const sorted = (list: readonly unknown[]) =>
            list
              .map((row) =>
                JSON.stringify(['bid', 'ask', 'sum', 'v'].map((name) => (row as Record<string, unknown>)[name])),
              )
              .sort()
          assert.deepEqual(sorted(mine), sorted(theirs), query(type, time, where))
        },
      ),
      { seed: SEED, numRuns: propertyRuns(200) },
    )
  })

  it('are those of a document', async () => {
    const document = await documentOf(
      `SELECT b.v FROM bids b LEFT JOIN asks a ON a.k = b.k AND upper(a.k) = b.k AND ${times[1][0]}`,
    )
    const text = `
name: join
sources: { b: { topic: bids, time: { field: at }, outOfOrderness: 1h }, a: { topic: asks, time: { field: at }, outOfOrderness: 1h } }
join: { left: b, right: a, type: left, on: { left: [k, k], right: [k, k.upperAscii()] }, within: { before: 10s, after: 3s } }
pipeline: [ { map: { v: '(!has(b.v) || b.v == null) ? null : b.v' } } ]
quorum: { replicas: 1, write: 1, read: 1 }`
    assert.deepEqual(document, parseJob(text, 'yaml', 'join.yaml'))
  })

  it('with a versioned table take the version of the time', async () => {
    const tables = TABLES.replace("topic = 'asks',", "topic = 'asks', versioned = true,")
    const row = (id: number, at: number, v: number): Row => ({ id, k: 'p', at: at * 1_000, v })
    const found = await asJob(
      'SELECT b.id, a.v AS version FROM bids b JOIN asks a ON b.k = a.k',
      [row(1, 5, 0), row(2, 15, 0)],
      [row(1, 0, 1), row(2, 10, 2)],
      tables,
    )
    assert.deepEqual(found, [
      { id: 1, version: 1 },
      { id: 2, version: 2 },
    ])
  })

  const faults: readonly (readonly [query: string, message: RegExp])[] = [
    ['SELECT b.id FROM bids b JOIN asks a ON b.k = a.k', /expected a condition on time in ON/],
    [`SELECT b.id FROM bids b JOIN asks a ON ${times[0][0]}`, /expected equal columns in ON/],
    [`SELECT id FROM bids b JOIN asks a ON b.k = a.k AND ${times[0][0]}`, /both b and a have a column "id"/],
    [`SELECT b.idd FROM bids b JOIN asks a ON b.k = a.k AND ${times[0][0]}`, /no column "b.idd" in b and a/],
    [`SELECT b.id FROM bids b JOIN asks a ON b.v = a.v AND ${times[0][0]}`, /may be NULL/],
    [
      `SELECT b.id FROM bids b JOIN asks a ON b.k = a.k AND b.v > 1 AND ${times[0][0]}`,
      /expected equal columns or a condition on time/,
    ],
    [
      "SELECT b.id FROM bids b JOIN asks a ON b.k = a.k AND a.at BETWEEN b.at + INTERVAL '1 s' AND b.at + INTERVAL '2 s'",
      /records of the same instant/,
    ],
    [`SELECT * FROM bids b JOIN asks a ON b.k = a.k AND ${times[0][0]}`, /cannot be a column of a join/],
    ['SELECT b.id FROM bids b NATURAL JOIN asks a', /expected a join with ON/],
    [`SELECT b.id FROM bids b JOIN bids b ON b.k = b.k AND ${times[0][0]}`, /two tables "b"/],
  ]
  for (const [query, message] of faults) {
    it(`refuse ${query}`, async () => {
      await assert.rejects(documentOf(query), (error: Error) => {
        assert.ok(error instanceof JobInvalidError)
        assert.match(error.errors[0]?.message ?? '', message)
        assert.ok(error.errors[0]?.line !== undefined)
        return true
      })
    })
  }
})
