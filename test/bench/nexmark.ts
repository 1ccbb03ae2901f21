/**
 * Events of the Nexmark benchmark (Tucker, Tufte, Papadimos, Maier, 2008; the parameters of the generator in Apache Beam): of
 * 50 events 1 is a person, 3 are auctions and 46 bids; half of the bids are for the hot auction, the others for one of the
 * last hundred; prices spread evenly over six orders of magnitude. Seeded: the same events in every run.
 */
import { type Random, seededRandom } from '../../mesh/random.ts'
import { pick } from '../pick.ts'

export interface Person {
  readonly id: number
  readonly name: string
  readonly emailAddress: string
  readonly city: string
  readonly state: string
  /** Epoch milliseconds. */
  readonly dateTime: number
}

export interface Auction {
  readonly id: number
  readonly itemName: string
  /** Cents. */
  readonly initialBid: number
  readonly reserve: number
  readonly dateTime: number
  readonly expires: number
  readonly seller: number
  readonly category: number
}

export interface Bid {
  readonly auction: number
  readonly bidder: number
  /** Cents. */
  readonly price: number
  readonly channel: string
  readonly url: string
  /** Epoch milliseconds. */
  readonly dateTime: number
  readonly extra: string
}

export type NexmarkEvent =
  | { readonly kind: 'person'; readonly value: Person }
  | { readonly kind: 'auction'; readonly value: Auction }
  | { readonly kind: 'bid'; readonly value: Bid }

export interface EventOptions {
  readonly count: number
  readonly seed?: number
  /** Events of all kinds a second of event time. */
  readonly eventsPerSecond?: number
}

const PERSONS = 1
const AUCTIONS = 3
const EVENTS = 50
const FIRST_AUCTION = 1_000
const FIRST_PERSON = 1_000
const FIRST_CATEGORY = 10
const CATEGORIES = 5
const IN_FLIGHT_AUCTIONS = 100
const AUCTION_LEAD = 10
const ACTIVE_PERSONS = 1_000
const PERSON_LEAD = 10
const HOT_SELLERS = 4
const HOT_SELLER_SPAN = 100
const HOT_AUCTIONS = 2
const HOT_AUCTION_SPAN = 100
const HOT_BIDDERS = 4
const HOT_BIDDER_SPAN = 100
const HOT_CHANNELS = ['Google', 'Facebook', 'Baidu', 'Apple']
const CHANNELS = 10_000
const EPOCH_MS = Date.UTC(2015, 6, 15)

const STATES = ['AZ', 'CA', 'ID', 'OR', 'WA', 'WY']
const CITIES = ['Phoenix', 'Los Angeles', 'San Francisco', 'Boise', 'Portland', 'Bend', 'Redmond', 'Seattle', 'Kent']
const FIRST_NAMES = ['Peter', 'Paul', 'Luke', 'John', 'Saul', 'Vicky', 'Kate', 'Julie', 'Sarah', 'Deiter', 'Walter']
const LAST_NAMES = ['Shultz', 'Abrams', 'Spencer', 'White', 'Bartels', 'Walton', 'Smith', 'Jones', 'Noris']

/** `count` events of all kinds. */
export function* events({ count, seed = 1, eventsPerSecond = 10_000 }: EventOptions): Generator<NexmarkEvent> {
  const random = seededRandom(seed)
  for (let event = 0; event < count; event++) {
    const dateTime = EPOCH_MS + Math.floor((event * 1000) / eventsPerSecond)
    const kind = event % EVENTS
    const epoch = Math.floor(event / EVENTS)
    if (kind < PERSONS) yield { kind: 'person', value: person(epoch, dateTime, random) }
    else if (kind < PERSONS + AUCTIONS) {
      const id = epoch * AUCTIONS + kind - PERSONS
      yield { kind: 'auction', value: auction(id, epoch, dateTime, eventsPerSecond, random) }
    } else yield { kind: 'bid', value: bid(epoch, dateTime, random) }
  }
}

/** `count` bids, as they are among the events. */
export function* bids({ count, ...options }: EventOptions): Generator<Bid> {
  const all = Math.ceil(count / (EVENTS - PERSONS - AUCTIONS)) * EVENTS
  let made = 0
  for (const event of events({ ...options, count: all })) {
    if (event.kind !== 'bid') continue
    if (made === count) return
    made += 1
    yield event.value
  }
}

function person(id: number, dateTime: number, random: Random): Person {
  const name = `${pick(FIRST_NAMES, random)} ${pick(LAST_NAMES, random)}`
  return {
    id: FIRST_PERSON + id,
    name,
    emailAddress: `${name.toLowerCase().replace(' ', '.')}@example.com`,
    city: pick(CITIES, random),
    state: pick(STATES, random),
    dateTime,
  }
}

function auction(id: number, epoch: number, dateTime: number, eventsPerSecond: number, random: Random): Auction {
  const initialBid = price(random)
  const lastPerson = epoch * PERSONS
  const seller =
    random.below(HOT_SELLERS) > 0
      ? Math.floor(lastPerson / HOT_SELLER_SPAN) * HOT_SELLER_SPAN
      : recent(lastPerson, ACTIVE_PERSONS, PERSON_LEAD, random.next())
  // As long as a hundred auctions take to come, on average.
  const horizonMs = Math.max(1, Math.floor((IN_FLIGHT_AUCTIONS * EVENTS * 1000) / AUCTIONS / eventsPerSecond))
  return {
    id: FIRST_AUCTION + id,
    itemName: `item ${random.below(1_000_000)}`,
    initialBid,
    reserve: initialBid + price(random),
    dateTime,
    expires: dateTime + 1 + random.below(2 * horizonMs),
    seller: FIRST_PERSON + seller,
    category: FIRST_CATEGORY + random.below(CATEGORIES),
  }
}

function bid(epoch: number, dateTime: number, random: Random): Bid {
  const lastAuction = epoch * AUCTIONS + AUCTIONS - 1
  const lastPerson = epoch * PERSONS + PERSONS - 1
  const hot = random.below(HOT_AUCTIONS) > 0
  const auction = hot
    ? Math.floor(lastAuction / HOT_AUCTION_SPAN) * HOT_AUCTION_SPAN
    : recent(lastAuction, IN_FLIGHT_AUCTIONS, AUCTION_LEAD, random.next())
  const bidder =
    random.below(HOT_BIDDERS) > 0
      ? Math.floor(lastPerson / HOT_BIDDER_SPAN) * HOT_BIDDER_SPAN + 1
      : recent(lastPerson, ACTIVE_PERSONS, 1, random.next())
  const hotChannel = random.below(2) > 0
  const number = random.below(CHANNELS)
  const path = Array.from({ length: 3 }, () => word(random)).join('/')
  const url = `https://www.nexmark.com/${path}/item.htm?query=${random.below(1_000_000)}`
  return {
    auction: FIRST_AUCTION + auction,
    bidder: FIRST_PERSON + bidder,
    price: price(random),
    channel: hotChannel ? (HOT_CHANNELS[number % HOT_CHANNELS.length] ?? '') : `channel-${number}`,
    // One in ten of the others does not say where it comes from.
    url: hotChannel || number % 10 === 0 ? url : `${url}&channel_id=${number * 7919}`,
    dateTime,
    extra: word(random).repeat(random.below(4)),
  }
}

const price = (random: Random): number => Math.round(10 ** (random.next() * 6) * 100)

const LETTERS = 'abcdefgh_'
const word = (random: Random): string => Array.from({ length: 5 }, () => LETTERS[random.below(LETTERS.length)]).join('')

function recent(last: number, span: number, lead: number, share: number): number {
  const from = Math.max(0, last - span)
  return from + Math.floor(share * (last - from + 1 + lead))
}
