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
  recordsIn: nothing,
  rowsOut: nothing,
  late: nothing,
  deadLetters: nothing,
  lag: nothing,
  watermarkGap: nothing,
  eventToCommit: nothing,
  openWindows: nothing,
  stateBytes: nothing,
  vote: nothing,
  certificate: nothing,
  divergence: nothing,
  hedgedCommit: nothing,
  readRepair: nothing,
  gossipRoundTrip: nothing,
  members: nothing,
  forgetJob: async () => undefined,
  metricsText: async () => '',
}
