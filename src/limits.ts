/** Every bound of what `src` keeps, in one place, with what happens at it. */
export const LIMITS = {
  /** Uncertified or uncommitted cut parts of a unit; at the bound its source pauses. */
  runAheadCuts: 64,
  /** The same in bytes of bodies. */
  runAheadBytes: 32 * 1024 * 1024,
  /** Job documents; a larger one is refused with QRT_BODY_TOO_LARGE. */
  documentBytes: 256 * 1024,
} as const

/** Durations of the hosts, in milliseconds. */
export const HOST_TIMING = {
  /** How often wishes are reviewed. */
  tickMs: 25,
  /** Each rank of the preference list waits this much longer before it writes to a sink. */
  hedgeAfterMs: 300,
  /** First wait after another committer fenced this one; doubled up to the maximum while there is no progress. */
  fencedWaitMs: 1_000,
  fencedWaitMaxMs: 30_000,
  /** First wait after a sink could not be reached; doubled up to the maximum. */
  retryMs: 100,
  retryMaxMs: 5_000,
} as const
