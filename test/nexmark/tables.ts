/** The events of Nexmark as tables of SQLite, which computes what each query should give: independently, and in one go. */
import { DatabaseSync } from 'node:sqlite'
import { encodeUtf8, partitionOf } from '../../operators/index.ts'
import { type EventOptions, events, type NexmarkEvent } from '../bench/nexmark.ts'

/** Records are dealt out one after another. */
export const PARTITIONS = 3

export interface Events {
  readonly all: readonly NexmarkEvent[]
  readonly database: DatabaseSync
}

const TABLES = `
  CREATE TABLE person (id INTEGER, name TEXT, emailAddress TEXT, city TEXT, state TEXT, dateTime INTEGER,
    partition INTEGER, offset INTEGER);
  CREATE TABLE auction (id INTEGER, itemName TEXT, initialBid INTEGER, reserve INTEGER, dateTime INTEGER, expires INTEGER,
    seller INTEGER, category INTEGER, partition INTEGER, offset INTEGER);
  CREATE TABLE bid (auction INTEGER, bidder INTEGER, price INTEGER, channel TEXT, url TEXT, dateTime INTEGER, extra TEXT,
    partition INTEGER, offset INTEGER);
  CREATE INDEX bid_auction ON bid (auction);
  CREATE INDEX auction_id ON auction (id);
  CREATE INDEX person_id ON person (id);
`

/** Each kind is a topic of its own, with its records dealt out over the partitions. */
export function loadEvents(options: EventOptions): Events {
  const all = [...events(options)]
  const database = new DatabaseSync(':memory:')
  database.exec(TABLES)
  // What decides between auctions of one time: the unit that their key is in.
  database.function('unit', { deterministic: true }, (auction) =>
    partitionOf(encodeUtf8(String(auction)), 2 * PARTITIONS),
  )
  database.exec('BEGIN')
  const seen = { person: 0, auction: 0, bid: 0 }
  const inserts = {
    person: database.prepare('INSERT INTO person VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    auction: database.prepare('INSERT INTO auction VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    bid: database.prepare('INSERT INTO bid VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'),
  }
  for (const { kind, value } of all) {
    const place = seen[kind]
    seen[kind] += 1
    inserts[kind].run(...Object.values(value), place % PARTITIONS, Math.floor(place / PARTITIONS))
  }
  database.exec('COMMIT')
  return { all, database }
}
