/**
 * The queries of Nexmark over 100,000 seeded events: each job gives, row for row, what SQLite makes of the same events. Distinct
 * counts are exact up to 256 and sketches beyond, which are allowed 5 % of the exact count.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, it } from 'node:test'
import { inTextOrder, type Row, readJob, runTopics, type TopicRecord } from '../job/run-topics.ts'
import { type Events, loadEvents, PARTITIONS } from './tables.ts'

const EVENTS = 100_000

/** A hundred seconds for windows of seconds, and more than a day for those of days. */
const fast = loadEvents({ count: EVENTS, eventsPerSecond: 1_000 })
const slow = loadEvents({ count: EVENTS, eventsPerSecond: 1 })

/** A table that is there before the first event. */
const GROUPS = Array.from({ length: 100 }, (_, id) => ({ id, value: `group ${id}`, from: 0 }))

const topicsOf = ({ all }: Events): TopicRecord[] => [
  ...GROUPS.map((value) => ({ topic: 'groups', value })),
  ...all.map(({ kind, value }) => ({ topic: `${kind}s`, value })),
]

interface Query {
  readonly job: string
  readonly events?: Events
  /** What a row is compared by, in the order of the columns of the reference. */
  readonly columns: (row: Row) => readonly unknown[]
  readonly sql: string
  /** From this column on, counts that are sketches. */
  readonly sketchesFrom?: number
}

const fields =
  (...names: readonly string[]) =>
  (row: Row): readonly unknown[] =>
    names.map((name) => row[name])

const RANKS = (column: string) => `
  count(DISTINCT ${column}),
  count(DISTINCT CASE WHEN price < 10000 THEN ${column} END),
  count(DISTINCT CASE WHEN price >= 10000 AND price < 1000000 THEN ${column} END),
  count(DISTINCT CASE WHEN price >= 1000000 THEN ${column} END)`
const COUNTS = `count(*), count(*) FILTER (WHERE price < 10000),
  count(*) FILTER (WHERE price >= 10000 AND price < 1000000), count(*) FILTER (WHERE price >= 1000000)`
const DAY = `strftime('%Y-%m-%dT00:00:00.000Z', dateTime / 1000, 'unixepoch')`
const startOf = ({ window }: Row): string => (window as { readonly start: string }).start
const endOf = ({ window }: Row): string => (window as { readonly end: string }).end
const DISTINCT = ['bidders', 'bidders1', 'bidders2', 'bidders3', 'auctions', 'auctions1', 'auctions2', 'auctions3']
const ORDER = 'dateTime, partition, offset'

const HOPS = `SELECT auction, (dateTime / 2000 - hop) * 2000 AS start, count(*) AS bids FROM bid,
  (SELECT 0 AS hop UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) GROUP BY 1, 2`

const HOUR = 3_600_000
const IN_TIME = `SELECT auction, expires, bidder, price, bid.dateTime AS at, seller, category FROM bid JOIN auction ON auction = id
  WHERE bid.dateTime BETWEEN auction.dateTime AND expires`
/** The highest bid of each auction while it was open. */
const WINNING = `SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC, at) AS place FROM (${IN_TIME}))
  WHERE place = 1`

const QUERIES: readonly Query[] = [
  {
    job: 'q00-pass-through',
    columns: fields('auction', 'bidder', 'price', 'dateTime', 'extra'),
    sql: 'SELECT auction, bidder, price, dateTime, extra FROM bid',
  },
  {
    job: 'q01-currency',
    columns: fields('auction', 'bidder', 'price', 'dateTime', 'extra'),
    sql: 'SELECT auction, bidder, 0.908 * price, dateTime, extra FROM bid',
  },
  {
    job: 'q02-selection',
    columns: fields('auction', 'price'),
    sql: 'SELECT auction, price FROM bid WHERE auction % 123 = 0',
  },
  {
    job: 'q03-local-items',
    columns: fields('name', 'city', 'state', 'id'),
    sql: `SELECT name, city, state, auction.id FROM auction JOIN person ON seller = person.id
      WHERE category = 10 AND state IN ('OR', 'ID', 'CA')`,
  },
  {
    job: 'q04-category-averages',
    columns: (row) => [row.key, row.mean],
    sql: `SELECT category, avg(price) FROM (${WINNING}) GROUP BY category`,
  },
  {
    job: 'q05-hot-items',
    columns: (row) => [
      Date.parse(endOf(row)),
      row.bids,
      JSON.stringify((row.auctions as readonly number[]).toSorted((a, b) => a - b)),
    ],
    sql: `WITH counts AS (${HOPS}) SELECT start + 10000, bids, json_group_array(auction) FROM (SELECT * FROM counts JOIN
      (SELECT start, max(bids) AS bids FROM counts GROUP BY start) USING (start, bids) ORDER BY auction) GROUP BY start, bids`,
  },
  {
    job: 'q06-seller-averages',
    columns: (row) => [row.key, Date.parse(String(row.time)), row.mean],
    sql: `SELECT seller, last + ${HOUR - 1}, avg(price) OVER (PARTITION BY seller
      ORDER BY last, unit(auction), first, CAST(auction AS TEXT) ROWS 9 PRECEDING)
      FROM (${WINNING}) JOIN (SELECT auction, min(at) AS first, max(at) AS last FROM (${IN_TIME}) GROUP BY auction) USING (auction)`,
  },
  {
    job: 'q07-highest-bid',
    columns: (row) => [
      Date.parse(startOf(row)),
      row.price,
      JSON.stringify((row.bids as readonly Row[]).map(({ auction, bidder, dateTime }) => [auction, bidder, dateTime])),
    ],
    sql: `SELECT dateTime / 10000 * 10000 AS start, price, json_group_array(json_array(auction, bidder, dateTime))
      FROM (SELECT *, rank() OVER (PARTITION BY dateTime / 10000 ORDER BY price DESC) AS place FROM bid ORDER BY ${ORDER})
      WHERE place = 1 GROUP BY start, price`,
  },
  {
    job: 'q08-new-users',
    columns: fields('id', 'name', 'auction'),
    sql: `SELECT person.id, name, auction.id AS auction FROM person JOIN auction ON person.id = seller
      AND person.dateTime / 10000 = auction.dateTime / 10000`,
  },
  {
    job: 'q09-winning-bids',
    columns: ({ key, winner, expires }) => [
      key,
      expires,
      ...fields('bidder', 'price', 'dateTime', 'seller', 'category')(winner as Row),
    ],
    sql: `SELECT auction, expires, bidder, price, at, seller, category FROM (${WINNING})`,
  },
  {
    job: 'q10-log-to-files',
    events: slow,
    columns: fields('auction', 'bidder', 'price', 'dateTime', 'extra', 'day', 'minute'),
    sql: `SELECT auction, bidder, price, dateTime, extra, strftime('%Y-%m-%d', dateTime / 1000, 'unixepoch'),
      strftime('%H:%M', dateTime / 1000, 'unixepoch') FROM bid`,
  },
  {
    job: 'q11-user-sessions',
    columns: (row) => [row.key, Date.parse(startOf(row)), row.bids],
    sql: `WITH marked AS (SELECT *, CASE WHEN dateTime - lag(dateTime) OVER (PARTITION BY bidder ORDER BY ${ORDER}) <= 10000
        THEN 0 ELSE 1 END AS begins FROM bid),
      numbered AS (SELECT *, sum(begins) OVER (PARTITION BY bidder ORDER BY ${ORDER}) AS session FROM marked)
      SELECT bidder, min(dateTime), count(*) FROM numbered GROUP BY bidder, session`,
  },
  {
    job: 'q13-side-input',
    columns: fields('auction', 'bidder', 'price', 'dateTime', 'value'),
    sql: `SELECT auction, bidder, price, dateTime, 'group ' || (auction % 100) FROM bid`,
  },
  {
    job: 'q14-calculation',
    events: slow,
    columns: fields('auction', 'bidder', 'price', 'timeType', 'dateTime', 'extra', 'letters'),
    sql: `SELECT auction, bidder, 0.908 * price, CASE WHEN hour BETWEEN 8 AND 18 THEN 'dayTime'
        WHEN hour <= 6 OR hour >= 20 THEN 'nightTime' ELSE 'otherTime' END,
        dateTime, extra, length(extra) - length(replace(extra, 'c', ''))
      FROM (SELECT *, CAST(strftime('%H', dateTime / 1000, 'unixepoch') AS INTEGER) AS hour FROM bid)
      WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000`,
  },
  {
    job: 'q15-bidding-statistics',
    events: slow,
    columns: (row) => [startOf(row), ...fields('bids', 'rank1', 'rank2', 'rank3', ...DISTINCT)(row)],
    sql: `SELECT ${DAY}, ${COUNTS}, ${RANKS('bidder')}, ${RANKS('auction')} FROM bid GROUP BY 1`,
    sketchesFrom: 5,
  },
  {
    job: 'q16-channel-statistics',
    events: slow,
    columns: (row) => [row.key, startOf(row), ...fields('minute', 'bids', 'rank1', 'rank2', 'rank3', ...DISTINCT)(row)],
    sql: `SELECT channel, ${DAY}, strftime('%H:%M', max(dateTime) / 1000, 'unixepoch'), ${COUNTS}, ${RANKS('bidder')},
      ${RANKS('auction')} FROM bid GROUP BY 1, 2`,
    sketchesFrom: 7,
  },
  {
    job: 'q17-auction-statistics',
    events: slow,
    columns: (row) => [
      row.key,
      startOf(row),
      ...fields('bids', 'rank1', 'rank2', 'rank3', 'least', 'most', 'mean', 'total')(row),
    ],
    sql: `SELECT auction, ${DAY}, ${COUNTS}, min(price), max(price), avg(price), sum(price) FROM bid GROUP BY 1, 2`,
  },
  {
    job: 'q18-last-bid',
    columns: (row) => [
      ...(row.key as readonly unknown[]),
      ...fields('price', 'channel', 'url', 'dateTime', 'extra')(row),
    ],
    sql: `SELECT bidder, auction, price, channel, url, dateTime, extra FROM (SELECT *, row_number() OVER
      (PARTITION BY bidder, auction ORDER BY dateTime DESC, partition DESC, offset DESC) AS place FROM bid) WHERE place = 1`,
  },
  {
    job: 'q19-top-ten',
    columns: (row) => [
      row.key,
      JSON.stringify((row.top as readonly Row[]).map(({ bidder, price, dateTime }) => [bidder, price, dateTime])),
    ],
    sql: `SELECT auction, json_group_array(json_array(bidder, price, dateTime)) FROM (SELECT *, row_number() OVER
        (PARTITION BY auction ORDER BY price DESC, ${ORDER}) AS place FROM bid ORDER BY auction, place)
      WHERE place <= 10 GROUP BY auction`,
  },
  {
    job: 'q20-bids-with-auctions',
    columns: fields('auction', 'bidder', 'price', 'bidTime', 'item', 'seller', 'reserve', 'expires'),
    sql: `SELECT auction, bidder, price, bid.dateTime, itemName, seller, reserve, expires FROM bid JOIN auction ON auction = id
      WHERE category = 10`,
  },
  {
    job: 'q21-channel-id',
    columns: fields('auction', 'bidder', 'price', 'channel', 'channelId'),
    sql: `SELECT * FROM (SELECT auction, bidder, price, channel, CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1'
        WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3' ELSE CASE WHEN instr(url, 'channel_id=') > 0
          THEN substr(url, instr(url, 'channel_id=') + 11) END END AS channelId FROM bid) WHERE channelId IS NOT NULL`,
  },
  {
    job: 'q22-directories',
    columns: fields('auction', 'bidder', 'price', 'channel', 'dir1', 'dir2', 'dir3'),
    sql: `SELECT auction, bidder, price, channel, substr(url, 25, 5), substr(url, 31, 5), substr(url, 37, 5) FROM bid`,
  },
]

const resultsOf = ({ job, events = fast }: Query): readonly Row[] =>
  runTopics(readJob(`configs/nexmark/${job}.yaml`), topicsOf(events), PARTITIONS)

describe('Nexmark', () => {
  for (const query of QUERIES) {
    const { job, events = fast, columns, sql, sketchesFrom } = query
    it(job, () => {
      const found = inTextOrder(resultsOf(query).map(columns))
      const expected = inTextOrder(events.database.prepare(sql).all().map(Object.values))
      assert.ok(expected.length > 0)
      assert.equal(found.length, expected.length)
      found.forEach((row, i) => {
        assertRow(row, expected[i] as readonly unknown[], sketchesFrom ?? row.length)
      })
    })
  }

  it('has a job for each file', () => {
    const files = readdirSync(new URL('../../configs/nexmark/', import.meta.url)).filter((name) =>
      name.endsWith('.yaml'),
    )
    assert.deepEqual(files.sort(), QUERIES.map(({ job }) => `${job}.yaml`).sort())
  })
})

function assertRow(found: readonly unknown[], expected: readonly unknown[], sketchesFrom: number): void {
  assert.deepEqual(found.slice(0, sketchesFrom), expected.slice(0, sketchesFrom))
  for (let i = sketchesFrom; i < found.length; i++) {
    const [sketch, exact] = [Number(found[i]), Number(expected[i])]
    assert.ok(Math.abs(sketch - exact) <= (exact <= 256 ? 0 : exact * 0.05), `${sketch} distinct, exactly ${exact}`)
  }
}
