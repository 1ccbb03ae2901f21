/** Names of functions that are more than functions of values. */

/** Functions over the records of a window. */
export const AGGREGATES: readonly string[] = [
  'count',
  'sum',
  'avg',
  'min',
  'max',
  'variance',
  'var_samp',
  'stddev',
  'stddev_samp',
  'median',
  'quantile',
  'topk',
  'first',
  'last',
  'collect',
]

/** Kinds of windows, in GROUP BY. */
export const WINDOWS: readonly string[] = ['tumble', 'hop', 'session', 'calendar']
