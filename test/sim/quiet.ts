/** What a simulated peer tells of itself goes nowhere, or to a checker. */
import type { Logger } from '../../src/logger.ts'
import type { Metrics } from '../../src/metrics.ts'

const nothing = (): void => undefined

export const quietLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => quietLogger,
}

export const quietMetrics: Metrics = {
  jobAdded: nothing,
  recordsIn: nothing,
  rowsOut: nothing,
  late: nothing,
  deadLetters: nothing,
  eventToCommit: nothing,
  vote: nothing,
  voter: nothing,
  certificate: nothing,
  divergence: nothing,
  hedgedCommit: nothing,
  readRepair: nothing,
  gossipRoundTrip: nothing,
  storeWrite: nothing,
  forgetJob: async () => undefined,
  metricsText: async () => '',
}
