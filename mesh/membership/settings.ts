/**
 * Every setting of membership with its meaning, its formula and its default. Durations are milliseconds. Sources: SWIM
 * (Das, Gupta, Motivala, 2002), Lifeguard (Dadgar, Phillips, Currey, 2018); defaults near memberlist's LAN profile.
 */
export interface MembershipSettings {
  /** One member is probed per interval, times the health multiplier. A probe ends, and fails, after one interval. */
  readonly probeIntervalMs: number
  /** Without a direct ack after this long, times the health multiplier, other peers are asked to probe. */
  readonly probeTimeoutMs: number
  /** Peers asked to probe on our behalf. */
  readonly indirectProbes: number
  /** A peer asked to probe answers "no ack yet" after this share of the probe timeout, to show that itself is well. */
  readonly nackShare: number
  /** Least suspicion: suspicionFactor × max(1, log10(members)) × probeInterval = 5 s up to 10 members. */
  readonly suspicionFactor: number
  /** Longest suspicion, without any confirmation: this many times the least. */
  readonly suspicionMaxFactor: number
  /** Independent confirmations that bring a suspicion down to the least; at most members − 2 can come. */
  readonly suspicionConfirmations: number
  /** Highest local health score; probe interval and timeout are multiplied by score + 1. */
  readonly healthMax: number
  /** Waiting rumors are sent this often to `gossipFanout` random connected peers, besides riding on probes. */
  readonly gossipIntervalMs: number
  readonly gossipFanout: number
  /** A rumor is sent retransmitFactor × ⌈log10(members + 1)⌉ times. */
  readonly retransmitFactor: number
  /** Rumors in one message take at most this many bytes; the rest rides on later messages. */
  readonly rumorBytes: number
  /** The whole table is exchanged with a random connected peer this often, and with everybody who connects. */
  readonly syncIntervalMs: number
  /** A dead or departed member is forgotten this long after it became so. */
  readonly rememberMs: number
  /** Members in the table; the longest dead make room, and living ones beyond it are refused and counted. */
  readonly maxMembers: number
  /** Probes running on behalf of others; further requests are dropped, and the asker misses a nack. */
  readonly maxRelays: number
  /** Wait between dials of one address: doubles from the least to the most, each time ±50 %. */
  readonly dialMinMs: number
  readonly dialMaxMs: number
  /** Of two members that lack a connection, the one with the higher id dials this much later. */
  readonly dialDeferMs: number
  /**
   * A connection is ended, to be dialled anew, when a ping on it has waited this long for any message of its peer. Where
   * packets were lost for a while it would come to life by itself, but after minutes: TCP repeats them ever more rarely.
   */
  readonly unansweredMs: number
  /** Ticks further apart than this mean that this process was stopped: what it did not hear then proves nothing. */
  readonly stallMs: number
}

export const DEFAULT_SETTINGS: MembershipSettings = {
  probeIntervalMs: 1_000,
  probeTimeoutMs: 500,
  indirectProbes: 3,
  nackShare: 0.8,
  suspicionFactor: 5,
  suspicionMaxFactor: 6,
  suspicionConfirmations: 2,
  healthMax: 8,
  gossipIntervalMs: 200,
  gossipFanout: 3,
  retransmitFactor: 4,
  rumorBytes: 8_192,
  syncIntervalMs: 15_000,
  rememberMs: 24 * 60 * 60 * 1000,
  maxMembers: 512,
  maxRelays: 128,
  dialMinMs: 250,
  dialMaxMs: 8_000,
  dialDeferMs: 400,
  unansweredMs: 8_000,
  stallMs: 400,
}
