/** Every bound of what `src` keeps, in one place, with what happens at it. */
export const LIMITS = {
  /** Uncertified or uncommitted cut parts of a unit; at the bound its source pauses. */
  runAheadCuts: 64,
  /** The same in bytes of bodies. */
  runAheadBytes: 32 * 1024 * 1024,
  /** Batches that go to a sink at once, and their bytes; a larger one goes alone. */
  commitBatches: 64,
  commitBytes: 4 * 1024 * 1024,
  /** Certified bytes that a sink does not have yet; at the bound the unit's source pauses. */
  sinkBacklogBytes: 64 * 1024 * 1024,
  /** Terms of a unit that no checkpoint holds yet, and that go with its results to every sink; at the bound its source pauses. */
  heldTerms: 256,
  /** Batches that this peer keeps in memory for commits and reads; the oldest are read from disk again. */
  batchCacheBytes: 64 * 1024 * 1024,
  /** Dead letters or certificates in one answer to another peer; it asks again for the rest. */
  answerItems: 256,
  /** Divergences that status remembers; the oldest go first. */
  divergences: 256,
  /** Job documents; a larger one is refused with QRT_BODY_TOO_LARGE. */
  documentBytes: 256 * 1024,
  /** The text of a module of functions; a larger one is refused at start. */
  functionBytes: 1024 * 1024,
} as const

/** Durations of the hosts, in milliseconds. */
export const HOST_TIMING = {
  /** How often wishes are reviewed. */
  tickMs: 25,
  /** A worker thread that shows no life for so long is ended. */
  hangMs: 10_000,
  /** A replica that cannot take a record, and that nobody helps, tries again after this. */
  stuckRetryMs: 30_000,
  /** A replica that diverges again waits before it starts once more, doubled up to the maximum. */
  divergedWaitMs: 500,
  divergedWaitMaxMs: 60_000,
  /** Units of a worker that ended start again after this long. */
  workerRestartMs: 500,
  /** What a peer says of itself counts against its divergence from then on: what it said before may still be what is known. */
  divergedLatelyMs: 5_000,
  /** As many of a unit's new replicas as certify wait so long for the rest of them to catch up. */
  learnerGraceMs: 10_000,
  /** A replica without a snapshot leaves the proposal of a gap for so long to those that have one: they give up less. */
  gapGraceMs: 5_000,
  /** A unit that nobody could hand over is asked for again after this. */
  joinRetryMs: 500,
  /** Whoever handed over what does not check is asked again after this, doubled up to the maximum. */
  unsoundWaitMs: 1_000,
  unsoundWaitMaxMs: 30_000,
  /** What is kept on disk is reviewed this often. */
  trimMs: 10_000,
  /** Each rank of the preference list waits this much longer before it writes to a sink. */
  hedgeAfterMs: 300,
  /** Doubled up to this while a rank that wrote finds that somebody else was faster. */
  hedgeMaxMs: 5_000,
  /** Each peer looks this often whether source topics of jobs have other numbers of partitions. */
  growthMs: 30_000,
  /** A unit's snapshots go to a checkpoint no more often than this. */
  checkpointMs: 10_000,
  /** A job, or a revision of it, that no checkpoint is known to name is looked for there this often. */
  keptLookMs: 500,
  /** Whether replicas write to one directory is looked into again after this. */
  sharingMs: 10_000,
  /** First wait after another committer fenced this one; doubled up to the maximum while there is no progress. */
  fencedWaitMs: 1_000,
  fencedWaitMaxMs: 30_000,
  /** First wait after a sink could not be reached; doubled up to the maximum. */
  retryMs: 100,
  retryMaxMs: 5_000,
} as const
