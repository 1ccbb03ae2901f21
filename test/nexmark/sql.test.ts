/** Queries 4, 5 and 9 in SQL: what statements over queries and joins become, beside what SQLite makes of the same events. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseJob } from '../../src/job/parse.ts'
import { compileSql } from '../../src/sql/index.ts'
import { inTextOrder, type Row, runTopics } from '../job/run-topics.ts'
import { loadEvents, PARTITIONS } from './tables.ts'

const { all, database } = loadEvents({ count: 20_000, eventsPerSecond: 1_000 })
const topics = all.map(({ kind, value }) => ({ topic: `${kind}s`, value }))

const TABLES = `
SET quorum.replicas = 3;
SET quorum.write = 2;
SET quorum.read = 2;
CREATE TABLE bids (auction integer NOT NULL, bidder integer NOT NULL, price integer NOT NULL, "dateTime" bigint NOT NULL)
  WITH (topic = 'bids', time = 'dateTime');
CREATE TABLE auctions (id integer NOT NULL, category integer NOT NULL, expires bigint NOT NULL, "dateTime" bigint NOT NULL)
  WITH (topic = 'auctions', time = 'dateTime');
CREATE TABLE persons (id integer NOT NULL, name text NOT NULL, "dateTime" bigint NOT NULL)
  WITH (topic = 'persons', time = 'dateTime', versioned = true);
`

const JOINED = `bids b JOIN auctions a ON b.auction = a.id
  AND a."dateTime" BETWEEN b."dateTime" - INTERVAL '1' HOUR AND b."dateTime"`
const IN_TIME = 'bid b JOIN auction a ON b.auction = a.id AND b.dateTime BETWEEN a.dateTime AND a.expires'

const QUERIES: readonly (readonly [name: string, job: string, reference: string, columns: (row: Row) => unknown[]])[] =
  [
    [
      'what each category sells for on average (4)',
      `SELECT category, avg(sold) AS mean FROM (
       SELECT b.auction, first(a.category) AS category, max(b.price) AS sold FROM ${JOINED}
       WHERE b."dateTime" <= a.expires GROUP BY b.auction, SESSION(b."dateTime", INTERVAL '1' HOUR)
     ) AS won GROUP BY category`,
      `SELECT category, avg(sold) FROM (SELECT category, max(price) AS sold FROM ${IN_TIME} GROUP BY b.auction) GROUP BY category`,
      ({ category, mean }) => [category, mean],
    ],
    [
      'how many bids the hottest auction has in ten seconds (5)',
      `SELECT window_end, max(num) AS most, count(*) AS auctions FROM (
       SELECT auction, count(*) AS num FROM bids GROUP BY auction, HOP("dateTime", INTERVAL '2' SECOND, INTERVAL '10' SECOND)
     ) AS counts GROUP BY window_start, window_end`,
      `SELECT start + 10000, max(bids), count(*) FROM (SELECT auction, (dateTime / 2000 - hop) * 2000 AS start, count(*) AS bids
       FROM bid, (SELECT 0 AS hop UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) GROUP BY 1, 2) GROUP BY start`,
      ({ window_end, most, auctions }) => [window_end, most, auctions],
    ],
    [
      'what bidders are called whose bids were in time, of three tables (9)',
      `SELECT b.auction, b.price, p.name FROM ${JOINED} JOIN persons p ON b.bidder = p.id WHERE b."dateTime" <= a.expires`,
      `SELECT b.auction, price, name FROM ${IN_TIME} JOIN person p ON b.bidder = p.id AND p.dateTime <= b.dateTime`,
      ({ auction, price, name }) => [auction, price, name],
    ],
  ]

describe('Nexmark in SQL', () => {
  for (const [name, text, reference, columns] of QUERIES) {
    it(name, async () => {
      const { yaml } = await compileSql(TABLES + text, 'query.sql', 'query')
      const found = inTextOrder(runTopics(parseJob(yaml, 'yaml', 'query.sql'), topics, PARTITIONS).map(columns))
      const expected = inTextOrder(database.prepare(reference).all().map(Object.values))
      assert.ok(expected.length > 0)
      assert.deepEqual(found, expected)
    })
  }
})
