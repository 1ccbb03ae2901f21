/** What fetching knows of a subscription beyond what delivery does. */
import type { Subscription } from '../subscription.ts'

export interface FetchState {
  /** The broker to ask; undefined while metadata has to tell. */
  leader: number | undefined
  leaderEpoch: number
  /** The generation that is being fetched. */
  inFlight: number | undefined
  /** The generation that was at the end of the partition at its last fetch. */
  atEnd: number | undefined
  /** When it last brought records, as a count of fetches: those that waited longest are asked for first. */
  served: number
  /** Failed fetches in a row. */
  failures: number
  /** Only metadata asked for after this request tells which topic it is. */
  metadataAfter: number
  /** Since when metadata has not known the topic or the partition. */
  missingSince: number | undefined
  /** Gaps between batches are what compaction left. */
  gapsAllowed: boolean
  /** A question about it is under way; it is not fetched meanwhile. */
  asking: boolean
}

export const newFetchState = (metadataAfter: number): FetchState => ({
  leader: undefined,
  leaderEpoch: -1,
  inFlight: undefined,
  atEnd: undefined,
  served: 0,
  failures: 0,
  metadataAfter,
  missingSince: undefined,
  gapsAllowed: false,
  asking: false,
})

/** One subscription in one request. */
export interface Asked {
  readonly subscription: Subscription
  readonly state: FetchState
  readonly generation: number
  readonly topicId: string
  readonly leaderEpoch: number
  readonly offset: number
}

export const isCurrent = ({ subscription, generation }: Asked): boolean =>
  subscription.generation === generation && subscription.state !== 'removed' && subscription.state !== 'halted'
