/**
 * Time as the cores see it: an argument. An `Instant` is milliseconds on a clock that only rises within one process;
 * it is never compared between peers and never written to disk.
 */
export type Instant = number

export interface Clock {
  now(): Instant
  /** Runs `action` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, action: () => void): () => void
}

/** The process's monotonic clock. */
export const monotonicClock: Clock = {
  now: () => performance.now(),
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs)
    return () => clearTimeout(timer)
  },
}
