/**
 * Bids of the Nexmark benchmark (Tucker, Tufte, Papadimos, Maier, 2008; the parameters of the generator in Apache Beam): of
 * 50 events 1 is a person, 3 are auctions and 46 bids; half of the bids are for the hot auction, the others for one of the
 * last hundred; prices spread evenly over six orders of magnitude. Seeded: the same bids in every run.
 */
import { seededRandom } from '../../mesh/random.ts'

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

export interface BidOptions {
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
const IN_FLIGHT_AUCTIONS = 100
const AUCTION_LEAD = 10
const ACTIVE_PERSONS = 1_000
const HOT_AUCTIONS = 2
const HOT_AUCTION_SPAN = 100
const HOT_BIDDERS = 4
const HOT_BIDDER_SPAN = 100
const HOT_CHANNELS = ['Google', 'Facebook', 'Baidu', 'Apple']
const CHANNELS = 10_000
const EPOCH_MS = Date.UTC(2015, 6, 15)

export function* bids({ count, seed = 1, eventsPerSecond = 10_000 }: BidOptions): Generator<Bid> {
  const random = seededRandom(seed)
  let made = 0
  for (let event = 0; made < count; event++) {
    const kind = event % EVENTS
    if (kind < PERSONS + AUCTIONS) continue
    const epoch = Math.floor(event / EVENTS)
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
    const channel = hotChannel ? HOT_CHANNELS[random.below(HOT_CHANNELS.length)] : `channel-${random.below(CHANNELS)}`
    made += 1
    yield {
      auction: FIRST_AUCTION + auction,
      bidder: FIRST_PERSON + bidder,
      price: Math.round(10 ** (random.next() * 6) * 100),
      channel: channel ?? '',
      url: `https://www.nexmark.com/item.htm?query=${random.below(1_000_000)}`,
      dateTime: EPOCH_MS + Math.floor((event * 1000) / eventsPerSecond),
      extra: 'n'.repeat(random.below(16)),
    }
  }
}

function recent(last: number, span: number, lead: number, share: number): number {
  const from = Math.max(0, last - span)
  return from + Math.floor(share * (last - from + 1 + lead))
}
