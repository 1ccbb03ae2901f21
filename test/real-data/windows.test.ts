/**
 * Every kind of window over real data, equal to what SQLite makes of it: 20,000 flights of three months in the order of their
 * departure, and a week of earthquakes as their agency lists them, the latest first.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { parseJob } from '../../src/job/parse.ts'
import { inTextOrder, type Row, runTopics } from '../job/run-topics.ts'

const PARTITIONS = 3

interface Datum {
  /** Epoch milliseconds. */
  readonly at: number
  readonly key: string
  /** An integer, so that sums are exact everywhere. */
  readonly value: number
}

interface DataSet {
  readonly name: string
  readonly data: readonly Datum[]
  /** How far behind the latest a record may come. */
  readonly outOfOrderness: string
}

const read = <T>(file: string): T =>
  JSON.parse(readFileSync(new URL(`../../node_modules/vega-datasets/data/${file}`, import.meta.url), 'utf8')) as T

const flights =
  read<readonly { readonly date: string; readonly origin: string; readonly delay: number }[]>('flights-20k.json')
const { features } = read<{
  readonly features: readonly {
    readonly properties: { readonly time: number; readonly net: string; readonly mag: number }
  }[]
}>('earthquakes.json')

const DATA_SETS: readonly DataSet[] = [
  {
    name: 'flights by origin',
    data: flights.map(({ date, origin, delay }) => ({
      at: Date.parse(`${date.slice(0, 10).replaceAll('/', '-')}T${date.slice(11)}:00Z`),
      key: origin,
      value: delay,
    })),
    outOfOrderness: '1m',
  },
  {
    name: 'earthquakes by network',
    data: features.map(({ properties: { time, net, mag } }) => ({ at: time, key: net, value: Math.round(mag * 100) })),
    outOfOrderness: '8d',
  },
]

const HOUR = 3_600_000
const DAY = 24 * HOUR
const ZONE = 'America/Los_Angeles'

/** First instant of a date in the zone, by what the platform's own calendar says: independent of Quorate's tables. */
const DATES = new Intl.DateTimeFormat('en-CA', { timeZone: ZONE, year: 'numeric', month: '2-digit', day: '2-digit' })
const dateOf = (at: number): string => DATES.format(at)

const ORDER = 'at, partition, offset'

interface Case {
  readonly window: string
  readonly columns: (row: Row) => readonly unknown[]
  readonly sql: string
}

const startOf = ({ window }: Row): number => Date.parse((window as { readonly start: string }).start)
const endOf = ({ window }: Row): number => Date.parse((window as { readonly end: string }).end)
const AGGREGATES = 'count(*), sum(value), min(value), max(value)'
const results = ({ n, total, least, most }: Row): readonly unknown[] => [n, total, least, most]
const byStart = (row: Row): readonly unknown[] => [row.key, startOf(row), ...results(row)]

const CASES: readonly Case[] = [
  {
    window: '- window: { tumbling: 1d }',
    columns: byStart,
    sql: `SELECT key, at / ${DAY} * ${DAY}, ${AGGREGATES} FROM data GROUP BY 1, 2`,
  },
  {
    window: '- window: { hopping: 1d, every: 6h }',
    columns: byStart,
    sql: `SELECT key, (at / ${6 * HOUR} - hop) * ${6 * HOUR}, ${AGGREGATES} FROM data,
      (SELECT 0 AS hop UNION SELECT 1 UNION SELECT 2 UNION SELECT 3) GROUP BY 1, 2`,
  },
  {
    window: '- window: { session: 45m }',
    columns: (row) => [row.key, startOf(row), endOf(row), ...results(row)],
    sql: `WITH marked AS (SELECT *, CASE WHEN at - lag(at) OVER (PARTITION BY key ORDER BY ${ORDER}) <= ${0.75 * HOUR} THEN 0 ELSE 1 END
        AS begins FROM data),
      numbered AS (SELECT *, sum(begins) OVER (PARTITION BY key ORDER BY ${ORDER}) AS session FROM marked)
      SELECT key, min(at), max(at) + ${0.75 * HOUR}, ${AGGREGATES} FROM numbered GROUP BY key, session`,
  },
  {
    window: `- window: { calendar: day, zone: ${ZONE} }`,
    columns: (row) => [row.key, dateOf(startOf(row)), dateOf(endOf(row) - 1), ...results(row)],
    sql: `SELECT key, local_date(at), local_date(at) AS last, ${AGGREGATES} FROM data GROUP BY 1, 2`,
  },
  {
    window: '- window: { global: true, emit: onUpdate }',
    columns: (row) => [row.key, ...results(row)],
    sql: `SELECT key, ${AGGREGATES} FROM data GROUP BY key`,
  },
  {
    window: '- window: { count: 50, slide: 20 }',
    columns: byStart,
    sql: `WITH placed AS (SELECT *, row_number() OVER (PARTITION BY key ORDER BY ${ORDER}) - 1 AS place FROM data),
      firsts AS (SELECT key, place AS first, at AS start FROM placed WHERE place % 20 = 0)
      SELECT key, start, ${AGGREGATES} FROM firsts JOIN placed USING (key) WHERE place >= first AND place < first + 50
      GROUP BY key, first, start HAVING count(*) = 50`,
  },
  {
    window: '- window: { sliding: 1h }',
    columns: (row) => [row.key, startOf(row), ...results(row)],
    sql: `WITH starts AS (SELECT DISTINCT key, at - ${HOUR} AS start FROM data UNION SELECT DISTINCT key, at + 1 FROM data)
      SELECT key, start, ${AGGREGATES} FROM starts JOIN data USING (key) WHERE at >= start AND at <= start + ${HOUR}
      GROUP BY key, start`,
  },
  {
    window: '- rolling: { last: 10 }',
    columns: (row) => [row.key, Date.parse(String(row.time)), ...results(row)],
    sql: `SELECT key, at, count(*) OVER tail, sum(value) OVER tail, min(value) OVER tail, max(value) OVER tail FROM data
      WINDOW tail AS (PARTITION BY key ORDER BY ${ORDER} ROWS 9 PRECEDING)`,
  },
]

for (const { name, data, outOfOrderness } of DATA_SETS) {
  describe(`${name}, in windows of every kind`, () => {
    const database = new DatabaseSync(':memory:')
    database.exec(
      'CREATE TABLE data (at INTEGER, key TEXT, value INTEGER, partition INTEGER, offset INTEGER); CREATE INDEX by_key ON data (key, at)',
    )
    database.function('local_date', (at) => dateOf(Number(at)))
    const insert = database.prepare('INSERT INTO data VALUES (?, ?, ?, ?, ?)')
    data.forEach(({ at, key, value }, i) => {
      insert.run(at, key, value, i % PARTITIONS, Math.floor(i / PARTITIONS))
    })

    for (const { window, columns, sql } of CASES) {
      it(window.slice(2), () => {
        const document = parseJob(
          `name: windows
source: { topic: data, time: { field: at }, outOfOrderness: ${outOfOrderness} }
pipeline:
  - keyBy: key
  ${window}
  - aggregate: { n: count(), total: sum(value), least: min(value), most: max(value) }
quorum: { replicas: 3, write: 2, read: 2 }`,
          'yaml',
          'windows.yaml',
        )
        const found = runTopics(
          document,
          data.map((value) => ({ topic: 'data', value })),
          PARTITIONS,
        ).map(columns)
        const expected = database.prepare(sql).all().map(Object.values)
        assert.ok(expected.length > 0)
        assert.deepEqual(inTextOrder(found), inTextOrder(expected))
      })
    }
  })
}
