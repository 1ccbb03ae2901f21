/** Bounds of patterns. A record that would exceed one is a dead letter, QRT_PATTERN_SIZE, and changes nothing. */
export const PATTERN_LIMITS = {
  /** Partial matches of one key, held ones included: what loops and relaxed contiguity can grow to has no other bound. */
  partialMatches: 10_000,
  /** Records of one match. */
  matchRecords: 10_000,
  /** Matches that end with one record, of one item of it: they are numbered within the index of the row. */
  matchesPerRecord: 1_000,
} as const
