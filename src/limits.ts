/** Every bound of what `src` keeps, in one place, with what happens at it. */
export const LIMITS = {
  /** Uncertified or uncommitted cut parts of a unit; at the bound its source pauses. */
  runAheadCuts: 64,
  /** The same in bytes of bodies. */
  runAheadBytes: 32 * 1024 * 1024,
  /** Job documents; a larger one is refused with QRT_BODY_TOO_LARGE. */
  documentBytes: 256 * 1024,
} as const
