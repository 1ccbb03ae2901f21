/** Every bound of the HTTP API, in one place, with what happens at it. Job documents are bound by LIMITS.documentBytes. */
export const HTTP_LIMITS = {
  /** Rows or certificates a page; a larger `limit` is refused. */
  pageRows: 1_000,
  pageDefault: 100,
  /** Characters of a cursor; a longer one is refused. */
  cursorLength: 1_024,
  /** Characters of a key in a query; a longer one is refused. */
  keyLength: 16_384,
  /** Events kept for resumption; the oldest go first, and a client that asks for one of them is told of the gap. */
  eventHistory: 2_048,
  /** Events written to a client at once; the rest waits in the history until the client has read them. */
  eventBatch: 64,
  /** Event streams at a time; the next one is refused with QRT_UNREACHABLE. */
  eventClients: 64,
  /** Tokens of a file; more are a configuration error. */
  tokens: 256,
} as const

export const HTTP_TIMING = {
  /** A comment is sent on a silent event stream this often, so that proxies and clients see it alive. */
  eventHeartbeatMs: 15_000,
  /** What a client is told to wait before it reconnects. */
  eventRetryMs: 1_000,
  /** A request must have arrived in whole after this long; answers may take longer. */
  requestMs: 30_000,
} as const
